#!/usr/bin/env python3
"""bill.py FILE: writes the CycloneDX list of the crates in the binary, and checks it by its schema.

The crates are those that `cargo metadata` resolves for a deployed build: without development
dependencies, on Linux, with the default features.
"""

import json
import pathlib
import subprocess
import sys
import tomllib

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = "aarch64-unknown-linux-gnu"
PROGRAM = "agentcore-bridge"


def graph():
    """The packages of a deployed build and who uses whom, by their ids."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", TARGET]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    root = next(id for id, package in packages.items() if package["name"] == PROGRAM)
    uses, waiting = {}, [root]
    while waiting:
        id = waiting.pop()
        if id in uses:
            continue
        uses[id] = sorted(
            dependency["pkg"]
            for dependency in nodes[id]["deps"]
            # Build dependencies run on the machine that builds, and so are part of the list.
            if any(kind["kind"] != "dev" for kind in dependency["dep_kinds"])
        )
        waiting += uses[id]
    return root, {id: packages[id] for id in uses}, uses


def checksums():
    """The SHA-256 of each crate's archive, as Cargo.lock has it."""
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    return {(p["name"], p["version"]): p.get("checksum") for p in lock["package"]}


def component(package, hashes, kind="library"):
    """A crate as CycloneDX has it."""
    name, version = package["name"], package["version"]
    described = {
        "type": kind,
        "bom-ref": f"pkg:cargo/{name}@{version}",
        "name": name,
        "version": version,
        "purl": f"pkg:cargo/{name}@{version}",
        "licenses": [{"expression": package["license"].replace("/", " OR ")}],
    }
    if digest := hashes.get((name, version)):
        described["hashes"] = [{"alg": "SHA-256", "content": digest}]
    return described


def main(path):
    """Writes the list."""
    root, packages, uses = graph()
    hashes = checksums()
    ref = {id: f"pkg:cargo/{p['name']}@{p['version']}" for id, p in packages.items()}
    order = sorted(packages, key=ref.get)
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": component(packages[root], hashes, "application")},
        "components": [component(packages[id], hashes) for id in order if id != root],
        "dependencies": [{"ref": ref[id], "dependsOn": [ref[used] for used in uses[id]]} for id in order],
    }
    text = json.dumps(bill, indent=1)
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        sys.exit(f"not as its schema wants it: {error}")
    outside = [id for id in order if packages[id]["source"]]
    missing = [ref[id] for id in outside if not hashes.get((packages[id]["name"], packages[id]["version"]))]
    assert outside and not missing, f"without a checksum: {missing}"
    pathlib.Path(path).write_text(text + "\n")
    print(f"{path}: {len(outside)} crates of others, each with its checksum")


main(sys.argv[1])
