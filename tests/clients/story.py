"""What the shop tells, in every language: a span with a child, five metrics and a log record, with every kind of value.

Each client's `shop` program says this through its SDK; check_story() compares what came.
"""

import math

from harness import attributes, check, items, named_items, value

SECOND = 1_700_000_000 * 1_000_000_000
TRACE_ID, SPAN_ID = "0102030405060708090a0b0c0d0e0f10", "1112131415161718"

CHECKOUT = {
    "parent": None,
    "kind": 2,
    "start": SECOND + 123_456_789,
    "end": SECOND + 987_654_321,
    "status": {"code": 1},
    "attributes": {
        "text": "Grüße ☕",
        "nothing": "",
        "yes": True,
        "no": False,
        "int": 42,
        "negative": -7,
        "large": 9_007_199_254_740_991,
        "double": 2.5,
        "whole": 20.0,
        "texts": ["a", "b"],
        "flags": [True, False],
        "ints": [1, 2, 3],
        "doubles": [0.5, 1.5],
        "none": [],
    },
    "events": [
        {"name": "reserved", "time": SECOND + 200_000_001, "attributes": {"shelf": 7}},
        {"name": "paid", "time": SECOND + 900_000_000, "attributes": {}},
    ],
    "links": [{"trace": TRACE_ID, "span": SPAN_ID, "attributes": {"why": "retry"}}],
}

CHARGE = {
    "parent": "checkout",
    "kind": 3,
    "start": SECOND + 300_000_000,
    "end": SECOND + 800_000_000,
    "status": {"code": 2, "message": "card declined"},
    "attributes": {},
    "events": [],
    "links": [],
}

# What a language with whole numbers of 64 bits can tell besides.
WIDE = {"largest": 2**63 - 1, "smallest": -(2**63), "infinite": -math.inf}

CUMULATIVE = 2
ROUTE = {"route": "/pay"}

METRICS = {
    "orders": {
        "unit": "{order}",
        "description": "Orders taken",
        "sum": {"temporality": CUMULATIVE, "monotonic": True, "points": [{"attributes": ROUTE, "value": 3}]},
    },
    "revenue": {"unit": "EUR", "sum": {
        "temporality": CUMULATIVE, "monotonic": True, "points": [{"attributes": ROUTE, "value": 2.5}],
    }},
    "stock": {"sum": {
        "temporality": CUMULATIVE, "monotonic": False, "points": [{"attributes": {}, "value": -5}],
    }},
    "temperature": {"unit": "Cel", "gauge": {"points": [{"attributes": {}, "value": 21.5}]}},
    "load": {"unit": "ms", "histogram": {"temporality": CUMULATIVE, "points": [{
        "attributes": ROUTE,
        "count": 2,
        "sum": 55.0,
        "min": 5.0,
        "max": 50.0,
        "buckets": [0, 1, 1, 0],
        "bounds": [1.0, 10.0, 100.0],
    }]}},
}

LOG = {
    "time": SECOND + 500_000_000,
    "severity": (13, "WARN"),
    "event": "order.placed",
    "body": {
        "order": 7,
        "items": ["tea", 2, True],
        "raw": b"\x00\xff",
        "note": None,
        "nested": {"deep": 1.5},
    },
    "attributes": {"urgent": True, "tries": 3},
    "span": "charge",
}


def span_view(span, names):
    return {
        "parent": names[span["parentSpanId"]] if span.get("parentSpanId") else None,
        "kind": span["kind"],
        "start": int(span["startTimeUnixNano"]),
        "end": int(span["endTimeUnixNano"]),
        "status": without_zeros(span["status"]),
        "attributes": attributes(span),
        "events": [
            {"name": event["name"], "time": int(event["timeUnixNano"]), "attributes": attributes(event)}
            for event in span.get("events", [])
        ],
        "links": [
            {"trace": link["traceId"], "span": link["spanId"], "attributes": attributes(link)}
            for link in span.get("links", [])
        ],
    }


def without_zeros(message):
    """Some clients write a default out, others leave it away; both mean the same."""
    return {name: content for name, content in message.items() if content}


def number(point):
    return int(point["asInt"]) if "asInt" in point else float(point["asDouble"])


def point_view(kind, point):
    if kind != "histogram":
        return {"attributes": attributes(point), "value": number(point)}
    return {
        "attributes": attributes(point),
        "count": int(point["count"]),
        **{name: float(point[name]) for name in ("sum", "min", "max")},
        "buckets": [int(count) for count in point["bucketCounts"]],
        "bounds": [float(bound) for bound in point["explicitBounds"]],
    }


def metric_view(metric):
    view = without_zeros({"unit": metric.get("unit"), "description": metric.get("description")})
    for kind in ("sum", "gauge", "histogram"):
        if kind in metric:
            view[kind] = {"points": [point_view(kind, point) for point in metric[kind]["dataPoints"]]}
        if kind in metric and kind != "gauge":
            view[kind]["temporality"] = metric[kind]["aggregationTemporality"]
        if kind == "sum" and kind in metric:
            view[kind]["monotonic"] = metric[kind].get("isMonotonic", False)
    return view


def log_view(record, names):
    return {
        "time": int(record["timeUnixNano"]),
        "severity": (record["severityNumber"], record["severityText"]),
        "event": record["eventName"],
        "body": value(record["body"]),
        "attributes": attributes(record),
        "span": names[record["spanId"]],
    }


def as_javascript(content):
    """JavaScript has one kind of number: an SDK in it sends a whole one as int."""
    if isinstance(content, dict):
        return {key: as_javascript(member) for key, member in content.items()}
    if isinstance(content, list):
        return [as_javascript(member) for member in content]
    return int(content) if isinstance(content, float) and content.is_integer() else content


def check_origin(requests, path, language):
    for resource, scope, item in items(requests, path):
        what = f"of {item.get('name', 'the log record')}"
        found = attributes(resource)
        check(f"scope {what}", {name: scope[name] for name in ("name", "version")}, {"name": "shop", "version": "1.0"})
        check(
            f"resource {what}",
            {key: found.get(key) for key in ("service.name", "shop.floor", "telemetry.sdk.language")},
            {"service.name": "shop", "shop.floor": 3, "telemetry.sdk.language": language},
        )


def check_story(requests, language, attribute_values=lambda values: values):
    """That all of the story came, and nothing else. `attribute_values` says how the language sends such values."""
    spans = named_items(requests, "/v1/traces")
    names = {span["spanId"]: name for name, span in spans.items()}
    checkout = CHECKOUT | {"attributes": attribute_values(CHECKOUT["attributes"])}
    check("spans", {name: span_view(span, names) for name, span in spans.items()}, {
        "checkout": checkout, "charge": CHARGE,
    })
    check("traces", len({span["traceId"] for span in spans.values()}), 1)

    metrics = named_items(requests, "/v1/metrics")
    check("metrics", {name: metric_view(metric) for name, metric in metrics.items()}, METRICS)

    logs = [record for _, _, record in items(requests, "/v1/logs")]
    check("log records", [log_view(record, names) for record in logs], [LOG])
    check("trace of the log record", logs[0]["traceId"], spans["charge"]["traceId"])
    for path in ("/v1/traces", "/v1/metrics", "/v1/logs"):
        check_origin(requests, path, language)
