#include "baggage.h"

#include "text.h"

#include <stdlib.h>

/* One block: the entries, and behind them their texts. */
struct otk_baggage {
    size_t count;
    otk_baggage_entry entries[];
};

/* ---- What may be in it ----------------------------------------------- */

static bool is_name(const char *name)
{
    return otk_text_is_token((otk_string){name, strlen(name)});
}

/* Nothing here may begin another header, or another entry. */
static bool is_metadata(const char *metadata)
{
    for (; *metadata; metadata++)
        if (*metadata < ' ' || *metadata > '~' || *metadata == ',')
            return false;
    return true;
}

/* ---- A new one from old ---------------------------------------------- */

static size_t size_of(const otk_baggage_entry *entry)
{
    size_t value = otk_text_size(entry->value, strlen(entry->value), OTK_TEXT_UNLIMITED);
    return strlen(entry->name) + value + strlen(entry->metadata) + 3;
}

static char *put(char *to, const char *text, const char **out)
{
    *out = to;
    to += otk_text_repair(to, text, strlen(text), OTK_TEXT_UNLIMITED);
    *to = '\0';
    return to + 1;
}

static char *put_entry(otk_baggage *baggage, char *to, const otk_baggage_entry *entry)
{
    otk_baggage_entry *copy = &baggage->entries[baggage->count++];
    to = put(to, entry->name, &copy->name);
    to = put(to, entry->value, &copy->value);
    return put(to, entry->metadata, &copy->metadata);
}

static bool is_kept(const otk_baggage_entry *entry, const char *left_out)
{
    return !left_out || strcmp(entry->name, left_out) != 0;
}

/* The entries but the one named `left_out`, and behind them `added`; both may be NULL. */
static otk_baggage *compose(const otk_baggage_entry *entries, size_t count, const char *left_out,
                            const otk_baggage_entry *added)
{
    size_t size = sizeof(otk_baggage) + (count + 1) * sizeof *entries;
    for (size_t i = 0; i < count; i++)
        size += size_of(&entries[i]);
    otk_baggage *made = malloc(size + (added ? size_of(added) : 0));
    if (!made)
        return NULL;
    made->count = 0;
    char *to = (char *)(made->entries + count + 1);
    for (size_t i = 0; i < count; i++)
        if (is_kept(&entries[i], left_out))
            to = put_entry(made, to, &entries[i]);
    if (added)
        put_entry(made, to, added);
    if (made->count)
        return made;
    free(made);
    return NULL;
}

otk_baggage *otk_baggage_set(const otk_baggage *baggage, const char *name, const char *value, const char *metadata)
{
    otk_baggage_entry entry = {name ? name : "", value ? value : "", metadata ? metadata : ""};
    bool good = is_name(entry.name) && is_metadata(entry.metadata);
    size_t count;
    const otk_baggage_entry *entries = otk_baggage_entries(baggage, &count);
    return compose(entries, count, good ? name : NULL, good ? &entry : NULL);
}

otk_baggage *otk_baggage_remove(const otk_baggage *baggage, const char *name)
{
    size_t count;
    const otk_baggage_entry *entries = otk_baggage_entries(baggage, &count);
    return compose(entries, count, name, NULL);
}

const char *otk_baggage_get(const otk_baggage *baggage, const char *name)
{
    for (size_t i = 0; baggage && name && i < baggage->count; i++)
        if (strcmp(baggage->entries[i].name, name) == 0)
            return baggage->entries[i].value;
    return NULL;
}

const otk_baggage_entry *otk_baggage_entries(const otk_baggage *baggage, size_t *count)
{
    if (count)
        *count = baggage ? baggage->count : 0;
    return baggage ? baggage->entries : NULL;
}

void otk_baggage_free(otk_baggage *baggage)
{
    free(baggage);
}

/* ---- From headers ---------------------------------------------------- */

struct reading {
    otk_baggage_entry entries[OTK_BAGGAGE_MAX_ENTRIES];
    size_t count;
    size_t bytes;                         /* read so far, of all headers together */
    char text[2 * OTK_BAGGAGE_MAX_BYTES]; /* what the entries point to: at most what was read, and the NULs */
    size_t text_size;
};

