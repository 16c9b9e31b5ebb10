/* patto doctor: everything that usually goes wrong, looked at before it does. */
#include "node/clock.h"
#include "node/cmd_json.h"
#include "node/commands.h"
#include "node/dial.h"
#include "node/frozen.h"
#include "node/home.h"
#include "node/sandbox.h"
#include "node/translog.h"
#include "node/witness.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { FINDINGS_MAX = 64, DIAL_MS = 3000, DAY_S = 86400, SOON_DAYS = 14 };
enum level { LEVEL_OK, LEVEL_WARN, LEVEL_FAIL };

static const char *const LEVEL_NAMES[] = {"ok", "warn", "fail"};

struct finding {
    enum level level;
    const char *what;
    char says[600];
};
struct visit {
    struct home *home;
    int64_t now_s;
    struct finding findings[FINDINGS_MAX];
    size_t count;
};

static const struct cli_option OPTIONS[] = {
    {"json", NULL, "print the findings as JSON", false, false},
    {"offline", NULL, "do not try to reach the partners", false, false},
    {0},
};

PT_PRINTF(4, 5)
static void note(struct visit *v, enum level level, const char *what, const char *fmt, ...)
{
    va_list ap;

    if (v->count == FINDINGS_MAX)
        return;
    struct finding *f = &v->findings[v->count++];
    f->level = level;
    f->what = what;
    va_start(ap, fmt);
    vsnprintf(f->says, sizeof f->says, fmt, ap);
    va_end(ap);
}

static void see_home(struct visit *v)
{
    const char *dir = v->home->dir;
    struct stat st;

    if (stat(dir, &st) != 0)
        note(v, LEVEL_FAIL, "home", "%s: %s", dir, strerror(errno));
    else if (access(dir, W_OK) != 0)
        note(v, LEVEL_FAIL, "home", "%s cannot be written: %s", dir, strerror(errno));
    else if (st.st_uid != geteuid())
        note(v, LEVEL_WARN, "home", "%s belongs to another user: chown it to the node's", dir);
    else if ((st.st_mode & 077) != 0)
        note(v, LEVEL_WARN, "home", "others may look into %s: chmod 700 %s", dir, dir);
    else
        note(v, LEVEL_OK, "home", "%s, yours alone", dir);
}

static void see_keys(struct visit *v)
{
    static const char *const FILES[] = {
        "keys/node.key",  "keys/node.pub",  "keys/tls.key",   "keys/tls.crt",       "keys/oprf.key",
        "keys/vault.key", "keys/noise.key", "keys/epoch.key", "keys/planner.token",
    };

    for (size_t i = 0; i < PT_LEN(FILES); i++) {
        char path[HOME_PATH_MAX];
        struct stat st;
        home_path(path, v->home, FILES[i]);
        if (stat(path, &st) != 0 || access(path, R_OK) != 0) {
            note(v, LEVEL_FAIL, "keys", "%s: %s: restore it from the backup", path,
                 strerror(errno));
            return;
        }
        if ((st.st_mode & 077) != 0) {
            note(v, LEVEL_FAIL, "keys", "others may read %s: chmod 600 %s", path, path);
            return;
        }
    }
    note(v, LEVEL_OK, "keys", "all there, readable by you alone");
}

static void see_modes(struct visit *v)
{
    struct pt_err err;

    if (home_check_modes(v->home, &err) != PT_OK)
        note(v, LEVEL_FAIL, "modes", "%s", err.msg);
    else
        note(v, LEVEL_OK, "modes",
             "nothing secret is readable, nothing trusted writable by others");
}

static void see_certificate(struct visit *v)
{
    struct tls_certificate c;
    struct pt_err err;
    char until[11];

    if (tls_certificate_read(&c, buf_span(&v->home->identity.certificate_pem), &err) != PT_OK ||
        tls_certificate_in_date(&c, v->now_s, &err) != PT_OK) {
        note(v, LEVEL_FAIL, "certificate", "%s", err.msg);
        return;
    }
    clock_date(until, c.not_after_s);
    note(v, c.not_after_s - v->now_s < (int64_t)SOON_DAYS * DAY_S ? LEVEL_WARN : LEVEL_OK,
         "certificate", "valid to %s", until);
}

