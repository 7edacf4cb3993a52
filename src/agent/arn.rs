//! The ARN of an AgentCore runtime, and the partitions that it may name.

use std::fmt;

/// The ARN of an AgentCore runtime, in its parts.
///
/// `arn:<partition>:bedrock-agentcore:<region>:<account>:runtime/<runtime id>`. Neither `Debug`
/// nor any error shows it: an ARN holds an account id.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RuntimeArn {
    text: String,
    partition: &'static Partition,
    region: String,
    runtime_id: String,
}

/// Why a text is no [`RuntimeArn`]. Says which part, never what the text was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuntimeArnError {
    /// Not six parts separated by colons, beginning with `arn`.
    #[error(
        "it is not of the form arn:<partition>:bedrock-agentcore:<region>:<account>:runtime/<id>"
    )]
    Form,
    /// The partition is not one that AWS has.
    #[error("its partition is not one of AWS's (aws, aws-cn, aws-us-gov, …)")]
    Partition,
    /// The service is not `bedrock-agentcore`.
    #[error("its service is not bedrock-agentcore")]
    Service,
    /// The region does not look like one.
    #[error("its region is not of the form us-east-1")]
    Region,
    /// The account is not twelve digits.
    #[error("its account is not twelve digits")]
    Account,
    /// The resource is not `runtime/<id>`.
    #[error("its resource is not runtime/<name>-<ten letters or digits>")]
    Resource,
}

impl RuntimeArn {
    /// Parses an ARN.
    ///
    /// # Errors
    /// [`RuntimeArnError`] names the first part that does not fit.
    pub fn parse(text: &str) -> Result<Self, RuntimeArnError> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, service, region, account, resource] = parts[..] else {
            return Err(RuntimeArnError::Form);
        };
        let partition = Partition::named(partition).ok_or(RuntimeArnError::Partition)?;
        if service != "bedrock-agentcore" {
            return Err(RuntimeArnError::Service);
        }
        if !is_region(region) {
            return Err(RuntimeArnError::Region);
        }
        if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
            return Err(RuntimeArnError::Account);
        }
        let runtime_id = resource
            .strip_prefix("runtime/")
            .filter(|id| is_runtime_id(id))
            .ok_or(RuntimeArnError::Resource)?;
        Ok(Self {
            partition,
            region: region.to_owned(),
            runtime_id: runtime_id.to_owned(),
            text: text.to_owned(),
        })
    }

    /// The whole ARN. It holds an account id: for requests to AWS, not for people.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The region that the runtime lives in.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The DNS suffix of the ARN's partition, `amazonaws.com` for `aws`.
    pub fn dns_suffix(&self) -> &'static str {
        self.partition.dns_suffix
    }

    /// The partition that the runtime lives in.
    pub(crate) fn partition(&self) -> &'static Partition {
        self.partition
    }

    /// The runtime's id, the last part of the ARN.
    pub fn runtime_id(&self) -> &str {
        &self.runtime_id
    }
}

impl fmt::Debug for RuntimeArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuntimeArn")
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

/// A group of AWS regions with the same DNS suffixes.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Partition {
    pub(crate) name: &'static str,
    pub(crate) dns_suffix: &'static str,
    pub(crate) dual_stack_dns_suffix: &'static str,
}

impl Partition {
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        PARTITIONS.iter().find(|partition| partition.name == name)
    }
}

/// From botocore's `partitions.json`, which the tests hold this table against.
const PARTITIONS: [Partition; 8] = [
    Partition {
        name: "aws",
        dns_suffix: "amazonaws.com",
        dual_stack_dns_suffix: "api.aws",
    },
    Partition {
        name: "aws-cn",
        dns_suffix: "amazonaws.com.cn",
        dual_stack_dns_suffix: "api.amazonwebservices.com.cn",
    },
    Partition {
        name: "aws-eusc",
        dns_suffix: "amazonaws.eu",
        dual_stack_dns_suffix: "api.amazonwebservices.eu",
    },
    Partition {
        name: "aws-iso",
        dns_suffix: "c2s.ic.gov",
        dual_stack_dns_suffix: "api.aws.ic.gov",
    },
    Partition {
        name: "aws-iso-b",
        dns_suffix: "sc2s.sgov.gov",
        dual_stack_dns_suffix: "api.aws.scloud",
    },
    Partition {
        name: "aws-iso-e",
        dns_suffix: "cloud.adc-e.uk",
        dual_stack_dns_suffix: "api.cloud-aws.adc-e.uk",
    },
    Partition {
        name: "aws-iso-f",
        dns_suffix: "csp.hci.ic.gov",
        dual_stack_dns_suffix: "api.aws.hci.ic.gov",
    },
    Partition {
        name: "aws-us-gov",
        dns_suffix: "amazonaws.com",
        dual_stack_dns_suffix: "api.aws",
    },
];

/// `us-east-1`, `us-gov-west-1`: words of letters, then a number, joined by hyphens.
pub(crate) fn is_region(text: &str) -> bool {
    let Some((words, number)) = text.rsplit_once('-') else {
        return false;
    };
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    words.contains('-')
        && words.split('-').all(is_word)
        && (1..=2).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_digit())
        && text.len() <= 32
}

