/* Who may send, and who may ask.
 *
 * Telemetry and questions need the Authorization that was set, if one was. Questions are besides refused to web pages
 * that have a name of theirs resolve to this machine (DNS rebinding): they come with that name as their Host. And
 * writes, to pages of other origins.
 */
#ifndef OTLPKIT_ADMISSION_H
#define OTLPKIT_ADMISSION_H

#include "arena.h"
#include "otlpkit/receiver.h"

struct otk_admission {
    const char *authorization; /* these as in the options */
    const char *cors_origins;
    const char *allowed_hosts;
    const char *host;
    otk_header challenge; /* what a 401 goes with */
};

/* Takes from `options` what concerns it into `arena`. Returns 0, or fills `error`: OTK_EINVAL, OTK_ENOMEM. */
int otk_admission_init(struct otk_admission *a, const otk_receiver_options *options, struct otk_arena *arena,
                       otk_error *error);

/* Has the Authorization that is asked for. */
bool otk_is_authorized(const struct otk_admission *a, const otk_capture *c);

/* Comes from a web page that may read the answers. */
bool otk_is_let_in(const struct otk_admission *a, const otk_capture *c);

/* Is asked for by a name of this machine, or by none. */
bool otk_is_host_known(const struct otk_admission *a, const otk_capture *c);

/* Comes from no web page, from one of the receiver's own, or from one that is let in. */
bool otk_may_write(const struct otk_admission *a, const otk_capture *c);

#endif
