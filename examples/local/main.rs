//! The local run: serves the HTTP API and a page on loopback, with an emulated AgentCore Runtime, with
//! agents of the user's own or, if agents are configured, with the real service.
#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use std::collections::BTreeMap;
use std::error::Error;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use agentcore_bridge::agentcore::invoke::watch;
use agentcore_bridge::api::{AllowedOrigins, AnswerLimit, Api, ExposedSteps};
use agentcore_bridge::api::{MAX_BODY_BYTES, RequestContext};
use agentcore_bridge::bridge;
use agentcore_bridge::caller::Origin;
use agentcore_bridge::config::Config;
use agentcore_bridge::env::Environment;
use agentcore_bridge::telemetry::{self, LogFormat, Output, printable};
use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use behind::Behind;
use greeting::greet;
use guard::{Guard, Refusal};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Collected, Limited};
use options::{Command, USAGE};
use own_agents::OwnAgent;
use page::{Page, PageRoute};
use tokio::net::TcpListener;
use tokio::time::Instant;
use turns::{Scribe, Turns};
use uuid::Uuid;

mod behind;
#[cfg(test)]
mod browser;
mod doctor;
mod greeting;
mod guard;
mod options;
mod own_agents;
mod page;
mod relay;
mod turns;

const ORIGINS: &str = "CORS_ALLOWED_ORIGINS";

/// How long requests may finish after Ctrl-C.
const GRACE: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let command = match Command::parse(std::env::args().skip(1)) {
        Ok(command) => command,
        Err(mistake) => {
            eprintln_line(&format!("{mistake}\n\n{USAGE}"));
            return ExitCode::from(2);
        }
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    match command {
        Command::Help => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        Command::Serve { port, agents } => match runtime.block_on(run(port, agents)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&*error),
        },
        Command::Doctor(checkup) => {
            let is_well = runtime.block_on(doctor::examine(checkup));
            ExitCode::from(u8::from(!is_well))
        }
    }
}

fn fail(error: &dyn Error) -> ExitCode {
    eprintln_line(&format!("cargo local: {error}"));
    ExitCode::FAILURE
}

async fn run(port: u16, own: Vec<OwnAgent>) -> Result<(), Box<dyn Error>> {
    let mut variables = variables()?;
    let names_origins = variables
        .get(ORIGINS)
        .is_some_and(|value| !value.is_empty());
    let behind = Behind::start(own, &mut variables, true).await?;
    let env: Environment = variables.into_iter().collect();
    let config = Config::from_env(&env)?;
    telemetry::init(config.log_level, LogFormat::Text, now);

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|error| {
            format!("cannot listen on port {port} ({error}); choose another with --port")
        })?;
    let api = bridge::api(&config, &env, None, now).await?;
    let connector = bridge::connector(&config)?;
    greet(listener.local_addr()?, &config, &env, connector, &behind);
    telemetry::misconfigured_agents(&config.agents);
    let says_steps = env.get("EXPOSE_STEPS").is_some();
    let page = Page {
        // On the developer's own machine there is nobody to hide them from.
        exposed_steps: (!says_steps).then_some(ExposedSteps {
            reasoning: true,
            tools: true,
        }),
        turns: Turns::default(),
        mode: behind.name(),
        own_agents: behind.own_agents(),
        emulator: behind.emulator(),
        base_path: config.api.base_path.clone(),
    };
    let guard = Guard {
        // Read before the emulator adds its own settings.
        named: if names_origins {
            config.api.allowed_origins
        } else {
            AllowedOrigins::None
        },
        trusts_own_pages: matches!(behind, Behind::Emulator(_)),
    };
    serve(listener, router(api, guard, page)).await?;
    println!("Stopped.");
    Ok(())
}

/// The variables of the process, which win over those of `.env`.
fn variables() -> Result<BTreeMap<String, String>, Box<dyn Error>> {
    let mut variables = BTreeMap::new();
    match dotenvy::from_path_iter(".env") {
        Ok(lines) => {
            for line in lines {
                let (name, value) = line.map_err(|error| match error {
                    // The library's message quotes the line, which may hold a secret.
                    dotenvy::Error::LineParse(_, at) => {
                        format!(".env: a line is not NAME=value (at character {at} of it)")
                    }
                    error => format!(".env: {error}"),
                })?;
                variables.insert(name, value);
            }
        }
        Err(error) if error.not_found() => {}
        Err(error) => return Err(format!(".env cannot be read: {error}").into()),
    }
    variables.extend(Environment::of_process());
    Ok(variables)
}