static void see_policy(struct visit *v)
{
    struct pt_err err;
    char last[11];

    if (home_load_policy(v->home, v->now_s, &err) != PT_OK) {
        note(v, LEVEL_FAIL, "policy", "%s", err.msg);
        return;
    }
    const struct policy *p = v->home->policy;
    int64_t days = (p->valid_until_s - v->now_s) / DAY_S;
    clock_date(last, p->valid_until_s - 1);
    note(v, days < SOON_DAYS ? LEVEL_WARN : LEVEL_OK, "policy",
         "version %" PRIu32 ", %s, valid to %s%s", p->version,
         memcmp(v->home->policy_base.b, p->hash.b, sizeof p->hash.b) == 0
             ? "signed by all"
             : "which only tightens one that all have signed",
         last, days < SOON_DAYS ? ": agree on the next version now" : "");
}

static void see_stop(struct visit *v)
{
    struct frozen_state s;
    struct pt_err why;
    char words[600];

    if (v->home->policy == NULL)
        return;
    frozen_read(&s, v->home, &why);
    if (!s.frozen)
        return;
    frozen_words(words, v->home, &s);
    note(v, LEVEL_FAIL, "stop", "%s", words);
}

/* The last policy joined is on record: a link turned back to an older one shows. */
static void see_succession(struct visit *v, struct store *s)
{
    struct buf joined = {0};
    struct pt_err err;
    char hash[72];
    bool found;

    if (v->home->policy == NULL)
        return;
    policy_hash_text(hash, &v->home->policy->hash);
    if (store_fact_find(&joined, &found, s, "policy", &err) != PT_OK)
        note(v, LEVEL_FAIL, "database", "%s", err.msg);
    else if (!found || !span_eq_vartime(buf_span(&joined), span_z(hash)))
        note(v, LEVEL_FAIL, "policy",
             "the policy in force is not the one joined last: join it "
             "again");
    buf_free(&joined);
}

/* Who vouches for the published head besides this node. */
static void see_witnesses(struct visit *v)
{
    struct witness_signed s;
    struct pt_err err;
    bool found;

    if (witness_published(&s, &found, v->home, &err) != PT_OK)
        note(v, LEVEL_FAIL, "witnesses", "%s", err.msg);
    else if (found && s.had < s.needed)
        note(v, LEVEL_WARN, "witnesses",
             "%zu of the %zu that audit.quorum asks for have signed the log's head: they do while "
             "both nodes run; `patto audit verify` names who is missing",
             s.had, s.needed);
    else if (found)
        note(v, LEVEL_OK, "witnesses", "%zu have signed the log's head, and %zu have to", s.had,
             s.needed);
}

/* What was signed and published, against the events. */
static void see_log(struct visit *v, struct store *s)
{
    struct translog *log = NULL;
    struct pt_err err;

    if (v->home->policy == NULL)
        return;
    if (translog_open(&log, v->home, s, &err) != PT_OK || translog_check(log, &err) != PT_OK)
        note(v, LEVEL_FAIL, "log", "%s", err.msg);
    else
        note(v, LEVEL_OK, "log", "%" PRIu64 " of %" PRIu64 " events are signed and published",
             translog_published(log), translog_size(log));
    translog_close(log);
    see_witnesses(v);
}

static void see_store(struct visit *v)
{
    char path[HOME_PATH_MAX];
    struct store_place head;
    struct store *s;
    struct pt_err err;

    home_path(path, v->home, "state.db");
    if (store_open(&s, path, STORE_READ, &err) != PT_OK) {
        note(v, err.code == PT_ESTATE ? LEVEL_WARN : LEVEL_FAIL, "database", "%s", err.msg);
        return;
    }
    if (store_check(s, &err) != PT_OK || store_event_verify(&head, s, &err) != PT_OK)
        note(v, LEVEL_FAIL, "database", "%s", err.msg);
    else {
        note(v, LEVEL_OK, "database", "sound; the audit chain holds over %" PRIu64 " events",
             head.sequence);
        see_succession(v, s);
        see_log(v, s);
    }
    store_close(s);
}

