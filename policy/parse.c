#include "policy/parse.h"

#include <inttypes.h>
#include <stdlib.h>

#include "crypto/base/text.h"
#include "crypto/sha256.h"
#include "policy/names.h"

/* The grammar of the policy file, a table for each map. README.md lists the same for people. */
#define AT(field)   offsetof(struct policy, field)
#define NANO(whole) ((uint64_t)(whole)*1000000000U)

enum { VALID_DAYS_MAX = 400, KEY_PERIOD_DAYS = 90, REACH_RHO_NANO = 1000000 };
_Static_assert(sizeof(enum policy_rules) == sizeof(uint32_t), "schema_word() writes 4 bytes");

static const char *const PERSON[] = {"person", NULL};

/* A word with one meaning so far: read to be refused when it is another. */
static enum pt_code only_word(void *base, const struct schema_key *key, const struct schema_at *at,
                              struct pt_err *err)
{
    uint32_t unused = 0;

    (void)base;
    return schema_word(&unused, key, at, err);
}

static enum pt_code format_version(void *base, const struct schema_key *key,
                                   const struct schema_at *at, struct pt_err *err)
{
    uint32_t unused = 0;

    (void)base;
    return schema_u32(&unused, key, at, err);
}

enum pt_code parse_digest(void *base, const struct schema_key *key, const struct schema_at *at,
                          struct pt_err *err)
{
    char found[SCHEMA_SHOWN_MAX];
    struct span hex = at->node->text;
    bool colon;
    struct span head = text_cut(&hex, ':', &colon);

    if (at->node->kind != YAML_SCALAR || !text_eq(head, "sha256") ||
        !text_unhex((uint8_t *)base + key->offset, sizeof(struct digest), hex)) {
        schema_show(found, at->node);
        return schema_fail(at, err, "expected sha256: and 64 hex digits, found %s", found);
    }
    return PT_OK;
}

static enum pt_code read_previous(void *base, const struct schema_key *key,
                                  const struct schema_at *at, struct pt_err *err)
{
    struct policy *p = base;

    p->has_previous = true;
    return parse_digest(base, key, at, err);
}

static enum pt_code read_slots(void *base, const struct schema_key *key, const struct schema_at *at,
                               struct pt_err *err)
{
    struct policy *p = base;
    enum pt_code rc = schema_u32(base, key, at, err);

    if (rc == PT_OK && p->slots_per_customer != 2 && p->slots_per_customer != 4 &&
        p->slots_per_customer != 8)
        rc = schema_fail(at, err, "expected 2, 4 or 8, found %" PRIu32, p->slots_per_customer);
    return rc;
}

/* valid: and what no single row of it can see. */
static enum pt_code read_valid(void *base, const struct schema_key *key, const struct schema_at *at,
                               struct pt_err *err)
{
    struct policy *p = base;
    enum pt_code rc = schema_map(base, key, at, err);
    int64_t days = (p->valid_until_s - p->valid_from_s) / NAMES_DAY_S + 1;

    if (rc != PT_OK)
        return rc;
    if (p->valid_until_s < p->valid_from_s)
        return schema_fail(at, err, "until is before from");
    if (days > VALID_DAYS_MAX)
        return schema_fail(at, err,
                           "%" PRId64 " days; a policy holds for at most %d, then sign it anew",
                           days, VALID_DAYS_MAX);
    p->valid_until_s += NAMES_DAY_S; /* the last day counts to its end */
    return PT_OK;
}

static enum pt_code read_budget(void *base, const struct schema_key *key,
                                const struct schema_at *at, struct pt_err *err)
{
    const struct policy_privacy *v = &((struct policy *)base)->privacy;
    enum pt_code rc = schema_map(base, key, at, err);

    if (rc != PT_OK)
        return rc;
    if (v->daily_rho_nano > v->budget_rho_nano)
        return schema_fail(at, err, "daily_rho is more than rho, the budget of the whole period");
    if (v->budget_rho_nano > v->lifetime_rho_nano)
        return schema_fail(at, err, "rho is more than lifetime_rho");
    return PT_OK;
}

