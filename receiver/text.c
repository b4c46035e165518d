/* Captures as lines for people. */
#include "json.h"
#include "number.h"
#include "view.h"
#include "visible.h"

#include <inttypes.h>
#include <math.h>
#include <time.h>

#define TEXT_SHOWN 200    /* bytes of a string value */
#define BYTES_SHOWN 32    /* of a bytes value */
#define ELEMENTS_SHOWN 64 /* of an attribute set, an array, a map */

enum style { PLAIN, DIM, BOLD, RED, YELLOW };

static const char *const styles[] = {[DIM] = "2", [BOLD] = "1", [RED] = "1;31", [YELLOW] = "33"};

struct text {
    struct otk_buffer line;
    FILE *to;
    bool color;
    const otk_capture *capture;
};

static const struct otk_enum_name span_kinds[] = {
    {"UNSPECIFIED", 0}, {"INTERNAL", 1}, {"SERVER", 2}, {"CLIENT", 3}, {"PRODUCER", 4}, {"CONSUMER", 5}, {NULL, 0},
};
static const struct otk_enum_name status_codes[] = {{"UNSET", 0}, {"OK", 1}, {"ERROR", 2}, {NULL, 0}};
static const struct otk_enum_name temporalities[] = {
    {"unspecified temporality", 0}, {"delta", 1}, {"cumulative", 2}, {NULL, 0},
};
static const struct otk_enum_name metric_types[] = {
    {"no data", OTK_METRIC_TYPE_NONE},
    {"gauge", OTK_METRIC_TYPE_GAUGE},
    {"sum", OTK_METRIC_TYPE_SUM},
    {"histogram", OTK_METRIC_TYPE_HISTOGRAM},
    {"exponential histogram", OTK_METRIC_TYPE_EXPONENTIAL_HISTOGRAM},
    {"summary", OTK_METRIC_TYPE_SUMMARY},
    {NULL, 0},
};

/* ---- Small pieces ---------------------------------------------------- */

static void add(struct text *t, const char *text)
{
    otk_buffer_text(&t->line, text);
}

static void begin(struct text *t, enum style style)
{
    if (t->color && style != PLAIN)
        otk_buffer_printf(&t->line, "\033[%sm", styles[style]);
}

static void end(struct text *t, enum style style)
{
    if (t->color && style != PLAIN)
        add(t, "\033[0m");
}

static void add_styled(struct text *t, enum style style, const char *text)
{
    begin(t, style);
    add(t, text);
    end(t, style);
}

static void add_enum(struct text *t, const struct otk_enum_name *names, int32_t number, const char *what)
{
    while (names->name && names->number != number)
        names++;
    if (names->name)
        add(t, names->name);
    else
        otk_buffer_printf(&t->line, "%s %" PRId32, what, number);
}

static void add_escaped(struct text *t, const char *text, size_t size, char quote)
{
    otk_visible(&t->line, text, size, quote ? "\\\"" : "\\");
}

/* A string that may be long: cut between characters, its length told. */
static void add_cut(struct text *t, const char *text, size_t size, char quote)
{
    size_t shown = size;
    if (size > TEXT_SHOWN) {
        shown = TEXT_SHOWN;
        while (shown > TEXT_SHOWN - 3 && ((uint8_t)text[shown] & 0xc0) == 0x80)
            shown--;
    }
    if (quote)
        otk_buffer_byte(&t->line, (uint8_t)quote);
    add_escaped(t, text, shown, quote);
    if (quote)
        otk_buffer_byte(&t->line, (uint8_t)quote);
    if (shown < size)
        otk_buffer_printf(&t->line, "…(%zu bytes)", size);
}

static void add_text(struct text *t, const char *text)
{
    add_cut(t, text, strlen(text), 0);
}

static void add_hex(struct text *t, otk_bytes bytes, size_t shown)
{
    for (size_t i = 0; i < bytes.size && i < shown; i++)
        otk_buffer_printf(&t->line, "%02x", bytes.data[i]);
}

static void add_double(struct text *t, double value)
{
    char digits[OTK_NUMBER_MAX];
    if (isnan(value))
        add(t, "NaN");
    else if (isinf(value))
        add(t, value < 0 ? "-Infinity" : "Infinity");
    else
        otk_buffer_append(&t->line, digits, otk_number_double(digits, value));
}

/* ---- Values and attributes ------------------------------------------- */

static void add_value(struct text *t, const otk_value *value);