static const char *keep(struct reading *r, otk_string text, bool decode)
{
    char *to = r->text + r->text_size;
    size_t size = decode ? otk_text_decode(text, to, NULL) : text.size;
    if (!decode)
        memcpy(to, text.data, size);
    /* A C string cannot hold it: it is repaired as if it were no UTF-8. */
    for (char *nul; (nul = memchr(to, '\0', size));)
        *nul = '\xff';
    to[size] = '\0';
    r->text_size += size + 1;
    return to;
}

/* The place of this name, or a new one. */
static otk_baggage_entry *place(struct reading *r, const char *name)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->entries[i].name, name) == 0)
            return &r->entries[i];
    return r->count < OTK_BAGGAGE_MAX_ENTRIES ? &r->entries[r->count++] : NULL;
}

static void read_member(struct reading *r, otk_string member)
{
    const char *semicolon = memchr(member.data, ';', member.size);
    size_t size = semicolon ? (size_t)(semicolon - member.data) : member.size;
    otk_string metadata = {semicolon ? semicolon + 1 : "", semicolon ? member.size - size - 1 : 0};
    otk_string name, value;
    if (!otk_text_split((otk_string){member.data, size}, &name, &value) || !otk_text_is_token(name))
        return;
    otk_baggage_entry entry = {keep(r, name, false), keep(r, value, true), keep(r, otk_text_trim(metadata), false)};
    otk_baggage_entry *to = is_metadata(entry.metadata) ? place(r, entry.name) : NULL;
    if (to)
        *to = entry;
}

/* False when the limit is reached. */
static bool read_header(struct reading *r, const char *header)
{
    otk_string rest = {header, strlen(header)};
    otk_string member;
    while (otk_text_next_member(&rest, &member)) {
        size_t size = member.size + (r->bytes > 0); /* with the comma in front */
        if (size > OTK_BAGGAGE_MAX_BYTES - r->bytes)
            return false;
        r->bytes += size;
        read_member(r, member);
    }
    return true;
}

otk_baggage *otk_baggage_read(otk_get_header_fn *get, void *carrier)
{
    struct reading r;
    r.count = r.bytes = r.text_size = 0;
    for (size_t i = 0; i < OTK_BAGGAGE_MAX_ENTRIES; i++) {
        const char *header = get(carrier, "baggage", i);
        if (!header || !read_header(&r, header))
            break;
    }
    return compose(r.entries, r.count, NULL, NULL);
}

/* ---- Into a header --------------------------------------------------- */

/* W3C's baggage-octet, without '%'. */
static bool is_plain(char c)
{
    return c > ' ' && c <= '~' && !memchr("\",;\\%", c, 5);
}

static void write_value(struct otk_buffer *b, const char *value)
{
    for (; *value; value++) {
        if (is_plain(*value))
            otk_buffer_byte(b, (uint8_t)*value);
        else
            otk_buffer_printf(b, "%%%02X", (unsigned char)*value);
    }
}

static void write_entry(struct otk_buffer *b, const otk_baggage_entry *entry)
{
    if (b->size)
        otk_buffer_byte(b, ',');
    otk_buffer_text(b, entry->name);
    otk_buffer_byte(b, '=');
    write_value(b, entry->value);
    if (*entry->metadata)
        otk_buffer_byte(b, ';');
    otk_buffer_text(b, entry->metadata);
}

void otk_baggage_write(struct otk_buffer *b, const otk_baggage *baggage)
{
    size_t written = 0, count;
    const otk_baggage_entry *entries = otk_baggage_entries(baggage, &count);
    for (size_t i = 0; i < count && written < OTK_BAGGAGE_MAX_ENTRIES; i++) {
        size_t before = b->size;
        write_entry(b, &entries[i]);
        if (!b->failed && b->size <= OTK_BAGGAGE_MAX_BYTES) {
            written++;
        } else {
            b->size = before;
            b->failed = 0;
        }
    }
}
