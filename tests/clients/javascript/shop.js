// Tells the shop's story through the OpenTelemetry SDK. Argument: proto or http, as the exporters' packages are called;
// the rest is up to the environment.
'use strict';

const { ROOT_CONTEXT, SpanKind, SpanStatusCode, ValueType, trace } = require('@opentelemetry/api');
const { resourceFromAttributes, defaultResource } = require('@opentelemetry/resources');
const { BasicTracerProvider, BatchSpanProcessor } = require('@opentelemetry/sdk-trace-base');
const { MeterProvider, PeriodicExportingMetricReader } = require('@opentelemetry/sdk-metrics');
const { LoggerProvider, BatchLogRecordProcessor } = require('@opentelemetry/sdk-logs');

const encoding = process.argv[2];
const { OTLPTraceExporter } = require(`@opentelemetry/exporter-trace-otlp-${encoding}`);
const { OTLPMetricExporter } = require(`@opentelemetry/exporter-metrics-otlp-${encoding}`);
const { OTLPLogExporter } = require(`@opentelemetry/exporter-logs-otlp-${encoding}`);

const resource = defaultResource().merge(resourceFromAttributes({ 'service.name': 'shop', 'shop.floor': 3 }));
const at = (nanoseconds) => [1_700_000_000, nanoseconds];

function trade(tracer) {
  const checkout = tracer.startSpan('checkout', {
    kind: SpanKind.SERVER,
    startTime: at(123_456_789),
    attributes: {
      text: 'Grüße ☕',
      nothing: '',
      yes: true,
      no: false,
      int: 42,
      negative: -7,
      large: Number.MAX_SAFE_INTEGER,
      double: 2.5,
      whole: 20.0,
      texts: ['a', 'b'],
      flags: [true, false],
      ints: [1, 2, 3],
      doubles: [0.5, 1.5],
      none: [],
    },
    links: [{
      context: { traceId: '0102030405060708090a0b0c0d0e0f10', spanId: '1112131415161718', traceFlags: 1 },
      attributes: { why: 'retry' },
    }],
  }, ROOT_CONTEXT);
  const inCheckout = trace.setSpan(ROOT_CONTEXT, checkout);
  const charge = tracer.startSpan('charge', { kind: SpanKind.CLIENT, startTime: at(300_000_000) }, inCheckout);
  charge.setStatus({ code: SpanStatusCode.ERROR, message: 'card declined' });
  charge.end(at(800_000_000));
  checkout.addEvent('reserved', { shelf: 7 }, at(200_000_001));
  checkout.addEvent('paid', at(900_000_000));
  checkout.setStatus({ code: SpanStatusCode.OK });
  checkout.end(at(987_654_321));
  return trace.setSpan(ROOT_CONTEXT, charge);
}

function measure(meter) {
  const route = { route: '/pay' };
  const orders = meter.createCounter('orders', {
    unit: '{order}', description: 'Orders taken', valueType: ValueType.INT,
  });
  orders.add(2, route);
  orders.add(1, route);
  meter.createCounter('revenue', { unit: 'EUR' }).add(2.5, route);
  meter.createUpDownCounter('stock', { valueType: ValueType.INT }).add(-5);
  meter.createGauge('temperature', { unit: 'Cel' }).record(21.5);
  const load = meter.createHistogram('load', { unit: 'ms', advice: { explicitBucketBoundaries: [1, 10, 100] } });
  load.record(5, route);
  load.record(50, route);
}

function log(logger, context) {
  logger.emit({
    context,
    timestamp: at(500_000_000),
    severityNumber: 13,
    severityText: 'WARN',
    eventName: 'order.placed',
    body: { order: 7, items: ['tea', 2, true], raw: new Uint8Array([0, 255]), note: null, nested: { deep: 1.5 } },
    attributes: { urgent: true, tries: 3 },
  });
}

async function main() {
  const tracers = new BasicTracerProvider({
    resource, spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  const meters = new MeterProvider({
    resource, readers: [new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter() })],
  });
  const loggers = new LoggerProvider({
    resource, processors: [new BatchLogRecordProcessor({ exporter: new OTLPLogExporter() })],
  });
  const inCharge = trade(tracers.getTracer('shop', '1.0'));
  measure(meters.getMeter('shop', '1.0'));
  log(loggers.getLogger('shop', '1.0'), inCharge);
  await Promise.all([tracers.shutdown(), meters.shutdown(), loggers.shutdown()]);
}

main();
