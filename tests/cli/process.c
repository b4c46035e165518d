#include "process.h"

#include "client.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS_MAX 32
#define TEXT_MAX ((size_t)16 << 20)

static char folder[] = "otlpkit-command-XXXXXX";

static void become_command(const char *const *arguments, int in, int out, int err)
{
    char *argv[ARGUMENTS_MAX] = {strdup("otlpkit")};
    for (size_t i = 0; arguments[i] && i < ARGUMENTS_MAX - 2; i++)
        argv[i + 1] = strdup(arguments[i]);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    execv(OTLPKIT_COMMAND, argv);
    _exit(127);
}

struct process process_start(const char *const *arguments, const char *input, const char *output)
{
    struct process p = {.code = -1, .out_text = OTK_BUFFER_INIT(TEXT_MAX), .err_text = OTK_BUFFER_INIT(TEXT_MAX)};
    int err[2], in = open(input ? input : "/dev/null", O_RDONLY | O_CLOEXEC);
    p.out = output ? fopen(output, "r+e") : tmpfile();
    assert_true(in >= 0);
    assert_non_null(p.out);
    assert_int_equal(pipe2(err, O_CLOEXEC), 0);
    fflush(NULL);
    p.pid = fork();
    assert_true(p.pid >= 0);
    if (p.pid == 0)
        become_command(arguments, in, fileno(p.out), err[1]);
    close(in);
    close(err[1]);
    p.err = fdopen(err[0], "r");
    assert_non_null(p.err);
    return p;
}

void process_error_line(struct process *p, char *line, size_t size)
{
    assert_non_null(fgets(line, (int)size, p->err));
    line[strcspn(line, "\n")] = '\0';
}

const char *process_output(struct process *p)
{
    p->out_text.size = 0;
    ssize_t got;
    do {
        uint8_t *to = otk_buffer_reserve(&p->out_text, 65536);
        assert_non_null(to);
        got = pread(fileno(p->out), to, 65536, (off_t)p->out_text.size);
        assert_true(got >= 0);
        p->out_text.size += (size_t)got;
    } while (got);
    return otk_buffer_string(&p->out_text);
}

void process_wait(struct process *p)
{
    int status, c;
    while ((c = getc(p->err)) != EOF)
        otk_buffer_byte(&p->err_text, (uint8_t)c);
    assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
    assert_true(WIFEXITED(status));
    p->code = WEXITSTATUS(status);
    assert_non_null(otk_buffer_string(&p->err_text));
}

void process_clear(struct process *p)
{
    fclose(p->out);
    fclose(p->err);
    otk_buffer_clear(&p->out_text);
    otk_buffer_clear(&p->err_text);
}

struct process process_run(const char *const *arguments, const char *input)
{
    struct process p = process_start(arguments, input, NULL);
    process_wait(&p);
    process_output(&p);
    return p;
}

struct process process_serve(const char *const *arguments, const char *output, uint16_t *port)
{
    char line[256];
    unsigned number = 0;
    struct process p = process_start(arguments, NULL, output);
    process_error_line(&p, line, sizeof line);
    if (sscanf(line, "listening on http://127.0.0.1:%u", &number) != 1)
        fail_msg("%s", line);
    *port = (uint16_t)number;
    return p;
}

unsigned post(uint16_t port, const char *target, const char *json)
{
    struct client c = client_open(port);
    struct response r = client_post(
        &c, (struct post){.target = target, .type = "application/json", .body = json, .size = strlen(json)});
    unsigned status = r.status;
    response_clear(&r);
    client_close(&c);
    return status;
}

void process_stop(struct process *p, int signal_number)
{
    assert_int_equal(kill(p->pid, signal_number), 0);
    process_wait(p);
    process_output(p);
}

void assert_has(const struct otk_buffer *text, const char *part)
{
    const char *all = text->data ? (const char *)text->data : "";
    if (!strstr(all, part))
        fail_msg("%s is not in: %s", part, all);
}

void assert_ends(struct process p, int code, const char *out, const char *err)
{
    if (p.code != code)
        fail_msg("exit code %d instead of %d: %s", p.code, code, (const char *)p.err_text.data);
    assert_has(&p.out_text, out);
    assert_has(&p.err_text, err);
    process_clear(&p);
}

void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

int process_enter_folder(void **state)
{
    (void)state;
    unsetenv("NO_COLOR");
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

int process_leave_folder(void **state)
{
    (void)state;
    return chdir("..") == 0 && rmdir(folder) == 0 ? 0 : -1;
}
