#include "answer.h"

#include "json.h"
#include "writer.h"

/* google.rpc.Status */
enum { STATUS_CODE = 1, STATUS_MESSAGE = 2, STATUS_DETAILS = 3 };
/* google.protobuf.Any */
enum { ANY_TYPE_URL = 1, ANY_VALUE = 2 };
/* google.rpc.BadRequest and its FieldViolation */
enum { BAD_REQUEST_VIOLATIONS = 1 };
enum { VIOLATION_FIELD = 1, VIOLATION_DESCRIPTION = 2 };

/* Export…ServiceResponse and Export…PartialSuccess */
enum { RESPONSE_PARTIAL_SUCCESS = 1 };
enum { PARTIAL_REJECTED = 1, PARTIAL_ERROR_MESSAGE = 2 };

#define BAD_REQUEST_URL "type.googleapis.com/google.rpc.BadRequest"

/* More than any sentence of ours takes. */
#define ANSWER_LIMIT ((size_t)1 << 20)

/* google.rpc.Code, by the HTTP status that says the same. */
static const struct {
    unsigned status;
    unsigned code;
} codes[] = {
    {400, 3 /* INVALID_ARGUMENT */},   {401, 16 /* UNAUTHENTICATED */}, {403, 7 /* PERMISSION_DENIED */},
    {404, 5 /* NOT_FOUND */},          {405, 12 /* UNIMPLEMENTED */},   {408, 4 /* DEADLINE_EXCEEDED */},
    {413, 8 /* RESOURCE_EXHAUSTED */}, {415, 3 /* INVALID_ARGUMENT */}, {429, 8 /* RESOURCE_EXHAUSTED */},
    {500, 13 /* INTERNAL */},          {503, 14 /* UNAVAILABLE */},
};

static unsigned code_of(unsigned status)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].status == status)
            return codes[i].code;
    return 2; /* UNKNOWN */
}

/* What an answer is made of. */
struct answer {
    const struct otk_message *type;
    int (*write)(struct otk_buffer *b, const struct answer *a, size_t shown);
    const char *message;
    unsigned code;
    const struct otk_fault *fault;
    size_t rejected;
};

static int write_in(struct otk_buffer *out, otk_encoding encoding, const struct answer *a, size_t shown)
{
    if (encoding == OTK_ENCODING_PROTOBUF)
        return a->write(out, a, shown);
    struct otk_buffer bytes = OTK_BUFFER_INIT(ANSWER_LIMIT);
    int rc = a->write(&bytes, a, shown);
    if (!rc)
        rc = otk_json_write(out, a->type, bytes.data, bytes.size);
    otk_buffer_clear(&bytes);
    return rc;
}

/* How much of the message to show, when what is shown of it is so many bytes too long. */
static size_t shorten(const char *message, size_t shown, size_t excess)
{
    if (excess >= shown)
        return 0;
    shown -= excess;
    while (shown && ((uint8_t)message[shown] & 0xc0) == 0x80)
        shown--;
    return shown;
}

/* With as much of the message as there is room for, in `*shown`. */
static int write_fitting(struct otk_buffer *out, otk_encoding encoding, const struct answer *a, size_t *shown)
{
    struct otk_buffer whole = OTK_BUFFER_INIT(ANSWER_LIMIT);
    int rc;
    *shown = strlen(a->message);
    while (!(rc = write_in(&whole, encoding, a, *shown)) && whole.size > out->limit && *shown) {
        *shown = shorten(a->message, *shown, whole.size - out->limit);
        whole.size = 0;
    }
    if (!rc)
        rc = otk_buffer_append(out, whole.data, whole.size);
    otk_buffer_clear(&whole);
    return rc;
}

int otk_answer_success(struct otk_buffer *out, otk_encoding encoding)
{
    return encoding == OTK_ENCODING_JSON ? otk_buffer_text(out, "{}") : 0;
}

static int write_partial(struct otk_buffer *b, const struct answer *a, size_t shown)
{
    struct otk_gaps gaps = OTK_GAPS_INIT;
    struct otk_open partial = otk_write_begin(b, &gaps, RESPONSE_PARTIAL_SUCCESS);
    if (a->rejected)
        otk_write_varint(b, PARTIAL_REJECTED, a->rejected);
    if (shown)
        otk_write_bytes(b, PARTIAL_ERROR_MESSAGE, a->message, shown);
    otk_write_end(b, &gaps, partial);
    return otk_write_finish(b, &gaps);
}

int otk_answer_partial(struct otk_buffer *out, otk_encoding encoding, otk_signal signal, size_t rejected,
                       const char *message)
{
    const struct answer a = {
        .type = otk_schema((enum otk_message_id)(OTK_MESSAGE_TRACES_RESPONSE + (int)signal)),
        .write = write_partial,
        .message = message,
        .rejected = rejected,
    };
    size_t shown, before = out->size;
    int rc = write_fitting(out, encoding, &a, &shown);
    if (rejected || (!rc && shown) || rc == OTK_ENOMEM)
        return rc;
    out->size = before; /* zero rejected and nothing said would be an empty partial success */
    out->failed = 0;
    return otk_answer_success(out, encoding);
}

static void write_text(struct otk_buffer *b, unsigned number, const char *text)
{
    otk_write_bytes(b, number, text, strlen(text));
}

static void write_bad_request(struct otk_buffer *b, struct otk_gaps *gaps, const struct otk_fault *fault)
{
    char description[sizeof fault->what + 32];
    snprintf(description, sizeof description, "%s at byte %zu", fault->what, fault->offset);
    struct otk_open any = otk_write_begin(b, gaps, STATUS_DETAILS);
    write_text(b, ANY_TYPE_URL, BAD_REQUEST_URL);
    struct otk_open request = otk_write_begin(b, gaps, ANY_VALUE);
    struct otk_open violation = otk_write_begin(b, gaps, BAD_REQUEST_VIOLATIONS);
    write_text(b, VIOLATION_FIELD, *fault->path ? fault->path : "body");
    write_text(b, VIOLATION_DESCRIPTION, description);
    otk_write_end(b, gaps, violation);
    otk_write_end(b, gaps, request);
    otk_write_end(b, gaps, any);
}

static int write_status(struct otk_buffer *b, const struct answer *a, size_t shown)
{
    struct otk_gaps gaps = OTK_GAPS_INIT;
    otk_write_varint(b, STATUS_CODE, a->code);
    otk_write_bytes(b, STATUS_MESSAGE, a->message, shown);
    if (a->fault)
        write_bad_request(b, &gaps, a->fault);
    return otk_write_finish(b, &gaps);
}

int otk_answer_failure(struct otk_buffer *out, otk_encoding encoding, unsigned status, const char *message,
                       const struct otk_fault *fault)
{
    struct answer a = {
        .type = otk_schema(OTK_MESSAGE_STATUS),
        .write = write_status,
        .message = message,
        .code = code_of(status),
        .fault = fault,
    };
    size_t shown;
    int rc = write_fitting(out, encoding, &a, &shown);
    if (!fault || (!rc && shown == strlen(message)) || rc == OTK_ENOMEM)
        return rc;
    a.fault = NULL;
    otk_buffer_clear(out);
    return write_fitting(out, encoding, &a, &shown);
}
