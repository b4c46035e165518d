/* Fault scripts as they come over HTTP: wrong ones are refused with a sentence and a place, the others are played to
 * their end, and shown at each step. */
#include "fuzz.h"
#include "shop.h"

#include "fault.h"

#include <jansson.h>
#include <stdlib.h>

#define PLAYED_MAX 100

static void check_explained(const char *script, int rc)
{
    char *text = otk_faults_explain(script);
    must((text != NULL) == (rc == OTK_EINVAL));
    must(!text || strstr(text, "\n  "));
    free(text);
}

static void check_shown(struct otk_faults *f)
{
    struct otk_buffer out = OTK_BUFFER_INIT(SIZE_MAX);
    must(otk_faults_write(f, &out) == 0);
    json_t *tree = json_loadb((const char *)out.data, out.size, JSON_DECODE_ANY, NULL);
    must(json_is_array(tree));
    json_decref(tree);
    otk_buffer_clear(&out);
}

/* What a step was written as is that step. */
static void check_step(const struct otk_fault_step *step, struct otk_arena *arena)
{
    const struct otk_fault_step *again;
    must(otk_fault_step_read(step->text, arena, &again) == 0);
    must(again && again->act == step->act && again->status == step->status && again->times == step->times);
}

static void play(struct otk_faults *f)
{
    struct otk_arena arena = {0};
    const struct otk_fault_step *step = NULL;
    for (unsigned i = 0; i < PLAYED_MAX; i++) {
        const otk_signal signal = (otk_signal)(i % OTK_SIGNAL_COUNT);
        must(otk_faults_next(f, (otk_string){"/v1/traces", 10}, i % 4 ? &signal : NULL, &arena, &step) == 0);
        if (step)
            check_step(step, &arena);
    }
    otk_arena_clear(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    otk_error error = {0};
    struct otk_faults *f = otk_faults_new();
    char *script = malloc(size + 1);
    must(f && script);
    if (size)
        memcpy(script, data, size);
    script[size] = '\0';
    int rc = otk_faults_set(f, script, &error);
    must(rc == 0 || (rc == OTK_EINVAL && *error.message && is_text(error.message)));
    check_explained(script, rc);
    check_shown(f);
    play(f);
    check_shown(f);
    free(script);
    otk_faults_free(f);
    return 0;
}