/* Whether element `i` is to be shown; at the first one that is not, tells how many there are. */
static bool is_shown(struct text *t, size_t i, size_t count)
{
    if (i == ELEMENTS_SHOWN)
        otk_buffer_printf(&t->line, " …(%zu in all)", count);
    return i < ELEMENTS_SHOWN;
}

static void add_attribute(struct text *t, const otk_attribute *a)
{
    add_cut(t, a->key.data, a->key.size, 0);
    add(t, "=");
    add_value(t, &a->value);
}

static void add_array(struct text *t, const otk_array *array)
{
    add(t, "[");
    for (size_t i = 0; i < array->count && is_shown(t, i, array->count); i++) {
        add(t, i ? ", " : "");
        add_value(t, &array->values[i]);
    }
    add(t, "]");
}

static void add_kvlist(struct text *t, const otk_attributes *list)
{
    add(t, "{");
    for (size_t i = 0; i < list->count && is_shown(t, i, list->count); i++) {
        add(t, i ? ", " : "");
        add_attribute(t, &list->items[i]);
    }
    add(t, "}");
}

static void add_bytes(struct text *t, otk_bytes bytes)
{
    add(t, "0x");
    add_hex(t, bytes, BYTES_SHOWN);
    if (bytes.size > BYTES_SHOWN)
        otk_buffer_printf(&t->line, "…(%zu bytes)", bytes.size);
}

static void add_value(struct text *t, const otk_value *value)
{
    switch (value->type) {
    case OTK_VALUE_EMPTY: add(t, "(empty)"); break;
    case OTK_VALUE_STRING: add_cut(t, value->as.string_value.data, value->as.string_value.size, '"'); break;
    case OTK_VALUE_BOOL: add(t, value->as.bool_value ? "true" : "false"); break;
    case OTK_VALUE_INT: otk_buffer_printf(&t->line, "%" PRId64, value->as.int_value); break;
    case OTK_VALUE_DOUBLE: add_double(t, value->as.double_value); break;
    case OTK_VALUE_ARRAY: add_array(t, &value->as.array_value); break;
    case OTK_VALUE_KVLIST: add_kvlist(t, &value->as.kvlist_value); break;
    case OTK_VALUE_BYTES: add_bytes(t, value->as.bytes_value); break;
    case OTK_VALUE_STRING_STRINDEX:
        otk_buffer_printf(&t->line, "strindex %" PRId32, value->as.string_value_strindex);
        break;
    }
}

/* `shown_elsewhere` is an attribute's value that the line has already, or NULL. */
static void add_attributes(struct text *t, const otk_attributes *attributes, uint32_t dropped,
                           const otk_value *shown_elsewhere)
{
    const char *gap = "  ";
    begin(t, DIM);
    for (size_t i = 0; i < attributes->count && is_shown(t, i, attributes->count); i++) {
        const otk_attribute *a = &attributes->items[i];
        if (&a->value == shown_elsewhere)
            continue;
        add(t, gap);
        add_attribute(t, a);
        gap = " ";
    }
    if (dropped)
        otk_buffer_printf(&t->line, "  dropped_attributes=%" PRIu32, dropped);
    end(t, DIM);
}

/* ---- Time ------------------------------------------------------------ */

static void add_clock(struct text *t, uint64_t unix_nano)
{
    time_t seconds = (time_t)(unix_nano / 1000000000u);
    struct tm local;
    if (!unix_nano || !localtime_r(&seconds, &local))
        add_styled(t, DIM, "--:--:--.---");
    else
        otk_buffer_printf(&t->line, "%02d:%02d:%02d.%03u", local.tm_hour, local.tm_min, local.tm_sec,
                          (unsigned)(unix_nano / 1000000u % 1000u));
}

/* One decimal up to 100 of a unit, none above; no decimal that is zero. */
static void add_amount(struct text *t, uint64_t nanos, uint64_t unit, const char *name)
{
    uint64_t tenths = nanos / (unit / 10);
    if (tenths >= 1000 || tenths % 10 == 0)
        otk_buffer_printf(&t->line, "%" PRIu64 "%s", tenths / 10, name);
    else
        otk_buffer_printf(&t->line, "%" PRIu64 ".%" PRIu64 "%s", tenths / 10, tenths % 10, name);
}

