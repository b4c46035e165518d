/* Runs a fuzz target without a fuzzer: over files, the files in folders, and mutations of them.
 *
 *     fuzz_wire [--mutate COUNT] PATH...
 *
 * The same COUNT and paths make the same inputs. An input that fails is left behind as ./crash-TARGET.
 */
#include "fuzz.h"
#include "mutate.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUT_MAX ((size_t)1 << 20)
#define MUTATED_MAX 4096 /* of an input that is mutated: small ones run often */

static struct {
    struct otk_buffer *items;
    size_t count;
} inputs;

static struct otk_buffer current; /* for report(): what runs now */
static char crash_name[256];

__attribute__((noreturn)) static void fail(const char *path)
{
    perror(path);
    exit(2);
}

static void report(int signal_number)
{
    FILE *file = fopen(crash_name, "wb");
    if (file) {
        fwrite(current.data, 1, current.size, file);
        fclose(file);
    }
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

/* The input in memory of its own size, so that sanitizers see a read behind it. */
static void run(const struct otk_buffer *input)
{
    uint8_t *copy = malloc(input->size ? input->size : 1);
    if (!copy)
        fail("malloc");
    if (input->size)
        memcpy(copy, input->data, input->size);
    current = *input;
    LLVMFuzzerTestOneInput(copy, input->size);
    free(copy);
}

static void add_file(const char *path)
{
    struct otk_buffer b = OTK_BUFFER_INIT(INPUT_MAX);
    FILE *file = fopen(path, "rb");
    uint8_t *to = otk_buffer_reserve(&b, INPUT_MAX);
    struct otk_buffer *grown = realloc(inputs.items, (inputs.count + 1) * sizeof *grown);
    if (!file || !to || !grown)
        fail(path);
    b.size = fread(to, 1, INPUT_MAX, file);
    fclose(file);
    uint8_t *fitting = realloc(b.data, b.size + 1);
    b.data = fitting ? fitting : b.data;
    b.capacity = b.size + 1;
    inputs.items = grown;
    inputs.items[inputs.count++] = b;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void add_path(const char *path)
{
    struct stat info;
    if (stat(path, &info))
        fail(path);
    if (!S_ISDIR(info.st_mode)) {
        add_file(path);
        return;
    }
    struct dirent **entries;
    int count = scandir(path, &entries, is_visible, alphasort);
    for (int i = 0; i < count; i++) {
        char name[4096];
        snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
        add_path(name);
        free(entries[i]);
    }
    if (count < 0)
        fail(path);
    free(entries);
}

static void run_mutation(struct dice *dice)
{
    const struct otk_buffer *from = &inputs.items[roll(dice, (uint32_t)inputs.count)];
    const struct otk_buffer *other = &inputs.items[roll(dice, (uint32_t)inputs.count)];
    if (from->size > MUTATED_MAX)
        return;
    struct otk_buffer b = OTK_BUFFER_INIT(INPUT_MAX);
    otk_buffer_append(&b, from->data, from->size);
    mutate(&b, (otk_bytes){other->data, other->size}, dice);
    run(&b);
    otk_buffer_clear(&b);
}

int main(int argc, char **argv)
{
    unsigned long mutations = 0;
    int i = 1;
    if (argc > 2 && strcmp(argv[1], "--mutate") == 0) {
        mutations = strtoul(argv[2], NULL, 10);
        i = 3;
    }
    const char *slash = strrchr(argv[0], '/');
    snprintf(crash_name, sizeof crash_name, "crash-%s", slash ? slash + 1 : argv[0]);
    signal(SIGABRT, report);
    for (; i < argc; i++)
        add_path(argv[i]);
    if (!inputs.count)
        return fprintf(stderr, "usage: %s [--mutate COUNT] PATH...\n", argv[0]), 2;

    for (size_t k = 0; k < inputs.count; k++)
        run(&inputs.items[k]);
    struct dice dice = DICE_FROM_SEED(1);
    for (unsigned long k = 0; k < mutations; k++)
        run_mutation(&dice);
    printf("%zu inputs and %lu mutations held\n", inputs.count, mutations);
    for (size_t k = 0; k < inputs.count; k++)
        otk_buffer_clear(&inputs.items[k]);
    free(inputs.items);
    return 0;
}
