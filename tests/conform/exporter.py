"""A small exporter that does what the specifications say, but for the mistakes that its arguments name.

It has a span and a log record to export, and ends. Only the standard library is used.
"""

import gzip
import http.client
import os
import random
import sys
import threading
import time
import urllib.parse
from email.utils import parsedate_to_datetime

MISTAKES = set(sys.argv[1:])
RETRYABLE = {429, 502, 503, 504}
ATTEMPTS = 5


def setting(name, default=None):
    return os.environ.get(name) or default


def warn(*words):
    print("exporter:", *words, file=sys.stderr)


# ---- Protobuf -----------------------------------------------------------------------------------------------------


def varint(n):
    low = n & 0x7F
    return bytes([low]) if n < 0x80 else bytes([low | 0x80]) + varint(n >> 7)


def field(number, *parts):
    content = b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    return varint(number << 3 | 2) + varint(len(content)) + content


def fixed64(number, value):
    return varint(number << 3 | 1) + value.to_bytes(8, "little")


def attributes(number, pairs):
    return b"".join(field(number, field(1, key), field(2, field(1, value))) for key, value in pairs.items())


# ---- What is exported ---------------------------------------------------------------------------------------------


def resource():
    found = {"service.name": "unknown_service"}
    try:
        for pair in filter(None, setting("OTEL_RESOURCE_ATTRIBUTES", "").split(",")):
            key, value = pair.split("=", 1)
            found[key.strip()] = urllib.parse.unquote(value.strip(), errors="strict")
    except ValueError:
        warn("OTEL_RESOURCE_ATTRIBUTES cannot be read")
        found = {"service.name": "unknown_service"}
    if setting("OTEL_SERVICE_NAME"):
        found["service.name"] = setting("OTEL_SERVICE_NAME")
    found |= {"telemetry.sdk.name": "conform", "telemetry.sdk.language": "python", "telemetry.sdk.version": "1"}
    return field(1, attributes(1, found))


def span():
    count = int(setting("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "128"))
    length = int(setting("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1000"))
    kept = list({"first": "of two", "second": "of two"}.items())[:count]
    now = time.time_ns()
    ids = field(1, random.randbytes(16)) + field(2, random.randbytes(8))
    times = fixed64(7, now) + fixed64(8, now)
    return ids + field(5, "work") + times + attributes(9, {key: value[:length] for key, value in kept})


def log():
    return fixed64(1, time.time_ns()) + field(5, field(1, "worked"))


def is_on(signal):
    if setting("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    sampler = setting("OTEL_TRACES_SAMPLER", "parentbased_always_on")
    if "always" not in sampler:
        warn("unknown sampler", sampler)
    if signal == "traces" and sampler == "always_off":
        return False
    return setting(f"OTEL_{signal.upper()}_EXPORTER", "otlp") == "otlp"


# ---- Where to, and how --------------------------------------------------------------------------------------------


class Exporter:
    def __init__(self, signal):
        self.signal = signal
        self.url = urllib.parse.urlsplit(self.endpoint())
        self.headers = {
            "Content-Type": "application/x-protobuf",
            "User-Agent": "OTel-OTLP-Exporter-Small/1",
        } | self.own_headers()
        self.gzip = self.compression() == "gzip"
        self.timeout = self.milliseconds() / 1000

    def option(self, name, default=None):
        base = setting(f"OTEL_EXPORTER_OTLP_{name}", default)
        return setting(f"OTEL_EXPORTER_OTLP_{self.signal.upper()}_{name}", base)

    def endpoint(self):
        own = setting(f"OTEL_EXPORTER_OTLP_{self.signal.upper()}_ENDPOINT")
        if own and "appends-to-own-endpoint" not in MISTAKES:
            return own
        base = own or setting("OTEL_EXPORTER_OTLP_ENDPOINT")
        slash = "/" if "doubles-slashes" in MISTAKES or not base.endswith("/") else ""
        return f"{base}{slash}v1/{self.signal}"

    def own_headers(self):
        found = {}
        for pair in filter(None, self.option("HEADERS", "").split(",")):
            key, equals, value = (part.strip() for part in pair.partition("="))
            value = value if "sends-headers-as-written" in MISTAKES else urllib.parse.unquote(value)
            if equals and ("\n" not in value or "breaks-headers" in MISTAKES):
                found[key] = value
            else:
                warn("dropped the header", key)
        return found

    def compression(self):
        wanted = self.option("COMPRESSION", "none").lower()
        if wanted not in ("gzip", "none"):
            warn("unknown compression", wanted)
        return wanted

    def milliseconds(self):
        wanted = self.option("TIMEOUT", "10000")
        if not wanted.isdigit():
            warn("not a number of milliseconds:", wanted)
            wanted = "10000"
        return 10000 if "waits-too-long" in MISTAKES else int(wanted)

    # ---- Sending ----

    def post(self, body):
        """Status, Retry-After and body of the answer; or None when there is none."""
        connection = http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=self.left())
        encoded = {"Content-Encoding": "gzip"} if self.gzip else {}
        try:
            connection.connect()
            lines = [f"POST {self.url.path or '/'} HTTP/1.1", f"Host: {self.url.netloc}"]
            lines += [f"Content-Length: {len(body)}"]
            lines += [f"{name}: {value}" for name, value in (self.headers | encoded).items()]
            connection.sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            answer = http.client.HTTPResponse(connection.sock, method="POST")
            answer.begin()
            return answer.status, answer.headers["Retry-After"], answer.read(4 << 20)
        except TimeoutError:
            return 0, None, b""
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def left(self):
        return max(self.deadline - time.monotonic(), 0.001)

    def is_final(self, answer):
        if answer and answer[0] == 200 and answer[2] and "retries-partial-success" in MISTAKES:
            return False
        if "believes-answers" in MISTAKES and answer and answer[2] and answer[2][0] != 1 << 3 | 2:
            os.abort()
        if "never-retries" in MISTAKES or answer and answer[0] == 200:
            return True
        return answer and answer[0] not in RETRYABLE and "retries-everything" not in MISTAKES

    def pause(self, attempt, answer):
        after = answer and answer[1]
        if after and "ignores-retry-after" not in MISTAKES:
            if after.isdigit():
                return int(after)
            try:
                return max(0, parsedate_to_datetime(after).timestamp() - time.time())
            except ValueError:
                pass
        if "never-waits" in MISTAKES:
            return 0
        if "waits-the-same-time" in MISTAKES:
            return 2
        return 0.3 * 2**attempt * random.uniform(0.7, 1.3)

    def export(self, message):
        body = gzip.compress(message) if self.gzip else message
        self.deadline = time.monotonic() + self.timeout
        for attempt in range(ATTEMPTS):
            answer = self.post(body)
            if self.is_final(answer):
                break
            pause = self.pause(attempt, answer)
            if attempt == ATTEMPTS - 1 or pause > self.left():
                break
            threading.Event().wait(pause)
        if "sends-twice" in MISTAKES:
            self.post(body)


def main():
    if "loses-at-the-end" in MISTAKES and int(setting("OTEL_BSP_SCHEDULE_DELAY", "5000")) > 1000:
        return
    for signal, item in {"traces": span, "logs": log}.items():
        if is_on(signal):
            message = field(1, resource(), field(2, field(2, item())))
            Exporter(signal).export(message)


main()