static void add_nanos(struct text *t, uint64_t nanos)
{
    const uint64_t us = 1000, ms = 1000 * us, s = 1000 * ms;
    if (nanos < us)
        otk_buffer_printf(&t->line, "%" PRIu64 "ns", nanos);
    else if (nanos < ms)
        add_amount(t, nanos, us, "us");
    else if (nanos < s)
        add_amount(t, nanos, ms, "ms");
    else if (nanos < 60 * s)
        add_amount(t, nanos, s, "s");
    else if (nanos < 3600 * s)
        otk_buffer_printf(&t->line, "%" PRIu64 "m%02" PRIu64 "s", nanos / (60 * s), nanos / s % 60);
    else
        otk_buffer_printf(&t->line, "%" PRIu64 "h%02" PRIu64 "m", nanos / (3600 * s), nanos / (60 * s) % 60);
}

static void add_duration(struct text *t, const otk_captured_span *span)
{
    uint64_t from = span->start_time_unix_nano, to = span->end_time_unix_nano;
    if (!from || !to) {
        add(t, to ? "no start" : "no end");
        return;
    }
    add(t, to < from ? "-" : "");
    add_nanos(t, to < from ? from - to : to - from);
}

/* ---- Lines ----------------------------------------------------------- */

static void begin_line(struct text *t, uint64_t unix_nano, const char *signal, const char *service)
{
    t->line.size = 0;
    add_clock(t, unix_nano);
    add(t, "  ");
    if (*t->capture->session) {
        add(t, "[");
        add_text(t, t->capture->session);
        add(t, "]  ");
    }
    add(t, signal);
    if (service) {
        add(t, "  ");
        add_text(t, *service ? service : "-");
    }
    add(t, "  ");
}

static int end_line(struct text *t)
{
    if (otk_buffer_byte(&t->line, '\n'))
        return t->line.failed;
    return fwrite(t->line.data, 1, t->line.size, t->to) == t->line.size ? 0 : OTK_ESYSTEM;
}

static void add_trace(struct text *t, otk_bytes trace_id)
{
    if (trace_id.size != 16)
        return;
    begin(t, DIM);
    add(t, "  trace=");
    add_hex(t, trace_id, 4);
    end(t, DIM);
}

static const otk_value *attribute_of_type(const otk_attributes *attributes, const char *key, otk_value_type type)
{
    const otk_value *value = otk_attributes_get(attributes, key);
    return value && value->type == type ? value : NULL;
}

static bool is_pending(const otk_captured_span *span)
{
    const otk_value *type = attribute_of_type(&span->attributes, "logfire.span_type", OTK_VALUE_STRING);
    return type && strcmp(type->as.string_value.data, "pending_span") == 0;
}

/* Logfire says "error" by a level too; a status of OK asks not to derive one (trace API, Set Status). */
static bool has_error_level(const otk_captured_span *span)
{
    const otk_value *level = attribute_of_type(&span->attributes, "logfire.level_num", OTK_VALUE_INT);
    return span->status_code == OTK_STATUS_CODE_UNSET && level &&
           level->as.int_value >= OTK_SEVERITY_NUMBER_ERROR;
}

static void add_span_status(struct text *t, const otk_captured_span *span)
{
    bool error_level = has_error_level(span);
    enum style style = error_level || span->status_code == OTK_STATUS_CODE_ERROR ? RED : PLAIN;
    begin(t, style);
    if (error_level)
        add(t, "ERROR");
    else
        add_enum(t, status_codes, span->status_code, "status");
    if (*span->status_message) {
        add(t, ": ");
        add_text(t, span->status_message);
    }
    end(t, style);
}

static void add_span_name(struct text *t, const otk_captured_span *span, const otk_value *msg)
{
    begin(t, BOLD);
    if (msg)
        add_cut(t, msg->as.string_value.data, msg->as.string_value.size, 0);
    else
        add_text(t, span->has_name ? span->name : "(no name)");
    end(t, BOLD);
    if (msg && strcmp(span->name, msg->as.string_value.data) != 0) {
        add_styled(t, DIM, " (");
        add_text(t, span->name);
        add_styled(t, DIM, ")");
    }
}

