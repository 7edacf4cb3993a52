//! An agent's runtime.

use super::RuntimeArn;

/// An agent's runtime, as AWS knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// Its ARN.
    pub arn: RuntimeArn,
    /// The endpoint of it to ask for; AWS takes `DEFAULT` where there is none.
    pub qualifier: Option<String>,
}

impl Runtime {
    /// The runtime of an ARN, at its default endpoint.
    pub fn of(arn: RuntimeArn) -> Self {
        let qualifier = None;
        Self { arn, qualifier }
    }
}