static const struct schema_key LEGAL[] = {
    {"basis", schema_text, .offset = AT(legal_basis), .max = POLICY_TEXT_MAX,
     .line_offset = AT(line.basis)},
    {"arrangement", schema_text, .offset = AT(legal_arrangement), .max = POLICY_TEXT_MAX,
     .line_offset = AT(line.arrangement)},
    {"dpia", schema_text, .offset = AT(legal_dpia), .max = POLICY_TEXT_MAX,
     .line_offset = AT(line.dpia)},
    {"contact", schema_text, .offset = AT(legal_contact), .max = POLICY_TEXT_MAX, .optional = true,
     .line_offset = AT(line.contact)},
    {"retention_days", schema_u32, .offset = AT(retention_days), .min = 1, .max = 3650,
     .line_offset = AT(line.retention_days)},
    {0},
};
static const struct schema_key VALID[] = {
    {"from", schema_date, .offset = AT(valid_from_s)},
    {"until", schema_date, .offset = AT(valid_until_s)},
    {0},
};
static const struct schema_key MATCH[] = {
    {"identifier", schema_word, .offset = AT(identifier), .words = NAMES_IDENTIFIER,
     .line_offset = AT(line.identifier)},
    {"normalisation", schema_word, .offset = AT(rules), .words = NAMES_RULES,
     .line_offset = AT(line.normalisation)},
    {"slots_per_customer", read_slots, .offset = AT(slots_per_customer), .min = 2, .max = 8,
     .line_offset = AT(line.slots_per_customer)},
    {"key_period_days", schema_u32, .offset = AT(key_period_days), .min = 30, .max = 90,
     .optional = true, .line_offset = AT(line.key_period_days)},
    {"evaluations_per_day", schema_u64, .offset = AT(evaluations_per_day), .min = 1,
     .max = 1000000000000, .optional = true, .line_offset = AT(line.evaluations_per_day)},
    {0},
};
static const struct schema_key BUDGET[] = {
    {"rho", schema_u64, .offset = AT(privacy.budget_rho_nano), .min = 1, .max = NANO(10),
     .scale = 9, .line_offset = AT(line.rho)},
    {"delta", schema_u64, .offset = AT(privacy.delta_atto), .min = 1000, .max = 10000000000000,
     .scale = 18, .line_offset = AT(line.delta)},
    {"days", schema_u32, .offset = AT(privacy.budget_days), .min = 1, .max = VALID_DAYS_MAX,
     .line_offset = AT(line.days)},
    {"daily_rho", schema_u64, .offset = AT(privacy.daily_rho_nano), .min = 1, .max = NANO(10),
     .scale = 9, .line_offset = AT(line.daily_rho)},
    {"lifetime_rho", schema_u64, .offset = AT(privacy.lifetime_rho_nano), .min = 1,
     .max = NANO(100), .scale = 9, .line_offset = AT(line.lifetime_rho)},
    {0},
};
/* From a millionth: the widest noise stays far inside the lattice's range. */
static const struct schema_key COST[] = {
    {"count_rho", schema_u64, .offset = AT(privacy.count_rho_nano), .min = 1000, .max = NANO(10),
     .scale = 9, .line_offset = AT(line.count_rho)},
    {"table_rho", schema_u64, .offset = AT(privacy.table_rho_nano), .min = 1000, .max = NANO(10),
     .scale = 9, .line_offset = AT(line.table_rho)},
    {"reach_rho", schema_u64, .offset = AT(privacy.reach_rho_nano), .min = 1000, .max = NANO(10),
     .scale = 9, .optional = true, .line_offset = AT(line.reach_rho)},
    {0},
};
static const struct schema_key PRIVACY[] = {
    {"unit", only_word, .words = PERSON},
    {"minimum_count", schema_u64, .offset = AT(privacy.minimum_count), .min = 1, .max = 1000000000,
     .line_offset = AT(privacy.minimum_count_line)},
    {"minimum_audience", schema_u64, .offset = AT(privacy.minimum_audience), .min = 1,
     .max = 1000000000, .line_offset = AT(privacy.minimum_audience_line)},
    {"budget", read_budget, .keys = BUDGET, .line_offset = AT(privacy.budget_line)},
    {"cost", schema_map, .keys = COST, .line_offset = AT(privacy.cost_line)},
    {0},
};
static const struct schema_key AUDIT[] = {
    {"witnesses", .fill = parse_witnesses, .line_offset = AT(line.witnesses)},
    {"quorum", .fill = parse_witness_quorum},
    {0},
};
static const struct schema_key POLICY[] = {
    {"patto", format_version, .min = 1, .max = 1},
    {"federation", schema_name, .offset = AT(federation), .max = POLICY_NAME_MAX},
    {"version", schema_u32, .offset = AT(version), .min = 1, .max = 1000000000,
     .line_offset = AT(version_line)},
    {"previous", read_previous, .offset = AT(previous), .optional = true,
     .line_offset = AT(line.previous)},
    {"purpose", schema_word_text, .offset = AT(purpose), .max = POLICY_NAME_MAX,
     .words = NAMES_PURPOSE, .line_offset = AT(line.purpose)},
    {"purpose_words", schema_text, .offset = AT(purpose_words), .max = POLICY_TEXT_MAX,
     .optional = true, .line_offset = AT(line.purpose_words)},
    {"publishable", schema_bool, .offset = AT(publishable), .optional = true},
    {"legal", schema_map, .keys = LEGAL},
    {"valid", read_valid, .keys = VALID, .line_offset = AT(valid_line)},
    {"match", schema_map, .keys = MATCH},
    {"partners", .fill = parse_partners},
    {"questions", .fill = parse_questions, .line_offset = AT(questions_line)},
    {"privacy", schema_map, .keys = PRIVACY},
    {"audit", schema_map, .keys = AUDIT},
    {0},
};