static void add_span_extras(struct text *t, const otk_captured_span *span)
{
    begin(t, DIM);
    if (span->event_count)
        add(t, "  events=[");
    for (size_t i = 0; i < span->event_count && is_shown(t, i, span->event_count); i++) {
        add(t, i ? ", " : "");
        add_text(t, span->events[i].name);
    }
    if (span->event_count)
        add(t, "]");
    if (span->link_count)
        otk_buffer_printf(&t->line, "  links=%zu", span->link_count);
    if (span->dropped_events_count)
        otk_buffer_printf(&t->line, "  dropped_events=%" PRIu32, span->dropped_events_count);
    if (span->dropped_links_count)
        otk_buffer_printf(&t->line, "  dropped_links=%" PRIu32, span->dropped_links_count);
    end(t, DIM);
}

static int write_span(struct text *t, const otk_captured_span *span)
{
    const otk_value *msg = attribute_of_type(&span->attributes, "logfire.msg", OTK_VALUE_STRING);
    begin_line(t, span->start_time_unix_nano, "span", span->resource->service_name);
    add_span_name(t, span, msg);
    add(t, "  ");
    add_enum(t, span_kinds, span->kind, "kind");
    add(t, "  ");
    add_span_status(t, span);
    add(t, "  ");
    if (is_pending(span))
        add_styled(t, YELLOW, "pending");
    else
        add_duration(t, span);
    add_attributes(t, &span->attributes, span->dropped_attributes_count, msg);
    add_span_extras(t, span);
    add_trace(t, span->trace_id);
    return end_line(t);
}

static void add_statistic(struct text *t, bool has, const char *name, double value)
{
    if (!has)
        return;
    otk_buffer_printf(&t->line, " %s=", name);
    add_double(t, value);
}

static void add_quantiles(struct text *t, const otk_captured_point *p)
{
    for (size_t i = 0; i < p->quantile_value_count && is_shown(t, i, p->quantile_value_count); i++) {
        add(t, " q");
        add_double(t, p->quantile_values[i].quantile);
        add(t, "=");
        add_double(t, p->quantile_values[i].value);
    }
}

static void add_statistics(struct text *t, const otk_captured_point *p)
{
    otk_buffer_printf(&t->line, "count=%" PRIu64, p->count);
    add_statistic(t, p->has_sum, "sum", p->sum);
    add_statistic(t, p->has_min, "min", p->min);
    add_statistic(t, p->has_max, "max", p->max);
    add_quantiles(t, p);
}

static void add_point_value(struct text *t, const otk_captured_metric *metric, const otk_captured_point *p)
{
    bool number = metric->type == OTK_METRIC_TYPE_GAUGE || metric->type == OTK_METRIC_TYPE_SUM;
    if (p->flags & OTK_DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK)
        add(t, "no recorded value");
    else if (!number)
        add_statistics(t, p);
    else if (p->value.type == OTK_VALUE_EMPTY)
        add_styled(t, RED, "ERROR: no value");
    else
        add_value(t, &p->value);
}

static void add_metric(struct text *t, const otk_captured_metric *metric)
{
    begin(t, BOLD);
    add_text(t, metric->has_name ? metric->name : "(no name)");
    end(t, BOLD);
    add(t, "  ");
    add_enum(t, metric_types, (int32_t)metric->type, "type");
    add(t, "  ");
}

static int write_point(struct text *t, const otk_captured_metric *metric, const otk_captured_point *p)
{
    begin_line(t, p->time_unix_nano, "metric", metric->resource->service_name);
    add_metric(t, metric);
    add_point_value(t, metric, p);
    if (*metric->unit && strcmp(metric->unit, "1") != 0) {
        add(t, " ");
        add_text(t, metric->unit);
    }
    if (metric->has_aggregation_temporality) {
        add(t, "  ");
        add_enum(t, temporalities, metric->aggregation_temporality, "temporality");
    }
    if (metric->type == OTK_METRIC_TYPE_SUM && metric->is_monotonic)
        add(t, " monotonic");
    add_attributes(t, &p->attributes, 0, NULL);
    if (p->exemplar_count)
        otk_buffer_printf(&t->line, "  exemplars=%zu", p->exemplar_count);
    return end_line(t);
}

static int write_metric(struct text *t, const otk_captured_metric *metric)
{
    if (!metric->point_count) {
        begin_line(t, 0, "metric", metric->resource->service_name);
        add_metric(t, metric);
        add(t, "no data points");
        return end_line(t);
    }
    int rc = 0;
    for (size_t i = 0; i < metric->point_count && !rc; i++)
        rc = write_point(t, metric, &metric->points[i]);
    return rc;
}

