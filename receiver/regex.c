/* Why PCRE2, and why its other matcher: RE2 would be the natural choice but brings a C++ runtime into every C program
 * that links us; TRE and the C library's regcomp() are not bounded in memory. pcre2_dfa_match() follows all
 * alternatives at once and drops states that it already has, so it does not backtrack, and it lives in a workspace
 * of the caller's. What it would do by recursion is refused here. */
#include "regex.h"

#include "buffer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <ctype.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

#define PATTERN_MAX 4096
#define NESTING_MAX 50
#define INTS_A_STATE 6 /* three for the current character, three for the next */
#define STATES_MAX 512
#define STATES_MIN 32

/* A character costs at most the square of the states: so this bounds a match to seconds whatever the text. */
#define STEPS_MAX (UINT64_C(1) << 31)

/* ---- What an automaton can do ---------------------------------------- */

/* The end of the class that begins at `i`. */
static size_t class_end(otk_string p, size_t i)
{
    i++;
    i += i < p.size && p.data[i] == '^';
    i += i < p.size && p.data[i] == ']';
    while (i < p.size && p.data[i] != ']') {
        bool named = p.data[i] == '[' && i + 1 < p.size && p.data[i + 1] == ':';
        i += p.data[i] == '\\' ? 2 : 1;
        while (named && i < p.size && p.data[i] != ']')
            i++;
        i += named;
    }
    return i < p.size ? i + 1 : p.size;
}

/* The end of the escape that begins at `i`: \d, \x41, \x{263a}, \pL, \p{Greek}. */
static size_t escape_end(otk_string p, size_t i)
{
    char letter = i + 1 < p.size ? p.data[i + 1] : 0;
    i += 2;
    if (letter != 'x' && letter != 'p' && letter != 'P')
        return i < p.size ? i : p.size;
    if (i < p.size && p.data[i] == '{') {
        const char *brace = memchr(p.data + i, '}', p.size - i);
        return brace ? (size_t)(brace - p.data) + 1 : p.size;
    }
    size_t most = letter == 'x' ? 2 : 1;
    for (size_t n = 0;
         n < most && i < p.size && strchr(letter == 'x' ? "0123456789abcdefABCDEF" : "CLMNPSZ", p.data[i]) && p.data[i];
         n++)
        i++;
    return i;
}

/* The end of what stands for one character at `i`. */
static size_t atom_end(otk_string p, size_t i)
{
    if (p.data[i] == '[')
        return class_end(p, i);
    if (p.data[i] == '\\')
        return escape_end(p, i);
    for (i++; i < p.size && (p.data[i] & 0xc0) == 0x80; i++)
        ;
    return i;
}

/* Groups that begin by (? and are still regular: flags and names. */
static bool is_regular_group(otk_string p, size_t i)
{
    i += 2;
    if (i < p.size && p.data[i] == 'P')
        return i + 1 < p.size && p.data[i + 1] == '<';
    if (i < p.size && p.data[i] == '<')
        return i + 1 < p.size && !strchr("=!", p.data[i + 1]);
    while (i < p.size && p.data[i] && strchr("imsU-", p.data[i]))
        i++;
    return i < p.size && p.data[i] && strchr(":)", p.data[i]);
}

static const char *find_irregular(otk_string p, size_t *offset)
{
    bool repeated = false;
    for (size_t i = 0; i < p.size;) {
        char next = i + 1 < p.size ? p.data[i + 1] : 0;
        *offset = i;
        if (p.data[i] == '(' && next == '*')
            return "verbs such as (*…) are left out";
        if (p.data[i] == '(' && next == '?' && !is_regular_group(p, i))
            return "only flags, names and (?:…) may follow (?; what looks around or back has no bound in time";
        if (p.data[i] == '\\' && !strchr("abABdDsSwWzfnrtvxpPhH", next) && !ispunct((unsigned char)next))
            return "an escape that is no character, class or anchor; back references have no bound in time";
        if (repeated && p.data[i] == '+')
            return "possessive repetitions are left out";
        repeated = p.data[i] && strchr("*+?}", p.data[i]);
        i = atom_end(p, i);
    }
    return NULL;
}

/* For x+ the matcher counts the x, so that states which differ in their count only do not fall together: (x+)+ would
 * have as many as the text has characters. Groups are not counted. */
