#include "node/child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static bool redirect(int to, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);

    if (fd < 0)
        return false;
    bool good = dup2(fd, to) == to;
    close(fd);
    return good;
}

/* In the child: never returns. 127 is what a shell says too. */
static _Noreturn void become(const struct child *c)
{
    static char name[] = "patto";
    char *argv[CHILD_ARGS_MAX + 2] = {name};
    int null = open("/dev/null", O_RDONLY);

    for (size_t i = 0; i < CHILD_ARGS_MAX && c->args[i] != NULL; i++)
        memcpy(&argv[i + 1], &c->args[i], sizeof argv[0]); /* execv() takes no const */
    if (null >= 0 && dup2(null, STDIN_FILENO) == STDIN_FILENO && redirect(STDOUT_FILENO, c->out) &&
        redirect(STDERR_FILENO, c->log))
        execv("/proc/self/exe", argv);
    _exit(127);
}

enum pt_code child_start(pid_t *out, const struct child *c, struct pt_err *err)
{
    *out = fork();
    if (*out == 0)
        become(c);
    if (*out < 0)
        return pt_fail(err, PT_EIO, "patto %s: cannot be started: %s", c->args[0], strerror(errno));
    return PT_OK;
}

/* The end of a log: what a command that failed said. */
static void last_line(char out[256], const char *path)
{
    FILE *f = fopen(path, "r");
    char line[256];

    out[0] = '\0';
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        snprintf(out, 256, "%s", line);
    if (f != NULL)
        fclose(f);
    out[strcspn(out, "\n")] = '\0';
}

enum pt_code child_wait(struct child_used *used, pid_t pid, const struct child *c,
                        struct pt_err *err)
{
    struct rusage u;
    char said[256];
    int status;
    pid_t ended;

    do
        ended = wait4(pid, &status, 0, &u);
    while (ended < 0 && errno == EINTR);
    if (ended != pid)
        return pt_fail(err, PT_EIO, "patto %s: %s", c->args[0], strerror(errno));
    if (used != NULL)
        *used = (struct child_used){
            .cpu_s = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                     (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6,
            .peak_bytes = (uint64_t)u.ru_maxrss * 1024,
        };
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return PT_OK;
    last_line(said, c->log);
    return pt_fail(err, PT_EIO, "patto %s failed: %s", c->args[0], said);
}

enum pt_code child_run(struct child_used *used, const struct child *c, struct pt_err *err)
{
    pid_t pid;
    enum pt_code rc = child_start(&pid, c, err);

    return rc == PT_OK ? child_wait(used, pid, c, err) : rc;
}
