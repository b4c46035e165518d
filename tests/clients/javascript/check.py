"""OpenTelemetry for JavaScript, over protobuf and JSON, plain and gzipped: the same story four ways."""

import re

from harness import CLIENT, Receiver, check, check_headers, check_requests, made_by, run_checks, run_client
from story import as_javascript, check_story

MODULES = made_by("node-env", CLIENT)


def tell_and_check(encoding, content_type, compression):
    with Receiver() as receiver:
        run_client(
            "node",
            CLIENT / "shop.js",
            encoding,
            NODE_PATH=MODULES,
            OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
            OTEL_EXPORTER_OTLP_COMPRESSION=compression or "none",
        )
    check_requests(receiver.requests, "POST /v1/traces", "POST /v1/metrics", "POST /v1/logs")
    for request in receiver.requests:
        check_headers(
            request, content_type=content_type, content_encoding=compression, transfer_encoding="chunked"
        )
        agent = request.headers["user-agent"]
        check(f"user agent {agent}", bool(re.match(r"OTel-OTLP-Exporter-JavaScript/[\d.]+", agent)), True)
    check_story(receiver.requests, "nodejs", as_javascript)


# RX-HTTP-02 to -04 and -17, RX-ENC-01, RX-ENC-08, RX-PB-08
def protobuf_tells_the_story():
    tell_and_check("proto", "application/x-protobuf", None)


# RX-ENC-01, RX-ENC-02
def gzipped_protobuf_tells_the_story():
    tell_and_check("proto", "application/x-protobuf", "gzip")


# RX-ENC-09, RX-JSON-03, RX-JSON-04, RX-JSON-08, RX-JSON-09, RX-JSON-15, RX-JSON-20
def json_tells_the_story():
    tell_and_check("http", "application/json", None)


# RX-ENC-01, RX-ENC-09
def gzipped_json_tells_the_story():
    tell_and_check("http", "application/json", "gzip")


run_checks(
    protobuf_tells_the_story,
    gzipped_protobuf_tells_the_story,
    json_tells_the_story,
    gzipped_json_tells_the_story,
)
