/* The pages of the HTTP face: what each file of them gives to the table, and what they share. */
#ifndef OTLPKIT_PAGES_H
#define OTLPKIT_PAGES_H

#include "desk.h"
#include "query.h"
#include "store.h"

#define PAGE_STEP_CAPTURES 32
#define PAGE_STEP_BYTES ((size_t)128 << 10)

extern const struct otk_page otk_page_dump, otk_page_archive;
extern const struct otk_page otk_page_spans, otk_page_metrics, otk_page_logs;
extern const struct otk_page otk_page_requests;
extern const struct otk_page otk_page_stats;
extern const struct otk_page otk_page_wait, otk_page_judge;
extern const struct otk_page otk_page_stream;
extern const struct otk_page otk_page_faults, otk_page_set_faults, otk_page_clear_faults;
extern const struct otk_page otk_page_attempts;
extern const struct otk_page otk_page_sessions, otk_page_named_session;

/* All of them, ended by NULL. */
extern const struct otk_page *const otk_pages[];

/* ---- Answers --------------------------------------------------------- */

/* For `open`: refuses with a status and a sentence, and is false. */
__attribute__((format(printf, 3, 4))) bool otk_page_refuse(struct otk_question *q, unsigned status, const char *format,
                                                           ...);

/* Ends a question that cannot go on. */
enum otk_step otk_page_fail(struct otk_question *q, int code);

/* A member "counts" of the object that is open: every counter of the receiver. */
void otk_page_counts(struct otk_question *q, otk_receiver *rx);

/* ---- Arguments ------------------------------------------------------- */

/* The text under `name`; NULL where there is none. False: refused, there are two. */
bool otk_page_text(struct otk_question *q, const char *name, const char **out);

/* An unsigned number under `name`; `*out` stays where there is none. False: refused. */
bool otk_page_number(struct otk_question *q, const char *name, uint64_t *out);

/* A duration under `name`, as 500ms, 5s, 1m, 1h; at most an hour. False: refused. */
bool otk_page_duration(struct otk_question *q, const char *name, uint64_t *ms);

/* The query under `where`, for the caller to free; NULL where there is none. False: refused. */
bool otk_page_where(struct otk_question *q, struct otk_query **out);

/* ---- Walking --------------------------------------------------------- */

/* The captures that had come when the question was asked, a step's worth at a time. */
struct page_walk {
    uint64_t number;  /* of the last one shown */
    uint64_t newest;  /* where it ends */
    unsigned in_step; /* how many this step has shown; set to 0 where it begins */
};

void otk_page_walk_init(struct page_walk *w, struct otk_question *q);

/* The next one, with a reference for the caller; NULL at the end. */
struct capture *otk_page_walk_next(struct page_walk *w, struct otk_question *q);

/* Whether this step has done enough. */
bool otk_page_is_enough(const struct page_walk *w, const struct otk_question *q);

/* Feeds a step's worth to `query`: DONE, the question was refused; AGAIN; IDLE, the query has seen all. */
enum otk_step otk_page_feed(struct page_walk *w, struct otk_question *q, struct otk_query *query);

/* ---- Lists ----------------------------------------------------------- */

/* An array with an element a line, of `limit` at most. */
struct page_list {
    uint64_t count, limit;
};

/* Takes ?limit. False: refused. */
bool otk_page_list_init(struct page_list *l, struct otk_question *q);

/* Goes before each element; false: the limit is reached. */
bool otk_page_list_next(struct page_list *l, struct otk_question *q);

enum otk_step otk_page_list_end(struct page_list *l, struct otk_question *q);

#endif
