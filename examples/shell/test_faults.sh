#!/bin/sh
# A backend that is busy for a moment: the exporter must wait as long as it is told, and lose and double nothing.
set -eu
cd "$(dirname "$0")"
otlpkit=${OTLPKIT:-otlpkit}

$otlpkit run --fault '503 retry-after=1, ok' --assert 'delivered once' --assert 'retried rightly' -- ./shop.sh valid
