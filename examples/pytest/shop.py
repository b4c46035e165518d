"""A little shop, traced with OpenTelemetry. Where the spans go is up to OTEL_EXPORTER_OTLP_ENDPOINT."""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind


class CardDeclined(Exception):
    pass


class Shop:
    def __init__(self):
        self.provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
        self.provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self.tracer = self.provider.get_tracer("shop")

    def checkout(self, items, total, card):
        attributes = {"shop.cart.items": items, "shop.total": total}
        with self.tracer.start_as_current_span("checkout", kind=SpanKind.SERVER, attributes=attributes):
            self.charge(card)

    def charge(self, card):
        with self.tracer.start_as_current_span("charge", kind=SpanKind.CLIENT):
            if card == "expired":
                raise CardDeclined(f"card {card}")

    def close(self):
        self.provider.shutdown()
