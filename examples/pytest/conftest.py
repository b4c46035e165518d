"""The fixture `otlp`: what a test exports, caught. It starts the command that OTLPKIT names, or `otlpkit`."""

import json
import os
import subprocess
import urllib.error
import urllib.parse
import urllib.request
import uuid

import pytest


class Session:
    """What one test exports. Tests that run side by side do not see each other's."""

    def __init__(self, url):
        self.url = url

    def wait(self, *conditions, timeout="5s"):
        """Blocks until all conditions hold, and fails the test when they do not by then."""
        __tracebackhide__ = True
        lines = "\n".join(conditions).encode()
        try:
            self._ask(f"/otlpkit/wait?timeout={timeout}", data=lines, headers={"Accept": "text/plain"})
        except urllib.error.HTTPError as refusal:
            raise AssertionError(refusal.read().decode()) from None

    def spans(self, where="{}"):
        return json.loads(self._ask("/otlpkit/spans?" + urllib.parse.urlencode({"where": where})))

    def forget(self):
        self._ask("", method="DELETE")

    def _ask(self, path, **request):
        with urllib.request.urlopen(urllib.request.Request(self.url + path, **request)) as answer:
            return answer.read()


@pytest.fixture(scope="session")
def otlpkit_url():
    command = [os.environ.get("OTLPKIT", "otlpkit"), "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as server:
        yield server.stderr.readline().removeprefix("listening on ").strip()
        server.terminate()


@pytest.fixture
def otlp(otlpkit_url, monkeypatch):
    session = Session(f"{otlpkit_url}/s/{uuid.uuid4()}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", session.url)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")  # milliseconds until ended spans are exported
    yield session
    session.forget()
