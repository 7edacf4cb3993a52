use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::agent::ReplyEnd;
use crate::agentcore::Timeouts;
use crate::agentcore::invoke::retry::RetryPolicy;
use crate::agentcore::wire::endpoint::EndpointVariant;
use crate::api::AllowedOrigins;
use crate::env::VARIABLES;
use crate::limits::RateLimits;
use crate::secret::Secret;
use crate::session::{BindingKey, BindingSettings};

const ARN: &str =
    "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/OnboardingAgent_Agent-Pgs8nUGuuS";

fn config(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let agent = [("ONBOARDING_AGENT_ARN", ARN)];
    let variables = agent.iter().chain(variables);
    Config::from_env(
        &variables
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect(),
    )
}

fn milliseconds(timeouts: Timeouts) -> [u128; 4] {
    let Timeouts {
        connect,
        handshake,
        invoke,
        chunk,
        ..
    } = timeouts;
    [connect, handshake, invoke, chunk].map(|time| time.as_millis())
}

#[test]
fn defaults_are_those_of_the_contract() {
    let config = config(&[]).unwrap();
    assert_eq!(config.agents.iter().count(), 1);
    assert_eq!(config.client.endpoint, None);
    assert_eq!(config.invoke_mode, InvokeMode::Buffered);
    assert_eq!(config.api.base_path, None);
    let timeouts = config.client.timeouts;
    assert_eq!(milliseconds(timeouts), [5_000, 15_000, 25_000, 20_000]);
    assert_eq!(timeouts.ping_interval, Some(Duration::from_secs(30)));
    assert_eq!(config.client.variant, EndpointVariant::default());
    assert!(config.proxy.is_none());
    assert_eq!(config.client.retry, RetryPolicy::default());
    assert_eq!(config.api.max_prompt_bytes, 102_400);
    assert_eq!(config.api.max_response_bytes, 4_194_304);
    assert_eq!(config.api.allowed_origins, AllowedOrigins::None);
    assert_eq!(config.session_binding, BindingSettings::Caller(None));
    assert_eq!(config.api.rate_limits, RateLimits::default());
    assert_eq!(config.metrics_namespace, "AgentCoreBridge");
    assert_eq!(config.log_level, LogLevel::Info);
    assert_eq!(config.roots, RootCertificates::default());
}

#[test]
fn every_variable_is_read() {
    let config = config(&[
        (
            "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE",
            "http://localhost:8081/x",
        ),
        (
            "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL",
            "https://control.example.com",
        ),
        ("INVOKE_MODE", "response_stream"),
        ("BASE_PATH", "v1/bridge/"),
        ("CONNECT_TIMEOUT_MS", "1"),
        ("HANDSHAKE_TIMEOUT_MS", "2"),
        ("PING_INTERVAL_MS", "0"),
        ("INVOKE_TIMEOUT_MS", "900000"),
        ("CHUNK_TIMEOUT_MS", "30"),
        ("RETRY_MAX_RETRIES", "0"),
        ("RETRY_INITIAL_DELAY_MS", "5"),
        ("RETRY_MULTIPLIER", "1.5"),
        ("RETRY_MAX_DELAY_MS", "5"),
        ("RETRY_AFTER_SEND", "true"),
        ("MAX_PROMPT_BYTES", "524288"),
        ("MAX_RESPONSE_BYTES", "1"),
        (
            "CORS_ALLOWED_ORIGINS",
            "https://a.example.com, http://localhost:3000",
        ),
        ("SESSION_BINDING", "off"),
        ("RATE_LIMIT_PER_MINUTE", "60"),
        ("MAX_CONCURRENT_PER_CALLER", "2"),
        ("METRICS_NAMESPACE", "Team/Bridge"),
        ("LOG_LEVEL", "FATAL"),
        ("AWS_LAMBDA_LOG_LEVEL", "TRACE"),
        ("SSL_CERT_FILE", "/roots.pem"),
        ("SSL_CERT_DIR", "/roots"),
        ("AWS_CA_BUNDLE", "/bundle.pem"),
        ("HTTPS_PROXY", "http://upper.example.com:3128"),
        ("https_proxy", "http://user:MARKER@lower.example.com:3128"),
        ("NO_PROXY", "upper.example.com"),
        ("no_proxy", "lower.example.com"),
        ("AWS_USE_FIPS_ENDPOINT", "false"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "FALSE"),
    ])
    .unwrap();
    assert_eq!(config.client.endpoint.unwrap().path_prefix(), "/x");
    assert_eq!(
        config.client.control_endpoint.unwrap().host(),
        "control.example.com"
    );
    assert_eq!(config.invoke_mode, InvokeMode::ResponseStream);
    assert_eq!(config.api.base_path.as_deref(), Some("/v1/bridge"));
    let timeouts = config.client.timeouts;
    assert_eq!(milliseconds(timeouts), [1, 2, 900_000, 30]);
    assert_eq!(timeouts.ping_interval, None);
    let delay = Duration::from_millis(5);
    let retry = RetryPolicy {
        max_retries: 0,
        initial_delay: delay,
        multiplier: 1.5,
        max_delay: delay,
        after_send: true,
    };
    assert_eq!(config.client.retry, retry);
    assert_eq!(
        (config.api.max_prompt_bytes, config.api.max_response_bytes),
        (524_288, 1)
    );
    let origins = ["https://a.example.com", "http://localhost:3000"].map(str::to_owned);
    assert_eq!(
        config.api.allowed_origins,
        AllowedOrigins::Listed(origins.to_vec())
    );
    assert_eq!(config.session_binding, BindingSettings::Off);
    assert_eq!(
        config.api.rate_limits,
        RateLimits {
            per_minute: 60,
            concurrent: 2
        }
    );
    assert_eq!(config.metrics_namespace, "Team/Bridge");
    assert_eq!(config.log_level, LogLevel::Error);
    assert_eq!(config.roots.file, Some(PathBuf::from("/roots.pem")));
    assert_eq!(config.roots.directories, Some(PathBuf::from("/roots")));
    assert_eq!(config.roots.bundle, Some(PathBuf::from("/bundle.pem")));
    let proxy = format!("{:?}", config.proxy.unwrap());
    assert!(
        proxy.contains("lower.example.com:3128") && !proxy.contains("MARKER"),
        "{proxy}"
    );
}

