//! The line that mends a failure: a policy statement, a variable or a command.

use agentcore_bridge::agent::{Agent, Runtime, RuntimeUser};
use agentcore_bridge::agentcore::error::{
    CredentialsFault, Failure, InvocationError, Phase, Reason, Refusal, RefusalKind, Timeout,
};
use serde_json::json;

/// What mends a failed invocation.
pub(super) fn line(agent: &Agent, runtime: &Runtime, error: &InvocationError) -> String {
    match &error.failure {
        Failure::Refused(refusal) => refused(agent, runtime, refusal),
        Failure::NoCredentials => "aws sso login, then AWS_PROFILE=<profile> in .env".to_owned(),
        Failure::Unreachable => {
            "look at the findings on dns and tls above, and at AWS_ENDPOINT_URL_BEDROCK_AGENTCORE"
                .to_owned()
        }
        Failure::Timeout(Timeout::Connect) => {
            "let this machine out to port 443, or raise CONNECT_TIMEOUT_MS=10000".to_owned()
        }
        Failure::Timeout(Timeout::Handshake) => {
            "the runtime starts slowly: HANDSHAKE_TIMEOUT_MS=30000, or a smaller image".to_owned()
        }
        Failure::Timeout(Timeout::Chunk) => format!(
            "the agent was silent: {} says whether it got {}, or raise CHUNK_TIMEOUT_MS=60000",
            logs(runtime),
            variable(agent, "MESSAGE")
        ),
        Failure::Timeout(Timeout::Invocation) => match error.phase {
            Phase::Stream => format!(
                "the reply has no end that is known: {}=silence:2000, or raise INVOKE_TIMEOUT_MS",
                variable(agent, "REPLY_END")
            ),
            _ => "raise INVOKE_TIMEOUT_MS=60000".to_owned(),
        },
        Failure::AgentError | Failure::Lost | Failure::Violation => logs(runtime),
        Failure::MalformedArn | Failure::NoToken | Failure::Unsignable => {
            format!("look at {}", variable(agent, "ARN"))
        }
    }
}

/// What mends a refusal of the service.
pub(super) fn refused(agent: &Agent, runtime: &Runtime, refusal: &Refusal) -> String {
    match (refusal.reason, refusal.fault) {
        (Some(Reason::Clock { .. }), _) => {
            return "set the clock: sudo timedatectl set-ntp true".to_owned();
        }
        (Some(Reason::NoMmdsV2), _) => {
            return "call UpdateAgentRuntime with metadataConfiguration {\"requireMMDSV2\": true}"
                .to_owned();
        }
        (Some(Reason::OtherAuthorization), _) => {
            return format!("{}=caller", variable(agent, "AUTH"));
        }
        (None, Some(CredentialsFault::Expired)) => {
            return "fetch new credentials: aws sso login, or new keys in .env".to_owned();
        }
        (None, Some(CredentialsFault::Invalid)) => {
            return "look at AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or at AWS_PROFILE".to_owned();
        }
        (None, None) => {}
    }
    match (refusal.kind(), refusal.status) {
        // The second is for the user id, which a prompt of a known caller brings.
        (RefusalKind::Denied, _) if runtime.user != RuntimeUser::default() => policy(
            runtime,
            &[
                "InvokeAgentRuntimeWithWebSocketStream",
                "InvokeAgentRuntimeWithWebSocketStreamForUser",
            ],
        ),
        (RefusalKind::Denied, _) => policy(runtime, &["InvokeAgentRuntimeWithWebSocketStream"]),
        (RefusalKind::NotFound, _) => not_found(agent, runtime),
        (RefusalKind::Unavailable, 402) => {
            "raise the quota of active sessions: Service Quotas, Amazon Bedrock AgentCore"
                .to_owned()
        }
        (RefusalKind::Unavailable, 429) => {
            "wait, and send less at a time, or raise the quota in Service Quotas".to_owned()
        }
        (RefusalKind::Unavailable, 424) => {
            format!("the container fails or still starts: {}", logs(runtime))
        }
        (RefusalKind::Unavailable, _) => "try again in a moment".to_owned(),
        (RefusalKind::Credentials, _) => "fetch new credentials: aws sso login".to_owned(),
        (RefusalKind::Malformed | RefusalKind::Unexpected, _) => format!(
            "look at {} and AWS_ENDPOINT_URL_BEDROCK_AGENTCORE",
            variable(agent, "ARN")
        ),
    }
}

/// A policy statement for actions on a runtime.
pub(super) fn policy(runtime: &Runtime, actions: &[&str]) -> String {
    let arn = runtime.arn.as_str();
    let endpoints = format!("{arn}/runtime-endpoint/*");
    let actions = actions.iter();
    let actions: Vec<_> = actions
        .map(|action| format!("bedrock-agentcore:{action}"))
        .collect();
    statement(&actions, &[arn, &endpoints])
}

/// A policy statement for whoever runs this, and for the role of the function.
pub(super) fn statement(actions: &[String], resources: &[&str]) -> String {
    let statement = json!({ "Effect": "Allow", "Action": actions, "Resource": resources });
    format!("allow it, to the identity above and to the function's role: {statement}")
}

pub(super) fn not_found(agent: &Agent, runtime: &Runtime) -> String {
    let region = runtime.arn.region();
    match &runtime.qualifier {
        Some(_) => format!(
            "{}=<one of> aws bedrock-agentcore-control list-agent-runtime-endpoints \
             --agent-runtime-id {} --region {region}",
            variable(agent, "QUALIFIER"),
            runtime.arn.runtime_id(),
        ),
        None => format!(
            "{}=<one of> aws bedrock-agentcore-control list-agent-runtimes --region {region}",
            variable(agent, "ARN"),
        ),
    }
}

pub(super) fn describe_runtime(runtime: &Runtime) -> String {
    format!(
        "aws bedrock-agentcore-control get-agent-runtime --agent-runtime-id {} --region {} says why",
        runtime.arn.runtime_id(),
        runtime.arn.region(),
    )
}

pub(super) fn empty(agent: &Agent) -> String {
    format!(
        "see in the page of cargo local what it sent, and whether it understood {}",
        variable(agent, "MESSAGE")
    )
}

/// For an agent of the user's own.
pub(super) fn own(is_reachable: bool) -> &'static str {
    if is_reachable {
        "look at the agent's log, and whether it serves a WebSocket at that path"
    } else {
        "start the agent, or change the URL of --agent"
    }
}

fn logs(runtime: &Runtime) -> String {
    let endpoint = runtime.qualifier.as_deref().unwrap_or("DEFAULT");
    format!(
        "aws logs tail /aws/bedrock-agentcore/runtimes/{}-{endpoint} --since 10m --region {}",
        runtime.arn.runtime_id(),
        runtime.arn.region(),
    )
}

fn variable(agent: &Agent, suffix: &str) -> String {
    let name = agent.id.as_str().to_ascii_uppercase().replace('-', "_");
    format!("{name}_AGENT_{suffix}")
}
