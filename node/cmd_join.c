/* patto join: put a signed policy in force on this node. */
#include "node/clock.h"
#include "node/commands.h"
#include "node/home.h"
#include "node/store.h"

#include <inttypes.h>
#include <string.h>

/* The event and the fact in one transaction, once a policy: a join that was killed after the
 * switch is completed by running it again. */
static enum pt_code record(struct store *s, const struct policy *p, const struct home_joined *j,
                           int64_t now_s, struct pt_err *err)
{
    struct store_place place;
    struct buf known = {0};
    char hash[72];
    char fields[128];
    bool found;
    enum pt_code rc;

    policy_hash_text(hash, &p->hash);
    if ((rc = store_begin(s, err)) != PT_OK)
        return rc;
    if ((rc = store_fact_find(&known, &found, s, "policy", err)) != PT_OK)
        goto out;
    if (found && span_eq_vartime(buf_span(&known), span_z(hash)))
        goto out;
    snprintf(fields, sizeof fields, "version=%" PRIu32 " hash=%s signed=%s", p->version, hash,
             j->by_one ? "one" : "all");
    if ((rc = store_event(&place, s, "policy", fields, now_s, err)) == PT_OK && j->lifted)
        rc = store_event(&place, s, "thaw", fields, now_s, err);
    if (rc == PT_OK && (rc = store_fact_put(s, "policy", span_z(hash), err)) == PT_OK)
        rc = store_commit(s, err);
out:
    store_rollback(s);
    buf_free(&known);
    return rc;
}

static void tell(struct cli *cli, const struct home *h, const struct home_joined *j)
{
    const struct policy *p = h->policy;

    if (j->again)
        fprintf(cli->out, "version %" PRIu32 " of %s is in force already\n", p->version,
                p->federation);
    else
        fprintf(cli->out, "version %" PRIu32 " of %s is in force\n", p->version, p->federation);
    if (j->lifted)
        fprintf(cli->log, "an officer's stop of the version before is lifted\n");
    if (j->by_one)
        fprintf(cli->log, "it only tightens the version before, so that one officer's signature is "
                          "enough;\npartners are refused by name until they have joined it too\n");
    if (j->attributes_changed)
        fprintf(cli->log, "this node's attributes or identifier rules changed: ingest again "
                          "before the next epoch\n");
    if (j->from_version == 0)
        fprintf(cli->log, "next: patto --home %s ingest FILE --map MAP.yaml\n", h->dir);
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    struct home *h = NULL;
    struct store *s = NULL;
    struct home_joined joined;
    char path[HOME_PATH_MAX];
    int64_t now_s = clock_now_s();
    enum pt_code rc;

    if ((rc = home_open(&h, cli->home, HOME_WORK, err)) != PT_OK)
        return rc;
    home_path(path, h, "state.db");
    /* The store first: a disk that is full or read-only is found out before anything changes. */
    if ((rc = store_open(&s, path, STORE_WRITE, err)) == PT_OK &&
        (rc = home_join(&joined, h, cli->args[0], now_s, err)) == PT_OK &&
        (rc = record(s, h->policy, &joined, now_s, err)) == PT_OK)
        tell(cli, h, &joined);
    store_close(s);
    home_close(h);
    return rc;
}

const struct command cmd_join = {
    .name = "join",
    .args = "POLICY",
    .summary = "put a policy in force that every partner has signed",
    .about = "Checks POLICY and the signatures beside it (POLICY.NAME.minisig, one of every\n"
             "partner): that it is well formed, signed by all, in date, follows the policy\n"
             "in force (naming its hash), and describes this very node. Only then is it\n"
             "copied into the home. A version that only tightens the one in force, or from\n"
             "which a partner leaves, needs one officer's signature (`patto policy diff`\n"
             "says which it is). Stop the node before, start it after; partners with\n"
             "another policy are refused by name until they have joined it too.",
    .example = "patto --home ./fresh join policy.yaml",
    .arg_min = 1,
    .arg_max = 1,
    .run = run,
};
