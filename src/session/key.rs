//! The key by which sessions are bound, as it is configured: as it stands, or where AWS keeps it.

use std::error::Error;
use std::fmt;

use super::SessionBinding;
use crate::agent::{Partition, is_region};
use crate::env::{ConfigError, Environment};
use crate::secret::Secret;

const KEY: &str = "SESSION_BINDING_KEY";
const ACCEPTED: &str = "a key, or the ARN of a secret of Secrets Manager or of a parameter of SSM that can be read and \
     is not empty";

/// How sessions are to be bound: a key may have to be read first. `SESSION_BINDING`,
/// `SESSION_BINDING_KEY`
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BindingSettings {
    /// To their callers, without a key or with this one.
    Caller(Option<BindingKey>),
    /// To nobody.
    Off,
}

/// A key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BindingKey {
    /// As it stands.
    Given(Secret),
    /// What is kept there.
    Stored(SecretArn),
}

impl BindingSettings {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`ConfigError`] where one is none, or the key is an ARN of something that keeps no secrets.
    pub fn from_env(env: &Environment) -> Result<Self, ConfigError> {
        let key = env.get(KEY).map(BindingKey::parse).transpose()?;
        let by_caller = Self::Caller(key);
        let parse = |text: &str| match text.to_ascii_lowercase().as_str() {
            "caller" => Some(by_caller.clone()),
            "off" => Some(Self::Off),
            _ => None,
        };
        env.parse("SESSION_BINDING", by_caller.clone(), "caller or off", parse)
    }

    /// The binding, for which `read` reads what is kept elsewhere.
    ///
    /// # Errors
    /// [`ConfigError`] where that cannot be read, or is empty: without the key that was asked for,
    /// conversations would go on as somebody else's.
    pub async fn resolve<E: Error>(
        &self,
        read: impl AsyncFnOnce(&SecretArn) -> Result<Secret, E>,
    ) -> Result<SessionBinding, ConfigError> {
        let key = match self {
            Self::Off => return Ok(SessionBinding::Off),
            Self::Caller(None) => return Ok(SessionBinding::Caller(None)),
            Self::Caller(Some(BindingKey::Given(key))) => key.clone(),
            Self::Caller(Some(BindingKey::Stored(arn))) => {
                let key = read(arn).await.map_err(|error| {
                    let (item, causes) = (arn.store().item(), causes(&error));
                    let problem = format!("the {item} could not be read: {causes}");
                    ConfigError::new(KEY, problem, ACCEPTED)
                })?;
                if key.expose().trim_ascii().is_empty() {
                    let problem = format!("the {} is empty", arn.store().item());
                    return Err(ConfigError::new(KEY, problem, ACCEPTED));
                }
                key
            }
        };
        Ok(SessionBinding::Caller(Some(key)))
    }
}

impl BindingKey {
    /// What begins as an ARN is one: it is no secret, and would be a key that many people know.
    fn parse(text: &str) -> Result<Self, ConfigError> {
        if !text.trim_start().starts_with("arn:") {
            return Ok(Self::Given(Secret::new(text)));
        }
        let arn = SecretArn::parse(text.trim());
        let arn = arn.ok_or_else(|| {
            let problem = "it is an ARN, but none of a secret or of a parameter";
            ConfigError::new(KEY, problem, ACCEPTED)
        })?;
        Ok(Self::Stored(arn))
    }
}

/// An error and what caused it, each after a colon.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// Where AWS keeps a secret:
/// `arn:<partition>:secretsmanager:<region>:<account>:secret:<name>`, or
/// `arn:<partition>:ssm:<region>:<account>:parameter/<name>`. It holds an account id, and so neither
/// `Debug` nor any error shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretArn {
    text: String,
    store: SecretStore,
    region: String,
    partition: &'static Partition,
}

/// What keeps secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretStore {
    /// AWS Secrets Manager.
    SecretsManager,
    /// The Parameter Store of AWS Systems Manager.
    Ssm,
}

impl SecretStore {
    /// What it keeps, as a person calls it.
    pub fn item(self) -> &'static str {
        match self {
            Self::SecretsManager => "secret",
            Self::Ssm => "parameter",
        }
    }

    /// Its name in a host and in a signature.
    pub fn service(self) -> &'static str {
        match self {
            Self::SecretsManager => "secretsmanager",
            Self::Ssm => "ssm",
        }
    }
}

impl SecretArn {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, service, region, account, resource] = parts[..] else {
            return None;
        };
        let (store, name) = match service {
            "secretsmanager" => (
                SecretStore::SecretsManager,
                resource.strip_prefix("secret:")?,
            ),
            "ssm" => (SecretStore::Ssm, resource.strip_prefix("parameter/")?),
            _ => return None,
        };
        let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        let is_in_name = |b: u8| b.is_ascii_alphanumeric() || b"/_+=.@-".contains(&b);
        let is_name = (1..=2_048).contains(&name.len()) && name.bytes().all(is_in_name);
        (is_account && is_name && is_region(region)).then_some(())?;
        Some(Self {
            partition: Partition::named(partition)?,
            region: region.to_owned(),
            store,
            text: text.to_owned(),
        })
    }

    /// The whole ARN, for requests to AWS and not for people.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Who is to be asked.
    pub fn store(&self) -> SecretStore {
        self.store
    }

    /// The region of that.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The partition of that.
    pub(crate) fn partition(&self) -> &'static Partition {
        self.partition
    }
}