static int uncount(struct otk_buffer *out, otk_string p)
{
    for (size_t i = 0; i < p.size;) {
        size_t end = atom_end(p, i);
        bool counted = end < p.size && p.data[end] == '+' && !strchr(")*+?}", p.data[i]);
        if (counted)
            otk_buffer_text(out, "(?:");
        otk_buffer_append(out, p.data + i, end - i);
        if (counted)
            otk_buffer_text(out, ")");
        i = end;
    }
    return out->failed;
}

static pcre2_code *compile(otk_string pattern, int *error, PCRE2_SIZE *offset)
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (!context) {
        *error = PCRE2_ERROR_NOMEMORY;
        return NULL;
    }
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    pcre2_set_parens_nest_limit(context, NESTING_MAX);
    uint32_t options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_AUTO_POSSESS;
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)(pattern.data ? pattern.data : ""), pattern.size, options, error, offset, context);
    pcre2_compile_context_free(context);
    return code;
}

static int refuse(char *sentence, size_t size, int error)
{
    char what[128];
    if (error == PCRE2_ERROR_NOMEMORY)
        return OTK_ENOMEM;
    pcre2_get_error_message(error, (PCRE2_UCHAR *)what, sizeof what);
    snprintf(sentence, size, "%s", what);
    return OTK_EINVAL;
}

static int make(struct otk_regex *r, otk_string pattern, char *sentence, size_t sentence_size, size_t *offset)
{
    int error;
    struct otk_buffer uncounted = OTK_BUFFER_INIT(SIZE_MAX);
    pcre2_code *as_written = compile(pattern, &error, offset);
    if (!as_written)
        return refuse(sentence, sentence_size, error);
    pcre2_code_free(as_written);
    int rc = uncount(&uncounted, pattern);
    if (!rc) {
        r->code = compile((otk_string){(const char *)uncounted.data, uncounted.size}, &error, offset);
        *offset = 0;
        rc = r->code ? 0 : refuse(sentence, sentence_size, error);
    }
    otk_buffer_clear(&uncounted);
    return rc;
}

int otk_regex_new(struct otk_regex **out, otk_string pattern, char *sentence, size_t sentence_size, size_t *offset)
{
    *offset = 0;
    const char *what = pattern.size > PATTERN_MAX ? "longer than 4096 bytes" : find_irregular(pattern, offset);
    if (what) {
        snprintf(sentence, sentence_size, "%s", what);
        return OTK_EINVAL;
    }
    struct otk_regex *r = calloc(1, sizeof *r);
    if (!r)
        return OTK_ENOMEM;
    r->workspace = malloc((2 + INTS_A_STATE * STATES_MAX) * sizeof *r->workspace);
    int rc = r->workspace ? make(r, pattern, sentence, sentence_size, offset) : OTK_ENOMEM;
    if (rc)
        otk_regex_free(r);
    else
        *out = r;
    return rc;
}

void otk_regex_free(struct otk_regex *r)
{
    if (!r)
        return;
    pcre2_code_free(r->code);
    free(r->workspace);
    free(r);
}

static size_t states_for(size_t text_size)
{
    size_t states = STATES_MAX;
    while (states > STATES_MIN && (uint64_t)states * states > STEPS_MAX / (text_size + 1))
        states /= 2;
    return states;
}

int otk_regex_match(struct otk_regex *r, otk_string text)
{
    pcre2_match_data *match = pcre2_match_data_create(1, NULL);
    if (!match)
        return OTK_ENOMEM;
    int rc = pcre2_dfa_match(r->code, (PCRE2_SPTR)(text.size ? text.data : ""), text.size, 0,
                             PCRE2_ANCHORED | PCRE2_NO_UTF_CHECK, match, NULL, r->workspace,
                             2 + INTS_A_STATE * states_for(text.size));
    /* The longest match comes first: either that is the whole text, or none is. */
    bool whole = rc >= 0 && pcre2_get_ovector_pointer(match)[1] == text.size;
    pcre2_match_data_free(match);
    if (rc >= 0)
        return whole;
    return rc == PCRE2_ERROR_NOMATCH ? 0 : rc == PCRE2_ERROR_NOMEMORY ? OTK_ENOMEM : OTK_ELIMIT;
}
