"""OpenTelemetry for Python: plain, gzip and deflate."""

from harness import CLIENT, Receiver, check_headers, check_requests, made_by, run_checks, run_client
from story import WIDE, check_story

PACKAGES = (CLIENT / "requirements.txt").read_text().split()
PYTHON = made_by("python-env", "opentelemetry", *PACKAGES)
VERSION = dict(package.split("==") for package in PACKAGES)


def tell_and_check(compression):
    with Receiver() as receiver:
        run_client(
            PYTHON,
            CLIENT / "shop.py",
            OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
            OTEL_EXPORTER_OTLP_COMPRESSION=compression or "none",
        )
    check_requests(receiver.requests, "POST /v1/traces", "POST /v1/metrics", "POST /v1/logs")
    for request in receiver.requests:
        check_headers(
            request,
            content_type="application/x-protobuf",
            content_encoding=compression,
            user_agent=f"OTel-OTLP-Exporter-Python/{VERSION['opentelemetry-exporter-otlp-proto-http']}",
        )
    check_story(receiver.requests, "python", lambda values: values | WIDE)


# RX-HTTP-02 to -04, RX-ENC-08, RX-PB-10
def protobuf_tells_the_story():
    tell_and_check(None)


# RX-ENC-01
def gzipped_protobuf_tells_the_story():
    tell_and_check("gzip")


# RX-ENC-03: a zlib stream, as this client understands the word.
def deflated_protobuf_tells_the_story():
    tell_and_check("deflate")


run_checks(
    protobuf_tells_the_story,
    gzipped_protobuf_tells_the_story,
    deflated_protobuf_tells_the_story,
)
