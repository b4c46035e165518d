"""Tells the shop's story through the OpenTelemetry SDK; the environment says where and how."""

import math

from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode

SHOP = Resource.create({"service.name": "shop", "shop.floor": 3})


def at(nanoseconds):
    return 1_700_000_000 * 1_000_000_000 + nanoseconds


def trade(tracer):
    elsewhere = SpanContext(0x0102030405060708090A0B0C0D0E0F10, 0x1112131415161718, is_remote=True)
    checkout = tracer.start_span(
        "checkout",
        kind=SpanKind.SERVER,
        start_time=at(123_456_789),
        links=[Link(elsewhere, {"why": "retry"})],
        attributes={
            "text": "Grüße ☕",
            "nothing": "",
            "yes": True,
            "no": False,
            "int": 42,
            "negative": -7,
            "large": 2**53 - 1,
            "largest": 2**63 - 1,
            "smallest": -(2**63),
            "double": 2.5,
            "whole": 20.0,
            "infinite": -math.inf,
            "texts": ["a", "b"],
            "flags": [True, False],
            "ints": [1, 2, 3],
            "doubles": [0.5, 1.5],
            "none": [],
        },
    )
    in_checkout = trace.set_span_in_context(checkout)
    charge = tracer.start_span("charge", in_checkout, kind=SpanKind.CLIENT, start_time=at(300_000_000))
    charge.set_status(Status(StatusCode.ERROR, "card declined"))
    charge.end(at(800_000_000))
    checkout.add_event("reserved", {"shelf": 7}, at(200_000_001))
    checkout.add_event("paid", timestamp=at(900_000_000))
    checkout.set_status(StatusCode.OK)
    checkout.end(at(987_654_321))
    return trace.set_span_in_context(charge)


def measure(meter):
    route = {"route": "/pay"}
    orders = meter.create_counter("orders", "{order}", "Orders taken")
    orders.add(2, route)
    orders.add(1, route)
    meter.create_counter("revenue", "EUR").add(2.5, route)
    meter.create_up_down_counter("stock").add(-5)
    meter.create_gauge("temperature", "Cel").set(21.5)
    load = meter.create_histogram("load", "ms", explicit_bucket_boundaries_advisory=[1, 10, 100])
    load.record(5, route)
    load.record(50, route)


def log(logger, context):
    logger.emit(LogRecord(
        context=context,
        timestamp=at(500_000_000),
        severity_number=SeverityNumber.WARN,
        severity_text="WARN",
        event_name="order.placed",
        body={"order": 7, "items": ["tea", 2, True], "raw": b"\x00\xff", "note": None, "nested": {"deep": 1.5}},
        attributes={"urgent": True, "tries": 3},
    ))


def main():
    tracers = TracerProvider(resource=SHOP)
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    meters = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())], resource=SHOP)
    loggers = LoggerProvider(resource=SHOP)
    loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))

    in_charge = trade(tracers.get_tracer("shop", "1.0"))
    measure(meters.get_meter("shop", "1.0"))
    log(loggers.get_logger("shop", "1.0"), in_charge)
    for provider in (tracers, meters, loggers):
        provider.shutdown()


main()
