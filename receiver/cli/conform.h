/* What a client is judged by: cases, each a run of it and a question to what came of that. */
#ifndef OTLPKIT_CONFORM_H
#define OTLPKIT_CONFORM_H

#include "trial.h"

enum verdict_word {
    VERDICT_PASS,
    VERDICT_MAY, /* allowed, but not recommended; or left open */
    VERDICT_FAIL,
    VERDICT_SKIPPED
};

#define SEEN_SIZE 200

struct finding {
    enum verdict_word verdict;
    char seen[SEEN_SIZE]; /* or why it was skipped; printable ASCII, the same whenever the client does the same */
};

struct seen {
    const struct trial *trial;
    const struct trial *baseline;
    const char *argument; /* of the case */
};

enum answer {
    ANSWER_YES,
    ANSWER_NO,
    ANSWER_OPEN, /* a VERDICT_MAY */
    ANSWER_UNSEEN
};

/* What is asked of the requests of each signal that the client has, … */
typedef enum answer judge_signal_fn(const struct seen *s, otk_signal signal, char *text);
/* … or of the run as a whole. `text` has SEEN_SIZE bytes. */
typedef enum answer judge_run_fn(const struct seen *s, char *text);

struct conform_case {
    const char *name;
    const char *spec;  /* the document and its section */
    const char *level; /* MUST, SHOULD or MAY */
    enum verdict_word otherwise; /* than expected */
    const char *expected;
    const struct trial_plan *plan;
    judge_signal_fn *of_signal;
    judge_run_fn *of_run;
    const char *argument;
};

/* The first one's plan is the baseline. */
extern const struct conform_case otk_conform_cases[];
extern const size_t otk_conform_case_count;

/* Whether something of the signal came. */
bool otk_conform_has(const struct trial *t, otk_signal signal);

struct finding otk_conform_judge(const struct conform_case *c, const struct trial *trial,
                                 const struct trial *baseline);

/* Those that are judged, with what they are asked. */
struct conform_result {
    const struct conform_case *of;
    struct trial *trial;
    struct finding finding;
};

struct conform_results {
    const struct conform_result *items;
    size_t count;
};

extern const char *const otk_conform_formats[];

/* An output_fn; `arg` are struct conform_results. */
int otk_conform_write(void *arg, int format, FILE *to);

/* How many have that verdict. */
size_t otk_conform_count(const struct conform_results *r, enum verdict_word verdict);

/* Of the questions: conform_judge.c tells what each asks. */
judge_signal_fn otk_judge_delivered, otk_judge_once, otk_judge_target, otk_judge_header, otk_judge_absent,
    otk_judge_unbroken, otk_judge_user_agent, otk_judge_filled, otk_judge_final, otk_judge_retried, otk_judge_waited,
    otk_judge_taken, otk_judge_redirect, otk_judge_nothing, otk_judge_warned, otk_judge_resource, otk_judge_described;
judge_run_fn otk_judge_reopened, otk_judge_root, otk_judge_growth, otk_judge_jitter, otk_judge_patience, otk_judge_end,
    otk_judge_unsampled, otk_judge_sampled, otk_judge_given_up, otk_judge_attribute_count, otk_judge_attribute_length;

#endif
