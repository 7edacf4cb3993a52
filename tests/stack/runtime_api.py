"""A Runtime API of AWS Lambda on loopback, and the built binary as a child process behind it."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

NEXT = "/2018-06-01/runtime/invocation/next"
FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:bridge"
TRACE_ID = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1"
# For the binary's start and its answer together; no test comes near it.
PATIENCE_SECONDS = 30


class Function:
    """The function, from its start to its end. It sees the given environment variables alone."""

    def __init__(self, binary, variables, **popen):
        self._api = RuntimeApi()
        own = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._api.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": "bridge",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        }
        self._child = subprocess.Popen([binary], env={**own, **variables}, **popen)
        self.pid = self._child.pid
        Thread(target=self._api.serve_forever, args=(0.05,), daemon=True).start()

    def wait_until_ready(self):
        """Waits until the function asks for work."""
        assert self._api.asked.wait(PATIENCE_SECONDS), "it does not ask for work"

    def stop(self):
        """Ends the process, and gives what it said where that was to be heard."""
        self._child.kill()
        said = self._child.stdout.read() if self._child.stdout else None
        self._child.wait()
        self._api.events.put(None)
        self._api.shutdown()
        self._api.server_close()
        return said

    def invoke(self, event):
        """Hands the function an event, or the bytes of one; gives its response. That of a stream is its parts, each with
        the time at which it came."""
        request_id = str(uuid.uuid4())
        outcome = self._api.outcomes[request_id] = queue.Queue()
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        self._api.events.put((request_id, body))
        give_up = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                kind, body = outcome.get(timeout=0.2)
                assert kind == "response", f"a function error: {body}"
                return body
            except queue.Empty:
                assert self._child.poll() is None, f"it ended ({self._child.returncode}): {self._api.init_error}"
                assert time.monotonic() < give_up, "no answer in time"


class RuntimeApi(ThreadingHTTPServer):
    """Where the function fetches events and leaves what became of them."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.events = queue.Queue()
        self.outcomes = {}
        self.init_error = None
        self.asked = Event()


class Handler(BaseHTTPRequestHandler):
    """One connection of the function's."""

    protocol_version = "HTTP/1.1"
    # Head and body are two writes: the second would wait for an acknowledgement of the first.
    disable_nagle_algorithm = True

    def handle(self):
        """A function that is gone is one whose tests have ended."""
        with contextlib.suppress(ConnectionError):
            super().handle()

    def do_GET(self):
        """`invocation/next` waits until there is an event."""
        self.server.asked.set()
        event = self.server.events.get() if self.path == NEXT else None
        if event is None:
            self.close_connection = True
            return self._answer(404)
        request_id, body = event
        deadline = int((time.time() + PATIENCE_SECONDS) * 1000)
        headers = {
            "lambda-runtime-aws-request-id": request_id,
            "lambda-runtime-deadline-ms": str(deadline),
            "lambda-runtime-invoked-function-arn": FUNCTION_ARN,
            "lambda-runtime-trace-id": TRACE_ID,
        }
        self._answer(200, body, headers)

    def do_POST(self):
        """`invocation/<id>/response`, `invocation/<id>/error` and `init/error`."""
        if self.headers["transfer-encoding"] == "chunked":
            body = list(self._parts())
        else:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        *_, request_id, kind = self.path.split("/")
        if request_id == "init":
            self.server.init_error = body
        else:
            self.server.outcomes.pop(request_id).put((kind, body))
        self._answer(202)

    def _parts(self):
        """The parts of a streamed response (RFC 9112, section 7.1). Nothing is said to the function
        while they come, as Lambda says nothing."""
        while size := int(self.rfile.readline(), 16):
            part = self.rfile.read(size)
            yield time.monotonic(), part
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass

    def _answer(self, status, body=b"", headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing of requests that went well."""
