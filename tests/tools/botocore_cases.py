#!/usr/bin/env python3
"""Writes what botocore knows to tests/data: URLs that it presigns, the partitions of AWS, and the
hosts of both planes in each region.

    pip install botocore==1.44.8
    python tests/tools/botocore_cases.py            # writes the files
    python tests/tools/botocore_cases.py --check    # exit 1 if they are not what it would write

The cases depend on a fixed seed and on botocore alone: the same version writes the same bytes.
"""

import argparse
import calendar
import datetime
import json
import pathlib
import random
import string
import sys
from unittest import mock
from urllib.parse import quote, urlsplit

import botocore
import botocore.auth
import botocore.exceptions
import botocore.loaders
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.endpoint_provider import EndpointProvider

BOTOCORE_VERSION = "1.44.8"
DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
SEED = 20240228
SERVICE = "bedrock-agentcore"
EXPIRES = 300
SESSION_ID_PARAMETER = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"

PARTITIONS = ("aws", "aws-cn", "aws-us-gov")
# The account ids of the AWS documentation.
ACCOUNTS = ("111122223333", "123456789012", "444455556666")
ALPHANUMERIC = string.ascii_letters + string.digits
NAMES = ("Onboarding_Agent", "Provisioning_Agent", "MWC_Agent", "echo", "x", "My_Agent_2")
# Every other case or so has none; some need percent encoding.
QUALIFIERS = (None,) * 6 + ("DEFAULT", "prod", "v1_2", "a b/é", "50%+1", "a=b&c~d", "ünï/コード")
ENDPOINTS = (
    "http://localhost:8080",
    "http://127.0.0.1:9000/prefix",
    "https://vpce-abc.example.com",
    "wss://host.example.com:8443/a/b",
    "ws://[::1]:8081",
)
# A SigV4 scope names a day: these are the days and seconds at which a date is easily got wrong.
EDGE_TIMES = (
    "2024-02-28T23:59:59",
    "2024-02-29T00:00:00",
    "2024-02-29T23:59:59",
    "2024-03-01T00:00:00",
    "2023-12-31T23:59:59",
    "2024-01-01T00:00:00",
    "2024-12-31T12:00:00",
    "2025-12-31T23:59:59",
    "2000-02-29T06:07:08",
    "2100-02-28T23:59:59",
    "2100-03-01T00:00:00",
    "1999-12-31T23:59:59",
)
WEBSOCKET_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


def partitions():
    """The partitions of botocore's own endpoint data: id, DNS suffix and regions of each."""
    data = botocore.loaders.Loader().load_data("partitions")
    return [
        (
            partition["id"],
            partition["outputs"]["dnsSuffix"],
            sorted(region for region in partition["regions"] if not region.endswith("-global")),
        )
        for partition in data["partitions"]
    ]


def runtime_id(rng):
    return rng.choice(NAMES) + "-" + "".join(rng.choices(ALPHANUMERIC, k=10))


def session_id(rng):
    head = rng.choice(ALPHANUMERIC)
    rest = rng.choices(ALPHANUMERIC + "_-", k=rng.randint(32, 99))
    return head + "".join(rest)


def credentials(rng):
    """Key pairs and tokens of the right shape that say of themselves that they are examples."""
    token = None
    if rng.random() < 0.5:
        tail = rng.choices(ALPHANUMERIC + "/+", k=rng.randint(40, 400))
        token = "EXAMPLETOKEN/+" + "".join(tail) + rng.choice(("", "=", "=="))
    kind = "AKIA" if token is None else "ASIA"
    letters = "".join(rng.choices(string.ascii_uppercase + "234567", k=9))
    secret = "".join(rng.choices(ALPHANUMERIC + "/+", k=30))
    return Credentials(kind + letters + "EXAMPLE", secret + "EXAMPLEKEY", token)


def moment(rng, index):
    if index < len(EDGE_TIMES):
        return datetime.datetime.fromisoformat(EDGE_TIMES[index])
    start = calendar.timegm((2020, 1, 1, 0, 0, 0))
    end = calendar.timegm((2035, 1, 1, 0, 0, 0))
    return datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=rng.randrange(start, end))


