package shop;

import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(Otlp.Extension.class)
class ShopTest {
  @Test
  void checkoutChargesTheCard(Otlp otlp) throws Exception {
    try (var shop = new Shop(otlp.url())) {
      shop.checkout(3, 25.5, "valid");
    }
    otlp.await(
        "{ name = `checkout` && kind = server } > { name = `charge` && kind = client }",
        "1 { span.shop.cart.items = 3 && span.shop.total = 25.5 }",
        "never { status = error }");
  }

  @Test
  void declinedCardIsAnError(Otlp otlp) throws Exception {
    try (var shop = new Shop(otlp.url())) {
      assertThrows(Shop.CardDeclined.class, () -> shop.checkout(1, 9.5, "expired"));
    }
    otlp.await("{ name = `charge` && status = error && statusMessage = `card expired` }");
  }
}
