#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/text.h"
#include "node/home.h"
#include "policy/budget.h"
#include "tests/scratch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const int64_t NOW_S = 1796990400; /* 2026-12-11 12:00:00 UTC */
static const struct config CONFIG = {
    .name = "fresh", .listen = "0.0.0.0:7443", .planner = "127.0.0.1:7444", .threads = 2};

static const char *make_home(void **state, const char *name)
{
    struct pt_err err = {0};
    const char *dir = scratch_path(state, name);

    if (home_create(dir, &CONFIG, NOW_S, &err) != PT_OK)
        fail_msg("%s", err.msg);
    return dir;
}

static struct home *open_home(void **state, const char *name, enum home_use use)
{
    struct pt_err err = {0};
    struct home *h = NULL;

    if (home_open(&h, scratch_path(state, name), use, &err) != PT_OK)
        fail_msg("%s", err.msg);
    return h;
}

static void expect_open(void **state, const char *name, enum pt_code code, const char *says)
{
    struct pt_err err = {0};
    struct home *h = NULL;

    assert_int_equal(home_open(&h, scratch_path(state, name), HOME_WORK, &err), code);
    assert_null(h);
    if (strstr(err.msg, says) == NULL)
        fail_msg("expected \"%s\" in \"%s\"", says, err.msg);
}

