//! One agent: what the control plane says of it, whether it takes a handshake, and what it answers.

use std::time::Duration;

use agentcore_bridge::agent::{Agent, Runtime, RuntimeAuth};
use agentcore_bridge::agentcore::error::{InvocationError, Refusal, RefusalKind};
use agentcore_bridge::agentcore::invoke::{Progress, Request};
use agentcore_bridge::agentcore::status::EndpointState;
use agentcore_bridge::agentcore::{AgentCoreClient, ReplyEvent, ReplyOptions};
use agentcore_bridge::invocation::{Content, Invocation, Prompt, Visit};
use agentcore_bridge::session::{RuntimeSessionId, SessionId};
use agentcore_bridge::trace::TraceHeaders;
use tokio::time::{Instant, sleep};

use super::report::{Finding, Report};
use super::{Patient, mend};
use crate::turns::why;

/// A runtime that is just starting refuses the first handshakes.
const HANDSHAKES: u32 = 3;
const BETWEEN: Duration = Duration::from_secs(1);

/// Examines an agent, and asks it where there is something to ask.
pub(super) async fn check(
    patient: &Patient,
    client: &AgentCoreClient,
    agent: &Agent,
    ask: Option<&str>,
    report: &mut Report,
) {
    let id = agent.id.as_str();
    let runtime = match &agent.runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            let line = format!(
                "{}_AGENT_ARN=arn:aws:bedrock-agentcore:<region>:<account>:runtime/<name>-<10 letters or digits>",
                id.to_ascii_uppercase().replace('-', "_")
            );
            report.add(
                Finding::failure("arn", error.to_string())
                    .of(id)
                    .mended_by(line),
            );
            return;
        }
    };
    if patient.own.is_none() {
        report.add(status(client, agent, runtime).await.of(id));
    }
    if runtime.auth == RuntimeAuth::Caller {
        let what = "the runtime takes callers' tokens: only a caller can open it";
        report.add(Finding::skipped("handshake", what).of(id));
        return;
    }
    let visit = visit();
    let begin = Instant::now();
    // An agent of the user's own has no micro-VM that starts.
    let tries = if patient.own.is_some() { 1 } else { HANDSHAKES };
    match handshake(client, runtime, &visit, tries).await {
        Ok(()) => report.add(
            Finding::fine("handshake", "taken")
                .of(id)
                .took(begin.elapsed()),
        ),
        Err(error) => {
            report.add(
                failed("handshake", patient, agent, runtime, &error)
                    .await
                    .of(id),
            );
            return;
        }
    }
    if let Some(prompt) = ask {
        let limit = patient.config.api.max_prompt_bytes;
        report.add(match Prompt::parse(prompt.to_owned(), limit) {
            Ok(prompt) => {
                let said = reply(patient, client, agent, runtime, &visit, prompt).await;
                said.of(id).took(begin.elapsed())
            }
            Err(error) => Finding::failure("prompt", error.to_string()),
        });
    }
    // A session that is left would cost what an idle micro-VM costs.
    let deadline = deadline(client);
    let session = &visit.runtime_session;
    if let Err(error) = client.end_session(runtime, session, None, deadline).await {
        let what = format!("the session could not be ended: {error}");
        let finding = Finding::warning("session", what);
        report.add(match error.failure.refusal().map(Refusal::kind) {
            Some(RefusalKind::Denied) => {
                finding.mended_by(mend::policy(runtime, &["StopRuntimeSession"]))
            }
            _ => finding,
        });
    }
}

fn deadline(client: &AgentCoreClient) -> Instant {
    Instant::now() + client.invoke_timeout()
}

fn visit() -> Visit {
    let session = SessionId::generate();
    Visit {
        runtime_session: RuntimeSessionId::of(&session),
        session,
        caller: None,
        token: None,
        trace: TraceHeaders::default(),
    }
}

