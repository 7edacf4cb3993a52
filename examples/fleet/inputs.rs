//! What the simulation is told, each an option of the command line. Quotas are AWS's defaults; prices
//! are examples, to be replaced by your own.

use clap::Args;

macro_rules! inputs {
    ($($name:ident = $default:literal, $help:literal;)*) => {
        #[derive(Clone, Copy, Debug, Default, Args)]
        pub(crate) struct Inputs {
            $(#[arg(long, help = $help, default_value_t = $default)] pub(crate) $name: f64,)*
        }
    };
}

inputs! {
    seed = 1.0, "Another seed is another course of random numbers";
    minutes = 30.0, "How long conversations go on beginning";
    turns = 5.0, "Prompts in a conversation";
    think_s = 20.0, "From a reply to the next prompt, 50 % to 150 % of this";
    slower = 1.0, "How many times slower agents are than the emulator's assistant";
    gateway_rate = 50.0, "The gateway's throttle: requests a second (ThrottlingRate)";
    gateway_burst = 100.0, "The gateway's throttle: requests at once (ThrottlingBurst)";
    concurrency = 1000.0, "The account's concurrency, or the function's reserved one";
    new_environments = 1000.0, "Environments that Lambda adds to a function in 10 s";
    environment_idle_s = 300.0, "How long Lambda keeps an environment that is not used";
    cold_start_s = 0.2, "A cold start: the program's 15 ms, and Lambda's own part";
    instances = 3.0, "Managed Instances, at least; each has one environment";
    at_once = 64.0, "What each of these runs at once";
    busy = 0.5, "The share of that from which on there are to be more of them";
    calls_per_s = 1000.0, "AgentCore's quota of calls to the data plane";
    new_sessions_per_s = 25.0, "AgentCore's quota of new sessions in a second";
    active_sessions = 2500.0, "AgentCore's quota of sessions that live";
    session_idle_s = 900.0, "How long a session lives after its last turn";
    ends_sessions = 0.0, "1: callers end their session (DELETE) after its last turn";
    pool = 10.0, "Micro-VMs that wait for a new session";
    start_min_s = 2.0, "What a micro-VM takes to start where none waits, at least";
    start_max_s = 30.0, "What it takes at most";
    connect_s = 0.03, "DNS, TCP, TLS and upgrade to a session that is there";
    handshake_s = 15.0, "HANDSHAKE_TIMEOUT_MS";
    buffered_s = 25.0, "INVOKE_TIMEOUT_MS of buffered answers";
    streamed_s = 840.0, "INVOKE_TIMEOUT_MS of streams";
    retries = 3.0, "RETRY_MAX_RETRIES";
    gateway_price = 3.5, "Dollars for a million requests to the gateway";
    request_price = 0.2, "Dollars for a million requests to Lambda";
    gb_s_price = 0.000_013_333_4, "Dollars for a GB-second of Lambda";
    memory_gb = 0.5, "The function's memory";
    instance_price = 0.083, "Dollars for an hour of an instance, the management fee included";
    vm_hour_price = 0.004_7, "Dollars for an hour of a session's memory, for as long as it lives";
    turn_hour_price = 0.018, "Dollars for an hour of an agent's processors, while it replies";
}
