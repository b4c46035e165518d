//! A little shop, traced with OpenTelemetry.

use std::error::Error;

use opentelemetry::trace::{Span, SpanKind, Status, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

#[derive(Debug, PartialEq)]
pub struct CardExpired;

pub struct Shop {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl Shop {
    /// `endpoint` is where spans go: the base URL of a collector.
    pub fn open(endpoint: &str) -> Result<Self, Box<dyn Error>> {
        let exporter = SpanExporter::builder().with_http().with_endpoint(format!("{endpoint}/v1/traces")).build()?;
        let provider = SdkTracerProvider::builder()
            .with_resource(Resource::builder().with_service_name("shop").build())
            .with_batch_exporter(exporter)
            .build();
        let tracer = provider.tracer("shop");
        Ok(Shop { provider, tracer })
    }

    pub fn checkout(&self, items: i64, total: f64, card: &str) -> Result<(), CardExpired> {
        let span = self
            .tracer
            .span_builder("checkout")
            .with_kind(SpanKind::Server)
            .with_attributes([KeyValue::new("shop.cart.items", items), KeyValue::new("shop.total", total)])
            .start(&self.tracer);
        self.charge(card, &Context::current_with_span(span))
    }

    fn charge(&self, card: &str, parent: &Context) -> Result<(), CardExpired> {
        let mut span =
            self.tracer.span_builder("charge").with_kind(SpanKind::Client).start_with_context(&self.tracer, parent);
        if card == "expired" {
            span.set_status(Status::error("card expired"));
            return Err(CardExpired);
        }
        Ok(())
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.provider.shutdown();
    }
}
