/* Cuts a selector's text into tokens, one at a time. */
#ifndef OTLPKIT_SELECTOR_LEXER_H
#define OTLPKIT_SELECTOR_LEXER_H

#include "selector.h"

enum sel_token_kind {
    SEL_TOKEN_END,
    SEL_TOKEN_SIGN,      /* `text` is the sign */
    SEL_TOKEN_WORD,      /* name, span:name */
    SEL_TOKEN_ATTRIBUTE, /* .key, span.key: `scope` is "" or span, `string` the key */
    SEL_TOKEN_STRING,
    SEL_TOKEN_INT,
    SEL_TOKEN_DOUBLE,
    SEL_TOKEN_DURATION
};

struct sel_token {
    uint8_t kind;
    struct sel_place place;
    otk_string text; /* as it stands there */
    otk_string scope;
    otk_string string; /* without quotes and escapes */
    int64_t i;         /* integers; durations in nanoseconds */
    double d;
};

struct sel_lexer {
    const char *text;
    size_t size, at;
    char *room; /* what strings become goes here; as large as the text is enough */
    struct sel_fault *fault;
};

/* Returns 0, or OTK_EINVAL with the lexer's fault filled. */
int otk_sel_next_token(struct sel_lexer *lexer, struct sel_token *out);

static inline bool sel_is(const struct sel_token *t, const char *sign)
{
    return t->kind == SEL_TOKEN_SIGN && t->text.size == strlen(sign) && !memcmp(t->text.data, sign, t->text.size);
}

#endif
