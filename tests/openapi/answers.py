#!/usr/bin/env python3
"""Holds docs/openapi.json against real answers: each operation is asked, and each answer must be as its schema says.

usage: answers.py OTLPKIT        from the root of the project
"""

import json
import re
import sys
from urllib.parse import quote

from serving import Serving, skip

try:
    from jsonschema import Draft202012Validator
except ImportError:
    skip("python3-jsonschema is not installed")

CHECKOUT = quote('{ name = "checkout" }')
NOTHING = quote('{ name = "nothing" }')
WRONG = quote("{ nmae = 1 }")
ODD = (
    '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"h","histogram":{"dataPoints":[{"count":"1","sum":2,'
    '"bucketCounts":["1"],"exemplars":[{"asDouble":"NaN"}]}]}},{"name":"e","exponentialHistogram":{"dataPoints":'
    '[{"positive":{"bucketCounts":["1"]}}]}},{"name":"s","summary":{"dataPoints":[{"quantileValues":[{"quantile":1,'
    '"value":"Infinity"}]}]}},{"name":"empty"}]}]}]}'
)

# operationId, what is asked, and the status that must come of it.
QUESTIONS = [
    ("health", "GET /healthz", 200),
    ("dump", "GET /otlpkit/dump", 200),
    ("dump", f"GET /otlpkit/dump?where={CHECKOUT}", 200),
    ("dump", f"GET /otlpkit/dump?where={WRONG}", 400),
    ("archive", "GET /otlpkit/archive", 200),
    ("archive", "GET /otlpkit/archive?where=x", 400),
    ("spans", "GET /otlpkit/spans", 200),
    ("spans", f"GET /otlpkit/spans?where={CHECKOUT}&limit=1", 200),
    ("spans", f"GET /otlpkit/spans?where={WRONG}", 400),
    ("metrics", "GET /otlpkit/metrics", 200),
    ("logs", "GET /otlpkit/logs", 200),
    ("wait", f"GET /otlpkit/wait?until={CHECKOUT}", 200),
    ("wait", f"GET /otlpkit/wait?until={NOTHING}&until={CHECKOUT}&timeout=0s", 417),
    ("wait", f"GET /otlpkit/wait?until={NOTHING}&timeout=0s&report=text", 417),
    ("wait", f"GET /otlpkit/wait?until={NOTHING}&timeout=0s&report=junit", 417),
    ("wait", "GET /otlpkit/wait", 400),
    ("judge", "POST /otlpkit/wait?timeout=0s&name=shop.expect", 417),
    ("requests", "GET /otlpkit/requests", 200),
    ("requests", "GET /otlpkit/requests?limit=x", 400),
    ("stats", "GET /otlpkit/stats", 200),
    ("stats", "GET /otlpkit/stats?colour=red", 400),
    ("setFaults", "POST /otlpkit/faults", 400),
    ("setFaults", "POST /otlpkit/faults", 200),
    ("faults", "GET /otlpkit/faults", 200),
    ("clearFaults", "DELETE /otlpkit/faults", 204),
    ("attempts", "GET /otlpkit/attempts", 200),
    ("attempts", "GET /otlpkit/attempts?report=text", 200),
    ("attempts", "GET /otlpkit/attempts?report=xml", 400),
    ("sessions", "GET /otlpkit/sessions", 200),
    ("deleteSession", "DELETE /otlpkit/sessions/a", 204),
    ("deleteSession", "DELETE /otlpkit/sessions/a", 404),
    ("openapi", "GET /otlpkit/openapi.json", 200),
    ("forget", "DELETE /otlpkit/captures", 204),
    ("spans", "GET /otlpkit/spans", 200),
]
BODY = '{ name = "checkout" }\nnever { name = "charge" }\n'
BODIES = {("setFaults", 200): "logs: 503 x2 retry-after=1, hang; 429 x*"}
EVENTS = {"span": "Span", "metric": "Metric", "log": "Log", "request": "Request"}

faults = []


def fault(sentence):
    faults.append(sentence)
    print(sentence)


def operations(document):
    return {o["operationId"]: (m, p, o) for p, methods in document["paths"].items() for m, o in methods.items()}


def resolve(document, thing):
    while "$ref" in thing:
        place = document
        for step in thing["$ref"].removeprefix("#/").split("/"):
            place = place[step]
        thing = place
    return thing


