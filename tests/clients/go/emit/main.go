// Exports a span, a metric and a log record; the environment says where and how.
package main

import (
	"context"
	"fmt"
	"os"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func must[T any](made T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return made
}

func main() {
	ctx := context.Background()
	tracers := sdktrace.NewTracerProvider(sdktrace.WithBatcher(must(otlptracehttp.New(ctx))))
	meters := sdkmetric.NewMeterProvider(
		sdkmetric.WithReader(sdkmetric.NewPeriodicReader(must(otlpmetrichttp.New(ctx)))))
	loggers := sdklog.NewLoggerProvider(
		sdklog.WithProcessor(sdklog.NewBatchProcessor(must(otlploghttp.New(ctx)))))

	_, span := tracers.Tracer("emit").Start(ctx, "emit")
	span.SetAttributes(attribute.String("first", "of two"), attribute.String("second", "of two"))
	span.End()
	must(meters.Meter("emit").Int64Counter("emitted")).Add(ctx, 1)
	var record log.Record
	record.SetBody(attribute.StringValue("emitted"))
	loggers.Logger("emit").Emit(ctx, record)

	var group sync.WaitGroup
	for _, shutdown := range []func(context.Context) error{tracers.Shutdown, meters.Shutdown, loggers.Shutdown} {
		group.Go(func() {
			if err := shutdown(ctx); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		})
	}
	group.Wait()
}
