//! Exports a span, a metric and a log record; the environment says where and how.

use std::error::Error;
use std::thread;

use opentelemetry::logs::{LogRecord, Logger, LoggerProvider};
use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::{Span, Tracer, TracerProvider};
use opentelemetry::KeyValue;
use opentelemetry_otlp::{LogExporter, MetricExporter, SpanExporter};
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::{logs::SdkLoggerProvider, metrics::SdkMeterProvider, trace::SdkTracerProvider};

fn tell(error: OTelSdkError) {
    eprintln!("{error}");
}

fn main() -> Result<(), Box<dyn Error>> {
    let spans = SpanExporter::builder().with_http().build()?;
    let metrics = MetricExporter::builder().with_http().build()?;
    let logs = LogExporter::builder().with_http().build()?;
    let tracers = SdkTracerProvider::builder().with_batch_exporter(spans).build();
    let meters = SdkMeterProvider::builder().with_periodic_exporter(metrics).build();
    let loggers = SdkLoggerProvider::builder().with_batch_exporter(logs).build();

    let mut span = tracers.tracer("emit").start("emit");
    span.set_attribute(KeyValue::new("first", "of two"));
    span.set_attribute(KeyValue::new("second", "of two"));
    drop(span); // ends it
    meters.meter("emit").u64_counter("emitted").build().add(1, &[]);
    let logger = loggers.logger("emit");
    let mut record = logger.create_log_record();
    record.set_body("emitted".into());
    logger.emit(record);

    thread::scope(|all| {
        all.spawn(|| tracers.shutdown().unwrap_or_else(tell));
        all.spawn(|| meters.shutdown().unwrap_or_else(tell));
        all.spawn(|| loggers.shutdown().unwrap_or_else(tell));
    });
    Ok(())
}
