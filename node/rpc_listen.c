#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "crypto/base/text.h"
#include "node/rpc_internal.h"

enum pt_code rpc_endpoint_parse(struct rpc_endpoint *out, const char *text, struct pt_err *err)
{
    const char *colon = strrchr(text, ':');
    const char *host = text;
    size_t n = colon ? (size_t)(colon - text) : 0;
    uint32_t port;

    *out = (struct rpc_endpoint){0};
    bool bracketed = n > 2 && text[0] == '[' && text[n - 1] == ']';
    if (bracketed) {
        host++;
        n -= 2;
    }
    static const char NAME[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    static const char V6[] = "abcdefABCDEF0123456789:.%";
    if (n == 0 || n >= sizeof out->host || strspn(host, bracketed ? V6 : NAME) < n ||
        !text_u32(span_z(colon + 1), &port) || port > UINT16_MAX)
        return pt_fail(err, PT_EUSAGE,
                       "'%.100s' is not HOST:PORT (or [ADDRESS]:PORT for IPv6; ports are 0..65535)",
                       text);
    memcpy(out->host, host, n);
    out->port = (uint16_t)port;
    return PT_OK;
}

static bool is_loopback(const struct sockaddr *a)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (a->sa_family == AF_INET) {
        memcpy(&v4, a, sizeof v4);
        return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
    }
    if (a->sa_family != AF_INET6)
        return false;
    memcpy(&v6, a, sizeof v6);
    return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

/* /etc/hosts may name one address twice. */
static bool is_listed(const struct rpc_listen *l, const char *address)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->address[i], address) == 0)
            return true;
    return false;
}

/* gRPC's own syntax: numbers only, so that what was checked here is what it uses. */
static bool print_address(char *out, size_t cap, const struct addrinfo *a)
{
    char host[64], port[16];

    if (getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return false;
    int n = snprintf(out, cap, a->ai_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
    return n > 0 && (size_t)n < cap;
}

static enum pt_code resolve_tcp(struct rpc_listen *out, const char *address, bool loopback_only,
                                struct pt_err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    struct rpc_endpoint e;
    char port[8], text[sizeof out->address[0]];
    enum pt_code rc;

    if ((rc = rpc_endpoint_parse(&e, address, err)) != PT_OK)
        return rc;
    (void)snprintf(port, sizeof port, "%u", e.port);
    int failed = getaddrinfo(e.host, port, &hints, &list);
    if (failed)
        return pt_fail(err, PT_EUSAGE, "no address for host '%.100s': %s", e.host,
                       gai_strerror(failed));
    for (struct addrinfo *a = list; a && rc == PT_OK && out->count < RPC_LISTEN_MAX;
         a = a->ai_next) {
        if (loopback_only && !is_loopback(a->ai_addr))
            rc = pt_fail(err, PT_EUSAGE,
                         "the planner listens on this machine only: %.100s is not a loopback "
                         "address; use 127.0.0.1:PORT or unix:/PATH",
                         address);
        else if (print_address(text, sizeof text, a) && !is_listed(out, text))
            memcpy(out->address[out->count++], text, sizeof text);
    }
    freeaddrinfo(list);
    if (rc == PT_OK && out->count == 0)
        rc = pt_fail(err, PT_EUSAGE, "no usable address for '%.100s'", address);
    return rc;
}

static enum pt_code resolve_unix(struct rpc_listen *out, const char *address, struct pt_err *err)
{
    const char *path = address + strlen("unix:");
    size_t n = strlen(path);

    if (path[0] != '/' || n >= sizeof((struct sockaddr_un *)0)->sun_path)
        return pt_fail(
            err, PT_EUSAGE,
            "a Unix socket is unix:/ABSOLUTE/PATH of at most %zu bytes; shorten '%.120s'",
            sizeof((struct sockaddr_un *)0)->sun_path - 1, path);
    (void)snprintf(out->address[0], sizeof out->address[0], "%s", address);
    out->count = 1;
    out->unix_path = path;
    return PT_OK;
}

enum pt_code rpc_listen_resolve(struct rpc_listen *out, const char *address, bool loopback_only,
                                struct pt_err *err)
{
    *out = (struct rpc_listen){0};
    enum pt_code rc = strncmp(address, "unix:", 5) == 0
                          ? resolve_unix(out, address, err)
                          : resolve_tcp(out, address, loopback_only, err);
    if (rc != PT_OK)
        *out = (struct rpc_listen){0};
    return rc;
}

/* --- is it free? --- */

static enum pt_code why_not(const char *address, int reason, struct pt_err *err)
{
    if (reason == EADDRINUSE)
        return pt_fail(err, PT_ESTATE, "%s is in use; does another patto serve there already?",
                       address);
    if (reason == EACCES)
        return pt_fail(err, PT_EIO, "%s: no permission; ports below 1024 belong to root", address);
    if (reason == EADDRNOTAVAIL)
        return pt_fail(err, PT_EUSAGE, "%s is not an address of this machine", address);
    return pt_fail(err, PT_EIO, "cannot listen on %s: %s", address, strerror(reason));
}

static int probe_bind(const struct addrinfo *a)
{
    int on = 1;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno;
    /* As gRPC will: connections that linger do not count, listeners do. */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    int failed = bind(fd, a->ai_addr, a->ai_addrlen) < 0 ? errno : 0;
    (void)close(fd);
    return failed;
}

static enum pt_code probe_tcp(const char *address, struct pt_err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    struct rpc_endpoint e;
    char port[8];
    enum pt_code rc;

    if ((rc = rpc_endpoint_parse(&e, address, err)) != PT_OK)
        return rc;
    (void)snprintf(port, sizeof port, "%u", e.port);
    if (getaddrinfo(e.host, port, &hints, &list) != 0)
        return why_not(address, EADDRNOTAVAIL, err);
    int failed = probe_bind(list);
    freeaddrinfo(list);
    return failed ? why_not(address, failed, err) : PT_OK;
}

/* gRPC would remove whatever stands at the path, a socket in use included. */
static enum pt_code probe_unix(const char *path, struct pt_err *err)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct stat st;

    if (lstat(path, &st) < 0)
        return errno == ENOENT ? PT_OK : why_not(path, errno, err);
    if (!S_ISSOCK(st.st_mode))
        return pt_fail(err, PT_ESTATE, "%s exists and is no socket; remove it or choose another",
                       path);
    (void)snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return why_not(path, errno, err);
    bool alive = connect(fd, (const struct sockaddr *)&a, sizeof a) == 0;
    (void)close(fd);
    return alive ? why_not(path, EADDRINUSE, err) : PT_OK;
}

enum pt_code rpc_listen_probe(const struct rpc_listen *l, size_t i, struct pt_err *err)
{
    return l->unix_path ? probe_unix(l->unix_path, err) : probe_tcp(l->address[i], err);
}
