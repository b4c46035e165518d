// The same from GoogleTest: a fixture of five lines, and the report as the message of the assertion.
#include <gtest/gtest.h>
#include <memory>
#include <otlpkit/receiver.h>
#include <otlpkit/sdk.h>

namespace {

class Telemetry : public testing::Test {
protected:
    std::unique_ptr<otk_receiver, decltype(&otk_receiver_stop)> rx{otk_receiver_start(nullptr, nullptr),
                                                                   otk_receiver_stop};

    testing::AssertionResult comes(otk_condition condition, unsigned timeout_ms = 5000)
    {
        std::unique_ptr<otk_report, decltype(&otk_report_free)> report{
            otk_expect(rx.get(), condition, timeout_ms), otk_report_free};
        if (report)
            return testing::AssertionFailure() << otk_report_text(report.get());
        return testing::AssertionSuccess();
    }
};

void run_checkout(const char *endpoint)
{
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    options.service_name = "shop";
    options.endpoint = endpoint;
    otk_sdk *sdk = otk_sdk_start(&options, nullptr);
    otk_span_free(otk_span_start(otk_sdk_tracer(sdk, "shop", nullptr), "checkout", nullptr));
    otk_sdk_stop(sdk);
}

} // namespace

TEST_F(Telemetry, CheckoutIsTraced)
{
    run_checkout(otk_receiver_url(rx.get()));
    EXPECT_TRUE(comes(otk_seen("{ name = \"checkout\" && resource.service.name = \"shop\" }")));
    EXPECT_TRUE(comes(otk_none("{ status = error }", 0)));
    EXPECT_FALSE(comes(otk_seen("{ name = \"refund\" }"), 0));
}
