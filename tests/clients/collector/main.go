// The OpenTelemetry Collector's own OTLP receiver and exporter, put together as its service would, without the rest of
// it, which takes minutes to build. What comes over HTTP is written to standard output as the Collector's OTLP/JSON,
// a request a line, and exported to URL before the client has its answer. Standard error has the Collector's log,
// which tells where it listens. It ends with its standard input.
//
//	usage: collector URL
package main

import (
	"context"
	"io"
	"log"
	"os"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configgrpc"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/exporter/otlphttpexporter"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.uber.org/zap"
)

func must[T any](result T, err error) T {
	check(err)
	return result
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func telemetrySettings() component.TelemetrySettings {
	settings := componenttest.NewNopTelemetrySettings()
	settings.Logger = must(zap.NewProduction())
	return settings
}

func receiverConfig(factory receiver.Factory) component.Config {
	config := factory.CreateDefaultConfig().(*otlpreceiver.Config)
	config.Protocols.GRPC = configoptional.None[configgrpc.ServerConfig]()
	config.Protocols.HTTP.GetOrInsertDefault().ServerConfig.NetAddr.Endpoint = "127.0.0.1:0"
	return config
}

// The answer to each request is the answer of the next.
func exporterConfig(factory exporter.Factory, url string) component.Config {
	config := factory.CreateDefaultConfig().(*otlphttpexporter.Config)
	config.ClientConfig.Endpoint = url
	config.QueueConfig = configoptional.None[exporterhelper.QueueBatchConfig]()
	config.RetryConfig.Enabled = false
	return config
}

// written is a consumer that writes what it gets as a line and passes it on.
func written[T any](
	marshal func(T) ([]byte, error), next func(context.Context, T) error,
) func(context.Context, T) error {
	return func(ctx context.Context, data T) error {
		line := must(marshal(data))
		must(os.Stdout.Write(append(line, '\n')))
		return next(ctx, data)
	}
}

func main() {
	ctx := context.Background()
	telemetry := telemetrySettings()

	out := otlphttpexporter.NewFactory()
	outConfig := exporterConfig(out, os.Args[1])
	outSettings := exporter.Settings{ID: component.NewID(out.Type()), TelemetrySettings: telemetry}
	toTraces := must(out.CreateTraces(ctx, outSettings, outConfig))
	toMetrics := must(out.CreateMetrics(ctx, outSettings, outConfig))
	toLogs := must(out.CreateLogs(ctx, outSettings, outConfig))

	traces := must(consumer.NewTraces(written((&ptrace.JSONMarshaler{}).MarshalTraces, toTraces.ConsumeTraces)))
	metrics := must(consumer.NewMetrics(written((&pmetric.JSONMarshaler{}).MarshalMetrics, toMetrics.ConsumeMetrics)))
	logs := must(consumer.NewLogs(written((&plog.JSONMarshaler{}).MarshalLogs, toLogs.ConsumeLogs)))

	in := otlpreceiver.NewFactory()
	inConfig := receiverConfig(in)
	inSettings := receiver.Settings{ID: component.NewID(in.Type()), TelemetrySettings: telemetry}
	components := []component.Component{
		toTraces, toMetrics, toLogs,
		must(in.CreateTraces(ctx, inSettings, inConfig, traces)),
		must(in.CreateMetrics(ctx, inSettings, inConfig, metrics)),
		must(in.CreateLogs(ctx, inSettings, inConfig, logs)),
	}
	for _, c := range components {
		check(c.Start(ctx, componenttest.NewNopHost()))
	}
	must(io.Copy(io.Discard, os.Stdin))
	for i := range components {
		check(components[len(components)-1-i].Shutdown(ctx))
	}
}
