"""What API Gateway makes of a request, and of a function's response."""

from __future__ import annotations

import json


def event(method, path, body, **more):
    """The event of a REST API with a proxy resource, as its documentation shows it; more headers
    may go with it."""
    headers = {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "Host": "abc.execute-api.us-east-1.amazonaws.com",
        "User-Agent": "curl/8.5.0",
        "X-Forwarded-For": "192.0.2.1",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
        **more,
    }
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc",
            "domainName": "abc.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "abc",
            "extendedRequestId": "JKJaXmPLvHcESHA=",
            "httpMethod": method,
            "identity": {
                "accessKey": None,
                "accountId": None,
                "apiKey": None,
                "apiKeyId": None,
                "caller": None,
                "cognitoIdentityId": None,
                "cognitoIdentityPoolId": None,
                "sourceIp": "192.0.2.1",
                "user": None,
                "userAgent": "curl/8.5.0",
                "userArn": None,
            },
            "path": f"/prod{path}",
            "protocol": "HTTP/1.1",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "requestTime": "09/Apr/2015:12:34:56 +0000",
            "requestTimeEpoch": 1428582896000,
            "resourceId": "123456",
            "resourcePath": "/{proxy+}",
            "stage": "prod",
        },
        "body": body,
        "isBase64Encoded": False,
    }


class Answer:
    """The HTTP answer that the gateway would give for a function's response."""

    def __init__(self, response):
        self.status = response["statusCode"]
        self.headers = {
            name.lower(): value
            for name, values in response["multiValueHeaders"].items()
            for value in values
        }
        self.text = response["body"]

    @property
    def json(self):
        """The body of an answer that is no stream."""
        return json.loads(self.text)

    def __repr__(self):
        return f"{self.status} {self.text}"
