#include "node/password.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static enum pt_code read_line(struct buf *out, int fd, struct pt_err *err)
{
    if (!buf_reserve(out, PASSWORD_MAX))
        return pt_fail(err, PT_ENOMEM, "password: out of memory");
    for (;;) {
        char c;
        ssize_t n = read(fd, &c, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return pt_fail(err, PT_ESTATE, "no password was given");
        if (c == '\n')
            return PT_OK;
        if (out->n == PASSWORD_MAX)
            return pt_fail(err, PT_ELIMIT, "a password of over %d bytes", PASSWORD_MAX);
        out->p[out->n++] = (uint8_t)c;
    }
}

enum pt_code password_ask(struct buf *out, const char *prompt, const char *otherwise,
                          struct pt_err *err)
{
    struct termios was;
    struct termios silent;
    enum pt_code rc;

    *out = (struct buf){0};
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || tcgetattr(fd, &was) != 0) {
        if (fd >= 0)
            close(fd);
        return pt_fail(err, PT_ESTATE, "there is no terminal to ask for the password: %s",
                       otherwise);
    }
    silent = was;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(fd, TCSAFLUSH, &silent);
    if (write(fd, prompt, strlen(prompt)) < 0)
        rc = pt_fail(err, PT_EIO, "the terminal cannot be written");
    else
        rc = read_line(out, fd, err);
    tcsetattr(fd, TCSAFLUSH, &was);
    if (write(fd, "\n", 1) < 0 && rc == PT_OK)
        rc = pt_fail(err, PT_EIO, "the terminal cannot be written");
    close(fd);
    if (rc != PT_OK)
        buf_free(out);
    return rc;
}
