"""A small client of a node's REST interface, for scripts and tests. Standard library only."""

import http.client
import json
import os


class RequestError(Exception):
    """The node answered with an error: its HTTP status and its JSON body (or text)."""

    def __init__(self, status, body):
        super().__init__(f"HTTP {status}: {body}")
        self.status = status
        self.body = body


class NodeClient:
    """One node. Makes a connection per request, so that it survives the node's restarts.

    The cookie is read from the data directory each time: it changes at each start.
    """

    def __init__(self, api, data_dir, timeout_s=30):
        self.api = api
        self.data_dir = data_dir
        self.timeout_s = timeout_s

    def cookie(self):
        try:
            with open(os.path.join(self.data_dir, "cookie"), encoding="ascii") as file:
                return file.read().strip()
        except FileNotFoundError:
            return ""

    def raw(self, method, path, body=None, headers=None):
        """Returns (status, body as text). Raises OSError or http.client.HTTPException if there is no answer."""
        connection = http.client.HTTPConnection(self.api, timeout=self.timeout_s)
        try:
            sent = {"Authorization": "Bearer " + self.cookie()}
            if body is not None:
                sent["Content-Type"] = "application/json"
            sent.update(headers or {})
            connection.request(method, path, body=body, headers=sent)
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
        finally:
            connection.close()

    def request(self, method, path, body=None):
        """Returns the parsed answer; raises RequestError for any status but 2xx."""
        sent = None if body is None else json.dumps(body)
        cookie = self.cookie()
        status, text = self.raw(method, path, sent)
        if status == 401 and self.cookie() != cookie:  # the node started again in between
            status, text = self.raw(method, path, sent)
        try:
            answer = json.loads(text) if text else None
        except ValueError:
            answer = text
        if not 200 <= status < 300:
            raise RequestError(status, answer)
        return answer

    def get(self, path):
        return self.request("GET", path)

    def post(self, path, body):
        return self.request("POST", path, body)

    def is_healthy(self):
        return self._answers_ok("/health")

    def is_ready(self):
        return self._answers_ok("/ready")

    def _answers_ok(self, path):
        try:
            return self.raw("GET", path)[0] == 200
        except (OSError, http.client.HTTPException):
            return False
