/* The waits that are in place.
 *
 * Each wait first looks at what is there, in its own thread. Of those that then
 * stay, one leads: it alone listens to the store, shows what is new to all
 * others, and wakes those whose verdict has come. A request thus wakes one
 * thread, however many wait; and a wait that is alone is woken by the request
 * itself. When the leader leaves, another one leads.
 */
#ifndef OTLPKIT_WAIT_H
#define OTLPKIT_WAIT_H

#include "expect.h"
#include "store.h"

struct otk_waits;

struct otk_waits *otk_waits_new(struct otk_store *store);
void otk_waits_free(struct otk_waits *waits);

/* Those of a receiver. */
struct otk_waits *otk_receiver_waits(otk_receiver *rx);
struct otk_baseline *otk_receiver_baseline(otk_receiver *rx);

#endif
