/* Two nodes of this program on loopback, from nothing to answers, with what each step takes. */
#include "node/bench.h"

#include "crypto/base/text.h"
#include "node/child.h"
#include "node/clock.h"
#include "node/fileio.h"
#include "node/planner_client.h"
#include "proto/wire_planner.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { NODES = 2, PATH_ROOM = 512, READY_MS = 60000 };

static const char *const NAMES[NODES] = {"ours", "theirs"};

struct node {
    char home[PATH_ROOM], log[PATH_ROOM];
    pid_t pid; /* 0: not running */
};
struct bed {
    const struct bench_in *in;
    struct node nodes[NODES];
    char out[PATH_ROOM]; /* what commands print */
    struct bench_run *runs;
    size_t run_count;
};

/* ---- processes ---- */

static enum pt_code path_to(char out[PATH_ROOM], const struct bed *b, const char *name,
                            struct pt_err *err)
{
    int n = snprintf(out, PATH_ROOM, "%s/%s", b->in->dir, name);

    if (n < 0 || n >= PATH_ROOM)
        return pt_fail(err, PT_ELIMIT, "%.100s: the folder's name is too long", b->in->dir);
    return PT_OK;
}

static struct child command_of(const struct bed *b, size_t node)
{
    return (struct child){
        .args = {"--home", b->nodes[node].home}, .out = b->out, .log = b->nodes[node].log};
}

/* Words of a command after --home HOME; ends with NULL. */
static enum pt_code command(struct child_used *used, const struct bed *b, size_t node,
                            const char *const *words, struct pt_err *err)
{
    struct child c = command_of(b, node);

    for (size_t i = 0; words[i] != NULL && i + 2 < CHILD_ARGS_MAX; i++)
        c.args[i + 2] = words[i];
    return child_run(used, &c, err);
}
#define COMMAND(used, b, node, err, ...)                                                           \
    command(used, b, node, (const char *const[]){__VA_ARGS__, NULL}, err)

/* ---- what a daemon has used so far ---- */

