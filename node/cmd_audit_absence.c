/* patto audit absence: show an auditor that people are not in what an epoch was made over. */
#include "crypto/base/text.h"
#include "node/clock.h"
#include "node/cmd_json.h"
#include "node/commands.h"
#include "node/commitment.h"
#include "node/forgotten.h"
#include "node/home.h"
#include "node/idopt.h"
#include "node/snapshot.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_SHOWN = 20 };

static const struct cli_option OPTIONS[] = {
    {"epoch", "N", "the epoch, as `patto status` numbers it", true, false},
    IDOPT_OPTIONS,
    {"json", NULL, "print it as JSON", false, false},
    {0},
};

struct person { /* of the list, by number */
    bool has_token, present;
};
struct audit {
    struct cli *cli;
    struct home *home;
    struct store *store;
    struct policy *former; /* NULL: the policy in force is the epoch's */
    const struct policy *policy;
    struct salt_result agreed;
    int self; /* participant */
    char dir[HOME_PATH_MAX];
    struct vault_place place;
    struct idlist who;
    struct person *people;
    struct digestset tags, tokens; /* of the people; a tag's number is its person's */
    size_t *token_owner;           /* by number in tokens */
    size_t present_count, token_count;
};

/* ---- the header ---- */

static enum pt_code read_header(struct audit *a, uint64_t number, struct pt_err *err)
{
    struct store_epoch epoch = {0};
    struct epoch_header header;
    bool found;
    enum pt_code rc;

    if ((rc = store_epoch_numbered(&epoch, &found, a->store, number, err)) != PT_OK)
        return rc;
    if (!found) {
        rc = pt_fail(err, PT_ESTATE, "this node was in no epoch %" PRIu64, number);
        goto out;
    }
    if ((rc = epoch_header_parse(&header, buf_span(&epoch.header), err)) != PT_OK)
        goto out;
    a->policy = a->home->policy;
    if (memcmp(header.policy_hash.b, a->policy->hash.b, sizeof header.policy_hash.b) != 0) {
        if ((rc = home_former_policy(&a->former, a->home, &header.policy_hash, err)) != PT_OK)
            goto out;
        a->policy = a->former;
    }
    if ((rc = snapshot_read_back(&a->agreed, a->policy, &epoch, err)) != PT_OK)
        goto out;
    a->self = epoch_find(&a->agreed.header, a->home->config.name);
    if (a->self < 0)
        rc = pt_fail(err, PT_ESTATE, "epoch %" PRIu64 " does not name this node", number);
out:
    store_epoch_free(&epoch);
    return rc;
}

/* ---- what people would look like in the set ---- */

static enum pt_code no_memory(struct pt_err *err)
{
    return pt_fail(err, PT_ENOMEM, "looking people up: not enough memory");
}

static enum pt_code add_token(struct audit *a, size_t person, const struct token *token,
                              struct pt_err *err)
{
    struct digest key = {{0}};
    size_t number;
    bool added;

    memcpy(key.b, token, sizeof *token);
    if (digestset_add(&number, &added, &a->tokens, &key) != PT_OK)
        return no_memory(err);
    a->token_owner[number] = person;
    a->people[person].has_token = true;
    a->token_count++;
    return PT_OK;
}

static int by_digest(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct digest));
}

/* A person's token of the epoch's key period, as the list of the removed or the vault knows it. */
static const struct token *token_of(const struct digest *who, const struct forgotten *gone,
                                    const struct vault_data *data, const char *period)
{
    const struct forgotten_person *f = forgotten_find(gone, who);

    if (f != NULL && strcmp(f->key_period, period) == 0)
        return &f->token;
    if (data == NULL || data->count == 0 || strcmp(data->key_period, period) != 0)
        return NULL;
    const struct digest *at =
        bsearch(who, data->digests, (size_t)data->count, sizeof *data->digests, by_digest);
    return at != NULL && data->has_token[at - data->digests] ? &data->tokens[at - data->digests]
                                                             : NULL;
}

static enum pt_code find_tokens(struct audit *a, struct pt_err *err)
{
    struct forgotten gone = {0};
    struct vault_data *data = NULL;
    struct pt_err none = {0};
    char period[VAULT_PERIOD_MAX + 1];
    enum pt_code rc;

    snprintf(period, sizeof period, "%" PRIu32, a->agreed.header.key_period);
    if ((rc = forgotten_load(&gone, &a->place, err)) != PT_OK)
        return rc;
    /* No customers, or of another shape: then nothing more is known of anybody. */
    if ((rc = vault_load(&data, &a->place, &none)) != PT_OK && rc != PT_ESTATE) {
        *err = none;
        goto out;
    }
    rc = PT_OK;
    for (size_t i = 0; i < a->who.set.count && rc == PT_OK; i++) {
        const struct token *t = token_of(&a->who.set.digests[i], &gone, data, period);
        if (t != NULL)
            rc = add_token(a, i, t, err);
    }
out:
    vault_data_free(data);
    forgotten_free(&gone);
    return rc;
}

