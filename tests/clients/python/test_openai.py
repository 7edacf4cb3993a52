"""OpenAI's own client, with a base URL alone; its types are the judge of every answer."""

from __future__ import annotations

import asyncio
import json
import re
import time

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types import Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk

SECRET = "SECRET-OF-THE-AGENT"

# A reply of an agent on Strands that thinks and calls a tool, and what is said in it.
STEPS = [
    {"event": {"messageStart": {"role": "assistant"}}},
    {"event": {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "Hm."}}}}},
    {"event": {"contentBlockStop": {"contentBlockIndex": 0}}},
    {"event": {"contentBlockDelta": {"contentBlockIndex": 1, "delta": {"text": "Let me check. "}}}},
    {"event": {"contentBlockStop": {"contentBlockIndex": 1}}},
    {"event": {"contentBlockStart": {"contentBlockIndex": 2, "start": {"toolUse": {"name": "look", "toolUseId": "t1"}}}}},
    {"event": {"contentBlockDelta": {"contentBlockIndex": 2, "delta": {"toolUse": {"input": '{"city":"Paris"}'}}}}},
    {"event": {"contentBlockStop": {"contentBlockIndex": 2}}},
    {"event": {"messageStop": {"stopReason": "tool_use"}}},
    {"event": {"messageStart": {"role": "assistant"}}},
    {"event": {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "It is sunny."}}}},
    {"event": {"messageStop": {"stopReason": "end_turn"}}},
]
SAID = "Let me check. It is sunny."


def saying(*contents, model="sse"):
    """A request of the user's that says these."""
    return {"model": model, "messages": [{"role": "user", "content": said} for said in contents]}


def looping(*messages):
    """A request to the agent that says what the prompt lists."""
    texts = [said if isinstance(said, str) else json.dumps(said) for said in messages]
    return saying(json.dumps(texts), model="loops")


def judged(type, document):
    """What is of the client's own type, with nothing that the type does not have."""
    value = type.model_validate(document)
    assert value.model_dump(exclude_unset=True) == document
    assert not unknown(value), unknown(value)
    return value


def unknown(value):
    """The fields of a value, or of one in it, that its type does not have."""
    if isinstance(value, list):
        return [name for item in value for name in unknown(item)]
    if not hasattr(value, "model_extra"):
        return []
    inside = [unknown(getattr(value, name)) for name in type(value).model_fields]
    return [*(value.model_extra or ()), *(name for names in inside for name in names)]


def test_a_completion(client):
    answer = client.chat.completions.with_raw_response.create(**saying("Hi"))
    completion = judged(ChatCompletion, json.loads(answer.text))
    assert completion == answer.parse()
    assert completion.id.startswith("chatcmpl-")
    assert abs(completion.created - time.time()) < 60
    assert completion.model == "sse"
    [choice] = completion.choices
    assert choice.message.content == "Hello from SSE"
    assert choice.finish_reason == "stop"
    assert choice.message.tool_calls is None
    assert re.fullmatch(r"session-[0-9a-f-]{36}", answer.headers["x-session-id"])


def test_a_stream(client):
    with client.chat.completions.with_raw_response.create(**saying("Hi"), stream=True).parse() as chunks:
        chunks = [judged(ChatCompletionChunk, chunk.model_dump(exclude_unset=True)) for chunk in chunks]
    assert len({chunk.id for chunk in chunks}) == 1
    deltas = [chunk.choices[0].delta for chunk in chunks]
    assert deltas[0].role == "assistant"
    assert "".join(delta.content or "" for delta in deltas) == "Hello from SSE"
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]


def test_the_clients_own_reader_of_streams(client):
    with client.chat.completions.stream(**saying("Hi")) as stream:
        content = "".join(event.delta for event in stream if event.type == "content.delta")
        completion = stream.get_final_completion()
    assert content == completion.choices[0].message.content == "Hello from SSE"
    assert completion.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("streamed", [False, True])
def test_an_agents_tools_are_not_the_clients_to_run_nor_its_reasoning_to_read(client, streamed):
    request = looping(*STEPS, "data: [DONE]\n\n")
    if streamed:
        with client.chat.completions.stream(**request) as stream:
            completion = stream.get_final_completion()
    else:
        completion = client.chat.completions.create(**request)
    [choice] = completion.choices
    assert choice.message.content == SAID
    assert not choice.message.tool_calls
    assert choice.finish_reason == "stop"
    assert "Hm." not in completion.model_dump_json()


def test_a_session_remembers_by_itself(client, way):
    headers = {"x-session-id": f"by-{way}"}
    first = client.chat.completions.create(**saying("one", model="remembers"), extra_headers=headers)
    assert first.choices[0].message.content == "one"
    again = saying("one", "two", model="remembers")
    second = client.chat.completions.create(**again, metadata={"sessionId": headers["x-session-id"]})
    assert second.choices[0].message.content == "one, two"


