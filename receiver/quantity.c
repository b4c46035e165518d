#include "quantity.h"

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit sizes[] = {
    {"", 1},          {"B", 1},           {"KiB", 1 << 10},
    {"MiB", 1 << 20}, {"GiB", 1 << 30},   {"kB", 1000},
    {"MB", 1000000},  {"GB", 1000000000}, {0},
};
static const struct unit durations[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {0}};
static const struct unit counts[] = {{"", 1}, {0}};

static const struct unit *find(const struct unit *units, otk_string name)
{
    for (; units->name; units++)
        if (strlen(units->name) == name.size && memcmp(units->name, name.data, name.size) == 0)
            return units;
    return NULL;
}

static bool read_number(otk_string text, const struct unit *units, uint64_t *out)
{
    uint64_t number = 0;
    size_t i = 0;
    for (; i < text.size && text.data[i] >= '0' && text.data[i] <= '9'; i++) {
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    const struct unit *unit = find(units, (otk_string){text.data + i, text.size - i});
    if (!i || !unit || number > UINT64_MAX / unit->factor)
        return false;
    *out = number * unit->factor;
    return true;
}

bool otk_size_read(otk_string text, uint64_t *out)
{
    return read_number(text, sizes, out);
}

bool otk_duration_read(otk_string text, uint64_t *out)
{
    return read_number(text, durations, out);
}

bool otk_count_read(otk_string text, uint64_t *out)
{
    return read_number(text, counts, out);
}
