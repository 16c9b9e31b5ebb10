#include "node/config.h"

#include "crypto/base/text.h"
#include "policy/yaml.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum pt_code config_check_name(const char *name, struct pt_err *err)
{
    size_t n = strlen(name);
    size_t plain = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_");

    if (n > 0 && n <= POLICY_NAME_MAX && plain == n && name[0] >= 'a' && name[0] <= 'z')
        return PT_OK;
    return pt_fail(err, PT_EUSAGE,
                   "a name is 1..%d characters: a-z first, then a-z, 0-9, '-' and '_'",
                   POLICY_NAME_MAX);
}

static bool is_loopback(struct span host)
{
    return text_eq(host, "localhost") || text_eq(host, "::1") ||
           (host.n > 4 && memcmp(host.p, "127.", 4) == 0 &&
            strspn((const char *)host.p, "0123456789.") >= host.n);
}

/* Of names and of addresses in numbers, with a zone: what node.yaml holds without escapes. */
#define HOST_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:%[]"

/* "host:port" or "[v6]:port" into its halves. */
static bool split_address(struct span *host, uint32_t *port, const char *address)
{
    const char *colon = strrchr(address, ':');

    if (colon == NULL)
        return false;
    *host = span_of(address, (size_t)(colon - address));
    bool bracketed = host->n > 2 && host->p[0] == '[' && host->p[host->n - 1] == ']';
    if (bracketed)
        *host = span_of(host->p + 1, host->n - 2);
    else if (host->n == 0 || memchr(host->p, ':', host->n) != NULL || host->p[0] == '[')
        return false;
    return strspn(address, HOST_CHARACTERS) == strlen(address) && colon[1] != '0' &&
           text_u32(span_z(colon + 1), port) && *port >= 1 && *port <= 65535;
}

enum pt_code config_check_address(const char *address, bool loopback, struct pt_err *err)
{
    struct span host;
    uint32_t port;

    if (strlen(address) > CONFIG_ADDRESS_MAX || !split_address(&host, &port, address))
        return pt_fail(err, PT_EUSAGE,
                       "an address is HOST:PORT with a port of 1..65535, an IPv6 host in brackets: "
                       "fresh.example.net:7443, 0.0.0.0:7443, [::]:7443");
    if (loopback && !is_loopback(host))
        return pt_fail(err, PT_EUSAGE,
                       "the planner's address must be on this machine (127.0.0.1:PORT, [::1]:PORT "
                       "or unix): its token travels there in the clear");
    return PT_OK;
}

struct setting { /* a key of node.yaml */
    const char *name;
    bool required;
    enum pt_code (*read)(struct config *c, const char *value, struct pt_err *err);
};

static enum pt_code read_format(struct config *c, const char *value, struct pt_err *err)
{
    (void)c;
    return strcmp(value, "1") == 0 ? PT_OK
                                   : pt_fail(err, PT_EPARSE, "expected 1, this file's format");
}

static enum pt_code read_name(struct config *c, const char *value, struct pt_err *err)
{
    if (config_check_name(value, err) != PT_OK)
        return err->code;
    memcpy(c->name, value, strlen(value) + 1);
    return PT_OK;
}

static enum pt_code read_listen(struct config *c, const char *value, struct pt_err *err)
{
    if (config_check_address(value, false, err) != PT_OK)
        return err->code;
    memcpy(c->listen, value, strlen(value) + 1);
    return PT_OK;
}

static enum pt_code read_planner(struct config *c, const char *value, struct pt_err *err)
{
    if (strcmp(value, "unix") != 0 && config_check_address(value, true, err) != PT_OK)
        return err->code;
    memcpy(c->planner, value, strlen(value) + 1);
    return PT_OK;
}

static enum pt_code read_threads(struct config *c, const char *value, struct pt_err *err)
{
    if (!text_u32(span_z(value), &c->threads) || c->threads > CONFIG_THREADS_MAX)
        return pt_fail(err, PT_EPARSE, "expected 0 (all cores) to %d", CONFIG_THREADS_MAX);
    return PT_OK;
}

static const struct setting SETTINGS[] = {
    {"patto", true, read_format},     {"name", true, read_name},
    {"listen", true, read_listen},    {"planner", true, read_planner},
    {"threads", false, read_threads},
};

static enum pt_code read_setting(struct config *c, uint32_t *seen, const struct yaml_node *node,
                                 struct pt_err *err)
{
    char value[CONFIG_ADDRESS_MAX + 1];

    for (size_t i = 0; i < PT_LEN(SETTINGS); i++) {
        if (!text_eq(node->key, SETTINGS[i].name))
            continue;
        *seen |= 1U << i;
        if (node->kind != YAML_SCALAR || !text_copy(value, sizeof value, node->text))
            return pt_fail(err, PT_EPARSE,
                           "line %" PRIu32 ", column %" PRIu32 ": %s takes one short value",
                           node->line, node->column, SETTINGS[i].name);
        if (SETTINGS[i].read(c, value, err) == PT_OK)
            return PT_OK;
        err->code = PT_EPARSE; /* a wrong file here, even if it is wrong usage elsewhere */
        return pt_wrap(err, "line %" PRIu32 ", column %" PRIu32 ": %s", node->line, node->column,
                       SETTINGS[i].name);
    }
    return pt_fail(err, PT_EPARSE,
                   "line %" PRIu32 ", column %" PRIu32
                   ": unknown key; expected patto, name, listen, planner or threads",
                   node->key_line, node->key_column);
}

static enum pt_code read_settings(struct config *c, const struct yaml_node *root,
                                  struct pt_err *err)
{
    uint32_t seen = 0;

    if (root == NULL || root->kind != YAML_MAP)
        return pt_fail(err, PT_EPARSE, "line 1: expected keys and values, as `patto init` writes");
    for (size_t i = 0; i < root->child_count; i++)
        if (read_setting(c, &seen, &root->children[i], err) != PT_OK)
            return err->code;
    for (size_t i = 0; i < PT_LEN(SETTINGS); i++)
        if (SETTINGS[i].required && !(seen & 1U << i))
            return pt_fail(err, PT_EPARSE, "%s is missing", SETTINGS[i].name);
    return PT_OK;
}

enum pt_code config_parse(struct config *out, struct span file, struct pt_err *err)
{
    struct yaml *y = NULL;
    enum pt_code rc;

    *out = (struct config){0};
    if ((rc = yaml_parse(&y, file, err)) == PT_OK)
        rc = read_settings(out, yaml_root(y), err);
    yaml_free(y);
    if (rc != PT_OK) {
        *out = (struct config){0};
        return rc;
    }
    if (out->threads == 0) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        out->threads = cores < 1                    ? 1
                       : cores > CONFIG_THREADS_MAX ? CONFIG_THREADS_MAX
                                                    : (uint32_t)cores;
    }
    return PT_OK;
}

enum pt_code config_print(struct buf *out, const struct config *c, struct pt_err *err)
{
    if (buf_printf(out,
                   "# Settings of this node alone; what the partners agreed on is in policy/.\n"
                   "patto: 1\n"
                   "name: %s\n"
                   "listen: \"%s\"\n"
                   "planner: \"%s\"\n"
                   "threads: %" PRIu32 "\n",
                   c->name, c->listen, c->planner, c->threads))
        return PT_OK;
    return pt_fail(err, PT_ENOMEM, "node.yaml: out of memory");
}
