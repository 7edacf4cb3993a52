//! What lines of the log say: each an event by its message, which queries and people look for.

/// An event of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogEvent {
    /// What its line says, always the same.
    pub message: &'static str,
    /// The fields of its line, beside those that every line has. One that is not always there ends
    /// with a question mark.
    pub fields: &'static [&'static str],
}

impl LogEvent {
    const fn new(message: &'static str, fields: &'static [&'static str]) -> Self {
        Self { message, fields }
    }
}

/// An invocation of an agent begins.
pub(super) const STARTED: &str = "agent invocation started";
/// The WebSocket to the agent is open.
pub(super) const CONNECTED: &str = "websocket connected";
/// An attempt has failed, and another follows.
pub(super) const RETRYING: &str = "retrying";
/// The reply has ended or broken off.
pub(super) const FINISHED: &str = "stream finished";
/// The WebSocket is closed.
pub(super) const CLOSED: &str = "websocket closed";
/// The caller has its answer, or has gone.
pub(super) const COMPLETE: &str = "agent invocation complete";
/// The caller is told an error.
pub(super) const FAILED: &str = "agent invocation failed";
/// The numbers of an invocation, for CloudWatch.
pub(super) const MEASURED: &str = "agent invocation metrics";
/// The control plane could not be asked, or did not say.
pub(super) const STATUS_UNKNOWN: &str = "agent status unknown";
/// A session was ended, or was not there.
pub(super) const SESSION_ENDED: &str = "session ended";
/// A session could not be ended.
pub(super) const SESSION_NOT_ENDED: &str = "session not ended";
/// A session could not be started before there is a prompt.
pub(super) const NOT_PREWARMED: &str = "session not started";
/// A caller was given an address of its own to an agent.
pub(super) const HANDED_OUT: &str = "connection handed out";
/// There was no address to give.
pub(super) const NOT_HANDED_OUT: &str = "connection not handed out";
/// An agent's ARN is malformed.
pub(super) const MISCONFIGURED: &str = "agent is not configured: malformed ARN";
/// Something of ours that nobody foresaw.
pub(super) const PANICKED: &str = "panicked";
/// Lambda gave no invocation; it is asked again.
pub(super) const NO_INVOCATION: &str = "no invocation from lambda";
/// Lambda did not take an answer, or not all of it.
pub(super) const NOT_TAKEN: &str = "answer not taken";
/// A version that is about to be deployed works, as far as can be seen.
pub(super) const VERSION_ACCEPTED: &str = "new version accepted";
/// A version that is about to be deployed does not work.
pub(super) const VERSION_REFUSED: &str = "new version refused";
/// What is known of a new version could not be compared with the live one.
pub(super) const NOT_COMPARED: &str = "new version not compared";
/// CodeDeploy could not be told.
pub(super) const NOT_REPORTED: &str = "deployment not told";
/// Nobody reads standard output, or not fast enough.
pub(super) const LINES_LOST: &str = "log lines were lost";

/// What to look at where a reply had no text.
pub(super) const NO_TEXT: &str = "the reply had no text: see docs/operate.md#an-empty-reply; \
    `messages` is what the agent sent, `unread` the JSON values in no known format";

/// All events.
pub const EVENTS: [LogEvent; 23] = [
    LogEvent::new(
        STARTED,
        &["agentId", "sessionId", "promptLength", "callerId?"],
    ),
    LogEvent::new(
        CONNECTED,
        &["agentId", "sessionId", "attempt", "durationMs"],
    ),
    LogEvent::new(
        RETRYING,
        &["agentId", "sessionId", "attempt", "delayMs", "reason"],
    ),
    LogEvent::new(
        FINISHED,
        &[
            "agentId",
            "sessionId",
            "chunks",
            "bytes",
            "causes?",
            "messages?",
            "unread?",
            "hint?",
        ],
    ),
    LogEvent::new(CLOSED, &["agentId", "sessionId"]),
    LogEvent::new(
        COMPLETE,
        &[
            "agentId",
            "sessionId",
            "durationMs",
            "responseLength",
            "incomplete",
            "cancelled?",
        ],
    ),
    // A request that is refused has no agent and no session yet.
    LogEvent::new(
        FAILED,
        &[
            "agentId?",
            "sessionId?",
            "errorCode",
            "status",
            "phase?",
            "causes",
            "awsErrorType?",
            "awsRequestId?",
            "durationMs?",
        ],
    ),
    // Its fields are the metrics and their dimensions.
    LogEvent::new(MEASURED, &[]),
    LogEvent::new(STATUS_UNKNOWN, &["agentId", "causes"]),
    LogEvent::new(SESSION_ENDED, &["agentId", "sessionId", "durationMs"]),
    LogEvent::new(
        SESSION_NOT_ENDED,
        &["agentId", "sessionId", "errorCode", "status", "causes"],
    ),
    LogEvent::new(
        NOT_PREWARMED,
        &["agentId", "sessionId", "errorCode", "status", "causes"],
    ),
    LogEvent::new(HANDED_OUT, &["agentId", "sessionId", "callerId?"]),
    LogEvent::new(
        NOT_HANDED_OUT,
        &["agentId", "sessionId", "errorCode", "status", "causes"],
    ),
    LogEvent::new(MISCONFIGURED, &["agentId", "cause"]),
    LogEvent::new(PANICKED, &["place"]),
    LogEvent::new(NO_INVOCATION, &["failures", "delayMs", "causes"]),
    LogEvent::new(NOT_TAKEN, &["causes"]),
    LogEvent::new(VERSION_ACCEPTED, &["version", "program"]),
    LogEvent::new(VERSION_REFUSED, &["version", "causes"]),
    LogEvent::new(NOT_COMPARED, &["version", "causes"]),
    LogEvent::new(NOT_REPORTED, &["causes"]),
    LogEvent::new(LINES_LOST, &["lines"]),
];
