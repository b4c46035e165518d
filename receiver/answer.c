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

#define BAD_REQUEST_URL "type.googleapis.com/google.rpc.BadRequest"

/* More than any sentence of ours takes; OTLP recommends 4 MiB. */
#define ANSWER_LIMIT ((size_t)1 << 20)

/* google.rpc.Code, by the HTTP status that says the same. */
static const struct {
    unsigned status;
    unsigned code;
} codes[] = {
    {400, 3 /* INVALID_ARGUMENT */},
    {404, 5 /* NOT_FOUND */},
    {405, 12 /* UNIMPLEMENTED */},
    {408, 4 /* DEADLINE_EXCEEDED */},
    {413, 8 /* RESOURCE_EXHAUSTED */},
    {415, 3 /* INVALID_ARGUMENT */},
    {429, 8 /* RESOURCE_EXHAUSTED */},
    {500, 13 /* INTERNAL */},
    {503, 14 /* UNAVAILABLE */},
};

static unsigned code_of(unsigned status)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].status == status)
            return codes[i].code;
    return 2; /* UNKNOWN */
}

int otk_answer_success(struct otk_buffer *out, otk_encoding encoding)
{
    return encoding == OTK_ENCODING_JSON ? otk_buffer_text(out, "{}") : 0;
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

static int write_status(struct otk_buffer *b, unsigned status, const char *message, const struct otk_fault *fault)
{
    struct otk_gaps gaps = OTK_GAPS_INIT;
    otk_write_varint(b, STATUS_CODE, code_of(status));
    write_text(b, STATUS_MESSAGE, message);
    if (fault)
        write_bad_request(b, &gaps, fault);
    return otk_write_finish(b, &gaps);
}

int otk_answer_failure(struct otk_buffer *out, otk_encoding encoding, unsigned status, const char *message,
                       const struct otk_fault *fault)
{
    if (encoding == OTK_ENCODING_PROTOBUF)
        return write_status(out, status, message, fault);
    struct otk_buffer bytes = OTK_BUFFER_INIT(ANSWER_LIMIT);
    int rc = write_status(&bytes, status, message, fault);
    if (!rc)
        rc = otk_json_write(out, otk_schema(OTK_MESSAGE_STATUS), bytes.data, bytes.size);
    otk_buffer_clear(&bytes);
    return rc;
}
