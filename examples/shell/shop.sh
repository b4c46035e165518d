#!/bin/sh
# A little shop that sells once, traced by hand: a server span `checkout` with a client span `charge`, as OTLP/JSON.
#
#   usage: shop.sh CARD        OTEL_EXPORTER_OTLP_ENDPOINT says where spans go
set -eu
card=$1

random_hex() {
    od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'
}

trace=$(random_hex 16) checkout=$(random_hex 8) charge=$(random_hex 8)
start=$(date +%s%N)
status='{}'
[ "$card" != expired ] || status='{"code": 2, "message": "card expired"}'
end=$(date +%s%N)

curl --silent --show-error --fail --retry 3 --output /dev/null --header 'Content-Type: application/json' --data @- \
    "${OTEL_EXPORTER_OTLP_ENDPOINT:-http://localhost:4318}/v1/traces" <<JSON
{"resourceSpans": [{
    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
    "scopeSpans": [{"scope": {"name": "shop"}, "spans": [
        {"traceId": "$trace", "spanId": "$checkout", "name": "checkout", "kind": 2,
         "startTimeUnixNano": "$start", "endTimeUnixNano": "$end", "attributes": [
            {"key": "shop.cart.items", "value": {"intValue": "3"}},
            {"key": "shop.total", "value": {"doubleValue": 25.5}}]},
        {"traceId": "$trace", "spanId": "$charge", "parentSpanId": "$checkout", "name": "charge", "kind": 3,
         "startTimeUnixNano": "$start", "endTimeUnixNano": "$end", "status": $status}
    ]}]
}]}
JSON
