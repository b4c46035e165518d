/* GET, POST and DELETE /otlpkit/faults: the fault script. */
#include "fault.h"
#include "pages.h"

#include <stdlib.h>

static const char *const no_arguments[] = {NULL};

static enum otk_step show(struct otk_question *q)
{
    otk_faults_write(otk_receiver_faults(q->rx), &q->out);
    otk_buffer_byte(&q->out, '\n');
    return OTK_STEP_DONE;
}

static bool refuse_script(struct otk_question *q, const char *script, int rc)
{
    char *explained = rc == OTK_EINVAL ? otk_faults_explain(script) : NULL;
    otk_question_refuse(q, explained ? 400 : 503, explained ? explained : "out of memory");
    free(explained);
    return false;
}

static bool set(struct otk_question *q)
{
    otk_bytes body = q->request->pub.body;
    if (body.size && memchr(body.data, '\0', body.size))
        return otk_page_refuse(q, 400, "a fault script is text, but there is a NUL byte in the body");
    const char *script = otk_arena_string(&q->request->arena, (const char *)body.data, body.size);
    int rc = script ? otk_faults_set(otk_receiver_faults(q->rx), script, NULL) : OTK_ENOMEM;
    return !rc || refuse_script(q, script, rc);
}

static enum otk_step clear(struct otk_question *q)
{
    otk_faults_clear(otk_receiver_faults(q->rx));
    q->status = 204;
    return OTK_STEP_DONE;
}

const struct otk_page otk_page_faults = {
    .method = "GET", .path = "/otlpkit/faults", .arguments = no_arguments, .step = show};

const struct otk_page otk_page_set_faults = {
    .method = "POST", .path = "/otlpkit/faults", .arguments = no_arguments, .open = set, .step = show};

const struct otk_page otk_page_clear_faults = {
    .method = "DELETE", .path = "/otlpkit/faults", .arguments = no_arguments, .step = clear};
