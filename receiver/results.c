/* What came of checks, in the formats that tools read. */
#include "json.h"
#include "otlpkit/receiver.h"
#include "visible.h"

#include <inttypes.h>

/* What stands for a character that means something to a format. */
struct escape {
    char character;
    const char *text;
};

static const struct escape in_xml[] = {{'&', "&amp;"},  {'<', "&lt;"}, {'>', "&gt;"},
                                       {'"', "&quot;"}, {'\n', "\n"},  {0, NULL}};
static const struct escape in_tap[] = {{'\\', "\\\\"}, {'#', "\\#"}, {'\n', " "}, {0, NULL}};
static const struct escape in_tap_comment[] = {{'\n', "\n# "}, {0, NULL}};
static const struct escape in_yaml[] = {{'\n', "\n    "}, {0, NULL}};
static const struct escape in_command[] = {{'%', "%25"}, {'\n', "%0A"}, {0, NULL}};
static const struct escape in_property[] = {{'%', "%25"}, {'\n', "%0A"}, {':', "%3A"}, {',', "%2C"}, {0, NULL}};

static void add(struct otk_buffer *out, const char *text)
{
    otk_buffer_text(out, text);
}

static const char *escaped(const struct escape *table, char c)
{
    while (table->text && table->character != c)
        table++;
    return table->text;
}

static void add_part(struct otk_buffer *out, const char *text, size_t size, const struct escape *table)
{
    size_t from = 0;
    for (size_t i = 0; i < size; i++) {
        const char *instead = escaped(table, text[i]);
        if (!instead)
            continue;
        otk_visible(out, text + from, i - from, "");
        add(out, instead);
        from = i + 1;
    }
    otk_visible(out, text + from, size - from, "");
}

static void add_escaped(struct otk_buffer *out, const char *text, const struct escape *table)
{
    add_part(out, text, strlen(text), table);
}

/* Without the newlines at its end. */
static void add_lines(struct otk_buffer *out, const char *text, const struct escape *table)
{
    size_t size = strlen(text);
    while (size && text[size - 1] == '\n')
        size--;
    add_part(out, text, size, table);
}

static void add_first_line(struct otk_buffer *out, const char *text, const struct escape *table)
{
    add_part(out, text, strcspn(text, "\n"), table);
}

static size_t count(const otk_results *r, otk_outcome outcome)
{
    size_t n = 0;
    for (size_t i = 0; i < r->count; i++)
        n += r->items[i].outcome == outcome;
    return n;
}

/* ---- TAP 14 ---------------------------------------------------------- */

/* What begins with white space would be taken for deeper indentation. */
static void tap_message(struct otk_buffer *out, const char *message)
{
    message += strspn(message, " \t\r\n");
    if (!*message)
        return;
    add(out, "  message: |\n    ");
    add_lines(out, message, in_yaml);
    add(out, "\n");
}

static void tap_diagnostics(struct otk_buffer *out, const otk_result *t)
{
    add(out, "  ---\n");
    tap_message(out, t->message);
    if (t->file) {
        add(out, "  file: ");
        otk_json_string(out, t->file, strlen(t->file));
        otk_buffer_printf(out, "\n  line: %u\n", t->line);
    }
    if (t->duration_ns)
        otk_buffer_printf(out, "  duration_ms: %.3f\n", (double)t->duration_ns / 1e6);
    add(out, "  ...\n");
}

static void tap_point(struct otk_buffer *out, const otk_result *t, size_t number)
{
    otk_buffer_printf(out, "%s %zu - ", t->outcome == OTK_FAILED ? "not ok" : "ok", number);
    add_escaped(out, t->name, in_tap);
    if (t->outcome == OTK_SKIPPED) {
        add(out, " # SKIP ");
        add_first_line(out, t->message, in_tap);
    }
    add(out, "\n");
    if ((t->outcome == OTK_FAILED && (*t->message || t->file)) || t->duration_ns)
        tap_diagnostics(out, t);
}

static void write_tap(const otk_results *r, struct otk_buffer *out)
{
    otk_buffer_printf(out, "TAP version 14\n1..%zu\n", r->count);
    for (size_t i = 0; i < r->count; i++)
        tap_point(out, &r->items[i], i + 1);
    if (!*r->notes)
        return;
    add(out, "# ");
    add_lines(out, r->notes, in_tap_comment);
    add(out, "\n");
}

/* ---- JUnit ----------------------------------------------------------- */

static void xml_attribute(struct otk_buffer *out, const char *name, const char *value)
{
    otk_buffer_printf(out, " %s=\"", name);
    add_first_line(out, value, in_xml);
    add(out, "\"");
}

static void xml_element(struct otk_buffer *out, const char *name, const char *message)
{
    otk_buffer_printf(out, "      <%s", name);
    xml_attribute(out, "message", message);
    add(out, ">");
    add_lines(out, message, in_xml);
    otk_buffer_printf(out, "</%s>\n", name);
}

