"""An agent on the official Python SDK, as its documentation begins: `@app.websocket`, served by `app.run`."""

import sys

from bedrock_agentcore import BedrockAgentCoreApp

app = BedrockAgentCoreApp()
turns = {}


@app.websocket
async def agent(websocket, context):
    """Counts the turns of a session, which the SDK knows by the runtime's header."""
    await websocket.accept()
    async for message in websocket.iter_json():
        turns[context.session_id] = turns.get(context.session_id, 0) + 1
        await websocket.send_json({"type": "text", "text": f"Python says {message['prompt']}, "})
        await websocket.send_json({"type": "text", "text": f"turn {turns[context.session_id]}"})
        await websocket.send_json({"type": "done"})


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(sys.argv[1]))