#[test]
fn endpoints_are_chosen_where_they_are_amazons() {
    let chosen = [
        ("AWS_USE_FIPS_ENDPOINT", "true"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "True"),
    ];
    let both = EndpointVariant {
        fips: true,
        dual_stack: true,
    };
    assert_eq!(config(&chosen).unwrap().client.variant, both);
    for overridden in [
        "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE",
        "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL",
    ] {
        for variant in chosen {
            let error = config(&[variant, (overridden, "https://example.com")]).unwrap_err();
            assert_eq!(error.variable, variant.0);
            assert!(error.problem.contains(overridden), "{error}");
        }
    }
}

#[test]
fn an_invalid_value_is_reported_with_what_is_accepted() {
    for (variable, value) in [
        ("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", "http://example.com"),
        (
            "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL",
            "https://u:p@example.com",
        ),
        ("INVOKE_MODE", "stream"),
        ("BASE_PATH", "/a/../b"),
        ("BASE_PATH", "/a b"),
        ("CONNECT_TIMEOUT_MS", "0"),
        ("HANDSHAKE_TIMEOUT_MS", "0"),
        ("PING_INTERVAL_MS", "900001"),
        ("PING_INTERVAL_MS", "off"),
        ("AWS_USE_FIPS_ENDPOINT", "1"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "yes"),
        ("HTTPS_PROXY", "socks5://proxy.example.com"),
        ("https_proxy", "http://user:secret@"),
        ("NO_PROXY", "10.0.0.0/64"),
        ("no_proxy", "https://example.com"),
        ("INVOKE_TIMEOUT_MS", "900001"),
        ("CHUNK_TIMEOUT_MS", "-1"),
        ("CHUNK_TIMEOUT_MS", "1.5"),
        ("CHUNK_TIMEOUT_MS", "+5"),
        ("RETRY_MAX_RETRIES", "11"),
        ("RETRY_INITIAL_DELAY_MS", "9000"),
        ("RETRY_MAX_DELAY_MS", "999"),
        ("RETRY_MULTIPLIER", "0.9"),
        ("RETRY_MULTIPLIER", "NaN"),
        ("RETRY_MULTIPLIER", "1e0"),
        ("RETRY_AFTER_SEND", "yes"),
        ("MAX_PROMPT_BYTES", "524289"),
        ("MAX_RESPONSE_BYTES", "0"),
        ("CORS_ALLOWED_ORIGINS", "my.example.com"),
        ("CORS_ALLOWED_ORIGINS", "https://my.example.com/"),
        ("CORS_ALLOWED_ORIGINS", "*, https://a.example.com"),
        ("SESSION_BINDING", "on"),
        ("RATE_LIMIT_PER_MINUTE", "many"),
        ("MAX_CONCURRENT_PER_CALLER", "-1"),
        ("METRICS_NAMESPACE", "AWS/Lambda"),
        ("LOG_LEVEL", "loud"),
        ("AWS_LAMBDA_LOG_LEVEL", "loud"),
    ] {
        let error = config(&[(variable, value)]).unwrap_err();
        assert_eq!(error.variable, variable, "{value}");
        let line = error.to_string();
        assert!(line.starts_with(&format!("{variable}: ")) && line.contains("accepted is"));
        assert!(!line.contains('\n'), "{line}");
        assert!(value.len() < 10 || !line.contains(value), "{line}");
    }
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let config = config(&[
        ("CONNECT_TIMEOUT_MS", ""),
        ("LOG_LEVEL", ""),
        ("AWS_LAMBDA_LOG_LEVEL", "DEBUG"),
        ("PROVISIONING_AGENT_ARN", ""),
        ("ONBOARDING_AGENT_QUALIFIER", ""),
    ])
    .unwrap();
    assert_eq!(config.client.timeouts, Timeouts::default());
    assert_eq!(config.log_level, LogLevel::Debug);
    assert_eq!(config.agents.iter().count(), 1);
    assert_eq!(
        config
            .agents
            .find("onboarding")
            .unwrap()
            .runtime
            .as_ref()
            .unwrap()
            .qualifier,
        None
    );
}

