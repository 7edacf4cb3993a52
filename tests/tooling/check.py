"""The parts of the tooling tests that are not shell: expected responses, ports, a relay, and the binary."""

import asyncio
import ipaddress
import json
import pathlib
import re
import socket
import sys
import time
import urllib.error
import urllib.request
import zipfile

EVENTS = pathlib.Path("tests/events")
REPLY = re.compile(r"You said: Hello there \(turn \d+ of this session\)")

# The expected status and body fields of events that are not a valid POST /api/agents/invoke.
OTHERS = {
    "health": (200, {"status": "ok"}),
    "alb-health-check": (200, {"status": "ok"}),
    "rest-api-agents": (200, {"agents": [{"id": "echo", "name": "Echo", "configured": True, "region": "us-east-1"}]}),
    "rest-api-invalid": (400, {"error": "ValidationError", "message": "agentId and prompt are required"}),
}


def fail(text):
    sys.exit(f"tests/tooling: {text}")


def check_body(what, status, body, expected_status, expected):
    """Fails unless the response is as expected. An expected body of None means the echo agent's reply."""
    answer = f"{what}: {status} {body}"
    if status != expected_status:
        fail(f"{answer}\nexpected status {expected_status}")
    found = json.loads(body)
    if expected is None:
        right = REPLY.fullmatch(found["response"]) and found["sessionId"] == "smoke-test" and found["metadata"]["chunks"] > 0
    else:
        right = {key: found.get(key) for key in expected} == expected
    if not right:
        fail(f"{answer}\nexpected {expected or 'the reply of the echo agent'}")
    print(answer)


def check_answer(event, text):
    """Checks the function's response to an event: its form for the gateway, then its content."""
    try:
        answer = json.loads(text)
        status, body = answer["statusCode"], answer["body"]
    except (ValueError, KeyError, TypeError):
        fail(f"{event}: this is no answer for a gateway: {text!r}")
    if answer["isBase64Encoded"]:
        fail(f"{event}: the answer is in base64: {text}")
    headers = dict(answer["headers"] or {})
    headers.update((name, values[0]) for name, values in (answer.get("multiValueHeaders") or {}).items())
    if headers.get("content-type") != "application/json" or not headers.get("x-request-id"):
        fail(f"{event}: headers are missing: {headers}")
    if event.startswith("alb") and not answer.get("statusDescription", "").startswith(str(status)):
        fail(f"{event}: a load balancer wants a statusDescription: {text}")
    if event == "alb-multi-value" and not answer["multiValueHeaders"]:
        fail(f"{event}: a load balancer with multi-value headers wants multiValueHeaders: {text}")
    check_body(event, status, body, *OTHERS.get(event, (200, None)))


def invoke_all(url):
    """Posts each event in the repository to AWS's runtime interface emulator."""
    for path in sorted(EVENTS.glob("*.json")):
        with urllib.request.urlopen(urllib.request.Request(url, path.read_bytes()), timeout=60) as answer:
            check_answer(path.stem, answer.read().decode())


def http_all(base):
    """Sends HTTP requests to `sam local start-api`, where the echo agent is called `onboarding`."""
    session = {"agentId": "onboarding", "sessionId": "smoke-test"}
    for method, path, body, status, expected in [
        ("GET", "/health", None, 200, {"status": "ok"}),
        ("GET", "/api/agents/onboarding", None, 200, {"id": "onboarding", "configured": True}),
        ("POST", "/api/agents/invoke", {**session, "prompt": "Hello there"}, 200, None),
        ("POST", "/api/agents/invoke", session, 400, {"error": "ValidationError", "message": "agentId and prompt are required"}),
        ("POST", "/api/agents/invoke", {"agentId": "nobody", "prompt": "Hi"}, 404, {"error": "NotFoundError"}),
        ("GET", "/api/agents/invoke", None, 405, {"error": "MethodNotAllowedError"}),
        ("GET", "/nowhere/at/all", None, 404, {"error": "NotFoundError"}),
    ]:
        check_body(f"{method} {path}", *send(base, method, path, body), status, expected)
    preflight = send(base, "OPTIONS", "/api/agents/invoke/stream")
    if preflight != (204, ""):
        fail(f"OPTIONS /api/agents/invoke/stream: {preflight}")
    # Without streaming the same events arrive in one response.
    status, text = send(base, "POST", "/api/agents/invoke/stream", {**session, "prompt": "Hello there"})
    if status != 200 or not text.startswith("event: session\n") or not text.endswith("data: [DONE]\n\n"):
        fail(f"POST /api/agents/invoke/stream: {status} {text}")
    print(f"POST /api/agents/invoke/stream: {status} and {text.count('data: ')} events")


