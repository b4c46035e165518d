"""OpenTelemetry for Go, plain and gzipped."""

from harness import CLIENT, Receiver, check_headers, check_requests, made_by, run_checks, run_client
from story import LOG, WIDE, check_story

PROGRAM = made_by("go-program", CLIENT)


def tell_and_check(compression):
    with Receiver() as receiver:
        run_client(
            PROGRAM,
            OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
            OTEL_EXPORTER_OTLP_COMPRESSION=compression or "none",
        )
    check_requests(receiver.requests, "POST /v1/traces", "POST /v1/metrics", "POST /v1/logs")
    for request in receiver.requests:
        check_headers(request, content_type="application/x-protobuf", content_encoding=compression)
    check_story(receiver.requests, "go", lambda values: values | WIDE | {"order": LOG["body"]})


# RX-HTTP-02 to -04, RX-ENC-08, RX-PB-10, RX-SEM-22
def protobuf_tells_the_story():
    tell_and_check(None)


# RX-ENC-01
def gzipped_protobuf_tells_the_story():
    tell_and_check("gzip")


run_checks(protobuf_tells_the_story, gzipped_protobuf_tells_the_story)