/* Goal: what is made can be opened, is private, and no two homes share a key. */
static void makes_and_opens(void **state)
{
    struct stat st;

    make_home(state, "a");
    make_home(state, "b/");
    struct home *a = open_home(state, "a", HOME_WORK);
    struct home *b = open_home(state, "b", HOME_WORK);
    assert_string_equal(a->config.name, "fresh");
    assert_string_equal(a->config.planner, "127.0.0.1:7444");
    assert_int_equal(a->config.threads, 2);
    assert_memory_not_equal(a->keys->node.b, b->keys->node.b, 64);
    assert_memory_not_equal(a->keys->oprf.b, b->keys->oprf.b, 32);
    assert_memory_not_equal(a->keys->vault.b, b->keys->vault.b, 32);
    assert_memory_not_equal(a->keys->noise.b, b->keys->noise.b, 32);
    assert_memory_not_equal(a->keys->epoch.b, b->keys->epoch.b, 32);
    assert_memory_not_equal(a->keys->vault.b, a->keys->noise.b, 32);
    assert_memory_not_equal(a->identity.fingerprint.b, b->identity.fingerprint.b, 32);
    assert_int_equal(strlen(a->keys->token), HOME_TOKEN_TEXT);
    assert_true(a->identity.key_pem.n > 0);
    assert_int_equal(stat(scratch_path(state, "a"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(stat(scratch_path(state, "a/keys/oprf.key"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    home_close(b);
    home_close(a);
}

/* Goal: to look needs no lock and loads no secret; it sees the same public halves. */
static void looks_beside_a_worker(void **state)
{
    struct pt_err err = {0};
    char token[HOME_TOKEN_TEXT + 1];
    char target[HOME_PATH_MAX];
    long pid;

    make_home(state, "a");
    struct home *look = open_home(state, "a", HOME_LOOK);
    assert_int_equal(home_lock_owner(&pid, look, &err), PT_OK);
    assert_int_equal(pid, 0);
    struct home *work = open_home(state, "a", HOME_WORK);
    assert_null(look->keys);
    assert_int_equal(look->identity.key_pem.n, 0);
    assert_memory_equal(look->node.b, work->node.b, 32);
    assert_memory_equal(look->identity.fingerprint.b, work->identity.fingerprint.b, 32);
    assert_int_equal(home_lock_owner(&pid, look, &err), PT_OK);
    assert_int_equal(pid, getpid());
    assert_int_equal(home_read_token(token, look, &err), PT_OK);
    assert_string_equal(token, work->keys->token);
    home_planner_target(target, look);
    assert_string_equal(target, "127.0.0.1:7444");
    expect_open(state, "a", PT_ESTATE, "another patto (process ");
    struct home *audit = open_home(state, "a", HOME_AUDIT); /* keys, beside a worker */
    assert_memory_equal(audit->keys->vault.b, work->keys->vault.b, 32);
    home_close(audit);
    expect_open(state, "a", PT_ESTATE, "another patto (process "); /* the lock is still his */
    home_close(work);
    work = open_home(state, "a", HOME_WORK); /* the lock went with it */
    home_close(work);
    home_close(look);
}

/* Goal: the lock goes with a killed process. */
static void lock_ends_with_its_process(void **state)
{
    int ready[2];
    char byte;
    int status;

    make_home(state, "a");
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct home *h = open_home(state, "a", HOME_WORK);
        if (write(ready[1], "x", 1) != 1)
            _exit(1);
        pause();
        home_close(h);
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    expect_open(state, "a", PT_ESTATE, "stop it first");
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    home_close(open_home(state, "a", HOME_WORK));
    close(ready[0]);
    close(ready[1]);
}

static void refuses_bad_homes(void **state)
{
    struct pt_err err = {0};

    expect_open(state, "none", PT_EIO, "there is no home at");
    assert_int_equal(mkdir(scratch_path(state, "half.new"), 0700), 0);
    expect_open(state, "half", PT_ESTATE, "was interrupted");
    make_home(state, "half"); /* takes over what was left */
    home_close(open_home(state, "half", HOME_WORK));
    assert_int_equal(home_create(scratch_path(state, "half"), &CONFIG, NOW_S, &err), PT_ESTATE);
    assert_non_null(strstr(err.msg, "never overwritten"));
    assert_int_equal(mkdir(scratch_path(state, "empty"), 0700), 0);
    expect_open(state, "empty", PT_ESTATE, "has no node.yaml");
    make_home(state, "empty"); /* an empty folder will do */
    scratch_write(scratch_path(state, "file"), span_z("x"));
    assert_int_equal(home_create(scratch_path(state, "file"), &CONFIG, NOW_S, &err), PT_ESTATE);
    assert_int_equal(home_create("", &CONFIG, NOW_S, &err), PT_EUSAGE);
    chmod(scratch_path(state, "half/keys/tls.key"), 0640);
    expect_open(state, "half", PT_EDENIED, "chmod 600");
    chmod(scratch_path(state, "half/keys/tls.key"), 0600);
    chmod(scratch_path(state, "half"), 0770);
    expect_open(state, "half", PT_EDENIED, "chmod 700");
    chmod(scratch_path(state, "half"), 0700);
    scratch_write(scratch_path(state, "half/keys/noise.key"), span_z("0011\n"));
    expect_open(state, "half", PT_EPARSE, "not one line of 64 hex digits");
    unlink(scratch_path(state, "half/keys/noise.key"));
    expect_open(state, "half", PT_EIO, "noise.key");
    scratch_write(scratch_path(state, "empty/keys/node.pub"),
                  span_z("0000000000000000000000000000000000000000000000000000000000000000\n"));
    expect_open(state, "empty", PT_EDENIED, "do not belong together");
}

/* Goal: a socket path that the kernel would cut is refused when the home is made. */
static void refuses_long_socket_paths(void **state)
{
    struct config c = CONFIG;
    struct pt_err err = {0};
    char name[120];

    memcpy(c.planner, "unix", 5);
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(home_create(scratch_path(state, name), &c, NOW_S, &err), PT_EUSAGE);
    assert_non_null(strstr(err.msg, "too long for a Unix socket"));
    make_home(state, name); /* TCP has no such limit */
}

/* Goal: seeds are functions of key and label, and of nothing else. */
static void derives_seeds(void **state)
{
    struct key32 one;
    struct key32 two;
    struct key32 again;

    make_home(state, "a");
    struct home *h = open_home(state, "a", HOME_WORK);
    home_oprf_seed(&one, h, span_z("1"));
    home_oprf_seed(&two, h, span_z("2"));
    assert_memory_not_equal(one.b, two.b, 32);
    home_epoch_seed(&two, h, span_z("1"));
    assert_memory_not_equal(one.b, two.b, 32);
    home_close(h);
    h = open_home(state, "a", HOME_WORK);
    /* One master, one text, and still no stream serves two purposes. */
    const struct digest id = {"1"};
    struct key32 each[4];
    home_epoch_seed(&each[0], h, span_of(id.b, sizeof id.b));
    home_batch_seed(&each[1], h, span_of(id.b, sizeof id.b));
    home_proof_seed(&each[2], h, span_of(id.b, sizeof id.b));
    home_neutral_seed(&each[3], h, &id);
    for (size_t i = 0; i < PT_LEN(each); i++)
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(each[i].b, each[j].b, sizeof each[i].b);
    home_oprf_seed(&again, h, span_z("1"));
    assert_memory_equal(one.b, again.b, 32);
    home_close(h);
}

/* ---- policies: this home and one partner that exists on paper, with officers' keys of our own */

struct pact {
    struct minisign_key officers[2]; /* fresh, other */
    char certificate[72], node[65];
};

static void pact_of(struct pact *out, const struct home *h)
{
    for (size_t i = 0; i < 2; i++)
        minisign_key_random(&out->officers[i]);
    policy_hash_text(out->certificate, &h->identity.fingerprint);
    text_hex(out->node, h->node.b, sizeof h->node.b);
}

struct draft { /* what varies */
    unsigned version;
    const char *previous; /* a line or "" */
    const char *until;
    const char *values;
    const char *name;
    const char *from; /* NULL: 2026-12-01 */
};

static void write_policy(const struct pact *pact, const char *path, struct draft d)
{
    char officers[2][MINISIGN_PUBLIC_TEXT + 1];
    struct minisign_public public;
    struct buf text = {0};

    for (size_t i = 0; i < 2; i++) {
        minisign_key_public(&public, &pact->officers[i]);
        minisign_public_print(officers[i], &public);
    }
    assert_true(buf_printf(
        &text,
        "patto: 1\nfederation: two\nversion: %u\n%spurpose: joint-campaign-planning\n"
        "purpose_words: A test.\n"
        "legal: {basis: consent, arrangement: A-1, dpia: D-1, contact: a@example.org, "
        "retention_days: 30}\n"
        "valid: {from: %s, until: %s}\n"
        "match: {identifier: email, normalisation: uid2, slots_per_customer: 4}\n"
        "partners:\n  %s:\n    endpoint: 127.0.0.1:7443\n    certificate: %s\n    officer: %s\n"
        "    node: ed25519:%s\n    customers: {min: 1, max: 1000}\n"
        "    attributes: {segment: {type: category, values: [%s]}}\n"
        "  other:\n    endpoint: 127.0.0.1:7445\n"
        "    certificate: "
        "sha256:0000000000000000000000000000000000000000000000000000000000000001\n"
        "    officer: %s\n    node: "
        "ed25519:f4ccf3ce192811779f58ce4c61e332877093791b98ad58e22a0bf080aee7fa0b\n"
        "    customers: {min: 1, max: 1000}\n    attributes: {tier: {type: category, values: [a, "
        "b]}}\n"
        "questions:\n  overlap: {ask: any, filters: []}\n"
        "privacy:\n  unit: person\n  minimum_count: 100\n  minimum_audience: 1000\n"
        "  budget: {rho: 0.2, delta: 1e-9, days: 90, daily_rho: 0.01, lifetime_rho: 1.0}\n"
        "  cost: {count_rho: 0.0005, table_rho: 0.002}\n"
        "audit: {witnesses: [other], quorum: all}\n",
        d.version, d.previous, d.from != NULL ? d.from : "2026-12-01", d.until, d.name,
        pact->certificate, officers[0], pact->node, d.values, officers[1]));
    scratch_write(path, buf_span(&text));
    buf_free(&text);
}

static void sign_policy(const struct pact *pact, const char *path)
{
    static const char *const NAMES[] = {"fresh", "other"};
    struct pt_err err = {0};
    struct buf file = {0};
    char target[HOME_PATH_MAX];

    assert_int_equal(fileio_read(&file, path, POLICY_FILE_MAX, &err), PT_OK);
    for (size_t i = 0; i < 2; i++) {
        struct buf signature = {0};
        assert_int_equal(minisign_sign(&signature, &pact->officers[i], buf_span(&file), "t", &err),
                         PT_OK);
        assert_int_equal(home_signature_path(target, path, NAMES[i], &err), PT_OK);
        scratch_write(target, buf_span(&signature));
        buf_free(&signature);
    }
    buf_free(&file);
}

static void expect_join(struct home *h, const char *path, enum pt_code code, const char *says)
{
    struct home_joined joined;
    struct pt_err err = {0};

    if (home_join(&joined, h, path, NOW_S, &err) != code || strstr(err.msg, says) == NULL)
        fail_msg("expected %d, \"%s\"; got %d, \"%s\"", code, says, err.code, err.msg);
}

static const struct draft FIRST = {1, "", "2027-06-30", "new, loyal", "fresh", NULL};

/* Goal: only a policy that is signed by all, in date, ours and next in line gets in; each refusal
 * says which of these fails, and leaves the one in force. */
static void joins_only_what_is_right(void **state)
{
    struct home_joined joined;
    struct pt_err err = {0};
    struct pact pact;
    struct draft d = FIRST;
    char previous[96] = "previous: ";
    const char *path = strdup(scratch_path(state, "policy.yaml"));

    make_home(state, "a");
    struct home *h = open_home(state, "a", HOME_WORK);
    pact_of(&pact, h);
    assert_int_equal(home_load_policy(h, NOW_S, &err), PT_ESTATE);
    assert_non_null(strstr(err.msg, "join POLICY"));
    write_policy(&pact, path, d);
    expect_join(h, path, PT_EDENIED, "no signature of fresh, other");
    sign_policy(&pact, path);
    d.values = "new, loyal, lapsed";
    write_policy(&pact, path, d); /* edited after it was signed */
    expect_join(h, path, PT_EDENIED, "not valid for this file: that of fresh, other");
    d = FIRST;
    d.until = "2026-12-10";
    write_policy(&pact, path, d);
    sign_policy(&pact, path);
    expect_join(h, path, PT_EDENIED, "has expired");
    d = FIRST;
    d.name = "fresher";
    write_policy(&pact, path, d);
    expect_join(h, path, PT_EDENIED, "no signature of fresher");
    struct pact stranger = pact;
    stranger.certificate[20] = stranger.certificate[20] == '0' ? '1' : '0';
    write_policy(&stranger, path, FIRST);
    sign_policy(&stranger, path);
    expect_join(h, path, PT_EDENIED, "the certificate of fresh is not this home's");
    stranger = pact;
    memcpy(stranger.node, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", 64);
    write_policy(&stranger, path, FIRST);
    sign_policy(&stranger, path);
    expect_join(h, path, PT_EDENIED, "the node key of fresh is not this home's");
    assert_null(h->policy);
    write_policy(&pact, path, FIRST);
    sign_policy(&pact, path);
    assert_int_equal(home_join(&joined, h, path, NOW_S, &err), PT_OK);
    assert_false(joined.again);
    assert_false(joined.attributes_changed);
    assert_int_equal(joined.from_version, 0);
    assert_int_equal(home_join(&joined, h, path, NOW_S, &err), PT_OK);
    assert_true(joined.again);
    const struct digest first = h->policy->hash;
    policy_hash_text(previous + strlen(previous), &h->policy->hash);
    memcpy(previous + strlen(previous), "\n", 2);
    d = (struct draft){2, previous, "2027-06-30", "new, loyal, lapsed", "fresh", NULL};
    write_policy(&pact, path, d);
    sign_policy(&pact, path);
    assert_int_equal(home_join(&joined, h, path, NOW_S, &err), PT_OK);
    assert_true(joined.attributes_changed);
    assert_int_equal(joined.from_version, 1);
    struct policy *former = NULL;
    const struct digest none = {{1}};
    assert_int_equal(home_former_policy(&former, h, &first, &err), PT_OK);
    assert_int_equal(former->version, 1);
    policy_free(former);
    assert_int_equal(home_former_policy(&former, h, &h->policy->hash, &err), PT_OK);
    assert_int_equal(former->version, 2);
    policy_free(former);
    assert_int_equal(home_former_policy(&former, h, &none, &err), PT_ESTATE);
    assert_null(former);
    write_policy(&pact, path, FIRST);
    sign_policy(&pact, path);
    expect_join(h, path, PT_EDENIED, "downgrade refused");
    assert_int_equal(h->policy->version, 2);
    home_close(h);
    h = open_home(state, "a", HOME_LOOK);
    assert_int_equal(home_load_policy(h, NOW_S, &err), PT_OK);
    assert_int_equal(h->policy->version, 2);
    assert_string_equal(h->policy->partners[h->self].name, "fresh");
    home_close(h);
    free((void *)(uintptr_t)path);
}

/* Goal: a new version begins no new budget period: periods count from the first version that this
 * home had. A copy of it that was changed is noticed; one that is gone is one we never had. */
static void periods_count_from_the_first_version(void **state)
{
    static const int64_t FIRST_S = 1796083200; /* 2026-12-01 */
    static const int64_t DAY_S = 86400;
    struct pt_err err = {0};
    struct pact pact;
    char previous[96] = "previous: ";
    char folder[32];
    char copy[64];
    char hex[9];
    const char *path = strdup(scratch_path(state, "policy.yaml"));

    make_home(state, "a");
    struct home *h = open_home(state, "a", HOME_WORK);
    pact_of(&pact, h);
    for (unsigned version = 1; version <= 3; version++) {
        struct draft d = {version, version > 1 ? previous : "", "2027-06-30", "new", "fresh", NULL};
        d.from = version == 1 ? "2026-12-01" : version == 2 ? "2026-12-05" : "2026-12-10";
        write_policy(&pact, path, d);
        sign_policy(&pact, path);
        expect_join(h, path, PT_OK, "");
        assert_int_equal(budget_period_start_s(h->policy, NOW_S), FIRST_S);
        policy_hash_text(previous + strlen("previous: "), &h->policy->hash);
        memcpy(previous + strlen(previous), "\n", 2);
        if (version == 1)
            text_hex(hex, h->policy->hash.b, 4);
    }
    home_close(h);
    h = open_home(state, "a", HOME_LOOK);
    assert_int_equal(home_load_policy(h, NOW_S, &err), PT_OK);
    assert_int_equal(h->policy->version, 3);
    assert_int_equal(h->policy->valid_from_s, FIRST_S + 9 * DAY_S);
    assert_int_equal(budget_period_start_s(h->policy, NOW_S), FIRST_S);
    assert_int_equal(budget_period_end_s(h->policy, NOW_S), FIRST_S + 90 * DAY_S);
    snprintf(folder, sizeof folder, "a/policy/1-%s", hex);
    snprintf(copy, sizeof copy, "%s/policy.yaml", folder);
    write_policy(&pact, scratch_path(state, copy),
                 (struct draft){1, "", "2027-06-30", "new", "fresh", "2026-12-02"});
    assert_int_equal(home_load_policy(h, NOW_S, &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "an earlier version, by which budget periods count"));
    assert_null(h->policy);
    scratch_write(scratch_path(state, copy), span_z("patto: 0\n")); /* of an older release */
    assert_int_equal(home_load_policy(h, NOW_S, &err), PT_OK);
    assert_int_equal(budget_period_start_s(h->policy, NOW_S), FIRST_S + 4 * DAY_S);
    assert_int_equal(rename(scratch_path(state, folder), scratch_path(state, "elsewhere")), 0);
    assert_int_equal(home_load_policy(h, NOW_S, &err), PT_OK);
    assert_int_equal(budget_period_start_s(h->policy, NOW_S), FIRST_S + 4 * DAY_S);
    home_close(h);
    free((void *)(uintptr_t)path);
}

static void unsign(const char *path, const char *name)
{
    struct pt_err err = {0};
    char target[HOME_PATH_MAX];

    assert_int_equal(home_signature_path(target, path, name, &err), PT_OK);
    assert_int_equal(unlink(target), 0);
}

static void name_previous(char previous[96], const struct home *h)
{
    policy_hash_text(previous + snprintf(previous, 96, "previous: "), &h->policy->hash);
    memcpy(previous + strlen(previous), "\n", 2);
}

/* Goal: a version that only tightens gets in with one signature, is judged again at each start by the
 * versions before it, and does not stand once these are changed or gone; a looser one needs all. */
static void tightens_with_one_signature(void **state)
{
    struct home_joined joined;
    struct pt_err err = {0};
    struct pact pact;
    char previous[96];
    char folder[32];
    char copy[64];
    char hex[9];
    const char *path = strdup(scratch_path(state, "policy.yaml"));

    make_home(state, "a");
    struct home *h = open_home(state, "a", HOME_WORK);
    pact_of(&pact, h);
    write_policy(&pact, path, FIRST);
    sign_policy(&pact, path);
    assert_int_equal(home_join(&joined, h, path, NOW_S, &err), PT_OK);
    assert_false(joined.by_one);
    const struct digest first = h->policy->hash;
    text_hex(hex, first.b, 4);
    for (unsigned version = 2; version <= 3; version++) { /* two in a row */
        struct draft d = {version,      previous, version == 2 ? "2027-06-29" : "2027-06-28",
                          "new, loyal", "fresh",  NULL};
        name_previous(previous, h);
        write_policy(&pact, path, d);
        sign_policy(&pact, path);
        unsign(path, version == 2 ? "fresh" : "other");
        assert_int_equal(home_join(&joined, h, path, NOW_S, &err), PT_OK);
        assert_true(joined.by_one);
        assert_memory_equal(h->policy_base.b, first.b, sizeof first.b);
    }
    name_previous(previous, h);
    write_policy(&pact, path, (struct draft){4, previous, "2027-06-30", "new", "fresh", NULL});
    sign_policy(&pact, path);
    unsign(path, "other");
    expect_join(h, path, PT_EDENIED, "valid.until, line 8, is looser");
    home_close(h);
    h = open_home(state, "a", HOME_LOOK);
    assert_int_equal(home_load_policy(h, NOW_S, &err), PT_OK);
    assert_int_equal(h->policy->version, 3);
    assert_memory_equal(h->policy_base.b, first.b, sizeof first.b);
    /* Without the one that all have signed there is nothing that the others could tighten. */
    snprintf(folder, sizeof folder, "a/policy/1-%s", hex);
    assert_int_equal(rename(scratch_path(state, folder), scratch_path(state, "elsewhere")), 0);
    assert_int_equal(home_load_policy(h, NOW_S, &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "not signed by all"));
    assert_int_equal(rename(scratch_path(state, "elsewhere"), scratch_path(state, folder)), 0);
    assert_int_equal(home_load_policy(h, NOW_S, &err), PT_OK);
    snprintf(copy, sizeof copy, "%s/policy.yaml", folder);
    write_policy(&pact, scratch_path(state, copy),
                 (struct draft){1, "", "2027-07-30", "new, loyal", "fresh", NULL});
    assert_int_equal(home_load_policy(h, NOW_S, &err), PT_EDENIED);
    home_close(h);
    free((void *)(uintptr_t)path);
}

/* Goal: at each start the policy in force is checked again; an expired one is shown all the same,
 * and a killed join left nothing in the way of the next. */
static void checks_again_at_start(void **state)
{
    struct pt_err err = {0};
    struct pact pact;
    const char *path = strdup(scratch_path(state, "policy.yaml"));

    make_home(state, "a");
    struct home *h = open_home(state, "a", HOME_WORK);
    pact_of(&pact, h);
    write_policy(&pact, path, FIRST);
    sign_policy(&pact, path);
    assert_int_equal(symlink("nowhere", scratch_path(state, "a/policy/current.new")), 0);
    expect_join(h, path, PT_OK, "");
    home_close(h);
    h = open_home(state, "a", HOME_WORK);
    assert_int_equal(home_load_policy(h, NOW_S + 400 * INT64_C(86400), &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "has expired"));
    assert_non_null(h->policy);
    home_close(h);
    write_policy(&pact, scratch_path(state, "a/policy/current/policy.yaml"),
                 (struct draft){1, "", "2027-06-30", "x, y", "fresh", NULL});
    h = open_home(state, "a", HOME_WORK);
    assert_int_equal(home_load_policy(h, NOW_S, &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "not valid for this file"));
    assert_null(h->policy);
    home_close(h);
    free((void *)(uintptr_t)path);
}

/* Goal: whatever lets others read what is secret, or write what is trusted, is refused with the
 * command that mends it; and the mended home opens. */
static void modes_are_checked(void **state)
{
    static const struct {
        const char *name;
        mode_t wrong, right;
        const char *remedy;
    } CASES[] = {
        {"m/keys", 0750, 0700, "chmod 700"},      {"m/vault", 0701, 0700, "chmod 700"},
        {"m/columns", 0710, 0700, "chmod 700"},   {"m/policy", 0720, 0700, "chmod 700"},
        {"m/node.yaml", 0602, 0600, "chmod 600"}, {"m/state.db", 0640, 0600, "chmod 600"},
        {"m/log", 0777, 0755, "chmod 755"},
    };

    make_home(state, "m");
    scratch_write(scratch_path(state, "m/state.db"), span_z(""));
    for (size_t i = 0; i < PT_LEN(CASES); i++) {
        assert_int_equal(chmod(scratch_path(state, CASES[i].name), CASES[i].wrong), 0);
        expect_open(state, "m", PT_EDENIED, CASES[i].remedy);
        assert_int_equal(chmod(scratch_path(state, CASES[i].name), CASES[i].right), 0);
        home_close(open_home(state, "m", HOME_WORK));
    }
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        CASE(makes_and_opens),
        CASE(looks_beside_a_worker),
        CASE(lock_ends_with_its_process),
        CASE(refuses_bad_homes),
        CASE(refuses_long_socket_paths),
        CASE(derives_seeds),
        CASE(joins_only_what_is_right),
        CASE(tightens_with_one_signature),
        CASE(checks_again_at_start),
        CASE(periods_count_from_the_first_version),
        CASE(modes_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
