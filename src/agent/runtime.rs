//! An agent's runtime.

use super::{RuntimeArn, RuntimeAuth, RuntimeUser};

/// An agent's runtime, as AWS knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// Its ARN.
    pub arn: RuntimeArn,
    /// The endpoint of it to ask for; AWS takes `DEFAULT` where there is none.
    pub qualifier: Option<String>,
    /// Who is let in there.
    pub auth: RuntimeAuth,
    /// Which user it is told.
    pub user: RuntimeUser,
}

impl Runtime {
    /// The runtime of an ARN, at its default endpoint, that takes our own signature and is told no
    /// user.
    pub fn of(arn: RuntimeArn) -> Self {
        Self {
            arn,
            qualifier: None,
            auth: RuntimeAuth::default(),
            user: RuntimeUser::default(),
        }
    }
}