static void see_disk(struct visit *v)
{
    static const uint64_t FEW_MB = 200;
    static const uint64_t ENOUGH_MB = 2000;
    struct statvfs fs;

    if (statvfs(v->home->dir, &fs) != 0) {
        note(v, LEVEL_FAIL, "disk", "%s: %s", v->home->dir, strerror(errno));
        return;
    }
    uint64_t free_mb = (uint64_t)fs.f_bavail * fs.f_frsize >> 20;
    enum level level = free_mb < FEW_MB ? LEVEL_FAIL : free_mb < ENOUGH_MB ? LEVEL_WARN : LEVEL_OK;
    note(v, level, "disk", "%" PRIu64 " MB free%s", free_mb,
         level == LEVEL_OK ? "" : ": a million customers want about 2000 MB; free some space");
}

/* Nothing of ours can have been written in the future. */
static void see_clock(struct visit *v)
{
    static const char *const FILES[] = {"node.yaml", "state.db", "lock"};
    char now[20];

    clock_time(now, v->now_s);
    for (size_t i = 0; i < PT_LEN(FILES); i++) {
        char path[HOME_PATH_MAX];
        struct stat st;
        home_path(path, v->home, FILES[i]);
        if (stat(path, &st) == 0 && st.st_mtime > v->now_s + 60) {
            note(v, LEVEL_FAIL, "clock", "it is %s UTC here and %s is newer: set the clock (NTP)",
                 now, path);
            return;
        }
    }
    note(v, LEVEL_OK, "clock", "%s UTC; policy dates and budgets go by it", now);
}

static bool swap_is_on(void)
{
    char line[256];
    bool on = false;
    FILE *f = fopen("/proc/swaps", "re");

    if (f == NULL)
        return false;
    if (fgets(line, sizeof line, f) != NULL) /* the heading */
        on = fgets(line, sizeof line, f) != NULL;
    fclose(f);
    return on;
}

static void see_memory(struct visit *v)
{
    static const rlim_t LOCKED_BYTES = 64 << 10;
    struct rlimit core = {1, 1};
    struct rlimit locked = {0, 0};

    getrlimit(RLIMIT_CORE, &core);
    getrlimit(RLIMIT_MEMLOCK, &locked);
    if (core.rlim_cur != 0 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
        note(v, LEVEL_FAIL, "core dumps", "they are on, and would hold keys: ulimit -c 0");
    else
        note(v, LEVEL_OK, "core dumps", "off");
    if (locked.rlim_cur < LOCKED_BYTES)
        note(v, LEVEL_WARN, "locked memory", "under 64 KiB, so keys may be swapped: ulimit -l 64");
    else
        note(v, LEVEL_OK, "locked memory", "enough for the keys");
    if (swap_is_on())
        note(v, LEVEL_WARN, "swap",
             "on: customer data in memory may reach the disk; encrypt it "
             "or turn it off");
    else
        note(v, LEVEL_OK, "swap", "off");
}

/* What the kernel says of the daemon, or of whoever works here now. */
static void see_sandbox(struct visit *v, long pid)
{
    struct sandbox_state s;

    sandbox_look(&s, pid);
    if (!s.known)
        note(v, LEVEL_WARN, "sandbox", "process %ld does not show its state to this user", pid);
    else if (!s.no_core)
        note(v, LEVEL_FAIL, "sandbox", "process %ld may leave a core dump with keys: restart it",
             pid);
    else if (!s.no_new_privileges || !s.filtered)
        note(v, LEVEL_WARN, "sandbox",
             "process %ld may make any system call: it is no `serve`, or runs --without-filter",
             pid);
    else
        note(v, LEVEL_OK, "sandbox",
             "process %ld: no new privileges, only the system calls it needs, no core dump", pid);
}

static void see_daemon(struct visit *v)
{
    struct pt_err err;
    long pid;

    if (home_lock_owner(&pid, v->home, &err) != PT_OK)
        note(v, LEVEL_FAIL, "daemon", "%s", err.msg);
    else if (pid != 0) {
        note(v, LEVEL_OK, "daemon", "process %ld holds the home", pid);
        see_sandbox(v, pid);
    } else if (dial_check_free(v->home->config.listen, &err) != PT_OK)
        note(v, LEVEL_FAIL, "port", "%s", err.msg);
    else
        note(v, LEVEL_OK, "port", "%s is free; no daemon runs on this home",
             v->home->config.listen);
}

static void see_peers(struct visit *v)
{
    const struct policy *p = v->home->policy;

    for (size_t i = 0; p != NULL && i < p->partner_count; i++) {
        struct pt_err err;
        const struct policy_partner *peer = &p->partners[i];
        if (i == v->home->self)
            continue;
        if (dial_probe(peer->endpoint, DIAL_MS, &err) == PT_OK)
            note(v, LEVEL_OK, "partner", "%s answers at %s", peer->name, peer->endpoint);
        else
            note(v, LEVEL_WARN, "partner",
                 "%s: %s: is its node running, and is a firewall between?", peer->name, err.msg);
    }
}

static enum pt_code print_json(FILE *out, const struct visit *v, struct pt_err *err)
{
    json_t *list = json_array();

    for (size_t i = 0; i < v->count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "check", v->findings[i].what,
                                              "verdict", LEVEL_NAMES[v->findings[i].level], "says",
                                              v->findings[i].says));
    return cmd_json_print(out, list, err);
}

