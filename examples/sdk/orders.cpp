// Orders in C++: spans end with their scope, whichever way it is left.
#include <otlpkit/sdk.hpp>

#include <stdexcept>
#include <string>

static void charge(const otlpkit::tracer &tracer, const std::string &card, double amount)
{
    otlpkit::span span = tracer.start("charge");
    span.set("amount", amount).set("card", card);
    if (card.empty())
        throw std::invalid_argument("no card");
}

static bool order(const otlpkit::tracer &tracer, const std::string &card)
{
    otlpkit::span span = tracer.start("order");
    otlpkit::scope scope(span);
    try {
        charge(tracer, card, 12.5);
    } catch (const std::exception &error) {
        span.record_error(error, "std::invalid_argument");
        return false;
    }
    return true;
}

int main()
{
    otlpkit::sdk sdk;
    otlpkit::tracer tracer = sdk.tracer("orders");
    return order(tracer, "4711") && !order(tracer, "") ? 0 : 1;
}
