//! What the emulator has seen of its clients.

use std::sync::Arc;

use tokio::sync::watch;

/// One connection, from its TCP handshake on, as far as it has got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection {
    /// The HTTP method; empty until the request is there.
    pub method: String,
    /// What the request asks for; none until it is there, and where it asks for nothing known.
    pub operation: Option<Operation>,
    /// The ARN in the path, decoded, if the path is that of an agent.
    pub arn: Option<String>,
    /// Path and query as on the wire; empty until the request is there.
    pub target: String,
    /// The headers in order, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The query's parameters in order, decoded.
    pub query: Vec<(String, String)>,
    /// The runtime's session id: in the query, or in the header for `StopRuntimeSession` and where
    /// the address is not signed.
    pub runtime_session_id: Option<String>,
    /// The HTTP status that was answered, 101 for an upgrade; none as long as none was, or where
    /// the agent answers with something that has none.
    pub status: Option<u16>,
    /// The client's frames in order, control frames too.
    pub frames: Vec<ReceivedFrame>,
    /// The client's messages in order, as text.
    pub messages: Vec<String>,
    /// How many pongs have come.
    pub pongs: usize,
    /// The code of the client's close frame; 1005 for a close frame without a code.
    pub close_code: Option<u16>,
    /// Whether and how TCP ended.
    pub ended: Ended,
}

/// What a client asks for, by the service's own names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// A WebSocket to an agent.
    InvokeAgentRuntimeWithWebSocketStream,
    /// The end of a runtime session, by
    /// [`StopRuntimeSession`](https://docs.aws.amazon.com/bedrock-agentcore/latest/APIReference/API_StopRuntimeSession.html).
    StopRuntimeSession,
    /// The state of an agent's endpoint, by
    /// [`GetAgentRuntimeEndpoint`](https://docs.aws.amazon.com/bedrock-agentcore-control/latest/APIReference/API_GetAgentRuntimeEndpoint.html).
    GetAgentRuntimeEndpoint,
}

/// A conversation that the emulator remembers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Session {
    /// The agent's ARN.
    pub arn: String,
    /// The runtime's session id.
    pub runtime_session_id: String,
    /// How many messages have come in it, over all of its connections.
    pub turns: usize,
}

/// The outline of a frame that a client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceivedFrame {
    /// Its operation code; see [`crate::frame::opcode`].
    pub opcode: u8,
    /// Whether it was the last of its message.
    pub fin: bool,
    /// The size of its payload in bytes.
    pub len: usize,
}

/// How a TCP connection ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ended {
    /// The client has not ended it; the emulator alone may have.
    #[default]
    Open,
    /// The client closed it in the ordinary way.
    Fin,
    /// With a reset: the agent's, or the client's, which is also what becomes of a connection that
    /// is closed before all that had arrived was read.
    Reset,
}

impl Connection {
    /// The first header of that name, which is compared without regard to case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let same = |(known, _): &&(String, String)| known.eq_ignore_ascii_case(name);
        self.headers
            .iter()
            .find(same)
            .map(|(_, value)| value.as_str())
    }

    /// The user that the runtime was told.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        self.header("X-Amzn-Bedrock-AgentCore-Runtime-User-Id")
    }

    /// The first query parameter of that name, decoded.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let same = |(known, _): &&(String, String)| known == name;
        self.query
            .iter()
            .find(same)
            .map(|(_, value)| value.as_str())
    }
}

/// All connections, in the order in which they were accepted.
#[derive(Debug, Default)]
pub(crate) struct Log(watch::Sender<Vec<Connection>>);

impl Log {
    /// Begins the record of another connection.
    pub(crate) fn open(self: &Arc<Self>) -> Entry {
        let mut index = 0;
        self.0.send_modify(|connections| {
            index = connections.len();
            connections.push(Connection::default());
        });
        Entry {
            log: Arc::clone(self),
            index,
        }
    }

    pub(crate) fn snapshot(&self) -> Vec<Connection> {
        self.0.borrow().clone()
    }

    pub(crate) fn count(&self, predicate: impl Fn(&Connection) -> bool) -> usize {
        self.0
            .borrow()
            .iter()
            .filter(|connection| predicate(connection))
            .count()
    }

    pub(crate) async fn wait_until(
        &self,
        mut predicate: impl FnMut(&[Connection]) -> bool,
    ) -> Vec<Connection> {
        let mut receiver = self.0.subscribe();
        match receiver
            .wait_for(|connections| predicate(connections))
            .await
        {
            Ok(connections) => connections.clone(),
            // The sender is a part of `self`, so that it outlives this call.
            Err(_) => self.snapshot(),
        }
    }
}

/// The place in the log of one connection.
#[derive(Debug)]
pub(crate) struct Entry {
    log: Arc<Log>,
    index: usize,
}

impl Entry {
    pub(crate) fn update(&self, change: impl FnOnce(&mut Connection)) {
        self.log
            .0
            .send_modify(|connections| change(&mut connections[self.index]));
    }
}
