#!/bin/sh
# One command around a program: it runs, and then what it exported is judged.
set -eu
cd "$(dirname "$0")"
otlpkit=${OTLPKIT:-otlpkit}

$otlpkit run --complete \
    --assert '{ name = "checkout" && kind = server } > { name = "charge" && kind = client }' \
    --assert '{ span.shop.cart.items = 3 && span.shop.total = 25.5 }' \
    --assert 'never { status = error }' \
    -- ./shop.sh valid

$otlpkit run --assert '1 { name = "charge" && status = error && statusMessage = "card expired" }' -- ./shop.sh expired
