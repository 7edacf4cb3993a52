//! The parts of an agent's ARN: `arn:<partition>:<service>:<region>:<account>:runtime/<id>`.

/// The region. It is empty if the ARN has none, and then no credential scope matches it.
pub(crate) fn region(arn: &str) -> &str {
    arn.split(':').nth(3).unwrap_or_default()
}

/// The runtime's id.
pub(crate) fn runtime_id(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_has_a_region_and_an_id() {
        let arn = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/Test_Agent-abcdefghij";
        assert_eq!(region(arn), "us-east-1");
        assert_eq!(runtime_id(arn), "Test_Agent-abcdefghij");
        assert_eq!((region("x"), runtime_id("x")), ("", "x"));
    }
}
