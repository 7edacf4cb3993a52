//! What lines of the log say: each an event by its message, which queries and people look for.

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
/// An agent's ARN is malformed.
pub(super) const MISCONFIGURED: &str = "agent is not configured: malformed ARN";
/// Something of ours that nobody foresaw.
pub(super) const PANICKED: &str = "panicked";
/// Lambda gave no invocation; it is asked again.
pub(super) const NO_INVOCATION: &str = "no invocation from lambda";
/// Lambda did not take an answer, or not all of it.
pub(super) const NOT_TAKEN: &str = "answer not taken";
/// Nobody reads standard output, or not fast enough.
pub(super) const LINES_LOST: &str = "log lines were lost";

/// What to look at where a reply had no text.
pub(super) const NO_TEXT: &str = "the reply had no text: see \"An empty reply\" in the README's \
    troubleshooting; `messages` is what the agent sent, `unread` the JSON values in no known format";

/// All events.
pub const EVENTS: [&str; 16] = [
    STARTED,
    CONNECTED,
    RETRYING,
    FINISHED,
    CLOSED,
    COMPLETE,
    FAILED,
    MEASURED,
    STATUS_UNKNOWN,
    SESSION_ENDED,
    SESSION_NOT_ENDED,
    MISCONFIGURED,
    PANICKED,
    NO_INVOCATION,
    NOT_TAKEN,
    LINES_LOST,
];