def check(document, schema, value, where):
    """References are relative to the document, which the schema is therefore made a part of."""
    whole = {**schema, "components": document["components"]}
    for error in Draft202012Validator(whole).iter_errors(value):
        fault(f"{where}: {error.json_path}: {error.message[:300]}")


# ---- The document by itself ---------------------------------------------------------------------------------------


def check_document(document, written):
    if document != json.loads(written):
        fault("what is served is not docs/openapi.json")
    if not document["openapi"].startswith("3.1."):
        fault("not OpenAPI 3.1")
    for name, schema in document["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        if f'"#/components/schemas/{name}"' not in written:
            fault(f"nothing refers to the schema {name}")
    for reference in re.findall(r'"\$ref": "([^"]+)"', written):
        resolve(document, {"$ref": reference})
    count = sum(len(methods) for methods in document["paths"].values())
    if count != len(operations(document)):
        fault("an operationId is given twice")


def check_examples(document):
    contents = [c for r in document["components"]["responses"].values() for c in r["content"].items()]
    for _, _, operation in operations(document).values():
        for response in operation["responses"].values():
            contents += resolve(document, response).get("content", {}).items()
    shown = [(media_type, c) for media_type, c in contents if "example" in c]
    for media_type, c in shown:
        check(document, c["schema"], c["example"], f"example {json.dumps(c['example'])[:60]}")
    if len(shown) < 5:
        fault("there are fewer examples than there were")


# ---- Answers ------------------------------------------------------------------------------------------------------


def check_answer(document, name, question, status, media_type, text):
    method, path, operation = operations(document)[name]
    asked_method, target = question.split(" ")
    asked_path = target.split("?")[0]
    if asked_method.lower() != method or not re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), asked_path):
        fault(f"{question} is not {name}")
    known = {resolve(document, p)["name"] for p in operation.get("parameters", [])}
    for argument in re.findall(r"[?&](\w+)=", target):
        if status < 400 and argument not in known:
            fault(f"{question}: {argument} is not described")
    response = resolve(document, operation["responses"].get(str(status), operation["responses"]["default"]))
    content = response.get("content", {})
    if not content and not text:
        return
    if media_type not in content:
        fault(f"{question}: {media_type} is not described for {status}")
        return
    value = json.loads(text) if media_type == "application/json" else text
    check(document, content[media_type].get("schema", {}), value, f"{question}: {status}")


def ask_all(serving, document):
    asked = {"stream"}
    for name, question, wanted in QUESTIONS:
        method, target = question.split(" ")
        status, media_type, text = serving.ask(method, target, BODIES.get((name, wanted), BODY) if method == "POST" else None)
        if status != wanted:
            fault(f"{question}: {status}, not {wanted}: {text}")
        check_answer(document, name, question, status, media_type, text)
        asked.add(name)
    for name in operations(document).keys() - asked:
        fault(f"{name} is asked by no question here")


def check_strictness(serving, document):
    """The schemas can tell a wrong answer from a right one."""
    spans = json.loads(serving.ask("GET", "/otlpkit/spans")[2])
    schema = {"$ref": "#/components/schemas/Span", "components": document["components"]}
    for change in ({"nmae": "x"}, {"kind": "server"}, {"startTimeUnixNano": 5}, {"events": None}):
        if Draft202012Validator(schema).is_valid({**spans[0], **change}):
            fault(f"a span may have {change}")


def check_stream(serving, document):
    import urllib.request

    seen = set()
    with urllib.request.urlopen(serving.url + "/otlpkit/stream?after=0", timeout=20) as stream:
        if stream.headers.get_content_type() != "text/event-stream":
            fault("the stream has another type")
        event = None
        while seen != set(EVENTS):
            line = stream.readline().decode()
            if line.startswith("event: "):
                event = line[7:].strip()
            elif line.startswith("data: "):
                check(document, {"$ref": f"#/components/schemas/{EVENTS[event]}"}, json.loads(line[6:]), event)
                seen.add(event)


def main():
    with open("docs/openapi.json", encoding="utf-8") as file:
        written = file.read()
    with Serving(sys.argv[1]) as serving:
        serving.send_shop()
        serving.send_shop("/s/a")
        serving.send(ODD)
        serving.send('{"resourceSpans":7}')
        document = json.loads(serving.ask("GET", "/otlpkit/openapi.json")[2])
        check_document(document, written)
        check_examples(document)
        check_strictness(serving, document)
        check_stream(serving, document)
        ask_all(serving, document)
    sys.exit(1 if faults else 0)


main()
