"""What callers get of agents on real frameworks: the words for them, once, and nothing else."""

from __future__ import annotations

import json
import re

import script as scripts


def leaks(answer):
    """What is in the answer, in any of its fields, that is for nobody outside the agent."""
    return [mark for mark in scripts.MARKS if mark in answer.text]


def events(stream):
    """The name and the data of each of the answer's events."""
    return re.findall(r"(?:event: (.*)\n)?data: (.*)\n\n", stream)


def test_the_answer_is_what_the_agent_says(case, answer):
    got = answer(case, "/api/agents/invoke")
    assert case.reads == "printed" or not leaks(got), got
    if case.outcome == "observe":
        assert 200 <= got.status < 600, got
    elif case.outcome == "error":
        assert got.status >= 400, got
    else:
        assert got.status == 200, got
        assert got.json["response"] == case.text
        assert got.json.get("incomplete", False) == (case.outcome == "incomplete"), got


def test_a_stream_says_the_same(case, answer):
    got = answer(case, "/api/agents/invoke/stream")
    assert case.reads == "printed" or not leaks(got), got
    if case.outcome == "observe":
        return
    if case.outcome == "error":
        assert got.status >= 400, got
        return
    assert got.status == 200, got
    told = events(got.text)
    chunks = [json.loads(data)["chunk"] for name, data in told if not name and data != "[DONE]"]
    assert "".join(chunks) == case.text
    names = [name for name, _ in told if name]
    assert names == ["session", "error" if case.outcome == "incomplete" else "complete"], got