def base_url(endpoint, region, dns_suffix):
    """The address of the data plane, with the scheme that a WebSocket client dials."""
    if endpoint is None:
        return f"wss://{SERVICE}.{region}.{dns_suffix}"
    scheme, rest = endpoint.split("://")
    return f"{WEBSOCKET_SCHEMES[scheme]}://{rest}"


def presign(url, creds, region, now):
    """Signs with botocore at the time `now`; gives the URL and the host header that was signed."""
    request = AWSRequest(method="GET", url=url)
    auth = botocore.auth.SigV4QueryAuth(creds, SERVICE, region, expires=EXPIRES)
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda *_, **__: now):
        auth.add_auth(request)
    return request.url, auth.headers_to_sign(request)["host"]


def case(rng, index, partition):
    name, dns_suffix, regions = partition
    region = rng.choice(regions)
    arn = f"arn:{name}:{SERVICE}:{region}:{rng.choice(ACCOUNTS)}:runtime/{runtime_id(rng)}"
    qualifier = rng.choice(QUALIFIERS)
    endpoint = rng.choice(ENDPOINTS) if rng.random() < 0.3 else None
    session = session_id(rng)
    creds = credentials(rng)
    now = moment(rng, index)

    path = f"/runtimes/{quote(arn, safe='')}/ws"
    query = [] if qualifier is None else [("qualifier", qualifier)]
    query.append((SESSION_ID_PARAMETER, session))
    pairs = "&".join(f"{key}={quote(value, safe='')}" for key, value in query)
    unsigned = f"{base_url(endpoint, region, dns_suffix)}{path}?{pairs}"
    url, host = presign(unsigned, creds, region, now)
    return {
        "name": f"{index:03} {name} {region}",
        "arn": arn,
        "region": region,
        "qualifier": qualifier,
        "sessionId": session,
        "endpoint": endpoint,
        "accessKeyId": creds.access_key,
        "secretAccessKey": creds.secret_key,
        "sessionToken": creds.token,
        "epochSeconds": calendar.timegm(now.timetuple()),
        "amzDate": now.strftime("%Y%m%dT%H%M%SZ"),
        "host": host,
        "path": urlsplit(url).path,
        "signature": url.rpartition("&X-Amz-Signature=")[2],
        "url": url,
    }


def cases_document(count):
    rng = random.Random(SEED)
    by_name = {known[0]: known for known in partitions()}
    chosen = [by_name[name] for name in PARTITIONS]
    return [case(rng, index, chosen[index % len(chosen)]) for index in range(count)]


def partitions_document():
    return [
        {"id": name, "dnsSuffix": suffix, "regions": regions}
        for name, suffix, regions in partitions()
    ]


def hosts(service, region):
    """The service's host in a region for each choice of endpoints, by botocore's own rules; none where
    they refuse it."""
    loader = botocore.loaders.Loader()
    rules = loader.load_service_model(service, "endpoint-rule-set-1")
    provider = EndpointProvider(rules, loader.load_data("partitions"))

    def host(fips, dual_stack):
        try:
            endpoint = provider.resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=dual_stack)
        except botocore.exceptions.EndpointProviderError:
            return None
        return urlsplit(endpoint.url).netloc

    return {
        "plain": host(False, False),
        "fips": host(True, False),
        "dualStack": host(False, True),
        "fipsDualStack": host(True, True),
    }


def endpoints_document():
    return [
        {"partition": name, "region": region, "service": service, **hosts(service, region)}
        for name, _, regions in partitions()
        for region in regions
        for service in (SERVICE, f"{SERVICE}-control")
    ]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--check", action="store_true", help="compare, and write nothing")
    check = arguments.parse_args().check

    if botocore.__version__ != BOTOCORE_VERSION:
        sys.exit(f"botocore is {botocore.__version__}; the files come from {BOTOCORE_VERSION}")
    documents = {
        "presign-cases.json": cases_document(count=240),
        "partitions.json": partitions_document(),
        "endpoints.json": endpoints_document(),
    }
    for name, document in documents.items():
        file = DATA / name
        wanted = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
        if not check:
            file.write_text(wanted, encoding="utf-8")
        elif not file.exists():
            sys.exit(f"{name} is missing: run this script without --check")
        elif file.read_text(encoding="utf-8") != wanted:
            sys.exit(f"{name} is not what botocore {BOTOCORE_VERSION} says: run without --check")


if __name__ == "__main__":
    main()
