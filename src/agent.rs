//! Which agents there are: their ids, their runtimes, what is known of each and what each is sent.

mod arn;
mod auth;
mod configured;
mod connections;
mod fields;
mod id;
mod message;
mod registry;
mod reply_end;
mod runtime;

pub(crate) use arn::{Partition, is_region};
pub use arn::{RuntimeArn, RuntimeArnError};
pub use auth::{RuntimeAuth, RuntimeUser};
pub use configured::Agent;
pub use connections::Connections;
pub use fields::{FieldNames, FieldNamesError, RepeatedField};
pub use id::AgentId;
pub use message::{MessageError, MessageTemplate, MessageValues, RequestFields};
pub use registry::AgentRegistry;
pub use reply_end::ReplyEnd;
pub use runtime::Runtime;
