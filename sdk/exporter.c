#include "exporter.h"

#include "clock.h"
#include "encoding.h"
#include "endpoint.h"
#include "random.h"
#include "response.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>

#define USER_AGENT "OTel-OTLP-Exporter-C/" OTLPKIT_VERSION
#define ANSWER_BYTES 1024L /* read at once; most answers are that small */
#define POLL_MAX_MS 60000
#define BACKOFF_MAX_FACTOR 5 /* of the first delay */

static const char *const signal_names[OTK_SIGNAL_COUNT] = {"traces", "metrics", "logs"};

struct channel {
    const struct otk_signal_config *config;
    CURL *easy;
    CURLU *url; /* taken apart once */
    struct curl_slist *headers;
    struct otk_buffer response;
    size_t head_size; /* of the response */
    bool headed;      /* its head came whole, which curl does not ask for */
    char error[CURL_ERROR_SIZE];
};

struct otk_exporter {
    const struct otk_config *config;
    struct otk_warnings *warnings;
    CURLM *multi; /* holds the connections; lets another thread interrupt a wait */
    struct channel channels[OTK_SIGNAL_COUNT];
    struct otk_encoder encoder;
    const struct otk_buffer *body; /* to be sent next */
    _Atomic uint64_t last;         /* set by hurry; OTK_FOREVER before */
    pthread_mutex_t working;       /* held while libraries work, which have locks of their own; not while they wait */
};

/* ---- Setting up ------------------------------------------------------ */

static size_t on_response(char *data, size_t size, size_t count, void *arg)
{
    struct otk_buffer *response = arg;
    return otk_buffer_append(response, data, size * count) ? 0 : size * count;
}

static size_t on_header(char *line, size_t size, size_t count, void *arg)
{
    static const char status[] = "HTTP/";
    struct channel *c = arg;
    size_t length = size * count;
    if (length >= sizeof status && memcmp(line, status, sizeof status - 1) == 0)
        c->headed = false;
    else if (length <= 2)
        c->headed = true;
    c->head_size += length;
    if (c->head_size <= c->response.limit)
        return length;
    c->response.failed = OTK_ELIMIT;
    return 0;
}

/* Programs that the host starts do not inherit the connection. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)arg;
    (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static bool add_header(struct channel *c, const char *line)
{
    struct curl_slist *longer = curl_slist_append(c->headers, line);
    if (longer)
        c->headers = longer;
    return longer;
}

static bool make_headers(struct channel *c)
{
    /* curl would ask for permission before large bodies and wait a second for the answer. */
    bool ok = add_header(c, "Expect:") && add_header(c, c->config->json ? "Content-Type: application/json"
                                                                        : "Content-Type: application/x-protobuf");
    if (c->config->gzip)
        ok = ok && add_header(c, "Content-Encoding: gzip");
    for (size_t i = 0; i < c->config->headers.count; i++)
        ok = ok && add_header(c, c->config->headers.lines[i]);
    return ok;
}

/* curl copies texts. */
static bool set_text(CURL *easy, CURLoption option, const char *text)
{
    return !text || curl_easy_setopt(easy, option, text) == CURLE_OK;
}

static bool set_tls(CURL *easy, const struct otk_signal_config *config)
{
    if (config->certificate) /* instead of those that the system trusts, which curl may know by a file and a folder */
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    return set_text(easy, CURLOPT_CAINFO, config->certificate) &&
           set_text(easy, CURLOPT_SSLCERT, config->client_certificate) &&
           set_text(easy, CURLOPT_SSLKEY, config->client_key);
}

static bool set_url(struct channel *c, const char *endpoint)
{
    curl_easy_setopt(c->easy, CURLOPT_CURLU, c->url);
    return set_text(c->easy, CURLOPT_PROXY, otk_endpoint_is_loopback(endpoint) ? "" : NULL) &&
           curl_url_set(c->url, CURLUPART_URL, endpoint, 0) != CURLUE_OUT_OF_MEMORY;
}

