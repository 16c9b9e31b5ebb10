/* patto audit report: the record of processing, as an officer files it. */
#include "crypto/base/text.h"
#include "node/art30.h"
#include "node/clock.h"
#include "node/cmd_json.h"
#include "node/commands.h"
#include "node/daemon.h"
#include "policy/names.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct cli_option OPTIONS[] = {
    {"art30", NULL, "the record of processing of GDPR Article 30", true, false},
    {"since", "DATE", "count what was done from this day on (YYYY-MM-DD, UTC)", false, false},
    {"json", NULL, "print it as JSON", false, false},
    {0},
};

/* What protects the data, Art. 32(1): true of every node, whatever the policy says. */
static const char *const MEASURES[] = {
    "identifiers are read, hashed and not kept; digests and tokens are sealed on disk "
    "(XChaCha20-Poly1305), keys readable by this user alone",
    "tokens need the keys of all partners (RFC 9497 verifiable oblivious PRF): no partner can make "
    "them alone",
    "partners talk over mutual TLS with certificates pinned in the signed policy",
    "who asks encrypts its columns; who answers adds noise before anything can be decrypted "
    "(zero-concentrated differential privacy, discrete Gaussian)",
    "every answer is charged and recorded before it is made; budgets end what can be learned",
    "the record is a chain and a signed transparency log; tampering is found by patto audit verify",
};

struct report {
    struct audit audit;
    struct art30 art30;
    const struct policy *policy;
    const struct policy_partner *self;
    char made[20], since[11], policy_hash[72], root[65], from[11], until[11];
};

static const char *stated(const char *text)
{
    return text[0] != '\0' ? text : "(not stated in the policy)";
}

static const char *basis_of(const struct report *r)
{
    return r->self->basis[0] != '\0' ? r->self->basis : r->policy->legal_basis;
}

/* A cell of a table: what would end it is escaped. */
static void put_cell(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
}

/* "new, loyal, lapsed" or "0 to 500 EUR". */
static void put_values(FILE *out, const struct policy_attribute *a)
{
    if (a->type == ATTRIBUTE_NUMBER)
        fprintf(out, "%g to %g %s", a->min, a->max, a->unit);
    for (size_t i = 0; i < a->value_count; i++) {
        fputs(i > 0 ? ", " : "", out);
        put_cell(out, a->values[i]);
    }
}

/* ---- Markdown ---- */

static void put_controller(FILE *out, const struct report *r)
{
    const struct policy *p = r->policy;

    fprintf(out,
            "# Record of processing activities (GDPR Article 30)\n\n"
            "Made %s UTC by " DAEMON_BUILD " from the signed policy and the audit record of this "
            "node.\n\n## Controller (Art. 30(1)(a))\n\n"
            "* Controller: %s\n* Contact: %s\n* Joint controllers:",
            r->made, r->self->name, stated(p->legal_contact));
    for (size_t i = 0; i < r->art30.partner_count; i++)
        if (!r->art30.partners[i].neutral)
            fprintf(out, " %s", r->art30.partners[i].name);
    fprintf(out, "\n* Arrangement (Art. 26): %s\n\n## Purpose (b)\n\n* Purpose: %s\n",
            stated(p->legal_arrangement), p->purpose);
    fprintf(out,
            "* In words: %s\n* Legal basis: %s\n* Impact assessment (Art. 35): %s\n"
            "* Permitted from %s to %s, both days\n\n",
            stated(p->purpose_words), stated(basis_of(r)), stated(p->legal_dpia), r->from,
            r->until);
}

static void put_categories(FILE *out, const struct report *r)
{
    fprintf(out,
            "## Categories of persons and of data (c)\n\nCustomers of %s.\n\n"
            "| data | type | values |\n|---|---|---|\n"
            "| %s | identifier | normalised, hashed, then a token; never sent to anybody |\n",
            r->self->name, policy_identifier_name(r->policy->identifier));
    for (size_t i = 0; i < r->self->attribute_count; i++) {
        const struct policy_attribute *a = &r->self->attributes[i];
        fprintf(out, "| %s | %s | ", a->name, NAMES_ATTRIBUTE_TYPE[a->type]);
        put_values(out, a);
        fprintf(out, " |\n");
    }
}

static void put_recipients(FILE *out, const struct report *r)
{
    char charged[32];
    char paid[32];

    fprintf(out,
            "\n## Recipients (d)\n\n"
            "Partners receive noisy aggregates, and only as answers to questions that the policy "
            "permits; witnesses receive signed tree heads. Nobody receives a row.\n\n"
            "| recipient | role | questions answered | privacy loss charged (rho) | questions we "
            "asked | privacy loss paid (rho) | token batches |\n|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < r->art30.partner_count; i++) {
        const struct art30_partner *a = &r->art30.partners[i];
        text_put_decimal(charged, a->charged_nano, 9);
        text_put_decimal(paid, a->paid_nano, 9);
        fprintf(out, "| %s | %s | %" PRIu64 " | %s | %" PRIu64 " | %s | %" PRIu64 " |\n", a->name,
                a->neutral ? "neutral, without customers" : "joint controller", a->answered,
                charged, a->asked, paid, a->token_batches);
    }
    fprintf(out,
            "\n## Transfers to third countries (e)\n\n"
            "The policy does not say where the partners' nodes stand: complete this by hand.\n");
}

