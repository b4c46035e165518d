// A little shop, traced with OpenTelemetry. Where the spans go is up to OTEL_EXPORTER_OTLP_ENDPOINT.
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';

export class Shop {
  constructor() {
    this.provider = new BasicTracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'shop' }),
      spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
    });
    this.tracer = this.provider.getTracer('shop');
  }

  checkout(items, total, card) {
    const attributes = { 'shop.cart.items': items, 'shop.total': total };
    const span = this.tracer.startSpan('checkout', { kind: SpanKind.SERVER, attributes });
    try {
      this.charge(card, trace.setSpan(context.active(), span));
    } finally {
      span.end();
    }
  }

  charge(card, parent) {
    const span = this.tracer.startSpan('charge', { kind: SpanKind.CLIENT }, parent);
    try {
      if (card === 'expired') throw new Error('card expired');
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
      throw error;
    } finally {
      span.end();
    }
  }

  close() {
    return this.provider.shutdown();
  }
}
