"""The ways to the bridge that the tests share: as the local run, and behind a gateway."""

from __future__ import annotations

import re
import subprocess
import threading
from urllib.parse import unquote

import agent
import gateway
import httpx2
from starlette.responses import Response
from starlette.websockets import WebSocket

# The way in which OpenAI's clients are told of the stage.
GATEWAY = "https://abc.execute-api.us-east-1.amazonaws.com/prod"
ALSO = ("refuses401", "refuses403", "refuses503")


async def app(scope, receive, send):
    """The agents of the SDK's tests, and runtimes that refuse the handshake."""
    refuses = re.search(r":runtime/refuses(\d+)-", unquote(scope["path"]))
    if not refuses:
        return await agent.app(scope, receive, send)
    refusal = Response(status_code=int(refuses[1]))
    await WebSocket(scope, receive, send).send_denial_response(refusal)


class Local:
    """The local run, from its start to its end."""

    def __init__(self, binary, variables):
        self._child = subprocess.Popen(
            [binary, "--port", "0"], env=variables, cwd="/", stdout=subprocess.PIPE, text=True
        )
        for line in self._child.stdout:
            if address := re.search(r"listens on (http:\S+)", line):
                self.url = address[1]
                break
        else:
            raise AssertionError("the local run ended before it listened")
        # What it says later is read, or it would wait for somebody to do so.
        threading.Thread(target=self._child.stdout.read, daemon=True).start()

    def stop(self):
        """Ends it."""
        self._child.kill()
        self._child.wait()


class Gateway(httpx2.BaseTransport):
    """A gateway in front of a function: a request becomes an event, and a response an answer."""

    def __init__(self, function):
        self._function = function

    def handle_request(self, request):
        """Answers a request, whole."""
        url = httpx2.URL(GATEWAY)
        assert request.url.host == url.host
        path = request.url.path.removeprefix(url.path)
        headers = {name.title(): value for name, value in request.headers.items()}
        event = gateway.event(request.method, path, request.read().decode() or None, **headers)
        answer = gateway.Answer(self._function.invoke(event))
        content = answer.text.encode()
        return httpx2.Response(answer.status, headers=answer.headers, content=content)
