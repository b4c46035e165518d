"""A program that sends to Logfire itself, as the environment says."""

import logfire

logfire.configure(service_name="my_logfire_service")

with logfire.span("This is a span"):
    logfire.info("Logfire logs are also actually just spans!")
