"""Runs a real client against `otlpkit serve`, and tells what arrived.

A check is a function that raises Failed; run_checks() runs them all. Only the standard library is used.
"""

import base64
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import traceback

HERE = pathlib.Path(__file__).parent
CLIENT = pathlib.Path(sys.argv[0]).parent  # the folder of the check that runs
OTLPKIT = sys.argv[1]
DEADLINE = 60  # seconds for anything that must end by itself

SIGNALS = {
    "/v1/traces": "resourceSpans",
    "/v1/metrics": "resourceMetrics",
    "/v1/logs": "resourceLogs",
}


class Failed(Exception):
    """What should have been, and what was."""


# ---- Running ------------------------------------------------------------------------------------------------------


def made_by(script, *arguments):
    """The path that one of the scripts beside this file prints. When it skips, so does the test."""
    done = subprocess.run([HERE / script, *arguments], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout.strip()


def clean_environment():
    """Nothing of the caller's may configure a client, or send it through a proxy."""
    unwanted = ("OTEL_", "LOGFIRE_")
    return {k: v for k, v in os.environ.items() if not k.startswith(unwanted) and not k.lower().endswith("_proxy")}


def run_client(*command, says="", **environment):
    """Runs a client to its end, away from any project of its own. It must exit 0, and say only that on stderr."""
    with tempfile.TemporaryDirectory(prefix="otlpkit-") as elsewhere:
        done = subprocess.run(
            command,
            env=clean_environment() | environment,
            cwd=elsewhere,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
    if done.returncode or done.stderr != says:
        raise Failed(f"the client exited {done.returncode} and wrote on stderr:\n{done.stderr}")


class Receiver:
    """`otlpkit serve` for the length of a with block; after it, `requests` holds what came. With a fault script, that
    may be refused; else it must not."""

    def __init__(self, fault=None):
        self.faults = ["--fault", fault] if fault else []

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="otlpkit-")
        root = pathlib.Path(self.folder.name)
        self.ready, self.lines, self.archive = root / "ready", root / "lines.jsonl", root / "requests.warc"
        with self.lines.open("wb") as stdout:
            self.process = subprocess.Popen(
                [OTLPKIT, "serve", "--port", "0", "--ready-file", self.ready, "--json", "--save", self.archive]
                + self.faults,
                stdout=stdout,
                stderr=subprocess.PIPE,
                text=True,
            )
        first = self.process.stderr.readline()
        if not first.startswith("listening on http://"):
            self.process.kill()
            raise Failed(f"otlpkit serve did not start: {first}{self.process.stderr.read()}")
        self.port = int(first.rsplit(":", 1)[1])
        # As clients are told in most pages: by name, which may be either of the two loopback addresses.
        self.url = f"http://localhost:{self.port}"
        return self

    def __exit__(self, kind, error, traceback):
        try:
            self.process.send_signal(signal.SIGTERM)
            self.summary = self.process.communicate(timeout=DEADLINE)[1]
            if kind is None:
                self.read()
        finally:
            self.process.kill()
            self.process.wait()
            self.folder.cleanup()

    def read(self):
        if self.process.returncode:
            raise Failed(f"otlpkit serve exited {self.process.returncode} at SIGTERM: {self.summary}")
        if self.ready.read_text() != f"http://127.0.0.1:{self.port}\n":
            raise Failed(f"the ready file holds {self.ready.read_text()!r}")
        lines = self.lines.read_bytes()
        dumped = subprocess.run([OTLPKIT, "dump", self.archive], stdout=subprocess.PIPE, check=True).stdout
        if dumped != lines:
            raise Failed(f"`otlpkit dump` of the archive is not what `serve` wrote:\n{dumped!r}\n{lines!r}")
        self.requests = list(archived_requests(self.archive.read_bytes()))
        messages = [json.loads(line) for line in lines.splitlines()]
        readable = [request for request in self.requests if request.status == 200 or not self.faults]
        if len(messages) != len(readable):
            raise Failed(f"{len(readable)} requests came, {len(messages)} could be read: {self.summary}")
        for request, message in zip(readable, messages):
            request.message = message


class Request:
    """As it came: `method`, `target`, `headers` (names in lower case), `body`; the `status` of the answer; and, when
    it was not refused, `message`, its OTLP/JSON."""

    def __init__(self, block, answer):
        head, self.body = block.split(b"\r\n\r\n", 1)
        first, *fields = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = first.split(" ")
        self.headers = {name.lower(): text for name, text in (field.split(": ", 1) for field in fields)}
        self.status = int(answer.split(b" ", 2)[1])

    def __str__(self):
        return f"{self.method} {self.target}"


def archived_requests(data):
    """The requests of a WARC file: records of named fields, an empty line, and as many bytes as the fields say. The
    answer to a request comes after it."""
    while data:
        head, data = data.split(b"\r\n\r\n", 1)
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        size = int(fields["Content-Length"])
        if fields["WARC-Type"] == "request":
            request = data[:size]
        elif fields["WARC-Type"] == "response":
            yield Request(request, data[:size])
        data = data[size + len("\r\n\r\n") :]


# ---- Reading OTLP/JSON --------------------------------------------------------------------------------------------

READERS = {
    "stringValue": str,
    "boolValue": bool,
    "intValue": int,
    "doubleValue": float,
    "bytesValue": base64.b64decode,
    "arrayValue": lambda array: [value(v) for v in array.get("values", [])],
    "kvlistValue": lambda kvlist: attributes(kvlist),
}


def value(any_value):
    """An AnyValue as Python's own, so that an int stays an int and a double a float; None when nothing is set."""
    for member, content in any_value.items():
        return READERS[member](content)
    return None


def attributes(owner):
    """The attributes of a span, a resource …, or the pairs of a kvlist."""
    pairs = owner.get("attributes", owner.get("values", []))
    found = {pair["key"]: value(pair["value"]) for pair in pairs}
    if len(found) != len(pairs):
        raise Failed(f"a key comes twice: {[pair['key'] for pair in pairs]}")
    return found


def items(requests, path):
    """(resource, scope, item) of each span, metric or log record that came, in order of arrival."""
    for request in requests:
        if not request.target.endswith(path):
            continue
        for of_resource in request.message.get(SIGNALS[path], []):
            for member in of_resource:
                if not member.startswith("scope"):
                    continue
                for of_scope in of_resource[member]:
                    records = of_scope.get("spans") or of_scope.get("metrics") or of_scope.get("logRecords") or []
                    for record in records:
                        yield of_resource["resource"], of_scope["scope"], record


def named_items(requests, path):
    """The spans or metrics by name; a name must come once."""
    found = {}
    for _, _, item in items(requests, path):
        if item["name"] in found:
            raise Failed(f"'{item['name']}' came twice")
        found[item["name"]] = item
    return found


# ---- Comparing ----------------------------------------------------------------------------------------------------


def named(expected):
    return f"some {expected.__name__}" if isinstance(expected, type) else repr(expected)


def differences(expected, actual, where):
    """A line for each difference. Types count: 1, 1.0 and True are three things. A type stands for any value of it."""
    if isinstance(expected, type):
        if type(actual) is not expected:
            yield f"{where}: expected {named(expected)}, got {actual!r}"
    elif type(expected) is not type(actual):
        yield f"{where}: expected {expected!r} ({type(expected).__name__}), got {actual!r} ({type(actual).__name__})"
    elif isinstance(expected, dict):
        for key in expected.keys() - actual.keys():
            yield f"{where}[{key!r}]: missing, expected {named(expected[key])}"
        for key in actual.keys() - expected.keys():
            yield f"{where}[{key!r}]: not expected, got {actual[key]!r}"
        for key in expected.keys() & actual.keys():
            yield from differences(expected[key], actual[key], f"{where}[{key!r}]")
    elif isinstance(expected, list) and len(expected) == len(actual):
        for i, pair in enumerate(zip(expected, actual)):
            yield from differences(*pair, f"{where}[{i}]")
    elif expected != actual:
        yield f"{where}: expected {expected!r}, got {actual!r}"


def check(what, actual, expected):
    found = sorted(differences(expected, actual, what))
    if found:
        raise Failed("\n".join(found))


def check_requests(requests, *expected):
    """That exactly these came ("POST /v1/traces"), in any order."""
    check("requests", sorted(map(str, requests)), sorted(expected))


def check_headers(request, **expected):
    """Those named here must be there with this value; None: not there."""
    for name, text in expected.items():
        name = name.replace("_", "-")
        check(f"{request}, header {name}", request.headers.get(name), text)


def run_checks(*checks):
    failed = 0
    for each in checks:
        name = each.__name__.replace("_", " ")
        start = time.monotonic()
        try:
            each()
            print(f"ok: {name} ({time.monotonic() - start:.1f} s)", flush=True)
        except Exception as failure:
            failed += 1
            print(f"FAILED: {name}\n{failure if isinstance(failure, Failed) else traceback.format_exc()}", flush=True)
    print(f"{len(checks) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
