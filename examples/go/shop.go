// Package shop is a little shop, traced with OpenTelemetry. Where the spans go is up to OTEL_EXPORTER_OTLP_ENDPOINT.
package shop

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

var ErrCardExpired = errors.New("card expired")

type Shop struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

func Open(ctx context.Context) (*Shop, error) {
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, err
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "shop"))),
	)
	return &Shop{provider, provider.Tracer("shop")}, nil
}

func (s *Shop) Checkout(ctx context.Context, items int, total float64, card string) error {
	ctx, span := s.tracer.Start(ctx, "checkout", trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.Int("shop.cart.items", items),
		attribute.Float64("shop.total", total),
	))
	defer span.End()
	return s.charge(ctx, card)
}

func (s *Shop) charge(ctx context.Context, card string) error {
	_, span := s.tracer.Start(ctx, "charge", trace.WithSpanKind(trace.SpanKindClient))
	defer span.End()
	if card == "expired" {
		span.SetStatus(codes.Error, ErrCardExpired.Error())
		return ErrCardExpired
	}
	return nil
}

func (s *Shop) Close(ctx context.Context) error {
	return s.provider.Shutdown(ctx)
}
