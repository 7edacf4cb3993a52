"""What the fake models say, turn by turn, and what a caller should read of it.

Every framework is given the same scripts. The words tell what they are, so that one check sees each
leak: only what a `text` says may reach a caller.
"""

from __future__ import annotations

PROMPT = "PROMPT-ECHO What is the weather in Paris?"
SYSTEM = "SYSTEM You are an agent that knows the weather."
TOOL_RESULT = "TOOL-RESULT sunny, 21 degrees"
SECRET = "SECRET of the operator"
MARKS = ("PROMPT-ECHO", "SYSTEM", "TOOL-RESULT", "THINKING", "STATUS", "SECRET")


def text(words):
    """A piece of the answer."""
    return {"kind": "text", "text": words}


def think(words):
    """A piece of reasoning."""
    return {"kind": "think", "text": words}


def call(city):
    """A call of the tool `get_weather`; for Atlantis the tool fails."""
    return {"kind": "call", "name": "get_weather", "input": {"city": city}}


FAIL = {"kind": "fail"}
HANDOFF = {
    "kind": "call",
    "name": "handoff_to_agent",
    "input": {"agent_name": "writer", "message": "TOOL-RESULT your turn"},
}


def decide(**decision):
    """What ends an agent's part in a swarm of TypeScript's."""
    return {"kind": "call", "name": "strands_structured_output", "input": decision}


ANSWER = [text("It"), text(" is"), text(" 21°C in Paris"), text(".")]

# A script is a list of turns of the model, a turn a list of pieces.
SCRIPTS = {
    "text": [[*ANSWER, text("\n\nNo"), text(" no"), text(" no"), text(" rain.")]],
    "tools": [[text("Let me"), text(" check. "), call("Paris")], ANSWER],
    "silent_tools": [[call("Paris")], ANSWER],
    "tool_fails": [[text("Let me check. "), call("Atlantis")], [text("I do"), text(" not know.")]],
    "thinking": [[think("THINKING"), think(" of Paris"), *ANSWER]],
    "writes_json": [[text('{"city": "Paris",'), text(' "celsius"'), text(": 21}")]],
    "fails": [[text("Half"), text(" an answer"), FAIL]],
    "fails_at_once": [[FAIL]],
    # What ends a run of smolagents.
    "final_answer": [
        [call("Paris")],
        [{"kind": "call", "name": "final_answer", "input": {"answer": "It is 21°C in Paris."}}],
    ],
    # The nodes of a graph, the agents of a team.
    "hands_over": [[text("Ask the writer. "), HANDOFF], [text("")]],
    "hands_over_by_decision": [
        [text("Ask the writer. "), decide(agentId="decides", message="TOOL-RESULT your turn")]
    ],
    "decides": [[*ANSWER, decide(message="It is 21°C in Paris.")]],
    "researcher": [[text("Paris"), text(" is mild. ")]],
    "writer": [ANSWER],
}


def get_weather(city):
    """What the tool of the same name does, in every framework."""
    if city == "Atlantis":
        raise RuntimeError(f"{SECRET}: no such city")
    return TOOL_RESULT


def words(script, kind="text"):
    """What a script's turns say, a string for each turn."""
    return [
        "".join(piece["text"] for piece in turn if piece["kind"] == kind) for turn in SCRIPTS[script]
    ]


def fails(script):
    """Whether the model fails."""
    return any(FAIL in turn for turn in SCRIPTS[script])
