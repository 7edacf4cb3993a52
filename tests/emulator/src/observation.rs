//! The record of what clients did.

use std::sync::Arc;

use tokio::sync::watch;

/// One connection, as far as it has come since it was accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection {
    /// The HTTP method; empty until the request has been read.
    pub method: String,
    /// The requested operation; `None` until the request has been read, and for unknown ones.
    pub operation: Option<Operation>,
    /// The ARN in the path, decoded, if the path is that of an agent.
    pub arn: Option<String>,
    /// Path and query as on the wire; empty until the request has been read.
    pub target: String,
    /// The headers in order, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The query's parameters in order, decoded.
    pub query: Vec<(String, String)>,
    /// The runtime's session id: in the query, or in the header for `StopRuntimeSession` and where
    /// the address is not signed.
    pub runtime_session_id: Option<String>,
    /// The HTTP status of the response, 101 for an upgrade. `None` before a response, and for raw
    /// bytes.
    pub status: Option<u16>,
    /// All frames of the client in order, including control frames.
    pub frames: Vec<ReceivedFrame>,
    /// The messages of the client in order, as text.
    pub messages: Vec<String>,
    /// The number of pongs received.
    pub pongs: usize,
    /// The code of the client's close frame; 1005 if it has none.
    pub close_code: Option<u16>,
    /// Whether and how the TCP connection ended.
    pub ended: Ended,
}

/// An operation, by the service's name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Opens a WebSocket to an agent.
    InvokeAgentRuntimeWithWebSocketStream,
    /// Ends a runtime session:
    /// [`StopRuntimeSession`](https://docs.aws.amazon.com/bedrock-agentcore/latest/APIReference/API_StopRuntimeSession.html).
    StopRuntimeSession,
    /// Describes an agent's endpoint:
    /// [`GetAgentRuntimeEndpoint`](https://docs.aws.amazon.com/bedrock-agentcore-control/latest/APIReference/API_GetAgentRuntimeEndpoint.html).
    GetAgentRuntimeEndpoint,
}

/// A runtime session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Session {
    /// The agent's ARN.
    pub arn: String,
    /// The runtime's session id.
    pub runtime_session_id: String,
    /// The number of messages in it, across all connections.
    pub turns: usize,
}

/// Describes a frame that a client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceivedFrame {
    /// The opcode; see [`crate::frame::opcode`].
    pub opcode: u8,
    /// Whether it was the last frame of its message.
    pub fin: bool,
    /// The size of its payload in bytes.
    pub len: usize,
}

/// How a TCP connection ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ended {
    /// The client has not ended it. The emulator may have closed its own side.
    #[default]
    Open,
    /// The client closed it with a FIN.
    Fin,
    /// It was reset by the agent or by the client. A client's system also resets a connection that
    /// is closed with unread bytes.
    Reset,
}

impl Connection {
    /// The first header with this name, in any case.
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

/// The records of all connections, in the order of acceptance.
#[derive(Debug)]
pub(crate) struct Log {
    connections: watch::Sender<Vec<Connection>>,
    /// Whether there are records at all.
    records: bool,
}

impl Log {
    pub(crate) fn new(records: bool) -> Self {
        Self {
            connections: watch::Sender::default(),
            records,
        }
    }

    /// Adds a record for a new connection.
    pub(crate) fn open(self: &Arc<Self>) -> Entry {
        let mut index = 0;
        if self.records {
            self.connections.send_modify(|connections| {
                index = connections.len();
                connections.push(Connection::default());
            });
        }
        Entry {
            log: Arc::clone(self),
            index,
        }
    }

    pub(crate) fn snapshot(&self) -> Vec<Connection> {
        self.connections.borrow().clone()
    }

    pub(crate) fn count(&self, predicate: impl Fn(&Connection) -> bool) -> usize {
        self.connections
            .borrow()
            .iter()
            .filter(|connection| predicate(connection))
            .count()
    }

    pub(crate) async fn wait_until(
        &self,
        mut predicate: impl FnMut(&[Connection]) -> bool,
    ) -> Vec<Connection> {
        let mut receiver = self.connections.subscribe();
        match receiver
            .wait_for(|connections| predicate(connections))
            .await
        {
            Ok(connections) => connections.clone(),
            // Cannot happen: the sender is part of `self`, so it outlives this call.
            Err(_) => self.snapshot(),
        }
    }
}

/// Updates the record of one connection.
#[derive(Debug)]
pub(crate) struct Entry {
    log: Arc<Log>,
    index: usize,
}

impl Entry {
    pub(crate) fn update(&self, change: impl FnOnce(&mut Connection)) {
        if self.log.records {
            self.log
                .connections
                .send_modify(|connections| change(&mut connections[self.index]));
        }
    }
}