impl fmt::Debug for SecretArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretArn")
            .field("store", &self.store)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:bridge/key-AbCdEf";
    const PARAMETER: &str = "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/bridge/key";

    fn settings(key: &str) -> Result<BindingSettings, ConfigError> {
        BindingSettings::from_env(&Environment::from([(KEY, key)]))
    }

    #[test]
    fn sessions_are_bound_to_callers_unless_that_is_off() {
        let binding =
            |value| BindingSettings::from_env(&Environment::from([("SESSION_BINDING", value)]));
        for value in ["", "caller", "Caller"] {
            assert!(
                matches!(binding(value), Ok(BindingSettings::Caller(None))),
                "{value}"
            );
        }
        for value in ["off", "OFF"] {
            assert!(
                matches!(binding(value), Ok(BindingSettings::Off)),
                "{value}"
            );
        }
        for value in ["on", "true", "no"] {
            assert_eq!(
                binding(value).unwrap_err().variable,
                "SESSION_BINDING",
                "{value}"
            );
        }
    }

    #[test]
    fn an_arn_says_who_is_to_be_asked() {
        for (arn, store, region, suffix) in [
            (
                SECRET,
                SecretStore::SecretsManager,
                "eu-west-1",
                "amazonaws.com",
            ),
            (
                PARAMETER,
                SecretStore::Ssm,
                "cn-north-1",
                "amazonaws.com.cn",
            ),
        ] {
            for text in [arn.to_owned(), format!(" {arn}\n")] {
                let Ok(BindingSettings::Caller(Some(BindingKey::Stored(parsed)))) = settings(&text)
                else {
                    panic!("{text}")
                };
                assert_eq!((parsed.store(), parsed.region()), (store, region));
                assert_eq!(
                    (parsed.as_str(), parsed.partition().dns_suffix),
                    (arn, suffix)
                );
                assert!(!format!("{parsed:?}").contains("123456789012"));
            }
        }
    }

    #[test]
    fn an_arn_of_something_else_is_no_key() {
        for text in [
            "arn:",
            "arn:aws:s3:::bucket",
            "arn:aws:kms:eu-west-1:123456789012:key/x",
            "arn:moon:ssm:eu-west-1:123456789012:parameter/x",
            "arn:aws:ssm:EU:123456789012:parameter/x",
            "arn:aws:ssm:eu-west-1:12345678901:parameter/x",
            "arn:aws:ssm:eu-west-1:123456789012:parameter/",
            "arn:aws:ssm:eu-west-1:123456789012:secret:x",
            "arn:aws:secretsmanager:eu-west-1:123456789012:parameter/x",
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x:json:key",
        ] {
            let error = settings(text).unwrap_err();
            assert_eq!(error.variable, KEY, "{text}");
            assert!(!error.to_string().contains(text), "{error}");
        }
    }

    #[test]
    fn what_is_read_is_the_key_as_it_stands() {
        let resolved = |settings: BindingSettings, kept: &'static [u8]| {
            let read = async |_: &SecretArn| Ok::<_, fmt::Error>(Secret::new(kept));
            let resolved = settings.resolve(read).now_or_never();
            resolved.expect("nothing waits")
        };
        let keyed = |key: &[u8]| SessionBinding::Caller(Some(Secret::new(key)));
        let stored = settings(SECRET).unwrap();
        let json = br#"{"key":"x"} "#;
        assert_eq!(resolved(stored.clone(), json), Ok(keyed(json)));
        assert_eq!(resolved(stored.clone(), b"\xff"), Ok(keyed(b"\xff")));
        for empty in [&b""[..], b" \n"] {
            let error = resolved(stored.clone(), empty).unwrap_err();
            assert!(error.to_string().contains("is empty"), "{error}");
        }
        assert_eq!(resolved(settings("x").unwrap(), b""), Ok(keyed(b"x")));
        let none = resolved(BindingSettings::Caller(None), b"");
        assert_eq!(none, Ok(SessionBinding::Caller(None)));
        let off = [("SESSION_BINDING", "off"), (KEY, SECRET)];
        let off = BindingSettings::from_env(&Environment::from(off)).unwrap();
        assert_eq!(resolved(off, b""), Ok(SessionBinding::Off));
    }

    #[test]
    fn what_cannot_be_read_names_the_variable_and_not_its_value() {
        let read = async |_: &SecretArn| Err::<Secret, _>(std::io::Error::other("no reason"));
        let stored = settings(SECRET).unwrap();
        let error = stored.resolve(read).now_or_never().unwrap().unwrap_err();
        let expected =
            format!("{KEY}: the secret could not be read: no reason; accepted is {ACCEPTED}");
        assert_eq!(error.to_string(), expected);
    }
}
