"""Records what the agents of this room send, in the form of the captures.

    record.py TARGET FILE [FRAMEWORK]

One reply a line: name, framework, way, messages, outcome, text. A message is text as a string,
`{"binary": base64}` or the close, `{"close": code}`.
"""

from __future__ import annotations

import base64
import json
import pathlib
import re
import sys
from urllib.parse import quote

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "stack")]

import script as scripts
from servers import everything
from stack import arn
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect


def messages(case):
    """What the agent sends, to the close of its socket."""
    url = case.endpoint.replace("http", "ws") + f"/runtimes/{quote(arn(f'case{case.number}'), safe='')}/ws"
    heard = []
    with connect(url, max_size=None, open_timeout=30, proxy=None) as socket:
        socket.send(json.dumps({"prompt": scripts.PROMPT}))
        try:
            while True:
                message = socket.recv(timeout=30)
                if isinstance(message, bytes):
                    message = {"binary": base64.b64encode(message).decode()}
                heard.append(message)
        except ConnectionClosed as closed:
            heard.append({"close": closed.rcvd.code if closed.rcvd else 1006})
        except TimeoutError:
            pass
    return heard


def record(case):
    """A line of the captures."""
    slug = re.sub(r"\W+", "_", f"{case.framework}_{case.way}_{case.script}".lower())
    line = {
        "name": f"new_{slug.strip('_')}",
        "framework": case.framework,
        "way": f"{case.way} ({case.script})",
        "messages": messages(case),
        "outcome": case.outcome,
    }
    return {**line, "text": case.text} if case.text is not None else line


def main():
    """Writes the file anew."""
    target, file, *only = sys.argv[1:]
    with everything(pathlib.Path(target), *only) as served, open(file, "w") as lines:
        for agents in served:
            for case in agents.cases:
                print(json.dumps(record(case), ensure_ascii=False), file=lines)
            print(f"{agents.name}: {len(agents.cases)} agents, {agents.seconds:.1f} s to start")


if __name__ == "__main__":
    main()
