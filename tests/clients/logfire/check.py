"""The real Logfire for Python does what its users' first program does; only the endpoint is ours."""

from harness import CLIENT, SIGNALS, Receiver, attributes, check, check_headers, check_requests, items, made_by
from harness import named_items, run_checks, run_client, value

PACKAGES = (CLIENT / "requirements.txt").read_text().split()
PYTHON = made_by("python-env", "logfire", *PACKAGES)
VERSION = dict(package.split("==") for package in PACKAGES)

PAGE = CLIENT / "page.py"
WITH_TOKEN = CLIENT / "with_token.py"
SPAN = "This is a span"
LOG = "Logfire logs are also actually just spans!"


def run_page(receiver, variable, text):
    return run_client(PYTHON, PAGE, f"{variable}={text}")


def line_of(program, text):
    """Where the program says that."""
    lines = program.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def check_page(requests, program=PAGE):
    """What the program exports, wherever it sends it."""
    spans = named_items(requests, "/v1/traces")
    check("names", sorted(spans), [LOG, SPAN])
    span, log = spans[SPAN], spans[LOG]
    check("attributes of the span", attributes(span), {
        "logfire.span_type": "span",
        "logfire.msg_template": SPAN,
        "logfire.msg": SPAN,
        "code.filepath": str(program),
        "code.lineno": line_of(program, SPAN),
    })
    check("attributes of the log", attributes(log), {
        "logfire.span_type": "log",
        "logfire.level_num": 9,
        "logfire.msg_template": LOG,
        "logfire.msg": LOG,
        "code.filepath": str(program),
        "code.lineno": line_of(program, LOG),
    })
    check("parent of the log", log["parentSpanId"], span["spanId"])
    check("trace of the log", log["traceId"], span["traceId"])
    check("parent of the span", span.get("parentSpanId"), None)
    check("kinds", [span["kind"], log["kind"]], [1, 1])
    check("end of the log", log["endTimeUnixNano"], log["startTimeUnixNano"])
    check("the span is open while the log is made", times(span)[0] <= times(log)[0] <= times(span)[1], True)
    check_origin(requests)


def times(span):
    return int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])


def check_origin(requests):
    for resource, scope, _ in items(requests, "/v1/traces"):
        check("scope", scope, {"name": "logfire", "version": VERSION["logfire"]})
        check("resource", {"host.id": ""} | attributes(resource), {
            "service.name": "my_logfire_service",
            "service.instance.id": str,
            "logfire.version": VERSION["logfire"],
            "telemetry.sdk.language": "python",
            "telemetry.sdk.name": "opentelemetry",
            "telemetry.sdk.version": VERSION["opentelemetry-sdk"],
            "process.pid": int,
            "process.runtime.name": "cpython",
            "process.runtime.version": str,
            "process.runtime.description": str,
            "host.arch": str,
            "host.id": str,  # not on every machine
            "host.name": str,
            "os.type": "linux",
            "os.version": str,
        })


# SDK-LF-03, SDK-LF-06, RX-HTTP-02, RX-ENC-01, RX-ENC-08
def the_page_shows_up_by_the_traces_endpoint():
    with Receiver() as receiver:
        run_page(receiver, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{receiver.url}/v1/traces")
    check_requests(receiver.requests, "POST /v1/traces")
    check_headers(
        receiver.requests[0],
        content_type="application/x-protobuf",
        content_encoding=None,
        user_agent=f"OTel-OTLP-Exporter-Python/{VERSION['opentelemetry-sdk']}",
    )
    check_page(receiver.requests)


# SDK-LF-04, SDK-LF-05: a receiver of traces only would cost an error line each for metrics and logs.
def the_page_shows_up_by_the_generic_endpoint():
    with Receiver() as receiver:
        run_page(receiver, "OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
    check_requests(receiver.requests, "POST /v1/traces")
    check_page(receiver.requests)


# SDK-LF-04, SDK-LF-05, RX-HTTP-02 to -04. Metrics come again at flush and at shutdown, with the same values.
def three_signals_arrive_by_the_generic_endpoint():
    with Receiver() as receiver:
        run_client(PYTHON, CLIENT / "three_signals.py", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    requests = receiver.requests
    check_requests({str(request): request for request in requests}, *(f"POST {path}" for path in SIGNALS))
    [span] = [record for _, _, record in items(requests, "/v1/traces")]
    [log] = [record for _, _, record in items(requests, "/v1/logs")]
    check("body of the log record", value(log["body"]), "hello")
    check("attributes of the log record", attributes(log), {"tries": 3})
    check("span of the log record", (log["traceId"], log["spanId"]), (span["traceId"], span["spanId"]))
    metrics = [record for _, _, record in items(requests, "/v1/metrics")]
    check("names of the metrics", {metric["name"] for metric in metrics}, {"visits"})
    for metric in metrics:
        [point] = metric["sum"]["dataPoints"]
        check("attributes of the data point", attributes(point), {"page": "home"})
        check("data point", int(point["asInt"]), 2)


# SDK-LF-01
def nothing_arrives_when_another_exporter_is_selected():
    with Receiver() as receiver:
        run_client(
            PYTHON,
            PAGE,
            "OTEL_TRACES_EXPORTER=none",
            f"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT={receiver.url}/v1/traces",
        )
    check_requests(receiver.requests)


# SDK-LF-07, RX-ENC-01: this mode asks GET /v1/info first, and shows what it is told there.
def the_page_shows_up_by_token():
    with Receiver() as receiver:
        run_client(
            PYTHON,
            WITH_TOKEN,
            LOGFIRE_TOKEN="open-sesame",
            LOGFIRE_BASE_URL=receiver.url,
            says=f"Logfire project URL: http://127.0.0.1:{receiver.port}\n",
        )
    check_requests(receiver.requests, "POST /v1/traces")
    check_headers(
        receiver.requests[0],
        authorization="open-sesame",
        content_encoding="gzip",
        user_agent=f"logfire/{VERSION['logfire']}",
    )
    check_page(receiver.requests, WITH_TOKEN)


run_checks(
    the_page_shows_up_by_the_traces_endpoint,
    the_page_shows_up_by_the_generic_endpoint,
    three_signals_arrive_by_the_generic_endpoint,
    nothing_arrives_when_another_exporter_is_selected,
    the_page_shows_up_by_token,
)