/* INFO, INFO2 … FATAL4 (logs data model, Displaying Severity). */
static void add_severity_name(struct text *t, int32_t number)
{
    static const char *const ranges[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"};
    if (number < 1 || number > 24) {
        otk_buffer_printf(&t->line, "severity %" PRId32, number);
        return;
    }
    add(t, ranges[(number - 1) / 4]);
    if ((number - 1) % 4)
        otk_buffer_printf(&t->line, "%d", (number - 1) % 4 + 1);
}

static void add_severity(struct text *t, const otk_captured_log *log)
{
    const char *text = log->severity_text;
    enum style style = log->severity_number >= OTK_SEVERITY_NUMBER_ERROR  ? RED
                       : log->severity_number >= OTK_SEVERITY_NUMBER_WARN ? YELLOW
                                                                          : PLAIN;
    begin(t, style);
    size_t start = t->line.size;
    if (log->severity_number)
        add_severity_name(t, log->severity_number);
    size_t named = t->line.size - start;
    bool same = named == strlen(text) && t->line.data && memcmp(t->line.data + start, text, named) == 0;
    if (*text && !same) {
        add(t, named ? " (" : "");
        add_text(t, text);
        add(t, named ? ")" : "");
    }
    if (!named && !*text)
        add(t, "-");
    end(t, style);
}

static int write_log(struct text *t, const otk_captured_log *log)
{
    begin_line(t, log->time_unix_nano ? log->time_unix_nano : log->observed_time_unix_nano, "log",
               log->resource->service_name);
    add_severity(t, log);
    add(t, "  ");
    begin(t, BOLD);
    if (log->body.type == OTK_VALUE_STRING)
        add_cut(t, log->body.as.string_value.data, log->body.as.string_value.size, 0);
    else if (log->has_body)
        add_value(t, &log->body);
    else
        add(t, "(no body)");
    end(t, BOLD);
    if (*log->event_name) {
        add(t, "  event=");
        add_text(t, log->event_name);
    }
    add_attributes(t, &log->attributes, log->dropped_attributes_count, NULL);
    add_trace(t, log->trace_id);
    return end_line(t);
}

static int write_items(struct text *t)
{
    struct otk_walk walk;
    const void *item;
    int rc = 0;
    otk_walk_init(&walk, otk_capture_of(t->capture));
    while (!rc && (item = otk_walk_next(&walk)))
        rc = t->capture->signal == OTK_SIGNAL_TRACES    ? write_span(t, item)
             : t->capture->signal == OTK_SIGNAL_METRICS ? write_metric(t, item)
                                                        : write_log(t, item);
    rc = rc ? rc : walk.failed;
    otk_walk_clear(&walk);
    return rc;
}

/* The request itself: refused, not telemetry, or empty. */
static int write_request(struct text *t)
{
    const otk_capture *c = t->capture;
    bool refused = *c->reason != '\0';
    begin_line(t, c->time_unix_nano, refused ? "refused" : "request", NULL);
    begin(t, refused ? RED : PLAIN);
    if (refused)
        add(t, "ERROR ");
    otk_buffer_printf(&t->line, "%u ", c->status);
    add_text(t, c->method);
    add(t, " ");
    add_text(t, c->target);
    if (*c->reason) {
        add(t, ": ");
        add_escaped(t, c->reason, strlen(c->reason), 0);
    }
    end(t, refused ? RED : PLAIN);
    if (otk_capture_accepted(c))
        add(t, "  no items");
    return end_line(t);
}

static int write_notes(struct text *t)
{
    begin_line(t, t->capture->time_unix_nano, "note", NULL);
    begin(t, YELLOW);
    otk_buffer_printf(&t->line, "request %" PRIu64 ": ", t->capture->number);
    add_escaped(t, t->capture->notes, strlen(t->capture->notes), 0);
    end(t, YELLOW);
    return end_line(t);
}

int otk_capture_write_text(const otk_capture *capture, FILE *to, bool color)
{
    /* Escapes make six characters of a byte at most, and fixed words stand around them. */
    struct otk_buffer line = OTK_BUFFER_INIT(capture->message.size / 2 * 16 + ((size_t)1 << 20));
    struct text t = {line, to, color, capture};
    bool items = otk_capture_accepted(capture) && otk_capture_of(capture)->index.item_count;
    int rc = items ? write_items(&t) : write_request(&t);
    if (!rc && *capture->notes)
        rc = write_notes(&t);
    otk_buffer_clear(&t.line);
    return rc;
}
