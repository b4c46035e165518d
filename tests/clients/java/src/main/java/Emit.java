import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Exports a span, a metric and a log record; the environment says where and how. */
public final class Emit {
  public static void main(String[] arguments) {
    // What the environment says goes before this.
    var defaults = Map.of("otel.exporter.otlp.protocol", "http/protobuf");
    var builder = AutoConfiguredOpenTelemetrySdk.builder().addPropertiesSupplier(() -> defaults);
    var sdk = builder.disableShutdownHook().build().getOpenTelemetrySdk();

    var span = sdk.getTracer("emit").spanBuilder("emit").startSpan();
    span.setAttribute("first", "of two").setAttribute("second", "of two").end();
    sdk.getMeter("emit").counterBuilder("emitted").build().add(1);
    sdk.getLogsBridge().get("emit").logRecordBuilder().setBody("emitted").emit();
    sdk.shutdown().join(60, TimeUnit.SECONDS);
    System.exit(0); // the exporter's HTTP client has threads that idle for a minute
  }
}
