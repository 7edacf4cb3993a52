//! What a reply says, as its reader gives it.

/// The next thing that a reply says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A piece of the reply's text, never empty.
    Text(String),
    /// A piece of the agent's reasoning, never empty.
    Reasoning(String),
    /// A call of a tool has begun.
    CallBegun {
        /// The agent's id of the call, or one of ours.
        id: String,
        /// The tool's name.
        name: String,
    },
    /// A piece of a call's input, which is JSON.
    CallInput {
        /// The call's id.
        id: String,
        /// The piece.
        piece: String,
    },
    /// A call is whole.
    Call {
        /// The agent's id of the call, or one of ours.
        id: String,
        /// The tool's name.
        name: String,
        /// All of its input: JSON as the agent wrote it, `{}` where it wrote none.
        input: String,
    },
    /// What a tool answered.
    CallResult {
        /// The id of its call, or one of ours.
        id: String,
        /// The answer.
        output: Output,
        /// The tool failed.
        failed: bool,
    },
    /// A model's turn is over; the agent may go on.
    TurnEnd,
    /// An event of AG-UI's. Only where events are asked for, and none of one that says that the agent
    /// failed. What it says beside text and an end is not told again.
    AgUiEvent {
        /// The event as the agent wrote it.
        event: String,
        /// The text of the reply that it says, often none.
        text: String,
    },
    /// Nothing more comes.
    End(End),
}

/// What a tool answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Text.
    Text(String),
    /// JSON that is no string, as the agent wrote it.
    Json(String),
}

/// How a reply ended, as far as its messages say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As it should.
    Complete,
    /// The agent said that it failed. Its words for that are its own and go nowhere.
    AgentError,
    /// The connection was closed as it should be, but before the run that the agent began was over.
    Unfinished,
    /// A message, a line, an SSE event or a value is larger than eight MiB.
    TooLarge,
    /// A message is not UTF-8.
    NotUtf8,
}