#[test]
fn agents_are_read_from_their_variables() {
    let config = config(&[
        ("ONBOARDING_AGENT_QUALIFIER", "prod"),
        ("ONBOARDING_AGENT_DISPLAY_NAME", "Welcome desk"),
        ("ONBOARDING_AGENT_DESCRIPTION", "Greets."),
        ("ONBOARDING_AGENT_REPLY_END", "silence:700"),
        ("MWC_EAST_AGENT_ARN", "arn:aws:bedrock-agentcore:nowhere"),
        ("AGENT_ARN", ARN),
        ("_AGENT_ARN", ARN),
    ])
    .unwrap();
    let agents: Vec<_> = config.agents.iter().collect();
    assert_eq!(agents.len(), 2);
    assert_eq!(
        (agents[0].id.as_str(), agents[0].runtime.is_err()),
        ("mwc-east", true)
    );
    assert_eq!(agents[0].display_name, "Mwc East");
    assert_eq!(agents[1].id.as_str(), "onboarding");
    assert_eq!(
        agents[1].runtime.as_ref().unwrap().arn.region(),
        "us-east-1"
    );
    assert_eq!(
        agents[1].runtime.as_ref().unwrap().qualifier.as_deref(),
        Some("prod")
    );
    assert_eq!(agents[1].display_name, "Welcome desk");
    assert_eq!(agents[1].description.as_deref(), Some("Greets."));
    let silence = ReplyEnd::Silence(Duration::from_millis(700));
    assert_eq!(agents[1].reply_end, silence);
    assert_eq!(agents[0].reply_end, ReplyEnd::Explicit);
}

#[test]
fn no_agents_or_duplicate_agents_are_errors() {
    let error = Config::from_env(&Environment::default()).unwrap_err();
    assert_eq!(error.variable, "<NAME>_AGENT_ARN");
    let odd = config(&[("ONBOARDING_AGENT_REPLY_END", "silence")]).unwrap_err();
    assert_eq!(odd.variable, "ONBOARDING_AGENT_REPLY_END");
    let twice = config(&[("Onboarding_AGENT_ARN", ARN)]).unwrap_err();
    assert_eq!(twice.variable, "Onboarding_AGENT_ARN");
}

#[test]
fn debug_output_does_not_show_the_session_key() {
    let config = config(&[("SESSION_BINDING_KEY", "MARKER")]).unwrap();
    assert_eq!(
        config.session_binding,
        BindingSettings::Caller(Some(BindingKey::Given(Secret::new("MARKER"))))
    );
    assert!(!format!("{config:?}").contains("MARKER"));
    assert!(!format!("{:?}", Environment::from([("KEY", "MARKER")])).contains("MARKER"));
}

/// A declared variable that nothing reads would be silently ignored.
#[test]
fn every_declared_variable_changes_the_configuration() {
    // The credentials chain reads these by itself.
    let read_by_aws_config = [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ];
    let shown = |variables: &[(&str, &str)]| format!("{:?}", config(variables));
    let usual = shown(&[]);
    for declared in VARIABLES {
        if read_by_aws_config.contains(&declared) {
            continue;
        }
        let name = declared.replace("<NAME>", "OTHER");
        let probes = ["7", "off", "trace", "https://example.com", "/x"];
        let changes_the_configuration = probes.iter().any(|value| {
            let arn = ("OTHER_AGENT_ARN", ARN);
            if declared.starts_with("<NAME>") && declared != "<NAME>_AGENT_ARN" {
                shown(&[arn, (&name, value)]) != shown(&[arn])
            } else {
                shown(&[(&name, value)]) != usual
            }
        });
        assert!(changes_the_configuration, "{declared} is read by nothing");
    }
}
