/* The cases, in the order in which they are shown. */
#include "conform.h"

/* The level, and the verdict on what is otherwise than expected. */
#define MUST "MUST", VERDICT_FAIL
#define SHOULD "SHOULD", VERDICT_FAIL
#define ADVISED "SHOULD", VERDICT_MAY
#define OPTIONAL "MAY", VERDICT_MAY

#define OTLP(section) "OTLP, " section
#define EXPORTER(section) "Exporter, " section
#define ENV(section) "Environment variables, " section

#define PLAN(...) (&(const struct trial_plan){__VA_ARGS__})
#define SET(...) PLAN(.settings = {__VA_ARGS__})
#define FAULT(steps) PLAN(.faults = (steps))
#define SLOW_FAULT(steps) PLAN(.faults = (steps), .is_long = true)

#define BASE "OTEL_EXPORTER_OTLP_"
#define OF_SIGNAL "OTEL_EXPORTER_OTLP_{SIGNAL}_"

static const struct trial_plan baseline = {0};
static const struct trial_plan always_busy = {.faults = "503 x*", .is_long = true};
static const struct trial_plan reset = {.faults = "reset", .is_long = true};
static const struct trial_plan dead = {.port = TRIAL_DEAD, .is_long = true};

/* A row for each status: the first answer has it. */
#define RETRYABLE(code)                                                                                               \
    {"status-" code, OTLP("Retryable Response Codes"), MUST, "sent again, and delivered once", SLOW_FAULT(code),      \
     .of_signal = otk_judge_retried}
#define FINAL(code)                                                                                                   \
    {"status-" code, OTLP("Retryable Response Codes"), MUST, "not sent again", FAULT(code),                           \
     .of_signal = otk_judge_final}