static double cpu_of(pid_t pid)
{
    clockid_t clock;
    struct timespec t = {0};

    if (clock_getcpuclockid(pid, &clock) == 0)
        (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The high-water mark is set back, so that each step has its own. */
static void forget_peak(pid_t pid)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%ld/clear_refs", (long)pid);
    FILE *f = fopen(path, "w");
    if (f == NULL)
        return;
    fputs("5", f);
    fclose(f);
}

static uint64_t peak_of(pid_t pid)
{
    char path[64];
    char line[128];
    char *end = NULL;
    uint64_t kib = 0;

    snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    FILE *f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtoull(line + 6, &end, 10);
    if (f != NULL)
        fclose(f);
    return kib * 1024;
}

static enum pt_code keep_status(void *self, struct span update, struct pt_err *err)
{
    return planner_status_decode(self, update, err);
}

struct seen {
    uint64_t sent_bytes, slots;
};

static enum pt_code ask_status(struct seen *out, const struct node *n, struct pt_err *err)
{
    struct planner_status s = {0};
    struct planner_client client = {0};
    const struct planner_call call = {.method = "Status", .self = &s, .take = keep_status};
    enum pt_code rc = planner_client_open(&client, n->home, err);

    if (rc == PT_OK)
        rc = planner_client_stream(&client, &call, err);
    planner_client_close(&client);
    *out = (struct seen){s.sent_bytes, s.slots};
    return rc;
}

struct meter {
    int64_t began_ms;
    double cpu_s;
    uint64_t wire_bytes, slots;
};

static enum pt_code read_meter(struct meter *m, struct bed *b, struct pt_err *err)
{
    struct seen s;
    enum pt_code rc;

    *m = (struct meter){0};
    for (size_t i = 0; i < NODES; i++) {
        if ((rc = ask_status(&s, &b->nodes[i], err)) != PT_OK)
            return rc;
        m->wire_bytes += s.sent_bytes;
        m->slots = s.slots;
        m->cpu_s += cpu_of(b->nodes[i].pid);
    }
    m->began_ms = clock_mono_ms();
    return PT_OK;
}

static struct bench_run *next_run(struct bed *b, const char *name)
{
    struct bench_run *r = &b->runs[b->run_count++];

    *r = (struct bench_run){.n = b->in->customers};
    snprintf(r->name, sizeof r->name, "%s", name);
    if (b->in->log != NULL)
        fprintf(b->in->log, "%s ...\n", name);
    return r;
}

/* One step between running nodes. */
static enum pt_code measured(struct bed *b, const char *name,
                             enum pt_code (*step)(struct bed *, struct child_used *,
                                                  struct pt_err *),
                             struct pt_err *err)
{
    struct bench_run *r = next_run(b, name);
    struct child_used used = {0};
    struct meter before;
    struct meter after;
    enum pt_code rc;

    for (size_t i = 0; i < NODES; i++)
        forget_peak(b->nodes[i].pid);
    if ((rc = read_meter(&before, b, err)) != PT_OK || (rc = step(b, &used, err)) != PT_OK)
        return rc;
    r->seconds = (double)(clock_mono_ms() - before.began_ms) / 1e3;
    if ((rc = read_meter(&after, b, err)) != PT_OK)
        return rc;
    r->cpu_seconds = after.cpu_s - before.cpu_s + used.cpu_s;
    r->wire_bytes = after.wire_bytes - before.wire_bytes;
    r->slots = after.slots;
    for (size_t i = 0; i < NODES; i++)
        r->peak_bytes =
            peak_of(b->nodes[i].pid) > r->peak_bytes ? peak_of(b->nodes[i].pid) : r->peak_bytes;
    return PT_OK;
}

/* ---- the federation ---- */

/* A port that was free a moment ago. */
static uint16_t free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return 0;
    if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &n) != 0)
        at.sin_port = 0;
    close(fd);
    return ntohs(at.sin_port);
}

static enum pt_code write_text(const char *path, const struct buf *text, bool good,
                               struct pt_err *err)
{
    if (!good)
        return pt_fail(err, PT_ENOMEM, "no memory for %s", path);
    return fileio_write(path, buf_span(text), err);
}

static enum pt_code make_nodes(struct bed *b, struct pt_err *err)
{
    char listen[32];
    char key[PATH_ROOM];
    char settings[PATH_ROOM];
    struct buf text = {0};
    enum pt_code rc;

    for (size_t i = 0; i < NODES; i++) {
        struct node *n = &b->nodes[i];
        struct child init = {.args = {"init", n->home, "--name", NAMES[i], "--listen", listen},
                             .out = b->out,
                             .log = n->log};
        struct child officer = {
            .args = {"officer-key", key, "--no-password"}, .out = b->out, .log = n->log};
        snprintf(listen, sizeof listen, "127.0.0.1:%" PRIu16, free_port());
        snprintf(key, sizeof key, "%.490s.officer", n->home);
        snprintf(settings, sizeof settings, "%.490s/node.yaml", n->home);
        if ((rc = child_run(NULL, &init, err)) != PT_OK ||
            (rc = child_run(NULL, &officer, err)) != PT_OK)
            return rc;
        bool good = buf_printf(&text,
                               "patto: 1\nname: %s\nlisten: \"%s\"\nplanner: \"unix\"\n"
                               "threads: %" PRIu32 "\n",
                               NAMES[i], listen, b->in->threads);
        rc = write_text(settings, &text, good, err);
        buf_free(&text);
        if (rc != PT_OK)
            return rc;
    }
    return PT_OK;
}

struct block { /* of one node; borrowed from what was printed */
    struct span lines[8], officer;
    size_t line_count;
};