static enum pt_code find_tags(struct audit *a, const struct key32 *salt, struct pt_err *err)
{
    size_t number;
    bool added;

    for (size_t i = 0; i < a->who.set.count; i++) {
        PT_WIPED(key32) tag = {0};
        struct digest key;
        commitment_tag(&tag, salt, &a->who.set.digests[i]);
        memcpy(key.b, tag.b, sizeof key.b);
        if (digestset_add(&number, &added, &a->tags, &key) != PT_OK)
            return no_memory(err);
    }
    return PT_OK;
}

/* ---- the set ---- */

static void mark(struct audit *a, size_t person)
{
    a->present_count += a->people[person].present ? 0 : 1;
    a->people[person].present = true;
}

static void look(struct audit *a, const struct commitment_row *row)
{
    struct digest key;
    struct digest token = {{0}};
    size_t number;

    memcpy(key.b, row->tag.b, sizeof key.b);
    memcpy(token.b, &row->token, sizeof row->token);
    if (digestset_find(&number, &a->tags, &key))
        mark(a, number);
    if (digestset_find(&number, &a->tokens, &token))
        mark(a, a->token_owner[number]);
    explicit_bzero(&key, sizeof key);
    explicit_bzero(&token, sizeof token);
}

static enum pt_code read_set(struct audit *a, struct pt_err *err)
{
    const struct digest *root = &a->agreed.header.participants[a->self].dataset;
    struct commitment_reader *r = NULL;
    struct commitment_row row = {0};
    bool more = true;
    enum pt_code rc;

    if ((rc = commitment_open(&r, &a->place, root, err)) != PT_OK ||
        (rc = find_tags(a, commitment_salt(r), err)) != PT_OK)
        goto out;
    while (rc == PT_OK && more) {
        if ((rc = commitment_next(&row, &more, r, err)) == PT_OK && more)
            look(a, &row);
    }
    /* Nothing was proved until the root is the header's. */
    if (rc == PT_OK)
        rc = commitment_end(r, err);
out:
    explicit_bzero(&row, sizeof row);
    commitment_close(r);
    return rc == PT_OK ? PT_OK : pt_wrap(err, "epoch %" PRIu64, a->agreed.header.number);
}

/* ---- telling ---- */

static size_t absent_by_token(const struct audit *a)
{
    size_t n = 0;

    for (size_t i = 0; i < a->who.set.count; i++)
        n += !a->people[i].present && a->people[i].has_token;
    return n;
}

static void print_text(const struct audit *a)
{
    FILE *out = a->cli->out;
    const struct epoch_header *h = &a->agreed.header;
    size_t absent = a->who.set.count - a->present_count;
    size_t by_token = absent_by_token(a);
    char root[65];

    text_hex(root, h->participants[a->self].dataset.b, 32);
    fprintf(out, "epoch %" PRIu64 ", signed by", h->number);
    for (size_t i = 0; i < h->participant_count; i++)
        fprintf(out, "%s %s", i > 0 ? "," : "", h->participants[i].name);
    fprintf(out,
            "\nour set, recomputed leaf by leaf, has the root in the signed header:\n  %s\n"
            "%zu of %zu people are not in it: %zu by digest and by token, %zu by digest alone,\n"
            "for whom no token of that key period is known here\n",
            root, absent, a->who.set.count, by_token, absent - by_token);
    for (size_t i = 0; i < a->who.set.count; i++)
        if (a->people[i].present)
            fprintf(out, "line %" PRIu64 ": PRESENT\n", a->who.lines[i]);
}

static enum pt_code print_json(const struct audit *a, struct pt_err *err)
{
    const struct epoch_header *h = &a->agreed.header;
    json_t *signers = json_array();
    json_t *lines = json_array();
    size_t absent = a->who.set.count - a->present_count;
    char root[65];

    text_hex(root, h->participants[a->self].dataset.b, 32);
    for (size_t i = 0; i < h->participant_count; i++)
        json_array_append_new(signers, json_string(h->participants[i].name));
    for (size_t i = 0; i < a->who.set.count; i++)
        if (a->people[i].present)
            json_array_append_new(lines, json_integer((json_int_t)a->who.lines[i]));
    return cmd_json_print(a->cli->out,
                          json_pack("{s:I, s:s, s:b, s:o, s:I, s:I, s:I, s:o}", "epoch",
                                    (json_int_t)h->number, "dataset", root, "root_matches", 1,
                                    "signed_by", signers, "people", (json_int_t)a->who.set.count,
                                    "absent", (json_int_t)absent, "absent_by_token",
                                    (json_int_t)absent_by_token(a), "present_lines", lines),
                          err);
}