static int channel_init(struct channel *c, const struct otk_signal_config *config, size_t max_response_bytes)
{
    c->config = config;
    c->response = OTK_BUFFER_INIT(max_response_bytes);
    c->easy = curl_easy_init();
    c->url = curl_url();
    if (!c->easy || !c->url || !make_headers(c))
        return OTK_ENOMEM;
    curl_easy_setopt(c->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c->easy, CURLOPT_BUFFERSIZE, ANSWER_BYTES);
    curl_easy_setopt(c->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers);
    curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_response);
    curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, &c->response);
    curl_easy_setopt(c->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c->easy, CURLOPT_HEADERDATA, c);
    curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, c->error);
    curl_easy_setopt(c->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->easy, CURLOPT_QUICK_EXIT, 1L);
    bool ok = set_text(c->easy, CURLOPT_USERAGENT, USER_AGENT) && set_tls(c->easy, config);
    return ok && set_url(c, config->endpoint) ? 0 : OTK_ENOMEM;
}

static void channel_clear(struct channel *c)
{
    curl_easy_cleanup(c->easy);
    curl_url_cleanup(c->url);
    curl_slist_free_all(c->headers);
    otk_buffer_clear(&c->response);
}

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

int otk_exporter_new(const struct otk_config *config, struct otk_warnings *warnings, struct otk_exporter **out)
{
    pthread_once(&curl_once, init_curl);
    struct otk_exporter *e = calloc(1, sizeof *e);
    if (!e)
        return OTK_ENOMEM;
    e->config = config;
    e->warnings = warnings;
    e->encoder = otk_encoder_init(config);
    atomic_init(&e->last, OTK_FOREVER);
    pthread_mutex_init(&e->working, NULL);
    e->multi = curl_multi_init();
    int rc = e->multi ? 0 : OTK_ENOMEM;
    for (size_t i = 0; i < OTK_SIGNAL_COUNT && !rc; i++)
        if (config->signals[i].enabled)
            rc = channel_init(&e->channels[i], &config->signals[i], config->max_response_bytes);
    if (rc)
        otk_exporter_free(e);
    else
        *out = e;
    return rc;
}

void otk_exporter_free(struct otk_exporter *e)
{
    if (!e)
        return;
    for (size_t i = 0; i < OTK_SIGNAL_COUNT; i++)
        channel_clear(&e->channels[i]);
    curl_multi_cleanup(e->multi);
    otk_encoder_clear(&e->encoder);
    pthread_mutex_destroy(&e->working);
    free(e);
}

/* ---- One attempt ----------------------------------------------------- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Waits for the network, an interruption or `until`, whichever comes first. */
static void wait_for(struct otk_exporter *e, uint64_t until)
{
    uint64_t now = otk_clock_monotonic();
    uint64_t ms = until > now ? (until - now + OTK_MS - 1) / OTK_MS : 0;
    curl_multi_poll(e->multi, NULL, 0, (int)earlier(ms, POLL_MAX_MS), NULL);
}

static bool is_over(struct otk_exporter *e, uint64_t deadline)
{
    return otk_clock_monotonic() >= earlier(deadline, atomic_load(&e->last));
}

/* Runs the transfer that was added, to its end or the deadline's. */
static CURLcode run(struct otk_exporter *e, uint64_t deadline)
{
    for (;;) {
        int running, waiting;
        pthread_mutex_lock(&e->working);
        CURLMcode rc = curl_multi_perform(e->multi, &running);
        pthread_mutex_unlock(&e->working);
        if (rc != CURLM_OK)
            return CURLE_OUT_OF_MEMORY;
        const CURLMsg *message = curl_multi_info_read(e->multi, &waiting);
        if (message)
            return message->data.result;
        if (is_over(e, deadline))
            return CURLE_OPERATION_TIMEDOUT;
        wait_for(e, earlier(deadline, atomic_load(&e->last)));
    }
}

