/* Content-Encoding undone, and gzip the other way. First byte: the coding; second: how small the limit is. */
#include "fuzz.h"
#include "inflate.h"

#define LIMIT ((size_t)1 << 20)
#define WHAT_SIZE 128

static void check_round_trip(const uint8_t *data, size_t size)
{
    struct otk_buffer packed = OTK_BUFFER_INIT(LIMIT), exact = OTK_BUFFER_INIT(size), small = OTK_BUFFER_INIT(size / 2);
    char what[WHAT_SIZE];
    must(otk_gzip(&packed, data, size) == 0);
    must(otk_coding_sniff(packed.data, packed.size) == OTK_CODING_GZIP);
    must(otk_inflate(&exact, OTK_CODING_GZIP, packed.data, packed.size, what) == 0);
    must(exact.size == size && (!size || memcmp(exact.data, data, size) == 0));
    must(!size || otk_inflate(&small, OTK_CODING_GZIP, packed.data, packed.size, what) == OTK_ELIMIT);
    otk_buffer_clear(&packed);
    otk_buffer_clear(&exact);
    otk_buffer_clear(&small);
}

static void check_inflate(enum otk_coding coding, size_t limit, const uint8_t *data, size_t size)
{
    struct otk_buffer out = OTK_BUFFER_INIT(limit);
    char what[WHAT_SIZE] = "";
    int rc = otk_inflate(&out, coding, data, size, what);
    must(out.size <= limit && out.capacity <= limit);
    must(rc == 0 || rc == OTK_EDATA || rc == OTK_ELIMIT);
    must(memchr(what, '\0', sizeof what) && (rc == OTK_EDATA) == (*what != '\0'));
    if (rc == 0)
        check_round_trip(out.data, out.size);
    otk_buffer_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t way = take_byte(&data, &size) % (OTK_CODING_UNKNOWN + 3);
    size_t limit = LIMIT >> take_byte(&data, &size) % 21;
    if (way == OTK_CODING_UNKNOWN + 1)
        check_round_trip(data, size);
    else
        check_inflate(way > OTK_CODING_UNKNOWN ? otk_coding_sniff(data, size) : (enum otk_coding)way, limit, data,
                      size);
    return 0;
}
