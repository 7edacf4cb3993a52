"""Google's Agent Development Kit: https://google.github.io/adk-docs/events/"""

from __future__ import annotations

import room
import script as scripts
from google.adk.agents import LlmAgent
from google.adk.agents.run_config import RunConfig, StreamingMode
from google.adk.models.google_llm import Gemini
from google.adk.runners import InMemoryRunner
from google.genai import Client, types

framework = room.Framework(
    "google-adk",
    "text",
    "tools",
    "silent_tools",
    "thinking",
    "writes_json",
    "fails",
    "fails_at_once",
)


def get_weather(city: str) -> str:
    """The weather in a city."""
    return scripts.get_weather(city)


def gemini(script):
    """ADK's own client of Gemini, on loopback."""
    model = Gemini(model=script)
    options = types.HttpOptions(base_url=room.MODELS, retry_options=types.HttpRetryOptions(attempts=1))
    # A cached property of the class: this is the client that it would make.
    model.__dict__["api_client"] = Client(api_key="key", http_options=options)
    return model


async def stream(script, mode):
    """All events of a run."""
    agent = LlmAgent(
        name="weather", model=gemini(script), instruction=scripts.SYSTEM, tools=[get_weather]
    )
    runner = InMemoryRunner(agent=agent, app_name="app")
    session = await runner.session_service.create_session(app_name="app", user_id="user")
    message = types.UserContent(parts=[types.Part(text=scripts.PROMPT)])
    async for event in runner.run_async(
        user_id="user",
        session_id=session.id,
        new_message=message,
        run_config=RunConfig(streaming_mode=mode),
    ):
        yield event


def by_alias(event):
    """As ADK's own web server writes events."""
    return event.model_dump_json(by_alias=True, exclude_none=True)


DUMPS = {
    "event.model_dump_json(by_alias, exclude_none)": room.text(by_alias),
    "SSE of the same": room.sse(by_alias),
    "SDK yield": room.sdk,
    "send_json(event.model_dump(mode='json'))": room.objects(lambda event: event.model_dump(mode="json")),
    "{author, content}": room.only(
        lambda event: {
            "author": event.author,
            "content": event.content.model_dump(mode="json", exclude_none=True),
        }
        if event.content
        else None,
        room.objects(),
    ),
}
framework.ways(
    lambda script: stream(script, StreamingMode.SSE),
    {f"streaming: {name}": send for name, send in DUMPS.items()},
)
framework.ways(
    lambda script: stream(script, StreamingMode.NONE),
    {f"whole: {name}": send for name, send in DUMPS.items()},
    failure="error",
)
framework.ways(
    lambda script: stream(script, StreamingMode.NONE),
    {
        "final: {result: parts[0].text}": room.only(
            lambda event: {"result": event.content.parts[-1].text}
            if event.is_final_response()
            else None,
            room.objects(),
        )
    },
    reads="last",
    failure="error",
)
