#include "tls_server.h"

#include "test.h"

#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <stdatomic.h>

struct tls_server {
    struct MHD_Daemon *daemon;
    char *certificate, *key, *authority;
    bool demands_certificate;
    atomic_uint requests, connections;
};

static char *read_file(const char *name, const char *suffix)
{
    char path[512];
    char *text = calloc(1, 16384);
    snprintf(path, sizeof path, "%s/%s%s", CERTIFICATES, name, suffix);
    FILE *file = fopen(path, "r");
    if (!file || fread(text, 1, 16383, file) == 0)
        fail_msg("cannot read %s", path);
    fclose(file);
    return text;
}

static bool has_certificate(struct MHD_Connection *connection)
{
    unsigned status = 0;
    gnutls_session_t session = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session;
    return gnutls_certificate_verify_peers2(session, &status) == 0 && status == 0;
}

static enum MHD_Result answer(struct tls_server *s, struct MHD_Connection *connection)
{
    bool welcome = !s->demands_certificate || has_certificate(connection);
    struct MHD_Response *empty = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    atomic_fetch_add(&s->requests, 1);
    enum MHD_Result result = MHD_queue_response(connection, welcome ? 200 : 403, empty);
    MHD_destroy_response(empty);
    return result;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *data, size_t *size, void **request)
{
    (void)url, (void)method, (void)version, (void)data;
    if (*request && !*size)
        return answer(arg, connection);
    *request = arg;
    *size = 0;
    return MHD_YES;
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct tls_server *s = arg;
    (void)connection, (void)context;
    atomic_fetch_add(&s->connections, code == MHD_CONNECTION_NOTIFY_STARTED);
}

static void ignore_log(void *arg, const char *format, va_list args)
{
    (void)arg, (void)format, (void)args;
}

struct tls_server *tls_server_start(const char *name, bool demands_certificate)
{
    struct tls_server *s = calloc(1, sizeof *s);
    s->certificate = read_file(name, ".pem");
    s->key = read_file(name, ".key");
    s->authority = read_file("authority", ".pem");
    s->demands_certificate = demands_certificate;
    s->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_TLS, 0, NULL, NULL, on_request, s,
                                 MHD_OPTION_EXTERNAL_LOGGER, ignore_log, NULL, MHD_OPTION_HTTPS_MEM_CERT,
                                 s->certificate, MHD_OPTION_HTTPS_MEM_KEY, s->key, MHD_OPTION_HTTPS_MEM_TRUST,
                                 s->authority, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_END);
    assert_non_null(s->daemon);
    return s;
}

void tls_server_stop(struct tls_server *s)
{
    MHD_stop_daemon(s->daemon);
    free(s->certificate);
    free(s->key);
    free(s->authority);
    free(s);
}

uint16_t tls_server_port(const struct tls_server *s)
{
    return MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

unsigned tls_server_requests(struct tls_server *s)
{
    return atomic_load(&s->requests);
}

unsigned tls_server_connections(struct tls_server *s)
{
    return atomic_load(&s->connections);
}