static bool in_block(struct span line)
{
    return memmem(line.p, line.n, " endpoint:", 10) != NULL ||
           memmem(line.p, line.n, " certificate:", 13) != NULL ||
           memmem(line.p, line.n, " node:", 6) != NULL;
}

static bool add_partner(struct buf *text, const char *name, const struct block *b,
                        const struct bench_in *in)
{
    bool good = buf_printf(text, "  %s:\n", name);

    for (size_t i = 0; i < b->line_count; i++)
        good = good && buf_add(text, b->lines[i].p, b->lines[i].n) && buf_u8(text, '\n');
    good = good && buf_printf(text,
                              "    officer: %.*s\n"
                              "    customers: {min: 1, max: %" PRIu64 "}\n"
                              "    attributes:\n"
                              "      buys: {type: set, max_per_person: 2, values: [",
                              (int)b->officer.n, (const char *)b->officer.p, in->customers);
    for (uint32_t v = 0; v < in->values; v++)
        good = good && buf_printf(text, "%sv%" PRIu32, v > 0 ? ", " : "", v);
    return good && buf_printf(text, "]}\n");
}

/* What init and officer-key printed, in order: for each node a block, then the officer's line. */
static enum pt_code add_partners(struct buf *text, const struct bed *b, struct pt_err *err)
{
    struct buf said = {0};
    struct span rest;
    struct block block = {0};
    size_t node = 0;
    bool more = true;
    bool good = true;
    enum pt_code rc = fileio_read(&said, b->out, 1 << 16, err);

    if (rc != PT_OK)
        return rc;
    rest = buf_span(&said);
    while (more && node < NODES) {
        struct span line = text_cut(&rest, '\n', &more);
        if (line.n > 2 && memcmp(line.p, "RW", 2) == 0) {
            block.officer = line;
            good = good && add_partner(text, NAMES[node++], &block, b->in);
            block.line_count = 0;
        } else if (block.line_count < PT_LEN(block.lines) && in_block(line)) {
            block.lines[block.line_count++] = line;
        }
    }
    buf_free(&said);
    if (!good || node != NODES)
        return pt_fail(err, PT_EBUG, "what `patto init` printed could not be used");
    return PT_OK;
}

static enum pt_code make_policy(const struct bed *b, const char *path, struct pt_err *err)
{
    struct buf text = {0};
    char from[11];
    char until[11];
    int64_t now = clock_now_s();
    enum pt_code rc;

    clock_date(from, now - 86400);
    clock_date(until, now + (int64_t)30 * 86400);
    bool good =
        buf_printf(&text,
                   "patto: 1\nfederation: bench\nversion: 1\n"
                   "purpose: measurement\n"
                   "legal: {basis: none, arrangement: none, dpia: none, retention_days: 1}\n"
                   "valid: {from: %s, until: %s}\n"
                   "match: {identifier: email, normalisation: uid2, slots_per_customer: 4}\n"
                   "partners:\n",
                   from, until);
    if ((rc = add_partners(&text, b, err)) == PT_OK) {
        good = good && buf_printf(&text, "questions:\n"
                                         "  overlap: {ask: any, filters: [theirs.buys]}\n"
                                         "  crosstab: {ask: any, filters: [theirs.buys], "
                                         "pairs: [[ours.buys, theirs.buys]]}\n"
                                         "privacy:\n"
                                         "  unit: person\n"
                                         "  minimum_count: 1\n"
                                         "  minimum_audience: 1\n"
                                         "  budget: {rho: 1, delta: 1e-9, days: 90, daily_rho: 1, "
                                         "lifetime_rho: 1}\n"
                                         "  cost: {count_rho: 0.0005, table_rho: 0.002}\n"
                                         "audit: {witnesses: [ours], quorum: all}\n");
        rc = write_text(path, &text, good, err);
    }
    buf_free(&text);
    return rc;
}