static void put_measures(FILE *out, const struct report *r)
{
    const struct policy_privacy *v = &r->policy->privacy;
    char budget[32];
    char daily[32];
    char lifetime[32];

    text_put_decimal(budget, v->budget_rho_nano, 9);
    text_put_decimal(daily, v->daily_rho_nano, 9);
    text_put_decimal(lifetime, v->lifetime_rho_nano, 9);
    fprintf(out,
            "\n## Time limits for erasure (f)\n\n"
            "* Seeds of past epochs: %" PRIu32 " days (legal.retention_days)\n"
            "* Partners' encrypted columns: until the next epoch\n"
            "* Customers' digests, tokens and attributes: until replaced by the next ingest\n"
            "* The audit record, which holds no personal data: kept\n\n"
            "## Technical and organisational measures (g)\n\n"
            "* No count below %" PRIu64 " is shown, no audience below %" PRIu64 " is answered\n"
            "* Privacy loss that a partner may cause: rho %s in %" PRIu32
            " days, %s a day, %s ever\n",
            r->policy->retention_days, v->minimum_count, v->minimum_audience, budget,
            v->budget_days, daily, lifetime);
    for (size_t i = 0; i < PT_LEN(MEASURES); i++)
        fprintf(out, "* %c%s\n", MEASURES[i][0] - 'a' + 'A', MEASURES[i] + 1);
}

static void put_activity(FILE *out, const struct report *r)
{
    char first[11];
    char last[11];

    fprintf(out,
            "\n## What was done since %s\n\n%" PRIu64 " events on record.\n\n"
            "| kind | events | first | last |\n|---|---|---|---|\n",
            r->since, r->art30.events);
    for (size_t i = 0; i < r->art30.kind_count; i++) {
        const struct art30_kind *k = &r->art30.kinds[i];
        clock_date(first, k->first_s);
        clock_date(last, k->last_s);
        fprintf(out, "| %s | %" PRIu64 " | %s | %s |\n", k->kind, k->count, first, last);
    }
    if (r->art30.other_kinds > 0)
        fprintf(out, "| others | %" PRIu64 " | | |\n", r->art30.other_kinds);
}

static void put_proof(FILE *out, const struct report *r)
{
    fprintf(out, "\n## What this rests on\n\n* Policy: %s version %" PRIu32 ", %s\n",
            r->policy->federation, r->policy->version, r->policy_hash);
    if (r->art30.published)
        fprintf(out, "* Log: %s, %" PRIu64 " entries, tree head %s\n", r->art30.checkpoint.origin,
                r->art30.checkpoint.size, r->root);
    else
        fprintf(out, "* Log: nothing is signed yet\n");
    fprintf(out,
            "* Verified when this was made; again at any time with `patto audit verify`, event by "
            "event with `patto audit show`\n");
}

/* ---- JSON ---- */

static json_t *json_rho(uint64_t nano)
{
    char text[32];

    text_put_decimal(text, nano, 9);
    return json_string(text);
}

static json_t *json_attributes(const struct report *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->self->attribute_count; i++) {
        const struct policy_attribute *a = &r->self->attributes[i];
        json_t *values = json_array();
        for (size_t j = 0; j < a->value_count; j++)
            json_array_append_new(values, json_string(a->values[j]));
        json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "name", a->name, "type",
                                              NAMES_ATTRIBUTE_TYPE[a->type], "values", values));
    }
    return list;
}

static json_t *json_recipients(const struct report *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->art30.partner_count; i++) {
        const struct art30_partner *a = &r->art30.partners[i];
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:I, s:o, s:I, s:o, s:I}", "name", a->name, "role",
                            a->neutral ? "neutral" : "joint controller", "questions_answered",
                            (json_int_t)a->answered, "rho_charged", json_rho(a->charged_nano),
                            "questions_asked", (json_int_t)a->asked, "rho_paid",
                            json_rho(a->paid_nano), "token_batches", (json_int_t)a->token_batches));
    }
    return list;
}

static json_t *json_activity(const struct report *r)
{
    json_t *list = json_array();
    char first[11];
    char last[11];

    for (size_t i = 0; i < r->art30.kind_count; i++) {
        const struct art30_kind *k = &r->art30.kinds[i];
        clock_date(first, k->first_s);
        clock_date(last, k->last_s);
        json_array_append_new(list, json_pack("{s:s, s:I, s:s, s:s}", "kind", k->kind, "events",
                                              (json_int_t)k->count, "first", first, "last", last));
    }
    return list;
}