static CURLcode post(struct otk_exporter *e, struct channel *c, uint64_t deadline)
{
    c->response.size = 0;
    c->response.failed = 0;
    c->head_size = 0;
    c->headed = false;
    curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, (const char *)e->body->data);
    curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)e->body->size);
    if (curl_multi_add_handle(e->multi, c->easy) != CURLM_OK)
        return CURLE_OUT_OF_MEMORY;
    CURLcode result = run(e, deadline);
    curl_multi_remove_handle(e->multi, c->easy);
    return result == CURLE_OK && !c->headed ? CURLE_PARTIAL_FILE : result;
}

/* ---- What an attempt means ------------------------------------------- */

enum verdict { DELIVERED, REFUSED, AGAIN };

/* Faults that another attempt may not meet. */
static bool is_transient(CURLcode result)
{
    static const CURLcode transient[] = {
        CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT,
        CURLE_OPERATION_TIMEDOUT,   CURLE_GOT_NOTHING,           CURLE_SEND_ERROR,
        CURLE_RECV_ERROR,           CURLE_PARTIAL_FILE,          CURLE_SSL_CONNECT_ERROR,
    };
    for (size_t i = 0; i < sizeof transient / sizeof transient[0]; i++)
        if (transient[i] == result)
            return true;
    return false;
}

static bool is_retryable(long status)
{
    return status == 429 || status == 502 || status == 503 || status == 504;
}

/* So much of what a server says is told. */
static int told(otk_string message)
{
    return (int)earlier(message.size, 300);
}

/* Connecting and timing out are told with the milliseconds that it took, which would be news each time. */
static const char *reason_of(const struct channel *c, CURLcode result)
{
    bool timed = result == CURLE_COULDNT_CONNECT || result == CURLE_OPERATION_TIMEDOUT;
    return *c->error && !timed ? c->error : curl_easy_strerror(result);
}

static void warn_of_fault(struct otk_exporter *e, otk_signal signal, CURLcode result)
{
    const struct channel *c = &e->channels[signal];
    if (c->response.failed == OTK_ELIMIT)
        otk_warn(e->warnings, "export of %s: the server's answer exceeds %u bytes", signal_names[signal],
                 e->config->max_response_bytes);
    else
        otk_warn(e->warnings, "export of %s: %s", signal_names[signal], reason_of(c, result));
}

static bool is_json(const struct channel *c)
{
    static const char json[] = "application/json";
    const char *type = NULL;
    curl_easy_getinfo(c->easy, CURLINFO_CONTENT_TYPE, &type);
    return type && strncasecmp(type, json, sizeof json - 1) == 0;
}

/* The place may have the endpoint's password in it. */
static void warn_of_redirect(struct otk_exporter *e, otk_signal signal, long status, const char *place)
{
    struct otk_buffer shown = OTK_BUFFER_INIT(UINT16_MAX);
    otk_kind_endpoint.mask(&shown, place);
    const char *text = otk_buffer_string(&shown);
    otk_warn(e->warnings, "export of %s: the server answered %ld, but redirects are not followed: %.300s",
             signal_names[signal], status, text ? text : "");
    otk_buffer_clear(&shown);
}

static void warn_of_answer(struct otk_exporter *e, otk_signal signal, long status)
{
    struct channel *c = &e->channels[signal];
    const char *place = NULL;
    curl_easy_getinfo(c->easy, CURLINFO_REDIRECT_URL, &place);
    if (place) {
        warn_of_redirect(e, signal, status, place);
        return;
    }
    otk_string message = otk_response_status(&c->response, is_json(c));
    otk_warn(e->warnings, "export of %s: the server answered %ld%s%.*s", signal_names[signal], status,
             message.size ? ": " : "", told(message), message.data);
}

/* OTLP: nothing that was partly taken is sent again. */
static uint64_t read_rejected(struct otk_exporter *e, otk_signal signal)
{
    struct channel *c = &e->channels[signal];
    struct otk_partial_success partial;
    if (otk_response_read(&c->response, is_json(c), signal, &partial)) {
        otk_warn(e->warnings, "export of %s: the server's answer is not a valid response", signal_names[signal]);
        return 0;
    }
    if (partial.rejected > 0)
        otk_warn(e->warnings, "export of %s: the server rejected %lld: %.*s", signal_names[signal],
                 (long long)partial.rejected, told(partial.message), partial.message.data);
    else if (partial.message.size)
        otk_warn(e->warnings, "export of %s: the server says: %.*s", signal_names[signal], told(partial.message),
                 partial.message.data);
    return partial.rejected > 0 ? (uint64_t)partial.rejected : 0;
}

