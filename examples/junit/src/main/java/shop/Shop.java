package shop;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Scope;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;

/** A little shop, traced with OpenTelemetry. */
public final class Shop implements AutoCloseable {
  public static final class CardDeclined extends RuntimeException {
    CardDeclined(String message) {
      super(message);
    }
  }

  private final SdkTracerProvider provider;
  private final Tracer tracer;

  /** The endpoint is where spans go: the base URL of a collector. */
  public Shop(String endpoint) {
    var exporter = OtlpHttpSpanExporter.builder().setEndpoint(endpoint + "/v1/traces").build();
    provider =
        SdkTracerProvider.builder()
            .setResource(Resource.create(Attributes.of(AttributeKey.stringKey("service.name"), "shop")))
            .addSpanProcessor(BatchSpanProcessor.builder(exporter).build())
            .build();
    tracer = provider.get("shop");
  }

  public void checkout(int items, double total, String card) {
    var span =
        tracer
            .spanBuilder("checkout")
            .setSpanKind(SpanKind.SERVER)
            .setAttribute("shop.cart.items", items)
            .setAttribute("shop.total", total)
            .startSpan();
    try (Scope current = span.makeCurrent()) {
      charge(card);
    } finally {
      span.end();
    }
  }

  private void charge(String card) {
    var span = tracer.spanBuilder("charge").setSpanKind(SpanKind.CLIENT).startSpan();
    try {
      if (card.equals("expired")) {
        throw new CardDeclined("card expired");
      }
    } catch (CardDeclined declined) {
      span.setStatus(StatusCode.ERROR, declined.getMessage());
      throw declined;
    } finally {
      span.end();
    }
  }

  @Override
  public void close() {
    provider.close();
  }
}