async fn status(client: &AgentCoreClient, agent: &Agent, runtime: &Runtime) -> Finding {
    match client.endpoint_state(runtime, deadline(client)).await {
        Ok(EndpointState::State(state)) => match state.as_str() {
            "READY" | "UPDATING" => Finding::fine("status", state),
            "UPDATE_FAILED" => Finding::warning("status", "UPDATE_FAILED: an older version serves")
                .mended_by(mend::describe_runtime(runtime)),
            _ => Finding::failure("status", format!("the endpoint is {state}"))
                .mended_by(mend::describe_runtime(runtime)),
        },
        Ok(EndpointState::Missing) => Finding::failure(
            "status",
            "there is no such runtime, or no such endpoint of it",
        )
        .mended_by(mend::not_found(agent, runtime)),
        Ok(EndpointState::Refused(refusal)) => {
            let what = format!("the control plane refuses: {refusal}");
            let finding = Finding::warning("status", what);
            match refusal.kind() {
                RefusalKind::Denied => {
                    finding.mended_by(mend::policy(runtime, &["GetAgentRuntimeEndpoint"]))
                }
                _ => finding.mended_by(mend::refused(agent, runtime, &refusal)),
            }
        }
        // The function works without it: callers see the status `unknown`.
        Err(error) => Finding::warning("status", super::chain(&*error)),
    }
}

async fn handshake(
    client: &AgentCoreClient,
    runtime: &Runtime,
    visit: &Visit,
    at_most: u32,
) -> Result<(), InvocationError> {
    let mut tried = 1;
    loop {
        let result = client.prewarm(runtime, visit, deadline(client)).await;
        let may_be_starting = |error: &InvocationError| {
            let refusal = error.failure.refusal();
            refusal.is_some_and(|refusal| refusal.kind() == RefusalKind::Unavailable)
        };
        match result {
            Err(error) if tried < at_most && may_be_starting(&error) => {
                tried += 1;
                sleep(BETWEEN).await;
            }
            result => return result,
        }
    }
}

async fn failed(
    check: &'static str,
    patient: &Patient,
    agent: &Agent,
    runtime: &Runtime,
    error: &InvocationError,
) -> Finding {
    let phase = error.phase.as_str();
    if let Some(own) = &patient.own {
        let health = own.health().await;
        let health = health
            .into_iter()
            .find(|health| health.agent.id == agent.id.as_str());
        if let Some(problem) = health.as_ref().and_then(|health| health.problem.as_ref()) {
            let mend = mend::own(health.as_ref().is_some_and(|health| health.is_reachable));
            return Finding::failure(check, problem).mended_by(mend);
        }
    }
    let what = format!("{} (in phase {phase})", why(error));
    Finding::failure(check, what).mended_by(mend::line(agent, runtime, error))
}

/// Asks the agent, and reads its whole reply.
async fn reply(
    patient: &Patient,
    client: &AgentCoreClient,
    agent: &Agent,
    runtime: &Runtime,
    visit: &Visit,
    prompt: Prompt,
) -> Finding {
    let invocation = Invocation {
        content: Content::Prompt {
            prompt,
            fields: agentcore_bridge::agent::RequestFields::default(),
        },
        visit: visit.clone(),
    };
    let request = Request {
        runtime,
        message: &agent.message,
        reply_end: agent.reply_end,
        invocation: &invocation,
        deadline: deadline(client),
        options: ReplyOptions::text_alone(patient.config.api.max_response_bytes),
    };
    let mut progress = Progress::since(Instant::now());
    let mut stream = match client.invoke(request, &mut progress, &()).await {
        Ok(stream) => stream,
        Err(error) => return failed("prompt", patient, agent, runtime, &error).await,
    };
    let (mut characters, mut pieces) = (0, 0);
    loop {
        match stream.next().await {
            ReplyEvent::Piece(text) => {
                characters += text.chars().count();
                pieces += 1;
            }
            ReplyEvent::Step(_) => {}
            ReplyEvent::Complete if pieces == 0 => {
                let counts = stream.counts();
                let what = format!(
                    "the reply is empty: {} messages, {} of them unread",
                    counts.messages, counts.unread
                );
                return Finding::failure("prompt", what).mended_by(mend::empty(agent));
            }
            ReplyEvent::Complete => {
                let what = format!("a reply of {characters} characters in {pieces} pieces");
                return Finding::fine("prompt", what);
            }
            ReplyEvent::Interrupted(error) => {
                return failed("prompt", patient, agent, runtime, &error).await;
            }
        }
    }
}
