"""What a deployment gets, unchanged, behind a Runtime API: it outlives a panic, and the first piece of a
stream leaves as soon as a whole answer does.

Nothing in the binary panics on demand. But a name is looked up on a thread of its own, and tokio panics
where the system gives none: with the process's memory limited from outside to what it has, there is no
room for another thread's stack.
"""

import json
import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "stack"))

from runtime_api import Function  # noqa: E402

# Room for an invocation, and not for the 2 MiB of a thread's stack.
HEADROOM_BYTES = 1_500_000
ROUNDS = 11
# Of the time of a whole answer. A delayed acknowledgement (40 ms) is more than ten times of it.
MOST = 4
# Between the prelude of a stream and its body.
DELIMITER = bytes(8)


def variables(endpoint, mode):
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "ECHO_AGENT_ARN", "STORY_AGENT_ARN")
    own = {name: os.environ[name] for name in names}
    return {**own, "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE": endpoint, "INVOKE_MODE": mode}


def event(path, agent):
    found = json.loads(pathlib.Path("tests/events/function-url.json").read_text())
    found["rawPath"] = found["requestContext"]["http"]["path"] = path
    found["body"] = json.dumps({"agentId": agent, "prompt": "Hello there"})
    return found


def status_and_body(answer):
    """Of an answer that came whole, or in parts."""
    if isinstance(answer, dict):
        return answer["statusCode"], answer["body"]
    prelude, body = b"".join(part for _, part in answer).split(DELIMITER, 1)
    return json.loads(prelude)["statusCode"], body.decode()


def address_space(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmSize:\s+(\d+) kB", status)[1]) * 1024


def outlives_a_panic(binary, endpoint, mode):
    named = endpoint.replace("127.0.0.1", "localhost")
    assert named != endpoint, endpoint
    heard = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    function = Function(binary, variables(named, mode), **heard)
    function.wait_until_ready()
    _, most = resource.prlimit(function.pid, resource.RLIMIT_AS)
    limit = address_space(function.pid) + HEADROOM_BYTES
    request = event("/api/agents/invoke", "echo")
    for _ in range(2):
        resource.prlimit(function.pid, resource.RLIMIT_AS, (limit, most))
        status, body = status_and_body(function.invoke(request))
        assert (status, json.loads(body)["error"]) == (500, "InternalError"), f"{status} {body}"
        resource.prlimit(function.pid, resource.RLIMIT_AS, (most, most))
    status, body = status_and_body(function.invoke(request))
    assert status == 200, f"{status} {body}"
    # On Lambda nothing but JSON is said, a panic's text neither.
    lines = [json.loads(line) for line in function.stop().splitlines()]
    panics = [line for line in lines if line["message"] == "panicked"]
    assert len(panics) == 2, f"not by panics: {lines}"
    print(f"{mode}: two panics at {panics[0]['place'].rsplit('/', 1)[-1]}, two answers 500, then a 200 of the same process")


def first_piece_is_soon(binary, endpoint):
    unheard = {"stdout": subprocess.DEVNULL}
    streaming = Function(binary, variables(endpoint, "response_stream"), **unheard)
    buffering = Function(binary, variables(endpoint, "buffered"), **unheard)
    pieces, wholes = [], []
    for _ in range(ROUNDS):
        pieces.append(first_piece(streaming, event("/api/agents/invoke/stream", "story")))
        wholes.append(whole(buffering, event("/api/agents/invoke", "echo")))
    streaming.stop()
    buffering.stop()
    piece, answer = statistics.median(pieces), statistics.median(wholes)
    print(f"the first piece after {piece * 1000:.1f} ms, a whole answer after {answer * 1000:.1f} ms: {piece / answer:.1f} times")
    assert piece < MOST * answer, f"{piece / answer:.1f} times"


def first_piece(function, request):
    """Seconds until a stream's first piece was there; the agent's others come later."""
    start = time.monotonic()
    parts = function.invoke(request)
    came = next(at for at, part in parts if b'"chunk"' in part)
    assert parts[-1][0] - came > 0.1, "the pieces are not apart"
    return came - start


def whole(function, request):
    start = time.monotonic()
    status, body = status_and_body(function.invoke(request))
    assert status == 200, body
    return time.monotonic() - start


binary, endpoint = sys.argv[1], os.environ["AWS_ENDPOINT_URL_BEDROCK_AGENTCORE"]
for mode in ("buffered", "response_stream"):
    outlives_a_panic(binary, endpoint, mode)
first_piece_is_soon(binary, endpoint)
