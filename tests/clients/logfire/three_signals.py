"""A program that exports all three signals through what Logfire has set up."""

import logfire
from opentelemetry._logs import LogRecord, get_logger

logfire.configure(service_name="my_logfire_service", send_to_logfire=False)

with logfire.span("This is a span"):
    logfire.metric_counter("visits", unit="1").add(2, {"page": "home"})
    get_logger("page").emit(LogRecord(body="hello", attributes={"tries": 3}))