const struct conform_case otk_conform_cases[] = {
    /* SDK-URL-03, SDK-EXP-01, 07, 08, SDK-RES-01, SDK-RTY-01 */
    {"export", EXPORTER("Endpoint URLs for OTLP/HTTP"), MUST, "to ENDPOINT/v1/SIGNAL", &baseline,
     .of_signal = otk_judge_target, .argument = "/v1/{signal}"},
    {"accepted", OTLP("Full Success"), MUST, "well-formed, and sent once", &baseline, .of_signal = otk_judge_once},
    {"content-type", OTLP("Binary Protobuf Encoding"), MUST, "application/x-protobuf", &baseline,
     .of_signal = otk_judge_header, .argument = "Content-Type: application/x-protobuf"},
    {"user-agent", EXPORTER("User Agent"), ADVISED, "OTel-OTLP-Exporter-LANGUAGE/VERSION in it", &baseline,
     .of_signal = otk_judge_user_agent},
    {"no-empty-requests", OTLP("Empty Telemetry Envelopes"), SHOULD, "each holds something", &baseline,
     .of_signal = otk_judge_filled},
    {"resource", "Resource SDK, SDK-provided resource attributes", MUST, "service.name and telemetry.sdk.*", &baseline,
     .of_signal = otk_judge_described},

    /* SDK-URL-02, 03, SDK-PARSE-01 */
    {"endpoint-slash", EXPORTER("Endpoint URLs for OTLP/HTTP"), MUST, "one slash in front of v1",
     SET(BASE "ENDPOINT={url}/"), .of_signal = otk_judge_target, .argument = "/v1/{signal}"},
    {"endpoint-path", EXPORTER("Endpoint URLs for OTLP/HTTP"), MUST, "v1/SIGNAL behind the path",
     SET(BASE "ENDPOINT={url}/collector"), .of_signal = otk_judge_target, .argument = "/collector/v1/{signal}"},
    {"endpoint-path-slash", EXPORTER("Endpoint URLs for OTLP/HTTP"), MUST, "the same when it ends in a slash",
     SET(BASE "ENDPOINT={url}/collector/"), .of_signal = otk_judge_target, .argument = "/collector/v1/{signal}"},
    {"endpoint-signal", EXPORTER("Endpoint URLs for OTLP/HTTP"), MUST, "one signal's endpoint is taken as it is",
     SET(OF_SIGNAL "ENDPOINT={url}/own/{signal}"), .of_signal = otk_judge_target, .argument = "/own/{signal}"},
    {"endpoint-signal-slash", EXPORTER("Endpoint URLs for OTLP/HTTP"), MUST, "with the slash at its end",
     SET(OF_SIGNAL "ENDPOINT={url}/own/{signal}/"), .of_signal = otk_judge_target, .argument = "/own/{signal}/"},
    {"endpoint-signal-root", EXPORTER("Endpoint URLs for OTLP/HTTP"), MUST, "to / when it has no path",
     SET(OF_SIGNAL "ENDPOINT={url}"), .of_run = otk_judge_root},
    {"empty-variables", ENV("Parsing empty value"), MUST, "the same as unset",
     SET(OF_SIGNAL "ENDPOINT=", BASE "HEADERS=", BASE "COMPRESSION=", BASE "TIMEOUT=", "OTEL_SDK_DISABLED=",
         "OTEL_TRACES_SAMPLER=", "OTEL_{SIGNAL}_EXPORTER="),
     .of_signal = otk_judge_target, .argument = "/v1/{signal}"},

    /* SDK-HDR-01 to 06 */
    {"headers", EXPORTER("Specifying headers via environment variables"), MUST, "each is sent",
     SET(BASE "HEADERS=x-conform-a=1,x-conform-b=two=2"), .of_signal = otk_judge_header,
     .argument = "x-conform-a: 1\nx-conform-b: two=2"},
    {"headers-signal", EXPORTER("Configuration options"), MUST, "one signal's go before the others",
     SET(BASE "HEADERS=x-conform-a=1", OF_SIGNAL "HEADERS=x-conform-a=own"), .of_signal = otk_judge_header,
     .argument = "x-conform-a: own"},
    {"headers-decoded", EXPORTER("Specifying headers via environment variables"), MUST, "values are percent-decoded",
     SET(BASE "HEADERS=x-conform-a=Basic%20dXNlcg%3D%3D"), .of_signal = otk_judge_header,
     .argument = "x-conform-a: Basic dXNlcg=="},
    {"headers-spaces", EXPORTER("Specifying headers via environment variables"), MUST, "spaces around are dropped",
     SET(BASE "HEADERS= x-conform-a = 1 , x-conform-b = 2 "), .of_signal = otk_judge_header,
     .argument = "x-conform-a: 1\nx-conform-b: 2"},
    {"headers-malformed", EXPORTER("Specifying headers via environment variables"), ADVISED, "the others are kept",
     SET(BASE "HEADERS=broken,x-conform-a=1"), .of_signal = otk_judge_header, .argument = "x-conform-a: 1"},
    {"headers-injection", "RFC 9110, Field Values", MUST, "no line break in a value is sent as one",
     SET(BASE "HEADERS=x-conform-a=1%0D%0Ax-conform-b: 2"), .of_signal = otk_judge_unbroken,
     .argument = "x-conform-b"},

    /* SDK-ENV-20, 22, 27, SDK-EXP-02, SDK-PARSE-04, 09, 10 */
    {"compression-gzip", OTLP("OTLP/HTTP Request"), MUST, "Content-Encoding: gzip", SET(BASE "COMPRESSION=gzip"),
     .of_signal = otk_judge_header, .argument = "Content-Encoding: gzip"},
    {"compression-none", EXPORTER("Configuration options"), MUST, "not compressed", SET(BASE "COMPRESSION=none"),
     .of_signal = otk_judge_absent, .argument = "Content-Encoding: identity"},
    {"compression-signal", EXPORTER("Configuration options"), MUST, "one signal's goes before the others",
     SET(BASE "COMPRESSION=gzip", OF_SIGNAL "COMPRESSION=none"), .of_signal = otk_judge_absent,
     .argument = "Content-Encoding: identity"},
    {"compression-case", ENV("Enum"), ADVISED, "GZIP is gzip", SET(BASE "COMPRESSION=GZIP"),
     .of_signal = otk_judge_header, .argument = "Content-Encoding: gzip"},
    {"compression-unknown", ENV("Enum"), MUST, "a warning, and exported", SET(BASE "COMPRESSION=brown-paper"),
     .of_signal = otk_judge_warned, .argument = "brown-paper"},
    {"timeout-unknown", ENV("Numeric"), SHOULD, "a warning, and exported", SET(BASE "TIMEOUT=soon"),
     .of_signal = otk_judge_warned, .argument = "soon"},
    {"protocol-json", EXPORTER("Specify Protocol"), OPTIONAL, "application/json", SET(BASE "PROTOCOL=http/json"),
     .of_signal = otk_judge_header, .argument = "Content-Type: application/json"},

    /* SDK-RTY-01, 02, 03, 11 */
    {"partial-success", OTLP("Partial Success"), MUST, "not sent again", FAULT("partial=1 message=\"one is too old\""),
     .of_signal = otk_judge_final},
    {"partial-warning", OTLP("Partial Success"), MUST, "not sent again", FAULT("partial=0 message=\"deprecated\""),
     .of_signal = otk_judge_final},
    {"answer-garbage", OTLP("OTLP/HTTP Response"), OPTIONAL, "not sent again", FAULT("ok garbage"),
     .of_signal = otk_judge_taken},
    {"answer-type", OTLP("OTLP/HTTP Response"), OPTIONAL, "not sent again", FAULT("ok type=text/html garbage"),
     .of_signal = otk_judge_taken},
    {"answer-cut", OTLP("All Other Responses"), OPTIONAL, "left open", FAULT("partial=0 message=\"deprecated\" cut"),
     .of_signal = otk_judge_taken},
    {"answer-large", OTLP("OTLP/HTTP Response"), MUST, "not sent again", FAULT("ok size=5MiB"),
     .of_signal = otk_judge_final},

    /* RX-RESP-17, SDK-RTY-04 */
    RETRYABLE("429"),
    RETRYABLE("502"),
    RETRYABLE("503"),
    RETRYABLE("504"),
    FINAL("400"),
    FINAL("401"),
    FINAL("403"),
    FINAL("404"),
    FINAL("405"),
    FINAL("408"),
    FINAL("413"),
    FINAL("500"),
    FINAL("501"),
    {"redirect", OTLP("OTLP/HTTP Response"), OPTIONAL, "left open", FAULT("307 location=/elsewhere"),
     .of_signal = otk_judge_redirect},

    /* RX-RESP-18, 19, SDK-RTY-08, 10 */
    {"retry-after-seconds", OTLP("OTLP/HTTP Throttling"), SHOULD, "waits for 3 s", SLOW_FAULT("503 retry-after=3"),
     .of_signal = otk_judge_waited},
    {"retry-after-429", OTLP("OTLP/HTTP Throttling"), SHOULD, "waits for 3 s", SLOW_FAULT("429 retry-after=3"),
     .of_signal = otk_judge_waited},
    {"retry-after-date", OTLP("OTLP/HTTP Throttling"), SHOULD, "waits for that date",
     SLOW_FAULT("503 retry-after=date+4s"), .of_signal = otk_judge_waited, .argument = "a date"},
    {"retry-after-garbage", OTLP("OTLP/HTTP Throttling"), SHOULD, "sent again as without it",
     SLOW_FAULT("503 retry-after=\"soon\""), .of_signal = otk_judge_retried},
    {"retry-after-long", "Trace SDK, Shutdown", ADVISED, "600 s are not waited for at the end",
     SLOW_FAULT("503 retry-after=600 x*"), .of_run = otk_judge_end},

    /* SDK-RTY-05, 06, 07 */
    {"backoff-grows", EXPORTER("Retry"), MUST, "longer and longer between attempts", &always_busy,
     .of_run = otk_judge_growth},
    {"backoff-jitter", EXPORTER("Retry"), MUST, "by chance a little more or less", &always_busy,
     .of_run = otk_judge_jitter},
    {"backoff-waits", EXPORTER("Retry"), MUST, "never at once", &always_busy, .of_run = otk_judge_patience},
    {"backoff-ends", "Trace SDK, Shutdown", ADVISED, "given up some time", &always_busy,
     .of_run = otk_judge_end},
    {"reset", OTLP("All Other Responses"), SHOULD, "sent again, and delivered once", &reset,
     .of_signal = otk_judge_retried},
    {"reset-waits", OTLP("All Other Responses"), ADVISED, "not at once", &reset, .of_run = otk_judge_patience},
    {"refused", OTLP("OTLP/HTTP Connection"), SHOULD, "sent once the port is open",
     PLAN(.port = TRIAL_LATE, .is_long = true), .of_run = otk_judge_reopened},
    {"connection-close", OTLP("OTLP/HTTP Connection"), MUST, "not sent again", FAULT("ok close x*"),
     .of_signal = otk_judge_final},

    /* SDK-ENV-23, SDK-EXP-10, SDK-ERR-05 */
    {"timeout", EXPORTER("Configuration options"), MUST, "gives up after 1000 ms",
     PLAN(.settings = {BASE "TIMEOUT=1000"}, .faults = "hang x*", .is_long = true), .of_run = otk_judge_given_up},
    {"timeout-signal", EXPORTER("Configuration options"), MUST, "one signal's goes before the others",
     PLAN(.settings = {BASE "TIMEOUT=60000", OF_SIGNAL "TIMEOUT=1000"}, .faults = "hang x*", .is_long = true),
     .of_run = otk_judge_given_up},
    {"dead-server", "Trace SDK, Shutdown", ADVISED, "ends as it does with a receiver", &dead,
     .of_run = otk_judge_end},

    /* SDK-PROC-10, SDK-MET-23 */
    {"shutdown-flush", "Trace SDK, Shutdown", MUST, "delivered before it ends",
     SET("OTEL_BSP_SCHEDULE_DELAY=3600000", "OTEL_BLRP_SCHEDULE_DELAY=3600000", "OTEL_METRIC_EXPORT_INTERVAL=3600000"),
     .of_signal = otk_judge_delivered},

    /* SDK-ENV-01 to 03, 07, 14, 17, SDK-PARSE-02, 10, SDK-RES-07 to 09 */
    {"sdk-disabled", ENV("General SDK configuration"), OPTIONAL, "nothing is sent", SET("OTEL_SDK_DISABLED=true"),
     .of_signal = otk_judge_nothing},
    {"sdk-disabled-1", ENV("Boolean"), MUST, "1 is not true: exported", SET("OTEL_SDK_DISABLED=1"),
     .of_signal = otk_judge_delivered},
    {"exporter-none", ENV("Exporter selection"), OPTIONAL, "nothing is sent", SET("OTEL_{SIGNAL}_EXPORTER=none"),
     .of_signal = otk_judge_nothing},
    {"sampler-off", ENV("General SDK configuration"), OPTIONAL, "no spans", SET("OTEL_TRACES_SAMPLER=always_off"),
     .of_run = otk_judge_unsampled},
    {"sampler-unknown", ENV("Enum"), MUST, "a warning, and exported", SET("OTEL_TRACES_SAMPLER=sometimes"),
     .of_run = otk_judge_sampled, .argument = "sometimes"},
    {"service-name", ENV("General SDK configuration"), MUST, "goes before service.name",
     SET("OTEL_SERVICE_NAME=conform", "OTEL_RESOURCE_ATTRIBUTES=service.name=other"), .of_signal = otk_judge_resource,
     .argument = "service.name: conform"},
    {"resource-attributes", "Resource SDK, Specifying resource information via an environment variable", MUST,
     "on each signal, decoded", SET("OTEL_RESOURCE_ATTRIBUTES=conform=a%2Cb,x=y"), .of_signal = otk_judge_resource,
     .argument = "conform: a,b"},
    {"resource-malformed", "Resource SDK, Specifying resource information via an environment variable", SHOULD,
     "exported all the same", SET("OTEL_RESOURCE_ATTRIBUTES=a=%zz,conform"), .of_signal = otk_judge_delivered},
    {"attribute-count", ENV("Attribute limits"), OPTIONAL, "at most 1 attribute",
     SET("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=1"), .of_run = otk_judge_attribute_count, .argument = "1"},
    {"attribute-length", ENV("Attribute limits"), OPTIONAL, "at most 2 characters",
     SET("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=2"), .of_run = otk_judge_attribute_length, .argument = "2"},
};

const size_t otk_conform_case_count = sizeof otk_conform_cases / sizeof *otk_conform_cases;
