mod otlpkit;

use otlpkit::Otlpkit;
use shop::{CardExpired, Shop};

#[test]
fn a_checkout_charges_the_card() {
    let otlp = Otlpkit::start();
    let shop = Shop::open(&otlp.url).unwrap();
    shop.checkout(3, 25.5, "valid").unwrap();
    drop(shop);
    otlp.expect(&[
        r#"{ name = "checkout" && kind = server } > { name = "charge" && kind = client }"#,
        "1 { span.shop.cart.items = 3 && span.shop.total = 25.5 }",
        "never { status = error }",
    ]);
}

#[test]
fn a_declined_card_is_an_error() {
    let otlp = Otlpkit::start();
    let shop = Shop::open(&otlp.url).unwrap();
    assert_eq!(shop.checkout(1, 9.5, "expired"), Err(CardExpired));
    drop(shop);
    otlp.expect(&[r#"{ name = "charge" && status = error && statusMessage = "card expired" }"#]);
}