def streamed(base):
    """Streams two replies from one process, through a gateway that reads the chunks as they are sent."""
    for _ in range(2):
        body = {"agentId": "echo", "prompt": "Hello there"}
        status, text = send(base, "POST", "/api/agents/invoke/stream", body)
        if status != 200 or not text.startswith("event: session\n") or not text.endswith("data: [DONE]\n\n"):
            fail(f"POST /api/agents/invoke/stream: {status} {text!r}")
        print(f"POST /api/agents/invoke/stream: {status} and {text.count('data: ')} events")


def send(base, method, path, body=None):
    """Returns the status and body of a response, also for error statuses."""
    request = urllib.request.Request(base + path, body and json.dumps(body).encode(), method=method)
    request.add_header("content-type", "application/json")
    try:
        answer = urllib.request.urlopen(request, timeout=120)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.status, answer.read().decode()


def wait(what, seconds, is_there):
    end = time.monotonic() + seconds
    while not is_there():
        if time.monotonic() > end:
            fail(f"{what} did not come within {seconds} s")
        time.sleep(0.1)


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def gateway(network):
    """The host's address in Docker's network: its gateway if named, else the first address of its subnet."""
    return next(iter(ipaddress.ip_network(network).hosts()))


def relay(listen, target):
    """Relays connections in both directions."""

    async def pump(reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def accepted(reader, writer):
        there_reader, there_writer = await asyncio.open_connection(*target.split(":"))
        await asyncio.gather(pump(reader, there_writer), pump(there_reader, writer))

    async def serve():
        server = await asyncio.start_server(accepted, *listen.split(":"))
        await server.serve_forever()

    asyncio.run(serve())


def check_glibc(binary, newest):
    """Checks the required glibc: provided.al2023 has 2.34, and a binary linked for a newer one does not start there."""
    number = lambda version: [int(part) for part in version.split(".")]
    names = set(re.findall(rb"\bGLIBC_(\d+\.\d+(?:\.\d+)?)\b", pathlib.Path(binary).read_bytes()))
    needs = max((name.decode() for name in names), key=number, default="0")
    if number(needs) > number(newest):
        fail(f"{binary} needs glibc {needs}; provided.al2023 has {newest}")
    print(f"{binary} needs glibc {needs}; provided.al2023 has {newest}")


def print_size(binary):
    packed = pathlib.Path(binary).with_suffix(".zip")
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(binary, "bootstrap")
    print(f"the binary has {pathlib.Path(binary).stat().st_size} bytes, {packed.stat().st_size} in a zip")
    packed.unlink()


def main(command, *arguments):
    match command, arguments:
        case "answer", [event]:
            check_answer(event, sys.stdin.read())
        case "invoke", [url]:
            invoke_all(url)
        case "http", [base]:
            http_all(base)
        case "streamed", [base]:
            streamed(base)
        case "wait-for", [path, text]:
            wait(f"{text!r} in {path}", 30, lambda: text in pathlib.Path(path).read_text())
        case "wait-for-port", [port]:
            wait(f"a server on port {port}", 60, lambda: answers(int(port)))
        case "free-port", []:
            print(free_port())
        case "gateway", [network]:
            print(gateway(network))
        case "relay", [listen, target]:
            relay(listen, target)
        case "glibc", [binary, newest]:
            check_glibc(binary, newest)
        case "size", [binary]:
            print_size(binary)
        case _:
            fail(f"check.py does not know {command} {arguments}")


main(*sys.argv[1:])
