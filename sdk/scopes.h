/* Instrumentation scopes: what tracers, meters and loggers begin with. Equal ones
 * are one. */
#ifndef OTLPKIT_SCOPES_H
#define OTLPKIT_SCOPES_H

#include "provider.h"

/* Frees those of a list, which are of this signal, with all that belongs to them. */
void otk_scopes_free(struct otk_scope *first, otk_signal signal);

#endif
