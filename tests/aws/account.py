#!/usr/bin/env python3
"""An account of AWS as far as tests/aws/run asks for one, in place of `aws` and `sam`: a stack that is deployed, refused, and removed, in front of
an API that is somewhere else ($FAKE_API). It shows that the trial runs to its end and writes down what it saw, and nothing about AWS."""

import json
import os
import pathlib
import sys

STATE = pathlib.Path(os.environ["FAKE_ACCOUNT"])
state = json.loads(STATE.read_text()) if STATE.exists() else {"versions": [], "live": None, "mode": None, "stack": None, "logs": [], "throttled": False}


def options(arguments):
    """`--name value` pairs."""
    return {name: value for name, value in zip(arguments, arguments[1:]) if name.startswith("--")}


def sam(command, *arguments):
    given = options(arguments)
    if command == "delete":
        state["stack"] = None
    if command != "deploy":
        return None
    values = dict(item.split("=", 1) for item in arguments[arguments.index("--parameter-overrides") + 1:])
    state["mode"], state["stack"] = values["AuthMode"], given["--stack-name"]
    state["logs"] += ["/log"] if "/log" not in state["logs"] else []
    works = "Nobody" not in values["OnboardingAgentArn"] and not values["AgentCoreEndpointUrl"]
    state["said"] = "new version accepted" if works else "new version refused"
    if not works:
        return "UPDATE_ROLLBACK_COMPLETE"
    state["versions"].append(str(len(state["versions"]) + 1))
    state["live"] = state["versions"][-1]
    return None


def aws(service, operation, *arguments):
    given = options(arguments)
    match operation:
        case "describe-stacks":
            url = os.environ["FAKE_API"]
            values = {"AuthMode": state["mode"], "ApiUrl": url, "BridgeFunction": "bridge", "StreamFunction": "stream", "Logs": "/log", "FunctionUrl": url + "/"}
            return {"Stacks": [{"Outputs": [{"OutputKey": name, "OutputValue": value} for name, value in values.items()]}]}
        case "get-alias":
            return {"FunctionVersion": state["live"]}
        case "update-alias":
            state["live"] = given["--function-version"]
        case "list-versions-by-function":
            return {"Versions": [{"Version": version} for version in ["$LATEST", *state["versions"]]]}
        case "put-function-concurrency":
            state["throttled"] = True
        case "delete-function-concurrency":
            state["throttled"] = False
        case "describe-alarms":
            ringing = [f"{state['stack']}-{name}" for name in ("throttles", "gateway")] if state["throttled"] else []
            return {"MetricAlarms": [{"AlarmName": name} for name in ringing]}
        case "list-metrics":
            sets = ([], ["AgentId"], ["FunctionVersion"])
            return {"Metrics": [{"Dimensions": [{"Name": name} for name in names]} for names in sets]}
        case "filter-log-events":
            message = json.dumps({"message": state["said"]})
            return {"events": [{"message": message}] if state["said"] in given["--filter-pattern"] else []}
        case "describe-log-groups":
            return {"logGroups": [{"logGroupName": name} for name in state["logs"]]}
        case "delete-log-group":
            state["logs"].remove(given["--log-group-name"])
        case _:
            sys.exit(f"no such operation here: {service} {operation}")
    return None


if pathlib.Path(sys.argv[0]).name == "sam":
    failure = sam(*sys.argv[1:])
    STATE.write_text(json.dumps(state))
    sys.exit(failure)
answer = aws(*sys.argv[1:])
STATE.write_text(json.dumps(state))
print(json.dumps(answer) if answer is not None else "")