static json_t *json_measures(const struct report *r)
{
    const struct policy_privacy *v = &r->policy->privacy;
    json_t *list = json_array();

    for (size_t i = 0; i < PT_LEN(MEASURES); i++)
        json_array_append_new(list, json_string(MEASURES[i]));
    return json_pack("{s:I, s:I, s:o, s:I, s:o, s:o, s:o}", "minimum_count",
                     (json_int_t)v->minimum_count, "minimum_audience",
                     (json_int_t)v->minimum_audience, "budget_rho", json_rho(v->budget_rho_nano),
                     "budget_days", (json_int_t)v->budget_days, "daily_rho",
                     json_rho(v->daily_rho_nano), "lifetime_rho", json_rho(v->lifetime_rho_nano),
                     "measures", list);
}

static enum pt_code print_json(FILE *out, const struct report *r, struct pt_err *err)
{
    const struct policy *p = r->policy;
    json_t *controller = json_pack("{s:s, s:s, s:s}", "name", r->self->name, "contact",
                                   p->legal_contact, "arrangement", p->legal_arrangement);
    json_t *purpose = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "purpose", p->purpose, "words",
                                p->purpose_words, "legal_basis", basis_of(r), "dpia", p->legal_dpia,
                                "from", r->from, "until", r->until);
    json_t *data =
        json_pack("{s:s, s:s, s:o}", "persons", "customers", "identifier",
                  policy_identifier_name(p->identifier), "attributes", json_attributes(r));
    json_t *proof =
        json_pack("{s:s, s:I, s:s, s:s, s:I, s:s, s:I}", "federation", p->federation, "version",
                  (json_int_t)p->version, "policy", r->policy_hash, "log",
                  r->art30.checkpoint.origin, "entries", (json_int_t)r->art30.checkpoint.size,
                  "root", r->root, "events", (json_int_t)r->art30.head.sequence);

    return cmd_json_print(out,
                          json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o}",
                                    "record", "GDPR Article 30", "made", r->made, "since", r->since,
                                    "controller", controller, "purpose", purpose, "categories",
                                    data, "recipients", json_recipients(r), "retention_days",
                                    (json_int_t)p->retention_days, "measures", json_measures(r),
                                    "activity", json_activity(r), "integrity", proof),
                          err);
}

static void print_markdown(FILE *out, const struct report *r)
{
    static void (*const PARTS[])(FILE *, const struct report *) = {
        put_controller, put_categories, put_recipients, put_measures, put_activity, put_proof,
    };

    for (size_t i = 0; i < PT_LEN(PARTS); i++)
        PARTS[i](out, r);
}

static enum pt_code fill(struct report *r, const char *home_dir, int64_t since_s,
                         struct pt_err *err)
{
    enum pt_code rc = audit_open(&r->audit, home_dir, err);

    if (rc != PT_OK)
        return rc;
    r->policy = r->audit.home->policy;
    r->self = &r->policy->partners[r->audit.home->self];
    clock_time(r->made, clock_now_s());
    clock_date(r->since, since_s);
    clock_date(r->from, r->policy->valid_from_s);
    clock_date(r->until, r->policy->valid_until_s - 1);
    policy_hash_text(r->policy_hash, &r->policy->hash);
    if ((rc = art30_gather(&r->art30, &r->audit, since_s, err)) != PT_OK)
        return rc;
    if (r->art30.published)
        text_hex(r->root, r->art30.checkpoint.root.b, sizeof r->art30.checkpoint.root.b);
    return PT_OK;
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    const char *since = cli_value(cli, "since");
    struct report *r;
    int64_t since_s = 0;
    enum pt_code rc;

    if (since != NULL && !names_parse_date(&since_s, span_z(since)))
        return pt_fail(err, PT_EUSAGE, "--since %.40s: a day such as 2026-12-01", since);
    if ((r = calloc(1, sizeof *r)) == NULL)
        return pt_fail(err, PT_ENOMEM, "audit report: out of memory");
    if ((rc = fill(r, cli->home, since_s, err)) == PT_OK) {
        if (cli_flag(cli, "json"))
            rc = print_json(cli->out, r, err);
        else
            print_markdown(cli->out, r);
    }
    audit_close(&r->audit);
    free(r);
    return rc;
}

const struct command cmd_audit_report = {
    .name = "audit report",
    .args = "",
    .summary = "print the record of processing of GDPR Article 30",
    .about = "Fills the points of Article 30(1) from the signed policy - controller, purpose,\n"
             "categories, recipients, erasure, measures - and from the audit record: what\n"
             "was done, how often, with whom, at what privacy loss. The record is verified\n"
             "first, and the report names the policy's hash and the log's tree head that it\n"
             "rests on. Markdown, or JSON. What the policy does not state is said to be\n"
             "missing: complete it by hand. It is a draft for your officer, no legal advice.",
    .example = "patto --home ./fresh audit report --art30 >art30.md\n"
               "patto --home ./fresh audit report --art30 --since 2026-12-01 --json",
    .options = OPTIONS,
    .run = run,
};
