"""What callers must get of an API, whoever stands in front of it: each check says what it expects, and fails with what it saw."""

import uuid

from api import Failed

CHECKS = {}


def check(function):
    """One of the checks, under its name, with its first line as what is expected."""
    CHECKS[function.__name__.replace("_", "-")] = function
    return function


def must(holds, seen):
    if not holds:
        raise Failed(f"{seen}"[:300])


def is_error(answer, status, code):
    must(answer.status == status and answer.json["error"] == code, answer)
    must("retryable" in answer.json["details"] and answer.headers.get("x-request-id"), (answer, answer.headers))


def prompt(agent, **more):
    return {"agentId": agent, "prompt": "Say hello in one short sentence."} | more


@check
def health(api, agent):
    """200 with the version, by GET and HEAD"""
    answer = api.ask("GET", "/health")
    must(answer.status == 200 and answer.json["status"] == "ok" and answer.json["version"], answer)
    must(api.ask("HEAD", "/health").status == 200, "HEAD")
    return f"version {answer.json['version']}, commit {answer.json.get('commit')}"


@check
def strangers(api, agent):
    """401 in the form of our errors, with x-request-id, for a request without credentials"""
    if api.auth == "NONE":
        return "everybody may call"
    is_error(api.ask("POST", "/api/agents/invoke", prompt(agent), known=False), 401, "AuthenticationError")


@check
def agents(api, agent):
    """the agent is listed as configured"""
    listed = api.ask("GET", "/api/agents").json["agents"]
    must({"id": agent, "configured": True}.items() <= next(a for a in listed if a["id"] == agent).items(), listed)


@check
def status(api, agent):
    """the agent's status is available"""
    answer = api.ask("GET", f"/api/agents/{agent}/status")
    must(answer.status == 200 and answer.json["status"] == "available", answer)


@check
def preflight(api, agent):
    """204 for OPTIONS, without credentials"""
    answer = api.ask("OPTIONS", "/api/agents/invoke", known=False, access_control_request_method="POST")
    must(answer.status == 204, answer)


@check
def mistakes(api, agent):
    """400, 404, 405 with Allow, and 413, as the program words them"""
    is_error(api.ask("POST", "/api/agents/invoke", {"agentId": agent}), 400, "ValidationError")
    is_error(api.ask("POST", "/api/agents/invoke", prompt("no-such-agent")), 404, "NotFoundError")
    is_error(api.ask("GET", "/no/such/path"), 404, "NotFoundError")
    wrong = api.ask("GET", "/api/agents/invoke")
    is_error(wrong, 405, "MethodNotAllowedError")
    must("POST" in wrong.headers.get("allow", ""), wrong.headers)
    is_error(api.ask("POST", "/api/agents/invoke", prompt(agent, filler="x" * 1_200_000)), 413, "PayloadTooLargeError")


@check
def invoke(api, agent):
    """200 with a reply, and a second turn of the same session; then the session is ended with 204"""
    first = api.ask("POST", "/api/agents/invoke", prompt(agent))
    must(first.status == 200 and first.json["response"] and "incomplete" not in first.json, first)
    session = first.json["sessionId"]
    second = api.ask("POST", "/api/agents/invoke", prompt(agent, sessionId=session))
    must(second.status == 200 and second.json["sessionId"] == session, second)
    must(api.ask("DELETE", f"/api/agents/{agent}/sessions/{session}").status == 204, "the session is not ended")
    return f"{first.json['metadata']}"


@check
def stream(api, agent):
    """events as they come, so of no length that is known before: the session, pieces, the end"""
    answer = api.ask("POST", "/api/agents/invoke/stream", prompt(agent))
    must(answer.status == 200 and answer.headers["content-type"].startswith("text/event-stream"), (answer, answer.headers))
    must(not api.streams or "content-length" not in answer.headers, answer.headers)
    must("sessionId" in answer.data[0] and answer.data[-1] == "[DONE]" and len(answer.data) >= 4, answer.data)
    apart = answer.pieces[-1][0] - answer.pieces[0][0]
    return f"{len(answer.pieces)} reads, the last {1000 * apart:.0f} ms after the first"


@check
def ag_ui(api, agent):
    """RUN_STARTED … RUN_FINISHED with the ids that were sent"""
    run = {"threadId": f"trial-{uuid.uuid4()}", "runId": "run-1", "state": {}, "tools": [], "context": [], "forwardedProps": {},
           "messages": [{"id": "1", "role": "user", "content": prompt(agent)["prompt"]}]}
    events = api.ask("POST", f"/api/agents/{agent}/ag-ui", run).data
    for event, kind in ((events[0], "RUN_STARTED"), (events[-1], "RUN_FINISHED")):
        must((event["type"], event["threadId"], event["runId"]) == (kind, run["threadId"], "run-1"), event)
    must(any(event["type"] == "TEXT_MESSAGE_CONTENT" for event in events), events)


@check
def openai(api, agent):
    """a chat completion, whole and as a stream, and the list of models"""
    asked = {"model": agent, "messages": [{"role": "user", "content": prompt(agent)["prompt"]}]}
    whole = api.ask("POST", "/v1/chat/completions", asked)
    must(whole.status == 200 and whole.json["choices"][0]["message"]["content"], whole)
    chunks = api.ask("POST", "/v1/chat/completions", asked | {"stream": True}).data
    must(chunks[0]["object"] == "chat.completion.chunk" and chunks[-1] == "[DONE]", chunks)
    must(agent in [model["id"] for model in api.ask("GET", "/v1/models").json["data"]], "no such model")


# Those that ask no agent, and so cost nothing.
FREE = ["health", "strangers", "agents", "status", "preflight", "mistakes"]