static enum pt_code conclude(struct cli *cli, const struct visit *v, struct pt_err *err)
{
    size_t failed = 0;

    for (size_t i = 0; i < v->count; i++) {
        const struct finding *f = &v->findings[i];
        failed += f->level == LEVEL_FAIL;
        if (!cli_flag(cli, "json"))
            fprintf(cli->out, "%-5s %-14s %s\n", LEVEL_NAMES[f->level], f->what, f->says);
    }
    if (cli_flag(cli, "json") && print_json(cli->out, v, err) != PT_OK)
        return err->code;
    if (failed == 0)
        return PT_OK;
    return pt_fail(err, PT_ESTATE, "%zu of %zu checks failed: see the lines that begin with fail",
                   failed, v->count);
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    static void (*const CHECKS[])(struct visit *) = {
        see_home,  see_keys, see_modes, see_certificate, see_policy, see_stop,
        see_store, see_disk, see_clock, see_memory,      see_daemon,
    };
    struct visit *v = calloc(1, sizeof *v); /* too large for the stack */
    enum pt_code rc;

    if (v == NULL)
        return pt_fail(err, PT_ENOMEM, "doctor: out of memory");
    v->now_s = clock_now_s();
    if ((rc = home_open(&v->home, cli->home, HOME_LOOK, err)) != PT_OK)
        goto out;
    for (size_t i = 0; i < PT_LEN(CHECKS); i++)
        CHECKS[i](v);
    if (!cli_flag(cli, "offline"))
        see_peers(v);
    rc = conclude(cli, v, err);
out:
    home_close(v->home);
    free(v);
    return rc;
}

const struct command cmd_doctor = {
    .name = "doctor",
    .args = "",
    .summary = "look for what is wrong, and say what to do about it",
    .about = "Checks the home's permissions, the keys, the certificate, the policy's\n"
             "signatures and dates, the database, its audit chain and the published log, disk,\n"
             "clock, memory, the port, and whether the partners' nodes answer. One line\n"
             "each: ok, warn or fail. Exit status 1 when any fails. It changes nothing, and\n"
             "may run beside the node.",
    .example = "patto --home ./fresh doctor\npatto --home ./fresh doctor --offline --json",
    .options = OPTIONS,
    .run = run,
};
