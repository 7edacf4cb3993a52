"""Tests the deployed binary, unchanged, behind a Runtime API: it survives a panic, and sends the first
chunk of a stream as soon as it would send a complete response.

Nothing in the binary panics on demand. But DNS lookups run on a thread of their own, and tokio panics if
it cannot spawn one. So the test limits the process's memory from outside to what it has, which leaves no
room for the stack of another thread.
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

# Enough memory for an invocation, but not for a thread's stack of 2 MiB.
HEADROOM_BYTES = 1_500_000
ROUNDS = 11
# As a fraction of the time of a complete response. A delayed acknowledgement (40 ms) takes more
# than ten times as long.
MOST = 4
# Separates the prelude of a stream from its body.
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
    """Reads a response that arrived complete, or in parts."""
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
    # All output on Lambda is JSON, and never contains the text of a panic.
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
    """Seconds until the first chunk of a stream arrived, before the agent sent the others."""
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