static enum pt_code check_version(const struct policy *p, const struct schema_at *root,
                                  struct pt_err *err)
{
    char path[SCHEMA_PATH_MAX];
    struct schema_at at =
        schema_child(path, root, yaml_get(root->node, "version"), span_z("version"));

    if (p->version == 1 && p->has_previous)
        return schema_fail(&at, err, "version 1 is the first: leave 'previous' out");
    if (p->version > 1 && !p->has_previous)
        return schema_fail(&at, err,
                           "version %" PRIu32 " must name the file before it as previous: "
                           "sha256:...; `sha256sum` of that file prints the digits",
                           p->version);
    return PT_OK;
}

/* Answers that may be handed on need both sides to drop crowded slots (PROTOCOL.md 3), which no
 * node does yet: a promise that would not be kept is refused, never ignored. */
static enum pt_code check_publishable(const struct policy *p, const struct schema_at *root,
                                      struct pt_err *err)
{
    char path[SCHEMA_PATH_MAX];
    struct schema_at at =
        schema_child(path, root, yaml_get(root->node, "publishable"), span_z("publishable"));

    if (!p->publishable)
        return PT_OK;
    return schema_fail(&at, err,
                       "answers that may be published are not built yet: leave it out, "
                       "or say false");
}

/* Enough for every customer of the largest partner twice a day: a run and one repeat. */
static uint64_t default_evaluations(const struct policy *p)
{
    uint64_t largest = 0;

    for (size_t i = 0; i < p->partner_count; i++)
        if (p->partners[i].customers_max > largest)
            largest = p->partners[i].customers_max;
    return 2 * largest;
}

static enum pt_code read_policy(struct policy *p, struct span file, struct pt_err *err)
{
    struct yaml *y = NULL;
    enum pt_code rc;

    if (file.n > POLICY_FILE_MAX)
        return pt_fail(err, PT_ELIMIT, "a policy of %zu bytes; at most %d are read", file.n,
                       POLICY_FILE_MAX);
    if ((rc = yaml_parse(&y, file, err)) != PT_OK)
        return rc;
    struct schema_at root = {.node = yaml_root(y), .path = "", .context = p};
    p->key_period_days = KEY_PERIOD_DAYS;
    p->privacy.reach_rho_nano = REACH_RHO_NANO;
    if ((rc = schema_read(p, POLICY, &root, err)) != PT_OK ||
        (rc = check_version(p, &root, err)) != PT_OK ||
        (rc = check_publishable(p, &root, err)) != PT_OK)
        goto out;
    if (p->evaluations_per_day == 0)
        p->evaluations_per_day = default_evaluations(p);
    sha256(&p->hash, file);
out:
    yaml_free(y);
    return rc;
}

enum pt_code policy_parse(struct policy **out, struct span file, struct pt_err *err)
{
    struct policy *p = calloc(1, sizeof *p);
    enum pt_code rc;

    *out = NULL;
    if (p == NULL)
        return pt_fail(err, PT_ENOMEM, "no memory for a policy");
    if ((rc = read_policy(p, file, err)) != PT_OK) {
        policy_free(p);
        return rc;
    }
    *out = p;
    return PT_OK;
}

void policy_free(struct policy *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->partner_count; i++) {
        for (size_t j = 0; j < p->partners[i].attribute_count; j++)
            free(p->partners[i].attributes[j].values);
        free(p->partners[i].attributes);
    }
    for (size_t i = 0; i < PT_LEN(p->rule); i++) {
        free(p->rule[i].filters);
        free(p->rule[i].pairs);
    }
    free(p->partners);
    free(p);
}
