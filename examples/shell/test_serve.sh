#!/bin/sh
# A receiver for a whole script, asked between its steps.
set -eu
cd "$(dirname "$0")"
otlpkit=${OTLPKIT:-otlpkit}

# The first line that `serve` says is its address.
work=$(mktemp -d)
mkfifo "$work/says"
$otlpkit serve --port 0 >/dev/null 2>"$work/says" &
server=$!
trap 'kill $server; rm -r "$work"' EXIT
read -r _ _ url <"$work/says"
export OTEL_EXPORTER_OTLP_ENDPOINT="$url" OTLPKIT_URL="$url"

./shop.sh valid &
$otlpkit wait '{ name = "checkout" } > { name = "charge" }'
$otlpkit check --assert 'never { status = error }'

$otlpkit clear
./shop.sh expired
$otlpkit check --assert '{ name = "charge" && status = error }'
