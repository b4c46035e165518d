package shop

import (
	"context"
	"testing"
)

func openShop(t *testing.T) *Shop {
	t.Helper()
	shop, err := Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shop.Close(context.Background()) })
	return shop
}

func TestCheckoutChargesTheCard(t *testing.T) {
	otlp, shop := newOTLP(t), openShop(t)
	if err := shop.Checkout(t.Context(), 3, 25.5, "valid"); err != nil {
		t.Fatal(err)
	}
	otlp.wait(
		`{ name = "checkout" && kind = server } > { name = "charge" && kind = client }`,
		`never { status = error }`,
	)
}

func TestCheckoutTellsWhatWasBought(t *testing.T) {
	otlp, shop := newOTLP(t), openShop(t)
	if err := shop.Checkout(t.Context(), 3, 25.5, "valid"); err != nil {
		t.Fatal(err)
	}
	otlp.wait(`complete { name = "checkout" }`)
	spans := otlp.spans(`{ name = "checkout" && span.shop.cart.items = 3 }`)
	if len(spans) != 1 || spans[0].Attributes["shop.total"] != 25.5 {
		t.Errorf("got %v", spans)
	}
}

func TestDeclinedCardIsAnError(t *testing.T) {
	otlp, shop := newOTLP(t), openShop(t)
	if err := shop.Checkout(t.Context(), 1, 9.5, "expired"); err != ErrCardExpired {
		t.Fatalf("got %v", err)
	}
	otlp.wait(`{ name = "charge" && status = error && statusMessage = "card expired" }`)
}
