"""Exports a span, a metric and a log through Logfire; the environment says where and how."""

import logfire

logfire.configure(send_to_logfire=False, console=False)
logfire.metric_counter("emitted").add(1)
with logfire.span("emit"):
    logfire.info("emitted")
logfire.shutdown()
