"""An `otlpkit serve` to ask, for the tests of this folder."""

import http.client
import subprocess
import sys
from urllib.parse import urlsplit

PATIENCE_S = 20
SHOP = "fixtures/selectors/shop.jsonl"
PATHS = {"resourceSpans": "/v1/traces", "resourceMetrics": "/v1/metrics", "resourceLogs": "/v1/logs"}


def skip(why):
    print(f"SKIPPED: {why}")
    sys.exit(77)


class Serving:
    def __init__(self, command):
        self.process = subprocess.Popen(
            [command, "serve", "--port", "0"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self.url = self.process.stderr.readline().split()[-1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """A sanitizer that found something makes it fail."""
        self.process.terminate()
        _, errors = self.process.communicate(timeout=PATIENCE_S)
        if self.process.returncode:
            sys.exit(f"serve ended with {self.process.returncode}: {errors}")

    def ask(self, method, target, body=None, headers=None):
        """Status, media type and body of one answer."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=PATIENCE_S)
        connection.request(method, target, body, headers or {})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, answer.getheader("Content-Type", "").split(";")[0], text

    def send(self, line, prefix=""):
        """One request of OTLP/JSON."""
        path = next(path for key, path in PATHS.items() if key in line)
        status, _, text = self.ask("POST", prefix + path, line.encode(), {"Content-Type": "application/json"})
        return status, text

    def send_shop(self, prefix=""):
        with open(SHOP, encoding="utf-8") as shop:
            for line in shop:
                assert self.send(line, prefix)[0] == 200