def test_without_a_session_each_request_tells_all(client):
    first = client.chat.completions.create(**saying("one", "two", model="remembers"))
    assert first.choices[0].message.content == "user: one\nuser: two"


def test_agents_are_models(client):
    models = client.models.list()
    assert models.object == "list"
    ids = [judged(Model, model.model_dump(exclude_unset=True)).id for model in models]
    assert ids == sorted(ids)
    assert "sse" in ids


ERRORS = [
    (400, openai.BadRequestError, "ValidationError", saying(" ")),
    (401, openai.AuthenticationError, "AuthenticationError", saying("Hi", model="refuses401")),
    (403, openai.PermissionDeniedError, "AuthorizationError", saying("Hi", model="refuses403")),
    (404, openai.NotFoundError, "NotFoundError", saying("Hi", model="nobody")),
    (503, openai.InternalServerError, "ServiceUnavailableError", saying("Hi", model="refuses503")),
]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(["status", "kind", "code", "request_"], ERRORS)
def test_an_error_is_of_the_clients_own_class(client, status, kind, code, request_, streamed):
    with pytest.raises(openai.APIStatusError) as raised:
        client.chat.completions.create(**request_, stream=streamed)
    is_error(raised.value, status, kind, code)


def test_a_limit_is_an_error_of_the_clients_own_class(start, way):
    client = OpenAI(**start(way, RATE_LIMIT_PER_MINUTE="1"))
    client.chat.completions.create(**saying("Hi"))
    with pytest.raises(openai.APIStatusError) as raised:
        client.chat.completions.create(**saying("Hi"))
    is_error(raised.value, 429, openai.RateLimitError, "RateLimitError")
    assert 1 <= int(raised.value.response.headers["retry-after"]) <= 60


def is_error(error, status, kind, code):
    """It is an error of our words in the form that the client reads."""
    assert type(error) is kind
    assert (error.status_code, error.code) == (status, code)
    assert error.type == ("invalid_request_error" if status < 500 else "server_error")
    assert error.request_id
    assert error.body["message"] in str(error)
    again = error.response.headers["x-should-retry"]
    assert again == ("true" if status in (429, 503) else "false")


def test_a_token_that_is_missing_is_an_error_of_the_clients_own_class(start, way):
    client = OpenAI(**start(way, TELLS_AGENT_AUTH="caller"))
    asked = saying("Hi", model="tells")
    told = client.chat.completions.create(**asked).choices[0].message.content
    # The client's key is the token that the runtime looks at.
    assert json.loads(told)["headers"]["Authorization"] == "Bearer any"
    with pytest.raises(openai.APIStatusError) as raised:
        client.chat.completions.create(**asked, extra_headers={"Authorization": openai.Omit()})
    is_error(raised.value, 401, openai.AuthenticationError, "AuthenticationError")


def test_an_agent_that_fails_in_mid_stream_raises_in_our_words(client):
    text = ""
    with pytest.raises(openai.APIError) as raised:
        for chunk in client.chat.completions.create(**saying("Hi", model="sdk-stream-fails"), stream=True):
            text += chunk.choices[0].delta.content or ""
    assert text == "Hello"
    assert raised.value.code == "InternalError"
    assert raised.value.type == "server_error"
    assert SECRET not in str(raised.value) + json.dumps(raised.value.body)


def test_an_agent_that_was_asked_is_not_asked_again(start, way, service):
    client = OpenAI(**{**start(way), "max_retries": 2})
    before = len(service.visits)
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(**saying("Hi", model="sdk-stream-fails-at-once"))
    assert len(service.visits) == before + 1


def test_closing_in_mid_stream_closes_the_connection_to_the_agent(start, service):
    client = OpenAI(**start("local"))
    stream = client.chat.completions.create(**looping("Hello "), stream=True)
    contents = (chunk.choices[0].delta.content for chunk in stream)
    assert next(content for content in contents if content) == "Hello "
    visit = service.visits[-1]
    assert not visit.ended.is_set()
    stream.close()
    is_left(visit)


def test_a_task_that_is_cancelled_closes_the_connection_to_the_agent(start, service):
    async def leave():
        client = AsyncOpenAI(**start("local"))
        seen = asyncio.Event()

        async def read():
            stream = await client.chat.completions.create(**looping("Hello "), stream=True)
            async for chunk in stream:
                if chunk.choices[0].delta.content:
                    seen.set()

        task = asyncio.create_task(read())
        await seen.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(asyncio.wait_for(leave(), 20))
    is_left(service.visits[-1])


def is_left(visit):
    """The agent's connection was closed from the other side, without an error."""
    assert visit.ended.wait(10), "the agent is still at it"
    assert visit.closed_with == 1000
