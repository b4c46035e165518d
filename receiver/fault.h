/* The fault script: how the next requests are answered, in place of being accepted.
 *
 *     503 x2 retry-after=1, ok; logs: hang
 *
 * A script is tracks, each a sequence of steps. A request takes the next step of the first track that is about it and
 * has one left; when none has, the request is served as always. docs/faults.md tells the notation. One lock guards
 * where the script stands; the steps themselves never change.
 */
#ifndef OTLPKIT_FAULT_H
#define OTLPKIT_FAULT_H

#include "arena.h"
#include "buffer.h"
#include "otlpkit/receiver.h"

enum otk_fault_act {
    OTK_FAULT_SERVE, /* as always, but for what the step says of the answer */
    OTK_FAULT_STATUS,
    OTK_FAULT_PARTIAL,
    OTK_FAULT_HANG, /* no answer */
    OTK_FAULT_RESET
};

enum otk_fault_when { OTK_FAULT_AFTER, OTK_FAULT_WHILE, OTK_FAULT_BEFORE }; /* the body was read */

#define OTK_FAULT_HALF UINT64_MAX

/* What is 0, false or NULL was not said. */
struct otk_fault_step {
    const char *text; /* as it was written */
    enum otk_fault_act act;
    uint64_t status;
    uint64_t rejected;
    uint64_t reset; /* enum otk_fault_when */
    const char *message;

    uint64_t slow; /* bytes of the body that are read in a second */
    uint64_t delay_ms;
    uint64_t stall_ms;
    bool cuts;
    uint64_t cut; /* bytes of the answer, its head included, or OTK_FAULT_HALF */
    bool close;
    uint64_t idle_ms;

    bool garbage;
    uint64_t size; /* of the answer's body, at least */
    const char *type;
    const char *location;
    const char *retry_after;
    bool retry_after_is_date; /* then it is so far from the answer: */
    uint64_t retry_after_ms;

    uint64_t times; /* 0: for ever */
};

/* What is wrong with a script. */
struct otk_fault_mistake {
    size_t at, size;
    char sentence[256];
};

/* OTK_EINVAL and *out for a script that cannot be; OTK_ENOMEM. */
int otk_fault_script_check(const char *text, struct otk_fault_mistake *out);

/* The step in `text`, which is one or nothing, kept in `arena`; NULL in `*out` where it is none. Returns 0 or
 * OTK_ENOMEM. */
int otk_fault_step_read(const char *text, struct otk_arena *arena, const struct otk_fault_step **out);

struct otk_faults;

struct otk_faults *otk_faults_new(void);
void otk_faults_free(struct otk_faults *f);

/* In place of the script there was. OTK_EINVAL: `error` (may be NULL) says what is wrong and in which column, and the
 * script stays. */
int otk_faults_set(struct otk_faults *f, const char *script, otk_error *error);
void otk_faults_clear(struct otk_faults *f);

/* Whether anybody in this process has a script: the quick look before otk_faults_next(). */
bool otk_faults_are_set(void);

/* The step for a request, kept in `arena`, in `*out`; NULL there: it is served as always. `signal` is NULL for a path
 * that is of none. Returns 0 or OTK_ENOMEM. */
int otk_faults_next(struct otk_faults *f, otk_string path, const otk_signal *signal, struct otk_arena *arena,
                    const struct otk_fault_step **out);

/* What is left, as a JSON array of {"of":…,"step":…,"left":…}; a step that is for ever has no "left". */
int otk_faults_write(struct otk_faults *f, struct otk_buffer *out);

/* Those of a receiver. */
struct otk_faults *otk_receiver_faults(otk_receiver *rx);

#endif
