"""The OpenTelemetry Collector's own receiver takes what our SDK sends, and reads in it what ours does; its exporter
sends that on, and ours reads the same again."""

import json
import subprocess
import sys

from harness import (
    CLIENT,
    DEADLINE,
    SIGNALS,
    Failed,
    Receiver,
    check,
    check_headers,
    clean_environment,
    made_by,
    run_checks,
    run_client,
)

COLLECTOR = made_by("go-program", CLIENT)
EMIT, EVERYTHING = sys.argv[2:]
# What each program has to say on stderr when all went well.
SAYS = {
    EMIT: "",
    EVERYTHING: "otlpkit: attributes, events or links of spans exceed their limits and are dropped\n",
}


class Collector:
    """For the length of a with block, between a program and `receiver`. After it, `messages` holds what came, read by
    the Collector, and `warnings` what its log has to say about that."""

    def __init__(self, receiver):
        self.receiver = receiver

    def __enter__(self):
        self.process = subprocess.Popen(
            [COLLECTOR, self.receiver.url],
            env=clean_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        first = self.process.stderr.readline()
        if "Starting HTTP server" not in first:
            self.process.kill()
            raise Failed(f"the Collector did not start: {first}{self.process.communicate()[1]}")
        self.url = f"http://{json.loads(first)['endpoint']}"
        return self

    def __exit__(self, kind, error, traceback):
        try:
            lines, logged = self.process.communicate(timeout=DEADLINE)
        finally:
            self.process.kill()
            self.process.wait()
        self.messages = [json.loads(line) for line in lines.splitlines()]
        self.warnings = [entry for entry in map(json.loads, logged.splitlines()) if entry["level"] != "info"]


def in_order(messages):
    """The signals are exported independently of each other."""
    return sorted(messages, key=lambda message: list(message))


def messages_of(receiver):
    return in_order(request.message for request in receiver.requests)


# What is another in each run. What the Collector's exporter sends on is from the same run.
PER_RUN = ("traceId", "spanId", "startTimeUnixNano", "endTimeUnixNano", "timeUnixNano", "observedTimeUnixNano")

# What the Collector writes in each span or log record, set or not.
UNSET = {"status": {}, "traceId": "", "spanId": "", "parentSpanId": ""}


def of_any_run(node):
    """The same, with the type in place of each value that is another in each run."""
    if isinstance(node, dict):
        return {k: type(v) if k in PER_RUN else of_any_run(v) for k, v in node.items()}
    return [of_any_run(v) for v in node] if isinstance(node, list) else node


def without_unset(node):
    if isinstance(node, dict):
        return {k: without_unset(v) for k, v in node.items() if UNSET.get(k) != v}
    return [without_unset(v) for v in node] if isinstance(node, list) else node


def send_and_compare(program, protocol, compression):
    environment = {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_COMPRESSION": compression}
    with Receiver() as ours:
        run_client(program, says=SAYS[program], OTEL_EXPORTER_OTLP_ENDPOINT=ours.url, **environment)
    for request in ours.requests:
        content_type = {"http/json": "application/json"}.get(protocol, "application/x-protobuf")
        encoding = compression if compression != "none" else None
        check_headers(request, content_type=content_type, content_encoding=encoding)
    check("signals", {key for message in messages_of(ours) for key in message}, set(SIGNALS.values()))

    with Receiver() as behind:
        with Collector(behind) as collector:
            run_client(program, says=SAYS[program], OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **environment)
    check("what the Collector's log says", collector.warnings, [])
    collected = without_unset(in_order(collector.messages))
    check("what the Collector took", collected, of_any_run(messages_of(ours)))
    check("what its exporter sent on", without_unset(messages_of(behind)), collected)


def both_programs(protocol, compression):
    for program in (EMIT, EVERYTHING):
        send_and_compare(program, protocol, compression)


# SDK-EXP-01, SDK-ENC-01 to -08, -10 to -12
def protobuf_is_taken():
    both_programs("http/protobuf", "none")


# SDK-EXP-02
def gzipped_protobuf_is_taken():
    both_programs("http/protobuf", "gzip")


def json_is_taken():
    both_programs("http/json", "none")


def gzipped_json_is_taken():
    both_programs("http/json", "gzip")


def emit_under(fault, says=""):
    """Runs the program while the receiver behind the Collector answers as the fault script says. The program has to
    say that, with URL for that of the receiver behind."""
    with Receiver(fault) as behind:
        with Collector(behind) as collector:
            run_client(EMIT, says=says.replace("URL", behind.url), OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    return behind, collector


# SDK-RTY-04, SDK-RTY-07
def what_the_collector_cannot_take_now_is_sent_again():
    behind, collector = emit_under(
        "traces: 503, ok",
        "otlpkit: export of traces: the server answered 503: error exporting items, request to URL/v1/traces "
        "responded with HTTP Status Code 503, Message=as the fault script says: 503, Details=[]\n",
    )
    first, again = (message for message in collector.messages if "resourceSpans" in message)
    check("what was sent again", again, first)
    check("answers", [r.status for r in behind.requests if r.target == "/v1/traces"], [503, 200])


# SDK-RTY-04
def what_the_collector_refuses_is_told_and_not_sent_again():
    behind, _ = emit_under(
        "traces: 400",
        "otlpkit: export of traces: the server answered 400: Permanent error: rpc error: code = InvalidArgument "
        "desc = error exporting items, request to URL/v1/traces responded with HTTP Status Code 400, "
        "Message=as the fault script says: 400, Details=[]\n",
    )
    check("answers", [r.status for r in behind.requests if r.target == "/v1/traces"], [400])


# RX-RESP-04, RX-RESP-05
def the_collector_reads_our_partial_success():
    _, collector = emit_under('traces: partial=1 message="too odd"')
    (warning,) = collector.warnings
    told = {key: warning[key] for key in ("msg", "message", "dropped_spans")}
    check("log", told, {"msg": "Partial success response", "message": "too odd", "dropped_spans": 1})


run_checks(
    protobuf_is_taken,
    gzipped_protobuf_is_taken,
    json_is_taken,
    gzipped_json_is_taken,
    what_the_collector_cannot_take_now_is_sent_again,
    what_the_collector_refuses_is_told_and_not_sent_again,
    the_collector_reads_our_partial_success,
)
