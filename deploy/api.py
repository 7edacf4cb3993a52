"""A deployed API as its callers see it, by curl: it signs as AWS wants it, and gives a stream as it comes."""

import json
import os
import subprocess
import tempfile
import time


class Failed(Exception):
    """What was seen is not what was expected."""


def aws(*arguments):
    """What the AWS CLI (version 2) says, read as JSON."""
    said = subprocess.run(["aws", *arguments, "--output", "json"], capture_output=True, text=True)
    if said.returncode != 0:
        raise Failed(f"aws {' '.join(arguments[:2])}: {said.stderr.strip()}")
    return json.loads(said.stdout.strip() or "null")


def outputs(stack):
    """The outputs of a stack."""
    [found] = aws("cloudformation", "describe-stacks", "--stack-name", stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


class Answer:
    def __init__(self, status, headers, pieces):
        self.status, self.headers, self.pieces = status, headers, pieces
        self.text = b"".join(piece for _, piece in pieces).decode()

    @property
    def json(self):
        try:
            return json.loads(self.text)
        except ValueError:
            raise Failed(f"{self.status}, and no JSON: {self.text[:200]}") from None

    @property
    def data(self):
        """The `data:` of each event of a stream, JSON or `[DONE]`."""
        lines = [line[5:].lstrip() for line in self.text.splitlines() if line.startswith("data:")]
        return [line if line == "[DONE]" else json.loads(line) for line in lines]

    def __repr__(self):
        return f"{self.status} {self.text[:200]}"


class Api:
    """An API at an address, and what its callers send to be let in."""

    def __init__(self, url, auth="NONE", region=None, token=None, key=None, streams=True):
        self.url, self.auth, self.region, self.token, self.key = url.rstrip("/"), auth, region, token, key
        # Whether streams come piece by piece, as with the parameter Streaming "true".
        self.streams = streams

    @classmethod
    def of_stack(cls, stack):
        found = outputs(stack)
        mode, url = found["AuthMode"], found["ApiUrl"]
        key = token = None
        if mode == "API_KEY":
            key = aws("apigateway", "get-api-key", "--api-key", found["ApiKeyId"], "--include-value")["value"]
        if mode in ("COGNITO", "JWT"):
            token = os.environ.get("TOKEN")
            if not token:
                raise Failed(f"with AuthMode {mode}, the environment variable TOKEN is what callers send")
        return cls(url, mode, url.split(".")[2], token, key, "StreamFunction" in found)

    def _credentials(self, service):
        """Options of curl, on its standard input, so that no secret is seen among the processes."""
        if self.auth == "IAM":
            found = json.loads(subprocess.run(["aws", "configure", "export-credentials"], capture_output=True, check=True).stdout)
            options = [f'user = "{found["AccessKeyId"]}:{found["SecretAccessKey"]}"', f'aws-sigv4 = "aws:amz:{self.region}:{service}"']
            if found.get("SessionToken"):
                options.append(f'header = "x-amz-security-token: {found["SessionToken"]}"')
            return options
        if self.auth == "COGNITO":
            return [f'header = "Authorization: {self.token}"']
        if self.auth == "JWT":
            return [f'header = "Authorization: Bearer {self.token}"']
        if self.auth == "API_KEY":
            return [f'header = "x-api-key: {self.key}"']
        return []

    def ask(self, method, path, body=None, known=True, service="execute-api", url=None, **headers):
        """Sends a request, without credentials where the caller is not to be known. Gives the answer."""
        options = self._credentials(service) if known else []
        options += [f'header = "{name.replace("_", "-")}: {value}"' for name, value in headers.items()]
        with tempfile.NamedTemporaryFile() as head, tempfile.NamedTemporaryFile() as sent:
            command = ["curl", "-sS", "-N", "--max-time", "900", "-X", method, "-D", head.name, "-K", "-"]
            if method == "HEAD":
                command.append("-I")
            if body is not None:
                sent.write(body if isinstance(body, bytes) else json.dumps(body).encode())
                sent.flush()
                command += ["--data-binary", f"@{sent.name}", "-H", "content-type: application/json"]
            command.append((url or self.url).rstrip("/") + path)
            running = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            running.stdin.write("\n".join(options).encode())
            running.stdin.close()
            pieces = []
            while piece := running.stdout.read1():
                pieces.append((time.monotonic(), piece))
            if running.wait() != 0:
                raise Failed(f"curl: {running.stderr.read().decode().strip()}")
            # The last head: one before it is that of `100 Continue`.
            text = open(head.name).read().replace("\r\n", "\n").strip().split("\n\n")[-1]
        first, *lines = text.split("\n")
        pairs = [line.split(":", 1) for line in lines if ":" in line]
        return Answer(int(first.split()[1]), {name.strip().lower(): value.strip() for name, value in pairs}, pieces)
