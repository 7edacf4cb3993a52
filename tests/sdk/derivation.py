"""Who calls, and which session that leads to: SECURITY.md's words as a program.

Written from "How sessions and callers' ids are derived" alone, without the function's code. Events are
read so that every value can be written again as it stood.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re

# Unicode's White_Space: what str.strip takes, but for four control characters.
WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


class Written(str):
    """A number as it is written."""


def read(event):
    """The event's JSON, with numbers as they are written. Of a name that is there twice the last counts."""
    return json.loads(event, parse_int=Written, parse_float=Written)


def write(value):
    """The JSON of a value: no white space, and everything beyond ASCII escaped."""
    if isinstance(value, Written):
        return str(value)
    if isinstance(value, list):
        return "[" + ",".join(map(write, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{write(item)}" for name, item in value.items()) + "}"
    return json.dumps(value)


def text(value):
    """The value as a text, or None where it is none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str) or re.search("[\ud800-\udfff]", value):
        return None
    return str(value) if value.strip(WHITE_SPACE) else None


def part(value, *names):
    """The object below these names, or an empty one."""
    for name in names:
        value = value.get(name)
        if not isinstance(value, dict):
            return {}
    return value


def token(claims):
    """The caller of a token's claims."""
    if "sub" not in claims:
        return None
    issuer, subject = text(claims.get("iss")), text(claims["sub"])
    if issuer is None or subject is None:
        return "odd jwt", write(claims.get("iss")), write(claims["sub"])
    return "jwt", issuer, subject


def caller(context):
    """Kind, first and second part; None for nobody."""
    if context.get("elb") is not None:
        return None
    for names in (("authorizer", "claims"), ("authorizer", "jwt", "claims")):
        if found := token(part(context, *names)):
            return found
    identity, iam = part(context, "identity"), part(context, "authorizer", "iam")
    cognito = part(iam, "cognitoIdentity")
    for pool, own in (
        (identity.get("cognitoIdentityPoolId"), identity.get("cognitoIdentityId")),
        (cognito.get("identityPoolId"), cognito.get("identityId")),
    ):
        if text(own) is not None:
            return "cognito", text(pool) or "", text(own)
    for kind, first in (
        ("iam", identity.get("userArn")),
        ("iam", iam.get("userArn")),
        ("api-key", identity.get("apiKeyId")),
    ):
        if text(first) is not None:
            return kind, text(first), ""
    return None


def in_a_row(*texts):
    """Texts, each after its length."""
    encoded = (item.encode() for item in texts)
    return b"".join(len(item).to_bytes(8, "big") + item for item in encoded)


def caller_id(who):
    """What agents know a caller by."""
    return "caller-" + hashlib.sha256(in_a_row("agentcore-bridge id of a caller 1", *who)).hexdigest()


def runtime_session(who, agent, session, key=None, binding="caller"):
    """The session that the runtime gets."""
    if who and binding == "caller":
        row = in_a_row("agentcore-bridge session of a caller 1", *who, agent, session)
        if key is None:
            return "bound-" + hashlib.sha256(row).hexdigest()
        return "bound-" + hmac.new(key.encode(), row, hashlib.sha256).hexdigest()
    looks_bound = binding == "caller" and re.fullmatch("(?i:bound-)[0-9A-Fa-f]{64}", session)
    if 33 <= len(session) <= 100 and not looks_bound:
        return session
    return "derived-" + hashlib.sha256(b"agentcore-bridge session\0" + session.encode()).hexdigest()


def agent_session(who, agent, session, key=None, binding="caller"):
    """The session that the agent is told."""
    if who and binding == "caller":
        return runtime_session(who, agent, session, key, binding)
    return session