/// Serves until Ctrl-C.
async fn serve(listener: TcpListener, router: Router) -> Result<(), Box<dyn Error>> {
    let (stopping, mut stopped) = tokio::sync::watch::channel(false);
    let interrupted = async move {
        // Without a handler, Ctrl-C ends the process at once, which is fine.
        let _ = tokio::signal::ctrl_c().await;
        let _ = stopping.send(true);
    };
    let serving = axum::serve(listener, router).with_graceful_shutdown(interrupted);
    let too_late = async {
        let _ = stopped.wait_for(|stopping| *stopping).await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = async { serving.await } => served?,
        () = too_late => {}
    }
    Ok(())
}

fn router(api: Api, guard: Guard, page: Page) -> Router {
    Router::new().fallback(async move |request: Request<Body>| {
        let received = Instant::now();
        let route = page.route(&request);
        let check = match route {
            Some(PageRoute::File(_) | PageRoute::Slash) => Guard::check_host(&request),
            _ => guard.check(&request),
        };
        let asked = format!("{} {}", request.method(), request.uri().path());
        let is_api = route.is_none();
        let response = match (check, route) {
            (Err(refusal), _) => refuse(refusal),
            (Ok(()), Some(route)) => page.answer(route).await,
            (Ok(()), None) => watched(&api, &page, request, received).await,
        };
        // What the page asks all the time is no news.
        if is_api {
            let status = response.status().as_u16();
            let took = received.elapsed().as_millis();
            Output.line(printable(&format!("{asked} → {status} in {took} ms")));
        }
        response
    })
}

/// The API's answer. Where the page named the turn, what happens in it is written down, and the answer
/// has its steps.
async fn watched(api: &Api, page: &Page, request: Request<Body>, received: Instant) -> Response {
    let name = request.headers().get(page::TURN);
    let record = name
        .and_then(|name| name.to_str().ok())
        .and_then(|name| page.turns.record(name));
    match record {
        Some(record) => {
            let scribe = Arc::new(Scribe::new(record, received));
            let answer = answer(api, request, received, page.exposed_steps);
            watch::watched(scribe, answer).await
        }
        None => answer(api, request, received, None).await,
    }
}

/// A 403 in the form of the API's own errors.
fn refuse(refusal: Refusal) -> Response {
    let details = serde_json::json!({ "retryable": false });
    let body = serde_json::json!({
        "error": "AuthorizationError",
        "message": refusal,
        "details": details,
    });
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("cache-control", "no-store".to_owned()),
        ("x-content-type-options", "nosniff".to_owned()),
        ("x-request-id", Uuid::new_v4().to_string()),
    ];
    (StatusCode::FORBIDDEN, headers, body.to_string()).into_response()
}

async fn answer(
    api: &Api,
    request: Request<Body>,
    received: Instant,
    exposed_steps: Option<ExposedSteps>,
) -> Response {
    let (parts, body) = request.into_parts();
    // One byte more than allowed is enough: the API refuses the body by its size.
    let body = Limited::new(body, MAX_BODY_BYTES + 1).collect().await;
    let body = body.map_or_else(
        |_| vec![b' '; MAX_BODY_BYTES + 1].into(),
        Collected::to_bytes,
    );
    let request = Request::from_parts(parts, body);
    let context = RequestContext {
        request_id: Uuid::new_v4().to_string(),
        received,
        lambda_deadline: None,
        xray: None,
        stage: None,
        origin: Origin::default(),
        limit: AnswerLimit::Lambda,
        can_stream: true,
        exposed_steps,
    };
    api.answer(request, context).await.map(Body::new)
}

#[expect(clippy::print_stderr, reason = "a program for a terminal")]
fn eprintln_line(line: &str) {
    eprintln!("{line}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one clock, handed to all who need the time"
)]
fn now() -> SystemTime {
    SystemTime::now()
}
