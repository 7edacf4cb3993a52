"""What AgentCore Runtime does around an agent, on a free port of this machine."""

from __future__ import annotations

import dataclasses
import socket
import threading
from typing import Optional
from urllib.parse import parse_qs

import uvicorn

SESSION_ID = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"


@dataclasses.dataclass
class Visit:
    """One connection that reached the agent."""

    # Path and query as they were on the wire, and the Host header.
    target: str
    host: str
    # The request's headers, by their names in lower case.
    headers: dict
    # The messages that the agent has read, and the code with which the other side closed.
    messages: list = dataclasses.field(default_factory=list)
    closed_with: Optional[int] = None
    # Set when the agent has left its handler.
    ended: threading.Event = dataclasses.field(default_factory=threading.Event)


class Service:
    """Serves an ASGI application from a thread of its own, and keeps what reaches it."""

    def __init__(self, app):
        self.visits = []
        self._app = app
        # asyncio sets TCP_NODELAY only on a socket that names its protocol.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen()
        config = uvicorn.Config(
            self._handle,
            interface="asgi3",
            lifespan="off",
            log_level="warning",
            timeout_graceful_shutdown=5,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), daemon=True
        )

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    @property
    def endpoint(self):
        """The address of the service. The socket listens from the start, so nobody need wait."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    async def _handle(self, scope, receive, send):
        if scope["type"] != "websocket":
            return await self._app(scope, receive, send)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        target = scope["raw_path"].decode()
        if query := scope["query_string"].decode():
            target += f"?{query}"
        visit = Visit(target, headers["host"], headers)
        self.visits.append(visit)

        async def receive_and_keep():
            event = await receive()
            if event["type"] == "websocket.receive":
                visit.messages.append(event["text"])
            elif event["type"] == "websocket.disconnect":
                visit.closed_with = event["code"]
            return event

        try:
            await self._app(with_session_header(scope), receive_and_keep, send)
        finally:
            visit.ended.set()


def with_session_header(scope):
    """The request as a container gets it.

    A presigned URL names the session in its query; the service hands it on as a header, which is
    where the SDK looks for it.
    """
    query = parse_qs(scope["query_string"].decode())
    name = SESSION_ID.lower().encode()
    headers = [(name, session.encode()) for session in query.get(SESSION_ID, ())]
    return {**scope, "headers": scope["headers"] + headers}