static void xml_case(struct otk_buffer *out, const otk_results *r, const otk_result *t)
{
    add(out, "    <testcase");
    xml_attribute(out, "classname", t->file ? t->file : r->suite);
    xml_attribute(out, "name", t->name);
    if (t->file) {
        xml_attribute(out, "file", t->file);
        otk_buffer_printf(out, " line=\"%u\"", t->line);
    }
    otk_buffer_printf(out, " time=\"%.6f\"", (double)t->duration_ns / 1e9);
    if (t->outcome == OTK_PASSED) {
        add(out, "/>\n");
        return;
    }
    add(out, ">\n");
    xml_element(out, t->outcome == OTK_FAILED ? "failure" : "skipped", t->message);
    add(out, "    </testcase>\n");
}

static void write_junit(const otk_results *r, struct otk_buffer *out)
{
    uint64_t duration_ns = 0;
    for (size_t i = 0; i < r->count; i++)
        duration_ns += r->items[i].duration_ns;
    add(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite");
    xml_attribute(out, "name", r->suite);
    otk_buffer_printf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\" time=\"%.6f\">\n", r->count,
                      count(r, OTK_FAILED), count(r, OTK_SKIPPED), (double)duration_ns / 1e9);
    for (size_t i = 0; i < r->count; i++)
        xml_case(out, r, &r->items[i]);
    if (*r->notes) {
        add(out, "    <system-out>");
        add_lines(out, r->notes, in_xml);
        add(out, "</system-out>\n");
    }
    add(out, "  </testsuite>\n</testsuites>\n");
}

/* ---- GitHub ---------------------------------------------------------- */

static void command(struct otk_buffer *out, const char *name, const char *title, const char *file, unsigned line,
                    const char *message)
{
    otk_buffer_printf(out, "::%s ", name);
    if (file) {
        add(out, "file=");
        add_escaped(out, file, in_property);
        otk_buffer_printf(out, ",line=%u,", line);
    }
    add(out, "title=");
    add_escaped(out, title, in_property);
    add(out, "::");
    add_lines(out, message, in_command);
    add(out, "\n");
}

static void write_github(const otk_results *r, struct otk_buffer *out)
{
    static const char *const names[] = {[OTK_FAILED] = "error", [OTK_SKIPPED] = "notice"};
    for (size_t i = 0; i < r->count; i++) {
        const otk_result *t = &r->items[i];
        if (t->outcome != OTK_PASSED)
            command(out, names[t->outcome], t->name, t->file, t->line, t->message);
    }
    if (*r->notes)
        command(out, "warning", r->suite, NULL, 0, r->notes);
}

/* ---- JSON ------------------------------------------------------------ */

static void json_result(struct otk_buffer *out, const otk_result *t)
{
    static const char *const names[] = {"passed", "failed", "skipped"};
    add(out, "{");
    otk_json_text(out, "name", t->name);
    if (t->file) {
        otk_json_text(out, "file", t->file);
        otk_json_number(out, "line", t->line);
    }
    otk_json_text(out, "outcome", names[t->outcome]);
    if (*t->message)
        otk_json_text(out, "message", t->message);
    if (t->duration_ns) {
        otk_json_key(out, "durationMs");
        otk_json_double(out, (double)t->duration_ns / 1e6);
    }
    add(out, "}");
}

static void write_json(const otk_results *r, struct otk_buffer *out)
{
    add(out, "{");
    otk_json_text(out, "suite", r->suite);
    otk_json_number(out, "passed", count(r, OTK_PASSED));
    otk_json_number(out, "failed", count(r, OTK_FAILED));
    otk_json_number(out, "skipped", count(r, OTK_SKIPPED));
    otk_json_key(out, "results");
    add(out, "[");
    for (size_t i = 0; i < r->count; i++) {
        add(out, i ? "," : "");
        json_result(out, &r->items[i]);
    }
    add(out, "]");
    if (*r->notes)
        otk_json_text(out, "notes", r->notes);
    add(out, "}\n");
}

int otk_results_write(const otk_results *results, otk_report_format format, FILE *to)
{
    static void (*const writers[])(const otk_results *, struct otk_buffer *) = {
        [OTK_REPORT_JSON] = write_json,
        [OTK_REPORT_TAP] = write_tap,
        [OTK_REPORT_JUNIT] = write_junit,
        [OTK_REPORT_GITHUB] = write_github,
    };
    if ((size_t)format >= sizeof writers / sizeof *writers || !writers[format])
        return OTK_EINVAL;
    struct otk_buffer out = OTK_BUFFER_INIT(SIZE_MAX);
    writers[format](results, &out);
    int rc = out.failed;
    if (!rc && ((out.size && fwrite(out.data, 1, out.size, to) != out.size) || fflush(to)))
        rc = OTK_ESYSTEM;
    otk_buffer_clear(&out);
    return rc;
}
