#!/usr/bin/env python3
"""The corpora: one file a target, one input a line, in base64, the shortest first.

corpus.py unpack TARGET FOLDER: writes the inputs as files, as the fuzzer wants them.
corpus.py pack TARGET FOLDER: the other way round.
"""

import base64
import hashlib
import pathlib
import sys

# As many as tests run in a moment, and no input that a reader of a failure would not look at.
MAX_INPUTS = 400
MAX_BYTES = 512


def main(what, target, folder):
    """Packs or unpacks."""
    packed = pathlib.Path(__file__).parent / "corpus" / f"{target}.txt"
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if what == "unpack":
        for line in packed.read_text().splitlines():
            data = base64.b64decode(line)
            (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)
    else:
        inputs = {file.read_bytes() for file in folder.iterdir()}
        short = sorted((data for data in inputs if len(data) <= MAX_BYTES), key=lambda data: (len(data), data))
        # Evenly over all lengths.
        step = max(1, -(-len(short) // MAX_INPUTS))
        lines = (base64.b64encode(data).decode() for data in short[::step])
        packed.parent.mkdir(exist_ok=True)
        packed.write_text("".join(f"{line}\n" for line in lines))


main(*sys.argv[1:])