static enum pt_code join_all(struct bed *b, const char *policy, struct pt_err *err)
{
    char key[PATH_ROOM];
    enum pt_code rc = PT_OK;

    for (size_t i = 0; i < NODES && rc == PT_OK; i++) {
        snprintf(key, sizeof key, "%.490s.officer", b->nodes[i].home);
        rc = COMMAND(NULL, b, i, err, "policy", "sign", policy, "--key", key, "--as", NAMES[i]);
    }
    for (size_t i = 0; i < NODES && rc == PT_OK; i++)
        rc = COMMAND(NULL, b, i, err, "join", policy);
    return rc;
}

/* ---- customers ---- */

/* Person p buys two things that follow from p alone; half of the people are customers of both. */
static enum pt_code write_customers(const struct bed *b, const char *path, uint64_t first,
                                    struct pt_err *err)
{
    FILE *f = fopen(path, "w");
    uint32_t v = b->in->values;

    if (f == NULL)
        return pt_fail(err, PT_EIO, "%s: %s", path, strerror(errno));
    fputs("email,buys\n", f);
    for (uint64_t p = first; p < first + b->in->customers; p++)
        fprintf(f, "person%" PRIu64 "@example.com,v%" PRIu64 "|v%" PRIu64 "\n", p, p * 7 % v,
                (p / v * 5 + p) % v);
    bool good = ferror(f) == 0;
    if (fclose(f) != 0 || !good)
        return pt_fail(err, PT_EIO, "%s: cannot be written: %s", path, strerror(errno));
    return PT_OK;
}

static enum pt_code ingest_all(struct bed *b, struct pt_err *err)
{
    static const char MAP[] = "patto-map: 1\nform: wide\nidentifier: {column: email}\n"
                              "attributes:\n  buys: {column: buys, separator: \"|\"}\n";
    char csv[PATH_ROOM];
    char map[PATH_ROOM];
    struct child_used used = {0};
    struct bench_run *r = next_run(b, "ingest");
    enum pt_code rc;

    if ((rc = path_to(csv, b, "customers.csv", err)) != PT_OK ||
        (rc = path_to(map, b, "map.yaml", err)) != PT_OK ||
        (rc = fileio_write(map, span_z(MAP), err)) != PT_OK)
        return rc;
    for (size_t i = 0; i < NODES; i++) {
        if ((rc = write_customers(b, csv, i * b->in->customers / 2, err)) != PT_OK)
            return rc;
        int64_t began = clock_mono_ms();
        if ((rc = COMMAND(&used, b, i, err, "ingest", csv, "--map", map)) != PT_OK)
            return rc;
        r->seconds = (double)(clock_mono_ms() - began) / 1e3; /* of one node */
        r->cpu_seconds = used.cpu_s;
        r->peak_bytes = used.peak_bytes;
    }
    (void)unlink(csv);
    return PT_OK;
}

/* ---- steps ---- */

static enum pt_code serve_all(struct bed *b, struct pt_err *err)
{
    struct seen s;
    int64_t until = clock_mono_ms() + READY_MS;
    enum pt_code rc;

    for (size_t i = 0; i < NODES; i++) {
        struct child c = command_of(b, i);
        c.args[2] = "serve";
        if ((rc = child_start(&b->nodes[i].pid, &c, err)) != PT_OK)
            return rc;
    }
    for (size_t i = 0; i < NODES; i++)
        while ((rc = ask_status(&s, &b->nodes[i], err)) != PT_OK) {
            if (clock_mono_ms() > until)
                return rc;
            (void)usleep(20000);
        }
    return PT_OK;
}

static enum pt_code tokenise(struct bed *b, struct child_used *used, struct pt_err *err)
{
    struct child c[NODES];
    pid_t pid[NODES] = {0};
    struct child_used one = {0};
    enum pt_code rc = PT_OK;

