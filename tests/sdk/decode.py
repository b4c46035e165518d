"""What the SDK sends, read by OpenTelemetry's own protobuf classes for Python.

usage: decode.py PROGRAM     one that exports as the environment says
"""

import http.server
import os
import subprocess
import sys
import threading

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

REQUESTS = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


class Keeper(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bodies = {}

    def do_POST(self):
        self.bodies.setdefault(self.path, self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def bodies_of(program):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keeper)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    subprocess.run([program], env=os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": url}, check=True, timeout=60)
    server.shutdown()
    return Keeper.bodies


def read(path, body):
    request = REQUESTS[path]()
    request.ParseFromString(body)
    request.DiscardUnknownFields()
    # Neither a field that those classes do not know, nor a byte that they would not have written.
    assert request.ByteSize() == len(body), (path, request.ByteSize(), len(body))
    return request


def plain(value):
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(v) for v in value.array_value.values]
    if kind == "kvlist_value":
        return {p.key: plain(p.value) for p in value.kvlist_value.values}
    return getattr(value, kind) if kind else None


def attributes_of(message):
    return {p.key: plain(p.value) for p in message.attributes}


def check_traces(request):
    (resource_spans,) = request.resource_spans
    assert attributes_of(resource_spans.resource)["telemetry.sdk.language"] == "c"
    rich, bare = resource_spans.scope_spans
    assert (rich.scope.name, rich.scope.version, rich.schema_url) == ("tracer", "1.2.3", "https://example.com/schema")
    assert attributes_of(rich.scope) == {"scope": 1}
    (span,) = rich.spans
    assert span.name == "renamed, to something longer than before"
    assert (span.kind, span.flags, span.trace_state) == (5, 0x301, "vendor=value")
    assert span.trace_id == b"\1" + bytes(15) and span.parent_span_id == b"\2" + bytes(7) and len(span.span_id) == 8
    assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano
    values = attributes_of(span)
    assert len(values) == 128 and span.dropped_attributes_count == 3
    assert values["text"] == "grüß dich, \ufffd" and values["bytes"] == b"\0\xff"
    assert (values["least"], values["most"]) == (-(2**63), 2**63 - 1) and values["infinite"] == float("inf")
    assert values["map"] == {"list": [-1, "", 0.25, None], "no": False}
    (event,), (link,) = span.events, span.links
    assert event.name == "happened" and attributes_of(event) == {"n": 1}
    assert link.span_id == b"\2" + bytes(7) and link.flags == 0x301 and attributes_of(link) == {"why": "because"}
    assert (span.status.code, span.status.message) == (2, "went wrong")
    assert [s.name for s in bare.spans] == ["plain"] and not bare.spans[0].parent_span_id


def check_metrics(request):
    (metric,) = request.resource_metrics[0].scope_metrics[0].metrics
    (point,) = metric.sum.data_points
    assert (metric.name, metric.unit, metric.description) == ("count", "1", "of things")
    assert metric.sum.is_monotonic and metric.sum.aggregation_temporality == 2
    assert point.as_int == 7 and attributes_of(point) == {"kind": "thing"}


def check_logs(request):
    (record,) = request.resource_logs[0].scope_logs[0].log_records
    assert plain(record.body) == "a text" and record.severity_number == 13 and record.observed_time_unix_nano


def main():
    bodies = bodies_of(sys.argv[1])
    for path, check in zip(REQUESTS, (check_traces, check_metrics, check_logs)):
        check(read(path, bodies[path]))


main()
