import pytest
from shop import CardDeclined, Shop


@pytest.fixture
def shop(otlp):
    shop = Shop()
    yield shop
    shop.close()


def test_checkout_charges_the_card(shop, otlp):
    shop.checkout(items=3, total=25.5, card="valid")
    otlp.wait(
        '{ name = "checkout" && kind = server } > { name = "charge" && kind = client }',
        "never { status = error }",
    )


def test_checkout_tells_what_was_bought(shop, otlp):
    shop.checkout(items=3, total=25.5, card="valid")
    otlp.wait('complete { name = "checkout" }')
    [checkout] = otlp.spans('{ name = "checkout" }')
    assert checkout["attributes"] == {"shop.cart.items": 3, "shop.total": 25.5}


def test_declined_card_is_an_error(shop, otlp):
    with pytest.raises(CardDeclined):
        shop.checkout(items=1, total=9.5, card="expired")
    otlp.wait('{ name = "charge" && status = error && statusMessage =~ ".*card expired" }')