/// `[a-zA-Z][a-zA-Z0-9_]{0,99}-[a-zA-Z0-9]{9,10}`. AWS documents ten after the hyphen; ids with
/// nine are seen too.
fn is_runtime_id(text: &str) -> bool {
    let Some((name, suffix)) = text.rsplit_once('-') else {
        return false;
    };
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.len() <= 100
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && (9..=10).contains(&suffix.len())
        && suffix.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str =
        "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/OnboardingAgent_Agent-Pgs8nUGuuS";

    #[test]
    fn an_arn_gives_its_parts_and_itself() {
        let arn = RuntimeArn::parse(ARN).unwrap();
        assert_eq!(arn.as_str(), ARN);
        assert_eq!(arn.region(), "us-east-1");
        assert_eq!(arn.dns_suffix(), "amazonaws.com");
        assert_eq!(arn.runtime_id(), "OnboardingAgent_Agent-Pgs8nUGuuS");
    }

    #[test]
    fn a_region_is_words_and_a_number() {
        let longest = format!("us-{}-1", "a".repeat(27));
        let longer = format!("us-{}-1", "a".repeat(28));
        for region in ["us-east-1", "us-gov-west-12", &longest] {
            assert!(is_region(region), "{region}");
        }
        for other in [
            "",
            "useast1",
            "east-1",
            "us-east-",
            "us-east-123",
            "us-east-a",
            "us--1",
            "-east-1",
            "us-East-1",
            "us-ea5t-1",
            "us.east-1",
            &longer,
        ] {
            assert!(!is_region(other), "{other}");
        }
    }

    #[test]
    fn regions_of_every_partition_are_regions() {
        for (partition, region, suffix) in [
            ("aws-cn", "cn-north-1", "amazonaws.com.cn"),
            ("aws-us-gov", "us-gov-west-1", "amazonaws.com"),
            ("aws-eusc", "eusc-de-east-1", "amazonaws.eu"),
            ("aws-iso-b", "us-isob-east-1", "sc2s.sgov.gov"),
        ] {
            let text = ARN
                .replace(":aws:", &format!(":{partition}:"))
                .replace("us-east-1", region);
            let arn = RuntimeArn::parse(&text).unwrap();
            assert_eq!((arn.region(), arn.dns_suffix()), (region, suffix));
        }
    }

    #[test]
    fn partitions_and_regions_are_botocores() {
        let known = include_str!("../../tests/data/partitions.json");
        let known: Vec<serde_json::Value> = serde_json::from_str(known).unwrap();
        let named = |name: &str| {
            known
                .iter()
                .find(|partition| partition["id"] == name)
                .unwrap()
        };
        assert_eq!(known.len(), PARTITIONS.len());
        for partition in &PARTITIONS {
            let botocores = named(partition.name);
            assert_eq!(
                botocores["dnsSuffix"], partition.dns_suffix,
                "{}",
                partition.name
            );
            for region in botocores["regions"].as_array().unwrap() {
                assert!(is_region(region.as_str().unwrap()), "{region}");
            }
        }
    }

    #[test]
    fn each_malformed_part_is_named() {
        use RuntimeArnError::{Account, Form, Partition, Region, Resource, Service};
        for (from, to, error) in [
            (ARN, "", Form),
            ("arn:", "urn:", Form),
            (":runtime", "/runtime", Form),
            (":aws:", ":azure:", Partition),
            ("bedrock-agentcore", "bedrock", Service),
            ("us-east-1", "useast1", Region),
            ("us-east-1", "us-east-1.evil.example", Region),
            ("us-east-1", "", Region),
            ("123456789012", "12345678901", Account),
            ("123456789012", "12345678901x", Account),
            ("runtime/", "agent/", Resource),
            ("OnboardingAgent", "1nboarding", Resource),
            ("-Pgs8nUGuuS", "-Pgs8nUGu", Resource),
            ("-Pgs8nUGuuS", "-Pgs8nUGuuSx", Resource),
            ("-Pgs8nUGuuS", "-Pgs8nUGuuS\n", Resource),
            ("-Pgs8nUGuuS", "-Pgs8nUGuuS/runtime-endpoint/x", Resource),
        ] {
            assert_eq!(
                RuntimeArn::parse(&ARN.replace(from, to)),
                Err(error),
                "{from} → {to}"
            );
        }
        let longest = format!("A{}", "b".repeat(99));
        assert!(RuntimeArn::parse(&ARN.replace("OnboardingAgent_Agent", &longest)).is_ok());
        let too_long = format!("A{}", "b".repeat(100));
        assert!(RuntimeArn::parse(&ARN.replace("OnboardingAgent_Agent", &too_long)).is_err());
        assert!(RuntimeArn::parse(&ARN.replace("-Pgs8nUGuuS", "-Pgs8nUGuu")).is_ok());
    }

    #[test]
    fn debug_does_not_show_the_account() {
        let shown = format!("{:?}", RuntimeArn::parse(ARN).unwrap());
        assert!(
            shown.contains("us-east-1")
                && !shown.contains("123456789012")
                && !shown.contains("Pgs8nUGuuS"),
            "{shown}"
        );
    }
}
