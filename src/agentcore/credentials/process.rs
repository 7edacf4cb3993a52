//! Credentials that a program of the operator's prints: a profile's
//! [`credential_process`](https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html).
//!
//! The library's provider waits for such a program as long as that takes, keeps all that it prints,
//! and leaves it running when nobody waits any more. So this one is ours.

use std::process::Stdio;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_credential_types::provider::{ProvideCredentials, error::CredentialsError};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::why::Why;
use crate::secret::Secret;

/// Long enough for one that asks its own service, and waits for a person to touch a key.
const TIME: Duration = Duration::from_mins(1);

/// Credentials take a few kilobytes at the most.
const MAX_OUTPUT_BYTES: usize = 64 * 1024;

/// A program that prints credentials. Its arguments may hold secrets.
#[derive(Clone, Debug)]
pub(super) struct CredentialProcess {
    command: Secret,
}

impl CredentialProcess {
    /// A command as the shell takes it.
    pub(super) fn new(command: &str) -> Self {
        Self {
            command: Secret::new(command),
        }
    }

    async fn credentials(&self) -> Result<Credentials, CredentialsError> {
        let printed = timeout(TIME, self.run()).await;
        let printed =
            printed.map_err(|_| Why("the credential process took longer than a minute"))?;
        Ok(parse(&printed?)?)
    }

    /// What it prints. Where that is not awaited any more, it is ended, and all that it has begun.
    async fn run(&self) -> Result<Zeroizing<Vec<u8>>, Why> {
        let failed = |_| Why("the credential process could not be run");
        let mut running = Running(self.command().spawn().map_err(failed)?);
        let mut printed = Zeroizing::new(Vec::with_capacity(MAX_OUTPUT_BYTES + 1));
        if let Some(output) = running.0.stdout.take() {
            // One byte more says that it was too much, and needs no room of its own.
            let mut output = output.take(MAX_OUTPUT_BYTES as u64 + 1);
            while output.read_buf(&mut *printed).await.map_err(failed)? > 0 {}
        }
        if printed.len() > MAX_OUTPUT_BYTES {
            return Err(Why("the credential process printed more than 64 KiB"));
        }
        let status = running.0.wait().await.map_err(failed)?;
        if !status.success() {
            return Err(Why("the credential process ended with an error"));
        }
        Ok(printed)
    }

    /// In a process group of its own, so that what it has begun can be ended with it. It has no
    /// terminal, and what it says on standard error, which may be anything, is not for the log.
    fn command(&self) -> Command {
        let text = String::from_utf8_lossy(self.command.expose()).into_owned();
        let (shell, flag) = if cfg!(windows) {
            ("cmd.exe", "/C")
        } else {
            ("sh", "-c")
        };
        let mut command = Command::new(shell);
        command.arg(flag).arg(text);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(Stdio::null()).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        command
    }
}

impl ProvideCredentials for CredentialProcess {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::new(self.credentials())
    }
}

/// A program that does not outlive this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended by itself has no id any more, which may be another's by now.
        #[cfg(unix)]
        if let Some(group) = self.0.id().and_then(|id| i32::try_from(id).ok())
            && let Some(group) = rustix::process::Pid::from_raw(group)
        {
            // There is nobody to tell of one that has ended meanwhile.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

/// Reads what was printed.
fn parse(printed: &[u8]) -> Result<Credentials, Why> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Printed {
        version: u8,
        access_key_id: String,
        secret_access_key: Zeroizing<String>,
        session_token: Option<Zeroizing<String>>,
        expiration: Option<String>,
    }
    const NOT_THEM: Why = Why("what the credential process printed is not the JSON of credentials");
    let printed: Printed = serde_json::from_slice(printed).map_err(|_| NOT_THEM)?;
    if printed.version != 1 {
        return Err(Why("the credential process printed another version than 1"));
    }
    let expiry = printed.expiration.map(|text| {
        let time = DateTime::from_str(&text, Format::DateTimeWithOffset).ok()?;
        SystemTime::try_from(time).ok()
    });
    let expiry = expiry.map(|time| time.ok_or(NOT_THEM)).transpose()?;
    Ok(Credentials::new(
        printed.access_key_id,
        printed.secret_access_key.as_str(),
        printed.session_token.map(|token| token.to_string()),
        expiry,
        "credential process",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read() {
        let printed = br#"{"Version": 1, "AccessKeyId": "AKID", "SecretAccessKey": "secret",
            "SessionToken": "token", "Expiration": "2999-01-01T01:00:00+01:00", "More": []}"#;
        let credentials = parse(printed).unwrap();
        assert_eq!(credentials.access_key_id(), "AKID");
        assert_eq!(credentials.secret_access_key(), "secret");
        assert_eq!(credentials.session_token(), Some("token"));
        let expiry = credentials.expiry().map(DateTime::from).unwrap();
        assert_eq!(expiry.to_string(), "2999-01-01T00:00:00Z");
        let printed = br#"{"Version":1,"AccessKeyId":"AKID","SecretAccessKey":"s"}"#;
        let credentials = parse(printed).unwrap();
        assert_eq!(credentials.session_token(), None);
        assert_eq!(credentials.expiry(), None);
    }

    #[test]
    fn what_is_none_of_it_is_not() {
        for printed in [
            "",
            "MARKER",
            r#"{"Version":1,"AccessKeyId":"AKID"}"#,
            r#"{"Version":2,"AccessKeyId":"AKID","SecretAccessKey":"s"}"#,
            r#"{"Version":1,"AccessKeyId":"AKID","SecretAccessKey":"s","Expiration":"soon"}"#,
        ] {
            let why = parse(printed.as_bytes()).unwrap_err().to_string();
            assert!(
                why.contains("credential process") && !why.contains("MARKER"),
                "{why}"
            );
        }
    }

    #[test]
    fn a_command_is_not_shown() {
        let process = CredentialProcess::new("program --password MARKER");
        assert!(!format!("{process:?}").contains("MARKER"));
    }
}
