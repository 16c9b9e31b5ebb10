#include "node/dial.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HOST_MAX = 256 };

/* The address is one that config_check_address() passed, or the policy's. */
static enum pt_code resolve(struct addrinfo **out, const char *address, int flags,
                            struct pt_err *err)
{
    const struct addrinfo want = {.ai_socktype = SOCK_STREAM, .ai_flags = flags};
    const char *colon = strrchr(address, ':');
    char host[HOST_MAX];
    size_t n = colon != NULL ? (size_t)(colon - address) : 0;
    size_t skip = n > 2 && address[0] == '[' ? 1 : 0;

    *out = NULL;
    if (n == 0 || n >= sizeof host)
        return pt_fail(err, PT_EPEER, "%s is not HOST:PORT", address);
    snprintf(host, sizeof host, "%.*s", (int)(n - 2 * skip), address + skip);
    int rc = getaddrinfo(host, colon + 1, &want, out);
    if (rc == 0)
        return PT_OK;
    return pt_fail(err, PT_EPEER, "%s: the name cannot be resolved: %s", address, gai_strerror(rc));
}

/* 0 or errno. */
static int try_connect(const struct addrinfo *to, int timeout_ms)
{
    int why = 0;
    socklen_t size = sizeof why;
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno;
    if (connect(fd, to->ai_addr, to->ai_addrlen) != 0 && errno == EINPROGRESS) {
        struct pollfd ready = {.fd = fd, .events = POLLOUT};
        int n = poll(&ready, 1, timeout_ms);
        if (n == 0)
            why = ETIMEDOUT;
        else if (n < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &size) != 0)
            why = errno;
    } else
        why = errno == EINPROGRESS ? 0 : errno;
    close(fd);
    return why;
}

enum pt_code dial_probe(const char *address, int timeout_ms, struct pt_err *err)
{
    struct addrinfo *list;
    int why = ENOENT;

    if (resolve(&list, address, 0, err) != PT_OK)
        return err->code;
    for (const struct addrinfo *a = list; a != NULL && why != 0; a = a->ai_next) {
        errno = 0;
        why = try_connect(a, timeout_ms);
    }
    freeaddrinfo(list);
    if (why == 0)
        return PT_OK;
    return pt_fail(err, PT_EPEER, "%s does not answer: %s", address, strerror(why));
}

static int try_bind(const struct addrinfo *at)
{
    const int on = 1;
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno;
    /* As the daemon will: a connection in TIME_WAIT is no obstacle. */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    int why = bind(fd, at->ai_addr, at->ai_addrlen) == 0 ? 0 : errno;
    close(fd);
    return why;
}

enum pt_code dial_check_free(const char *address, struct pt_err *err)
{
    struct addrinfo *list;

    if (resolve(&list, address, AI_PASSIVE, err) != PT_OK)
        return err->code;
    int why = list != NULL ? try_bind(list) : ENOENT;
    freeaddrinfo(list);
    if (why == 0)
        return PT_OK;
    if (why == EADDRINUSE)
        return pt_fail(err, PT_ESTATE,
                       "%s is in use by another program: stop it, or change "
                       "`listen` in node.yaml",
                       address);
    return pt_fail(err, PT_EIO, "%s cannot be listened on: %s", address, strerror(why));
}