static enum pt_code verdict(const struct audit *a, struct pt_err *err)
{
    char lines[LINES_SHOWN * 22] = "";
    size_t used = 0;
    size_t shown = 0;

    if (a->present_count == 0)
        return PT_OK;
    for (size_t i = 0; i < a->who.set.count && shown < LINES_SHOWN && used < sizeof lines; i++)
        if (a->people[i].present)
            used += (size_t)snprintf(lines + used, sizeof lines - used, "%s%" PRIu64,
                                     shown++ > 0 ? ", " : "", a->who.lines[i]);
    return pt_fail(err, PT_ESTATE,
                   "epoch %" PRIu64 " was made over data with people of FILE: line%s %s%s",
                   a->agreed.header.number, a->present_count == 1 ? "" : "s", lines,
                   a->present_count > shown ? ", ..." : "");
}

/* ---- the command ---- */

static enum pt_code make_room(struct audit *a, struct pt_err *err)
{
    a->people = calloc(a->who.set.count, sizeof *a->people);
    a->token_owner = calloc(a->who.set.count, sizeof *a->token_owner);
    return a->people != NULL && a->token_owner != NULL ? PT_OK : no_memory(err);
}

static enum pt_code work(struct audit *a, struct pt_err *err)
{
    struct pt_err why = {0};
    char path[HOME_PATH_MAX];
    uint64_t number;
    enum pt_code rc;

    if (!text_u64(span_z(cli_value(a->cli, "epoch")), &number) || number > INT64_MAX)
        return pt_fail(err, PT_EUSAGE, "--epoch is a number, as `patto status` shows it");
    rc = home_load_policy(a->home, clock_now_s(), &why);
    if (a->home->policy == NULL) {
        *err = why;
        return rc;
    }
    home_path(path, a->home, "state.db");
    if ((rc = store_open(&a->store, path, STORE_READ, err)) != PT_OK ||
        (rc = read_header(a, number, err)) != PT_OK ||
        (rc = idopt_read(&a->who, a->cli, a->home->policy, a->home->self, err)) != PT_OK ||
        (rc = make_room(a, err)) != PT_OK)
        return rc;
    a->place = snapshot_vault(a->dir, a->home);
    if ((rc = find_tokens(a, err)) != PT_OK || (rc = read_set(a, err)) != PT_OK)
        return rc;
    if (!cli_flag(a->cli, "json"))
        print_text(a);
    else if ((rc = print_json(a, err)) != PT_OK)
        return rc;
    return verdict(a, err);
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    struct audit *a = calloc(1, sizeof *a);
    enum pt_code rc;

    if (a == NULL)
        return no_memory(err);
    a->cli = cli;
    idlist_init(&a->who);
    digestset_init(&a->tags);
    digestset_init(&a->tokens);
    if ((rc = home_open(&a->home, cli->home, HOME_AUDIT, err)) == PT_OK)
        rc = work(a, err);
    free(a->people);
    free(a->token_owner);
    digestset_free(&a->tokens);
    digestset_free(&a->tags);
    idlist_free(&a->who);
    policy_free(a->former);
    store_close(a->store);
    home_close(a->home);
    free(a);
    return rc;
}

const struct command cmd_audit_absence = {
    .name = "audit absence",
    .args = "FILE",
    .summary = "show an auditor that people are not in an epoch's data",
    .about = "For the owner's auditor, on the premises: FILE names one person a line, as\n"
             "customers are identified here. Reads the sealed record of what this node put\n"
             "into epoch N, recomputes its Merkle root leaf by leaf, compares it with the one\n"
             "in the header that every partner of the epoch signed, and looks for each\n"
             "person's digest and token among the leaves. Works beside a running node.\n"
             "\n"
             "Exit status 0: nobody of FILE is in that set. 1: somebody is, and the line is\n"
             "named; or it cannot be proved: no such epoch, no record of it (they are kept for\n"
             "legal.retention_days), or the root is another. Identifiers are never printed.\n"
             "\n"
             "What it proves: the set that this node committed to, before the epoch's salt was\n"
             "known, has no leaf with the person's digest, and none with the token that the\n"
             "person had. By token it can be said only of people who had one in the epoch's\n"
             "key period and whom the vault or the list of the removed still knows; a token\n"
             "that was never made exists nowhere, and one node alone cannot make it. For the\n"
             "others it is the digest that is absent, which the commitment covers too.\n"
             "\n"
             "What it does not prove: that another address or number of the same person is\n"
             "absent; that questions were computed from the committed set; that no copy of\n"
             "the data exists outside the node; that the owner put true digests beside the\n"
             "tokens of people who are not in FILE.",
    .example = "patto --home ./fresh audit absence erasure-requests.txt --epoch 29733120",
    .options = OPTIONS,
    .arg_min = 1,
    .arg_max = 1,
    .run = run,
};