    for (size_t i = 0; i < NODES && rc == PT_OK; i++) {
        c[i] = command_of(b, i);
        c[i].args[2] = "tokenise";
        rc = child_start(&pid[i], &c[i], err);
    }
    for (size_t i = 0; i < NODES; i++) {
        struct pt_err why = {0};
        if (pid[i] <= 0)
            continue;
        if (child_wait(&one, pid[i], &c[i], &why) != PT_OK && rc == PT_OK) {
            *err = why;
            rc = why.code;
        }
        used->cpu_s += one.cpu_s;
    }
    return rc;
}

static enum pt_code epoch(struct bed *b, struct child_used *used, struct pt_err *err)
{
    return COMMAND(used, b, 0, err, "epoch");
}

static enum pt_code overlap(struct bed *b, struct child_used *used, struct pt_err *err)
{
    return COMMAND(used, b, 0, err, "query", "overlap", "--with", NAMES[1]);
}

static enum pt_code crosstab(struct bed *b, struct child_used *used, struct pt_err *err)
{
    return COMMAND(used, b, 0, err, "query", "crosstab", "--with", NAMES[1], "--rows", "buys",
                   "--columns", "theirs.buys");
}

/* The filter is the other side's: the columns that were sent serve again, the rows are new. */
static enum pt_code crosstab_again(struct bed *b, struct child_used *used, struct pt_err *err)
{
    return COMMAND(used, b, 0, err, "query", "crosstab", "--with", NAMES[1], "--rows", "buys",
                   "--columns", "theirs.buys", "--where", "theirs.buys=v0");
}

static void stop_all(struct bed *b)
{
    for (size_t i = 0; i < NODES; i++) {
        struct pt_err ignored;
        struct child c = command_of(b, i);
        if (b->nodes[i].pid <= 0)
            continue;
        (void)kill(b->nodes[i].pid, SIGTERM);
        (void)!child_wait(NULL, b->nodes[i].pid, &c, &ignored);
    }
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static enum pt_code work(struct bed *b, struct pt_err *err)
{
    static const struct {
        const char *name;
        enum pt_code (*step)(struct bed *, struct child_used *, struct pt_err *);
    } STEPS[] = {{"tokenise", tokenise},
                 {"epoch", epoch},
                 {"overlap", overlap},
                 {"crosstab", crosstab},
                 {"crosstab again", crosstab_again}};
    char policy[PATH_ROOM];
    enum pt_code rc;

    if ((rc = path_to(policy, b, "policy.yaml", err)) != PT_OK ||
        (rc = make_nodes(b, err)) != PT_OK || (rc = make_policy(b, policy, err)) != PT_OK ||
        (rc = join_all(b, policy, err)) != PT_OK || (rc = ingest_all(b, err)) != PT_OK ||
        (rc = serve_all(b, err)) != PT_OK)
        return rc;
    for (size_t i = 0; i < PT_LEN(STEPS) && rc == PT_OK; i++)
        rc = measured(b, STEPS[i].name, STEPS[i].step, err);
    return rc;
}

enum pt_code bench_runs(struct bench_run *out, size_t *count, const struct bench_in *in,
                        struct pt_err *err)
{
    struct bed b = {.in = in, .runs = out};
    enum pt_code rc;

    *count = 0;
    if (mkdir(in->dir, 0700) != 0)
        return pt_fail(err, PT_EIO, "%s: the folder for the bench cannot be made: %s", in->dir,
                       strerror(errno));
    rc = path_to(b.out, &b, "out", err);
    for (size_t i = 0; i < NODES && rc == PT_OK; i++)
        if ((rc = path_to(b.nodes[i].home, &b, NAMES[i], err)) == PT_OK)
            snprintf(b.nodes[i].log, PATH_ROOM, "%.490s.log", b.nodes[i].home);
    if (rc == PT_OK)
        rc = work(&b, err);
    stop_all(&b);
    (void)nftw(in->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    *count = rc == PT_OK ? b.run_count : 0;
    return rc;
}
