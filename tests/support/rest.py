"""The gateway as curl sees it: JSON over HTTP/1.1, with a token."""

from __future__ import annotations

import json
import ssl
from contextlib import closing
from http.client import HTTPResponse, HTTPSConnection
from typing import Any

SECONDS_MAX = 60.0


class Rest:
    """Calls the gateway over HTTP/1.1 with a token of these roles."""

    def __init__(self, whole_mesh: Any, *roles: str) -> None:
        self._port = whole_mesh.gateway_port
        self._trust = ssl.create_default_context(cafile=whole_mesh.record.ca_file)
        self._token = whole_mesh.token(*(roles or ("viewer", "operator")))

    def call(self, verb: str, path: str, body: object = None, **headers: str) -> tuple[HTTPResponse, bytes]:
        with closing(HTTPSConnection("localhost", self._port, context=self._trust, timeout=SECONDS_MAX)) as connection:
            told = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
            connection.request(verb, path, None if body is None else json.dumps(body), told | headers)
            answer = connection.getresponse()
            return answer, answer.read()

    def read(self, path: str) -> Any:
        answer, content = self.call("GET", path)
        assert answer.status == 200, content
        return json.loads(content)
