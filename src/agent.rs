//! Which agents there are: their ids, their runtimes, and what is known of each.

mod arn;
mod configured;
mod id;
mod registry;
mod reply_end;
mod runtime;

pub(crate) use arn::{Partition, is_region};
pub use arn::{RuntimeArn, RuntimeArnError};
pub use configured::Agent;
pub use id::AgentId;
pub use registry::AgentRegistry;
pub use reply_end::ReplyEnd;
pub use runtime::Runtime;
