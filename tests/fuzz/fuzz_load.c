/* Bytes that lie on disk: bodies, JSON lines and archives, as they are and compressed. What was loaded is put in an
 * archive and loaded again, and judged. First byte: which signal is told, if any. */
#include "fuzz.h"
#include "look.h"
#include "memory_file.h"

/* What the captures of one file add up to. */
struct sum {
    otk_archive *archive;
    size_t captures, items, body_bytes;
};

static void add(struct sum *sum, const otk_capture *c)
{
    sum->captures++;
    sum->items += c->span_count + c->metric_count + c->log_record_count;
    sum->body_bytes += c->body.size;
}

static void look_and_keep(const otk_capture *c, void *arg)
{
    struct sum *sum = arg;
    look_at_capture(c);
    must(otk_archive_add(sum->archive, c) == 0);
    add(sum, c);
}

static void add_again(const otk_capture *c, void *arg)
{
    add(arg, c);
}

static void check_error(int rc, const otk_error *error)
{
    must(rc == OTK_EDATA || rc == OTK_EINVAL || rc == OTK_ELIMIT);
    must(error->code == rc && *error->message && !strchr(error->message, '\n'));
}

/* The same as a receiver that had caught it. */
static void judge(const char *path, const otk_load_options *options)
{
    otk_receiver_counts counts;
    otk_receiver *rx = otk_receiver_open(&path, 1, options, NULL);
    must(rx != NULL);
    otk_receiver_counts_get(rx, &counts);
    otk_report *report = otk_expect_nothing_lost(rx);
    must(report || (!counts.dropped_captures && !counts.unreadable_connections));
    otk_report_free(report);
    otk_attempts_free(otk_receiver_attempts(rx));
    otk_receiver_stop(rx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    otk_load_options options = OTK_LOAD_OPTIONS_INIT;
    uint8_t way = take_byte(&data, &size) % (OTK_SIGNAL_COUNT + 1);
    options.has_signal = way < OTK_SIGNAL_COUNT;
    options.signal = options.has_signal ? (otk_signal)way : OTK_SIGNAL_TRACES;
    options.max_request_bytes = (size_t)1 << 20;

    struct memory_file in = memory_file_of(data, size), kept = memory_file_of(NULL, 0);
    otk_error error = {0};
    struct sum sum = {.archive = otk_archive_open(kept.path, &error)}, again = {0};
    must(sum.archive != NULL);
    int rc = otk_load(in.path, &options, look_and_keep, &sum, &error);
    must(otk_archive_close(sum.archive) == 0);
    if (rc)
        check_error(rc, &error);
    else
        judge(in.path, &options);
    if (sum.captures) {
        must(otk_load(kept.path, &options, add_again, &again, &error) == 0);
        must(again.captures == sum.captures && again.items == sum.items && again.body_bytes == sum.body_bytes);
    }
    memory_file_close(&in);
    memory_file_close(&kept);
    return 0;
}
