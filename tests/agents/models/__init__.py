"""The models' own HTTP interfaces on loopback, played from a script.

The model's name picks the script; how many results of tools the request holds, the turn.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from script import PROMPT, SCRIPTS, SECRET, SYSTEM, TOOL_RESULT

from . import anthropic, bedrock, gemini, openai_chat, openai_responses


async def scripts(_):
    """The scripts and what goes with them, for an agent in another language."""
    said = {"prompt": PROMPT, "system": SYSTEM, "toolResult": TOOL_RESULT, "secret": SECRET}
    return JSONResponse({**said, "scripts": SCRIPTS})


app = Starlette(
    routes=[
        Route("/scripts", scripts),
        Route("/v1/chat/completions", openai_chat.endpoint, methods=["POST"]),
        Route("/v1/responses", openai_responses.endpoint, methods=["POST"]),
        Route("/v1/messages", anthropic.endpoint, methods=["POST"]),
        Route("/model/{model}/converse-stream", bedrock.stream, methods=["POST"]),
        Route("/v1beta/models/{model}:{method}", gemini.endpoint, methods=["POST"]),
    ]
)
