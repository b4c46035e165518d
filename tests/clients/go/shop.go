// Tells the shop's story through the OpenTelemetry SDK; the environment says where and how.
package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func at(nanoseconds int64) time.Time {
	return time.Unix(1_700_000_000, nanoseconds)
}

// order is the record's body, and an attribute of a span as well.
func order() []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.Int("order", 7),
		attribute.Slice("items", attribute.StringValue("tea"), attribute.IntValue(2), attribute.BoolValue(true)),
		attribute.ByteSlice("raw", []byte{0, 255}),
		{Key: "note"},
		attribute.Map("nested", attribute.Float64("deep", 1.5)),
	}
}

func trade(ctx context.Context, tracer trace.Tracer) context.Context {
	elsewhere := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
		SpanID:  trace.SpanID{0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18},
	})
	ctx, checkout := tracer.Start(ctx, "checkout",
		trace.WithSpanKind(trace.SpanKindServer),
		trace.WithTimestamp(at(123_456_789)),
		trace.WithLinks(trace.Link{
			SpanContext: elsewhere,
			Attributes:  []attribute.KeyValue{attribute.String("why", "retry")},
		}),
		trace.WithAttributes(
			attribute.String("text", "Grüße ☕"),
			attribute.String("nothing", ""),
			attribute.Bool("yes", true),
			attribute.Bool("no", false),
			attribute.Int("int", 42),
			attribute.Int("negative", -7),
			attribute.Int64("large", 1<<53-1),
			attribute.Int64("largest", math.MaxInt64),
			attribute.Int64("smallest", math.MinInt64),
			attribute.Float64("double", 2.5),
			attribute.Float64("whole", 20),
			attribute.Float64("infinite", math.Inf(-1)),
			attribute.StringSlice("texts", []string{"a", "b"}),
			attribute.BoolSlice("flags", []bool{true, false}),
			attribute.IntSlice("ints", []int{1, 2, 3}),
			attribute.Float64Slice("doubles", []float64{0.5, 1.5}),
			attribute.IntSlice("none", []int{}),
			attribute.Map("order", order()...),
		))
	inCharge, charge := tracer.Start(ctx, "charge",
		trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(at(300_000_000)))
	charge.SetStatus(codes.Error, "card declined")
	charge.End(trace.WithTimestamp(at(800_000_000)))
	checkout.AddEvent("reserved",
		trace.WithTimestamp(at(200_000_001)), trace.WithAttributes(attribute.Int("shelf", 7)))
	checkout.AddEvent("paid", trace.WithTimestamp(at(900_000_000)))
	checkout.SetStatus(codes.Ok, "")
	checkout.End(trace.WithTimestamp(at(987_654_321)))
	return inCharge
}

func measure(ctx context.Context, meter metric.Meter) {
	route := metric.WithAttributes(attribute.String("route", "/pay"))
	orders, _ := meter.Int64Counter("orders", metric.WithUnit("{order}"), metric.WithDescription("Orders taken"))
	orders.Add(ctx, 2, route)
	orders.Add(ctx, 1, route)
	revenue, _ := meter.Float64Counter("revenue", metric.WithUnit("EUR"))
	revenue.Add(ctx, 2.5, route)
	stock, _ := meter.Int64UpDownCounter("stock")
	stock.Add(ctx, -5)
	temperature, _ := meter.Float64Gauge("temperature", metric.WithUnit("Cel"))
	temperature.Record(ctx, 21.5)
	load, _ := meter.Float64Histogram("load",
		metric.WithUnit("ms"), metric.WithExplicitBucketBoundaries(1, 10, 100))
	load.Record(ctx, 5, route)
	load.Record(ctx, 50, route)
}

func emit(ctx context.Context, logger log.Logger) {
	var record log.Record
	record.SetTimestamp(at(500_000_000))
	record.SetSeverity(log.SeverityWarn)
	record.SetSeverityText("WARN")
	record.SetEventName("order.placed")
	record.SetBody(attribute.MapValue(order()...))
	record.AddAttributes(attribute.Bool("urgent", true), attribute.Int("tries", 3))
	logger.Emit(ctx, record)
}

func run(ctx context.Context) error {
	shop, err := resource.Merge(resource.Default(), resource.NewSchemaless(
		attribute.String("service.name", "shop"), attribute.Int("shop.floor", 3)))
	if err != nil {
		return err
	}
	spans, err := otlptracehttp.New(ctx)
	if err != nil {
		return err
	}
	metrics, err := otlpmetrichttp.New(ctx)
	if err != nil {
		return err
	}
	logs, err := otlploghttp.New(ctx)
	if err != nil {
		return err
	}
	tracers := sdktrace.NewTracerProvider(sdktrace.WithResource(shop), sdktrace.WithBatcher(spans))
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithResource(shop),
		sdkmetric.WithReader(sdkmetric.NewPeriodicReader(metrics)))
	loggers := sdklog.NewLoggerProvider(sdklog.WithResource(shop),
		sdklog.WithProcessor(sdklog.NewBatchProcessor(logs)))

	inCharge := trade(ctx, tracers.Tracer("shop", trace.WithInstrumentationVersion("1.0")))
	measure(ctx, meters.Meter("shop", metric.WithInstrumentationVersion("1.0")))
	emit(inCharge, loggers.Logger("shop", log.WithInstrumentationVersion("1.0")))
	for _, shutdown := range []func(context.Context) error{tracers.Shutdown, meters.Shutdown, loggers.Shutdown} {
		if err := shutdown(ctx); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
