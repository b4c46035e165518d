"""The first program of someone who tries Logfire with a backend of their own. Arguments NAME=VALUE go to the
environment before Logfire looks there."""

import os
import sys

import logfire

os.environ.update(argument.split("=", 1) for argument in sys.argv[1:])
logfire.configure(service_name="my_logfire_service", send_to_logfire=False)

with logfire.span("This is a span"):
    logfire.info("Logfire logs are also actually just spans!")
