// The OpenTelemetry Collector's own OTLP receiver, around a program that exports as its environment says: everything
// that tests/sdk/everything.c records has to arrive.
//
//	usage: collector PROGRAM
package main

import (
	"context"
	"log"
	"net"
	"os"
	"os/exec"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configgrpc"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
)

// The receiver does not tell which port it got.
func freeAddress() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	defer listener.Close()
	return listener.Addr().String()
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func equal[T comparable](what string, is, should T) {
	if is != should {
		log.Fatalf("%s: %v, not %v", what, is, should)
	}
}

func main() {
	ctx := context.Background()
	factory := otlpreceiver.NewFactory()
	config := factory.CreateDefaultConfig().(*otlpreceiver.Config)
	config.Protocols.GRPC = configoptional.None[configgrpc.ServerConfig]()
	address := freeAddress()
	config.Protocols.HTTP.GetOrInsertDefault().ServerConfig.NetAddr.Endpoint = address

	var traces consumertest.TracesSink
	var metrics consumertest.MetricsSink
	var logs consumertest.LogsSink
	settings := receiver.Settings{
		ID:                component.NewID(factory.Type()),
		TelemetrySettings: componenttest.NewNopTelemetrySettings(),
	}
	// The three are one server, which stops with the first of them.
	tracesReceiver, err := factory.CreateTraces(ctx, settings, config, &traces)
	check(err)
	metricsReceiver, err := factory.CreateMetrics(ctx, settings, config, &metrics)
	check(err)
	logsReceiver, err := factory.CreateLogs(ctx, settings, config, &logs)
	check(err)
	for _, r := range []component.Component{tracesReceiver, metricsReceiver, logsReceiver} {
		check(r.Start(ctx, componenttest.NewNopHost()))
	}

	program := exec.Command(os.Args[1])
	program.Env = append(os.Environ(), "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+address)
	program.Stderr = os.Stderr
	check(program.Run())
	check(tracesReceiver.Shutdown(ctx))

	equal("spans", traces.SpanCount(), 2)
	equal("log records", logs.LogRecordCount(), 1)
	span := traces.AllTraces()[0].ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
	equal("name", span.Name(), "renamed, to something longer than before")
	equal("attributes", span.Attributes().Len(), 128)
	equal("dropped attributes", span.DroppedAttributesCount(), 3)
	equal("trace state", span.TraceState().AsRaw(), "vendor=value")
	equal("flags", span.Flags(), 0x301)
	equal("events", span.Events().Len(), 1)
	equal("links", span.Links().Len(), 1)
	metric := metrics.AllMetrics()[0].ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0)
	equal("metric", metric.Name(), "count")
	equal("value", metric.Sum().DataPoints().At(0).IntValue(), 7)
}
