//! Credentials of profiles, through the built binary: programs that print them, roles that are
//! assumed with those, and sign-ins.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agentcore_emulator::{Agent, Credentials, Emulator};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use http::HeaderMap;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::support::{ARN, Function, answered, lines, rest_event, said};

const KEY: &str = "AKIDPROCESS";
const ROLES_KEY: &str = "AKIDROLE";

/// A function whose credentials a profile gives.
struct Setup {
    emulator: Emulator,
    function: Function,
}

fn credentials(key: &str) -> Credentials {
    Credentials {
        access_key_id: key.to_owned(),
        secret_access_key: format!("secret-of-{key}"),
        session_token: Some(format!("token-of-{key}")),
    }
}

/// What a credential process prints.
fn printed(key: &str) -> String {
    let Credentials {
        access_key_id,
        secret_access_key,
        session_token,
    } = credentials(key);
    json!({
        "Version": 1,
        "AccessKeyId": access_key_id,
        "SecretAccessKey": secret_access_key,
        "SessionToken": session_token,
        "Expiration": "2999-01-01T00:00:00Z",
    })
    .to_string()
}

/// A folder of the test's own.
fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("profile-{}", Uuid::new_v4()));
    std::fs::create_dir(&folder).unwrap();
    folder
}

fn written(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A function with this configuration of profiles, of which `me` is selected.
async fn with_profiles(folder: &Path, config: &str, more: &[(&str, &str)]) -> Setup {
    let config = written(folder, "config", config);
    let mut emulator = Emulator::builder().agent(ARN, Agent::echo());
    for key in [KEY, ROLES_KEY] {
        emulator = emulator.credentials(credentials(key));
    }
    let emulator = emulator.start().await.unwrap();
    let endpoint = emulator.endpoint();
    let path = std::env::var("PATH").unwrap();
    let variables = [
        ("TEST_AGENT_ARN", ARN),
        ("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", &endpoint),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", &config),
        ("AWS_PROFILE", "me"),
        ("AWS_REGION", "us-east-1"),
        ("HOME", folder.to_str().unwrap()),
        ("PATH", &path),
    ];
    let variables = variables.iter().chain(more);
    let variables = variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Setup {
        function: Function::start(variables.collect()).await,
        emulator,
    }
}

async fn with_process(folder: &Path, command: &str, more: &[(&str, &str)]) -> Setup {
    let config = format!("[profile me]\ncredential_process = {command}\n");
    with_profiles(folder, &config, more).await
}

impl Setup {
    async fn say(&self) -> (u64, Value) {
        let event = rest_event("POST", "/api/agents/invoke", Some(&said("x")));
        answered(self.function.invoke(&event).await)
    }

    /// The key by which the last request was signed.
    fn key(&self) -> String {
        let connections = self.emulator.connections();
        let credential = connections.last().unwrap().parameter("X-Amz-Credential");
        credential.unwrap().split('/').next().unwrap().to_owned()
    }

    /// Why the invocation that is refused for want of credentials has none.
    async fn causes(self) -> String {
        let (status, answer) = self.say().await;
        assert_eq!(status, 401, "{answer}");
        assert_eq!(answer["details"]["phase"], "credentials");
        let said = self.function.stop().await.stdout;
        assert!(!said.contains("MARKER"), "{said}");
        let lines = lines(&said);
        let failed = lines
            .iter()
            .find(|line| line["message"] == "agent invocation failed");
        failed.unwrap()["causes"].as_str().unwrap().to_owned()
    }
}

/// Waits until no process has this in its arguments.
async fn no_process_is_left(marker: &str) {
    let is_left = || {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let mut arguments =
            processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
        arguments.any(|line| String::from_utf8_lossy(&line).contains(marker))
    };
    let gone = async {
        while is_left() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let gone = tokio::time::timeout(Duration::from_secs(10), gone).await;
    gone.unwrap_or_else(|_| panic!("{marker} goes on"));
}

#[tokio::test]
async fn a_credential_process_gives_credentials_once() {
    let folder = folder();
    let credentials = written(&folder, "printed", &printed(KEY));
    let runs = folder.join("runs");
    let command = format!(
        "echo MARKER >&2; echo >> {}; cat {credentials}",
        runs.display()
    );
    let setup = with_process(&folder, &command, &[]).await;
    for _ in 0..3 {
        assert_eq!(setup.say().await.0, 200);
    }
    assert_eq!(setup.key(), KEY);
    assert_eq!(std::fs::read(&runs).unwrap(), b"\n", "it ran once");
    let ended = setup.function.stop().await;
    assert!(!ended.stdout.contains("MARKER"), "{}", ended.stdout);
    assert_eq!(ended.stderr, "");
}

#[tokio::test]
async fn one_that_hangs_costs_one_invocation_and_leaves_no_child_behind() {
    let folder = folder();
    let credentials = written(&folder, "printed", &printed(KEY));
    let marker = Uuid::new_v4().to_string();
    // A program of its own, which a shell that is killed would leave behind.
    let program = format!("sleep 1000; : {marker}");
    let script = format!(
        "if [ -e {folder}/again ]; then cat {credentials}; exit; fi\n\
         touch {folder}/again\nsh -c '{program}' &\nsh -c '{program}'\n",
        folder = folder.display()
    );
    let script = written(&folder, "hangs", &script);
    let limit = [("INVOKE_TIMEOUT_MS", "700")];
    let setup = with_process(&folder, &format!("sh {script}"), &limit).await;
    let (status, answer) = setup.say().await;
    assert_eq!((status, &answer["error"]), (504, &json!("TimeoutError")));
    assert_eq!(answer["details"]["phase"], "credentials");
    no_process_is_left(&marker).await;
    no_process_is_left(&script).await;
    assert_eq!(setup.say().await.0, 200);
}

#[tokio::test]
async fn one_that_floods_is_cut_off() {
    let folder = folder();
    let marker = Uuid::new_v4().to_string();
    let setup = with_process(&folder, &format!("yes MARKER {marker}"), &[]).await;
    let memory = setup.function.resources().memory_kib;
    let event = rest_event("POST", "/api/agents/invoke", Some(&said("x")));
    assert_eq!(answered(setup.function.invoke(&event).await).0, 401);
    let grown = setup.function.resources().memory_kib.saturating_sub(memory);
    assert!(grown < 20_000, "{grown} KiB");
    no_process_is_left(&marker).await;
    let causes = setup.causes().await;
    assert!(causes.contains("more than 64 KiB"), "{causes}");
}

#[tokio::test]
async fn one_that_fails_says_in_our_words_how() {
    for (command, says) in [
        (
            "echo MARKER; echo MARKER >&2; exit 3",
            "ended with an error",
        ),
        ("/nonexistent/MARKER", "ended with an error"),
        ("echo MARKER", "not the JSON of credentials"),
        (
            "echo '{\"Version\":1,\"AccessKeyId\":\"MARKER\"}'",
            "not the JSON of credentials",
        ),
    ] {
        let causes = with_process(&folder(), command, &[]).await.causes().await;
        assert!(causes.contains(says), "{command}: {causes}");
    }
}

type Asked = Arc<Mutex<Vec<(HeaderMap, String)>>>;

/// A service that gives one answer and keeps what it was asked.
async fn service(answer: String) -> (Asked, String) {
    let asked = Asked::default();
    let keep = async |State((asked, answer)): State<(Asked, String)>, headers, body: Bytes| {
        let body = String::from_utf8(body.to_vec()).unwrap();
        asked.lock().unwrap().push((headers, body));
        answer
    };
    let router = Router::new()
        .fallback(keep)
        .with_state((Arc::clone(&asked), answer));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (asked, endpoint)
}

#[tokio::test]
async fn a_role_is_assumed_with_what_a_process_gives() {
    let Credentials {
        access_key_id,
        secret_access_key,
        session_token,
    } = credentials(ROLES_KEY);
    let assumed = format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <AssumeRoleResult><Credentials><AccessKeyId>{access_key_id}</AccessKeyId>\
         <SecretAccessKey>{secret_access_key}</SecretAccessKey>\
         <SessionToken>{}</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration>\
         </Credentials></AssumeRoleResult></AssumeRoleResponse>",
        session_token.unwrap()
    );
    let (asked, sts) = service(assumed).await;
    let folder = folder();
    let credentials = written(&folder, "printed", &printed(KEY));
    let config = format!(
        "[profile me]\nrole_arn = arn:aws:iam::123456789012:role/bridge\nsource_profile = base\n\
         external_id = mine\n[profile base]\ncredential_process = cat {credentials}\n"
    );
    let setup = with_profiles(&folder, &config, &[("AWS_ENDPOINT_URL_STS", &sts)]).await;
    let (status, answer) = setup.say().await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(setup.key(), ROLES_KEY);
    let asked = asked.lock().unwrap();
    let [(headers, body)] = asked.as_slice() else {
        panic!("{asked:?}")
    };
    let authorization = headers["authorization"].to_str().unwrap();
    assert!(authorization.contains(KEY), "{authorization}");
    assert!(
        body.contains("role%2Fbridge") && body.contains("ExternalId=mine"),
        "{body}"
    );
}

const SSO: &str = "[profile me]\nsso_start_url = https://example.com/start\n\
    sso_region = us-east-1\nsso_account_id = 123456789012\nsso_role_name = MARKER\n";
const LOGIN: &str =
    "[profile me]\nlogin_session = arn:aws:iam::123456789012:user/MARKER\nregion = us-east-1\n";

#[cfg(not(feature = "sso"))]
#[tokio::test]
async fn a_build_without_sign_ins_says_which_has_them() {
    let roles = "[profile me]\nrole_arn = arn:aws:iam::123456789012:role/x\n\
        source_profile = base\n"
        .to_owned();
    let base = SSO.replace("profile me", "profile base");
    for config in [SSO, LOGIN, &(roles + &base)] {
        let setup = with_profiles(&folder(), config, &[]).await;
        let causes = setup.causes().await;
        assert!(causes.contains("this build has no SSO"), "{causes}");
        assert!(causes.contains("--features sso"), "{causes}");
    }
}

/// Run with `cargo test --features sso`.
#[cfg(feature = "sso")]
mod signed_in {
    use super::*;

    #[tokio::test]
    async fn a_build_with_sign_ins_says_when_there_is_none() {
        for config in [SSO, LOGIN] {
            let setup = with_profiles(&folder(), config, &[]).await;
            let causes = setup.causes().await;
            assert!(causes.contains("aws sso login"), "{causes}");
        }
    }

    /// What `aws sso login` leaves is a token in a file named by the SHA-1 of the start URL.
    #[tokio::test]
    async fn an_sso_profile_gives_credentials() {
        let Credentials {
            access_key_id,
            secret_access_key,
            session_token,
        } = credentials(ROLES_KEY);
        let role = json!({ "roleCredentials": {
            "accessKeyId": access_key_id,
            "secretAccessKey": secret_access_key,
            "sessionToken": session_token,
            "expiration": 32_472_144_000_000_u64,
        }});
        let (asked, portal) = service(role.to_string()).await;
        let folder = folder();
        let cache = folder.join(".aws/sso/cache");
        std::fs::create_dir_all(&cache).unwrap();
        let token = json!({
            "accessToken": "MARKER-TOKEN",
            "expiresAt": "2999-01-01T00:00:00Z",
            "startUrl": "https://example.com/start",
            "region": "us-east-1",
        });
        let name = "b343494cf15ba6b81449840ea93161cf3b27e5e3.json";
        written(&cache, name, &token.to_string());
        let setup = with_profiles(&folder, SSO, &[("AWS_ENDPOINT_URL_SSO", &portal)]).await;
        let (status, answer) = setup.say().await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(setup.key(), ROLES_KEY);
        let sent = asked.lock().unwrap()[0].0["x-amz-sso_bearer_token"].clone();
        assert_eq!(sent, "MARKER-TOKEN");
        let said = setup.function.stop().await.stdout;
        assert!(!said.contains("MARKER"), "{said}");
    }

    /// What `aws login` leaves is in a file named by the SHA-256 of the session's ARN.
    #[tokio::test]
    async fn a_login_gives_credentials() {
        let Credentials {
            access_key_id,
            secret_access_key,
            session_token,
        } = credentials(KEY);
        let folder = folder();
        let cache = folder.join(".aws/login/cache");
        std::fs::create_dir_all(&cache).unwrap();
        let login = json!({
            "accessToken": {
                "accessKeyId": access_key_id,
                "secretAccessKey": secret_access_key,
                "sessionToken": session_token,
                "accountId": "123456789012",
                "expiresAt": "2999-01-01T00:00:00Z",
            },
            "tokenType": "aws_sigv4",
            "refreshToken": "MARKER",
            "clientId": "arn:aws:signin:::devtools/same-device",
            "dpopKey": "MARKER",
        });
        let name = "6b63922bd733ae2a11b33a2c004a5c3e66bb417b864009288c61762d4a7fd9d3.json";
        written(&cache, name, &login.to_string());
        let setup = with_profiles(&folder, LOGIN, &[]).await;
        let (status, answer) = setup.say().await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(setup.key(), KEY);
    }
}
