"""An agent without any SDK: a server of the package `websockets`, on every path."""

import asyncio
import json
import sys

from websockets.asyncio.server import serve

turns = {}


async def agent(websocket):
    """Plain text, and the end by closing."""
    session = websocket.request.headers["X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"]
    message = json.loads(await websocket.recv())
    turns[session] = turns.get(session, 0) + 1
    await websocket.send(f"Plain says {message['prompt']}, ")
    await websocket.send(f"turn {turns[session]}")


async def main():
    """Serves."""
    async with serve(agent, "127.0.0.1", int(sys.argv[1])) as server:
        await server.serve_forever()


asyncio.run(main())
