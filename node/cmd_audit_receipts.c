/* patto audit receipts: every receipt of this home, verified, and those that are outstanding. */
#include "crypto/base/text.h"
#include "node/clock.h"
#include "node/cmd_json.h"
#include "node/commands.h"
#include "node/fileio.h"
#include "node/home.h"
#include "node/receipt.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct cli_option OPTIONS[] = {
    {"json", NULL, "print them as JSON", false, false},
    {0},
};

struct listing {
    FILE *out;
    json_t *json; /* NULL: text */
    const struct home *home;
    struct receipt receipt; /* too large for the stack */
    size_t good, bad, outstanding;
};

static bool ends_with(const char *text, const char *tail)
{
    size_t n = strlen(text);
    size_t m = strlen(tail);

    return n > m && strcmp(text + n - m, tail) == 0;
}

static int is_receipt(const struct dirent *e)
{
    return ends_with(e->d_name, ".tlog-proof") || ends_with(e->d_name, ".pending");
}

/* As `audit receipt` judges it. */
static enum pt_code verify(struct listing *l, const char *file, struct pt_err *err)
{
    const struct policy *p = l->home->policy;
    char dir[HOME_PATH_MAX];
    char path[HOME_PATH_MAX];
    struct buf text = {0};
    enum pt_code rc;

    home_path(dir, l->home, "receipts");
    if ((rc = fileio_join(path, dir, file, err)) == PT_OK &&
        (rc = fileio_read(&text, path, TLOG_PROOF_BYTES_MAX, err)) == PT_OK)
        rc = receipt_read(&l->receipt, buf_span(&text), p, err);
    if (rc == PT_OK && l->receipt.signed_s == 0)
        rc = pt_fail(err, PT_EDENIED, "%s, who asked, has not signed it",
                     p->partners[l->receipt.asker].name);
    buf_free(&text);
    return rc;
}

static void tell_good(struct listing *l, const char *file)
{
    const struct receipt *r = &l->receipt;
    const char *owner = l->home->policy->partners[r->owner].name;
    char kind[512];
    char charged[512];
    char at[20];

    clock_time(at, r->event.at_s);
    receipt_field(kind, r, "kind");
    receipt_field(charged, r, "charged");
    if (l->json == NULL)
        fprintf(l->out, "good         %s UTC  %-10.20s %-10s rho %.20s\n             %s\n", at,
                kind, owner, charged, file);
    else
        json_array_append_new(l->json, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "file", file,
                                                 "state", "good", "owner", owner, "at", at, "kind",
                                                 kind, "charged", charged));
}

static void tell_other(const struct listing *l, const char *file, const char *state,
                       const char *reason)
{
    if (l->json == NULL)
        fprintf(l->out, "%-12s %s\n             %s\n", state, reason, file);
    else
        json_array_append_new(
            l->json, json_pack("{s:s, s:s, s:s}", "file", file, "state", state, "reason", reason));
}

static void look(struct listing *l, const char *file)
{
    struct pt_err err;

    if (ends_with(file, ".pending")) {
        l->outstanding++;
        tell_other(l, file, "outstanding", "`patto serve` asks its owner for it every minute");
    } else if (verify(l, file, &err) == PT_OK) {
        l->good++;
        tell_good(l, file);
    } else {
        l->bad++;
        tell_other(l, file, "not good", err.msg);
    }
}

/* No folder: nothing was answered yet. */
static enum pt_code look_all(struct listing *l, struct pt_err *err)
{
    char dir[HOME_PATH_MAX];
    struct dirent **names = NULL;

    home_path(dir, l->home, "receipts");
    int n = scandir(dir, &names, is_receipt, alphasort);
    if (n < 0 && errno != ENOENT)
        return pt_fail(err, PT_EIO, "reading folder %s: %s", dir, strerror(errno));
    for (int i = 0; i < n; i++) {
        look(l, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    return PT_OK;
}

static enum pt_code list(struct cli *cli, struct listing *l, struct pt_err *err)
{
    enum pt_code rc;

    l->out = cli->out;
    if (cli_flag(cli, "json") && (l->json = json_array()) == NULL)
        return pt_fail(err, PT_ENOMEM, "audit receipts: out of memory");
    if ((rc = look_all(l, err)) != PT_OK)
        json_decref(l->json);
    else if (l->json != NULL)
        rc = cmd_json_print(cli->out, l->json, err);
    else
        fprintf(cli->out, "%zu good, %zu outstanding, %zu not good\n", l->good, l->outstanding,
                l->bad);
    if (rc == PT_OK && l->bad > 0)
        rc = pt_fail(err, PT_EDENIED,
                     "%zu of the receipts are not good under the policy in force; those of an "
                     "earlier one verify with it: patto audit receipt FILE --policy POLICY",
                     l->bad);
    return rc;
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    struct listing *l = calloc(1, sizeof *l);
    struct home *h = NULL;
    enum pt_code rc;

    if (l == NULL)
        return pt_fail(err, PT_ENOMEM, "audit receipts: out of memory");
    if ((rc = home_open(&h, cli->home, HOME_LOOK, err)) != PT_OK)
        goto out;
    rc = home_load_policy(h, clock_now_s(), err);
    if (rc == PT_EDENIED && h->policy != NULL)
        rc = PT_OK; /* out of date: what it says of keys holds */
    l->home = h;
    if (rc == PT_OK)
        rc = list(cli, l, err);
out:
    home_close(h);
    free(l);
    return rc;
}

const struct command cmd_audit_receipts = {
    .name = "audit receipts",
    .args = "",
    .summary = "verify all receipts of this home at once",
    .about = "Each answer that this node had has a receipt in HOME/receipts. Lists them all,\n"
             "each verified as `patto audit receipt` does. One is outstanding when its owner\n"
             "could not be reached after it had answered: a running node asks again every\n"
             "minute. Exit status 1 when one is not good.",
    .example = "patto --home ./fresh audit receipts\n"
               "patto --home ./fresh audit receipts --json",
    .options = OPTIONS,
    .run = run,
};