/* A refusal counts even when the connection broke in the middle of it; a success has to be whole. */
static enum verdict judge(struct otk_exporter *e, otk_signal signal, CURLcode result, uint64_t *rejected)
{
    const struct channel *c = &e->channels[signal];
    long status = 0;
    curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    if (c->response.failed || (result != CURLE_OK && status < 300)) {
        warn_of_fault(e, signal, result);
        return is_transient(result) ? AGAIN : REFUSED;
    }
    if (status >= 200 && status < 300) {
        *rejected = read_rejected(e, signal);
        return DELIVERED;
    }
    warn_of_answer(e, signal, status);
    return is_retryable(status) ? AGAIN : REFUSED;
}

/* ---- Retries --------------------------------------------------------- */

/* What the server asked for, in seconds or as a date; 0 when it did not. */
static uint64_t retry_after(const struct channel *c)
{
    curl_off_t seconds = 0;
    curl_easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &seconds);
    return seconds > 0 ? (uint64_t)earlier((uint64_t)seconds, 1u << 20) * OTK_SECOND : 0;
}

/* Grows by half each time up to a maximum; from half to one and a half of that is drawn. */
static uint64_t backoff(unsigned first_ms, unsigned retries)
{
    double delay = first_ms;
    double most = (double)first_ms * BACKOFF_MAX_FACTOR;
    for (unsigned i = 0; i < retries && delay < most; i++)
        delay *= 1.5;
    double drawn = 0.5 + (double)(otk_random() >> 11) / (double)(UINT64_C(1) << 53);
    return (uint64_t)((delay < most ? delay : most) * drawn * (double)OTK_MS);
}

/* False when there is no time for it, or the exporter is in a hurry. */
static bool pause_before_retry(struct otk_exporter *e, uint64_t pause, uint64_t deadline)
{
    uint64_t until = otk_clock_monotonic() + pause;
    if (until >= deadline)
        return false;
    while (atomic_load(&e->last) == OTK_FOREVER) {
        if (otk_clock_monotonic() >= until)
            return true;
        wait_for(e, until);
    }
    return false;
}

int otk_exporter_prepare(struct otk_exporter *e, otk_signal signal, const struct otk_buffer *request)
{
    return otk_encode(&e->encoder, e->channels[signal].config, signal, request, &e->body);
}

void otk_exporter_send(struct otk_exporter *e, otk_signal signal, struct otk_delivery *out)
{
    struct channel *c = &e->channels[signal];
    *out = (struct otk_delivery){0};
    uint64_t deadline = otk_clock_deadline((unsigned)earlier(c->config->timeout_ms, c->config->export_timeout_ms));
    for (;;) {
        enum verdict verdict = judge(e, signal, post(e, c, deadline), &out->rejected);
        out->delivered = verdict == DELIVERED;
        out->reason = verdict == REFUSED ? OTK_DROP_REFUSED : OTK_DROP_UNREACHABLE;
        if (verdict != AGAIN)
            return;
        uint64_t asked = retry_after(c);
        if (!pause_before_retry(e, asked ? asked : backoff(e->config->retry_delay_ms, out->retries), deadline))
            return;
        out->retries++;
    }
}

void otk_exporter_hurry(struct otk_exporter *e, uint64_t deadline)
{
    atomic_store(&e->last, deadline);
    curl_multi_wakeup(e->multi);
}

void otk_exporter_hold(struct otk_exporter *e)
{
    pthread_mutex_lock(&e->working);
}

void otk_exporter_let_go(struct otk_exporter *e)
{
    pthread_mutex_unlock(&e->working);
}
