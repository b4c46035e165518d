#include "look.h"

#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "fuzz.h"
#include "oracle.h"
#include "utf8.h"

/* An output of the library in memory. The stream points back here. */
struct text {
    FILE *file;
    char *data;
    size_t size;
};

static void text_open(struct text *t)
{
    t->file = open_memstream(&t->data, &t->size);
    must(t->file != NULL);
}

static void text_free(struct text *t)
{
    free(t->data);
}

static bool is_text(const char *data, size_t size)
{
    return otk_utf8_valid((const uint8_t *)data, size) == size;
}

static void look_at_json(const otk_capture *c, bool accepted)
{
    struct text memory;
    text_open(&memory);
    must(otk_capture_write_json(c, memory.file) == 0);
    fclose(memory.file);
    json_t *tree = otk_capture_json_tree(c);
    if (accepted) {
        must(memory.size > 2 && memory.data[memory.size - 1] == '\n');
        must(memchr(memory.data, '\n', memory.size) == memory.data + memory.size - 1);
        must_hold(oracle_is_json(memory.data, memory.size));
        must(json_is_object(tree));
    } else {
        must(memory.size == 0);
    }
    json_decref(tree);
    text_free(&memory);
}

static void look_at_text(const otk_capture *c, bool accepted, bool color)
{
    struct text lines;
    text_open(&lines);
    must(otk_capture_write_text(c, lines.file, color) == 0);
    fclose(lines.file);
    must(is_text(lines.data, lines.size));
    must(accepted || lines.size > 0);
    for (size_t i = 0; i < lines.size; i++)
        must((unsigned char)lines.data[i] >= 0x20 || lines.data[i] == '\n' || (color && lines.data[i] == '\x1b'));
    text_free(&lines);
}

static void look_at_attributes(const otk_attributes *attributes)
{
    for (size_t i = 0; i < attributes->count; i++) {
        const otk_string *key = &attributes->items[i].key;
        must(key->data && key->data[key->size] == '\0');
        must(otk_attributes_get(attributes, key->data) != NULL || memchr(key->data, '\0', key->size));
    }
}

static void look_at_place(const otk_captured_resource *resource, const otk_captured_scope *scope)
{
    must(resource && scope);
    look_at_attributes(&resource->attributes);
    look_at_attributes(&scope->attributes);
}

static void look_at_span(const otk_capture *c, size_t i)
{
    const otk_captured_span *span = otk_capture_span(c, i);
    must(span && span->name && span->trace_state && span->status_message);
    must(span->trace_id.size % 16 == 0 && span->span_id.size % 8 == 0);
    look_at_place(span->resource, span->scope);
    look_at_attributes(&span->attributes);
    for (size_t k = 0; k < span->event_count; k++)
        look_at_attributes(&span->events[k].attributes);
    for (size_t k = 0; k < span->link_count; k++)
        look_at_attributes(&span->links[k].attributes);
}

static void look_at_metric(const otk_capture *c, size_t i)
{
    const otk_captured_metric *metric = otk_capture_metric(c, i);
    must(metric && metric->name && metric->description && metric->unit);
    look_at_place(metric->resource, metric->scope);
    for (size_t k = 0; k < metric->point_count; k++)
        look_at_attributes(&metric->points[k].attributes);
}

static void look_at_log(const otk_capture *c, size_t i)
{
    const otk_captured_log *log = otk_capture_log(c, i);
    must(log && log->severity_text && log->event_name);
    look_at_place(log->resource, log->scope);
    look_at_attributes(&log->attributes);
}

static void look_at_items(const otk_capture *c)
{
    for (size_t i = 0; i < c->span_count; i++)
        look_at_span(c, i);
    for (size_t i = 0; i < c->metric_count; i++)
        look_at_metric(c, i);
    for (size_t i = 0; i < c->log_record_count; i++)
        look_at_log(c, i);
    must(!otk_capture_span(c, c->span_count) && !otk_capture_metric(c, c->metric_count) &&
         !otk_capture_log(c, c->log_record_count));
}

void look_at_capture(const otk_capture *c)
{
    bool accepted =
        c->has_signal && c->status >= 200 && c->status < 400 && c->encoding != OTK_ENCODING_UNKNOWN && !*c->reason;
    must(is_text(c->notes, strlen(c->notes)) && is_text(c->reason, strlen(c->reason)));
    must(accepted || c->span_count + c->metric_count + c->log_record_count + c->message.size == 0);
    look_at_json(c, accepted);
    look_at_text(c, accepted, false);
    look_at_items(c);
    look_at_text(c, accepted, true);
}
