#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/text.h"
#include "policy/names.h"
#include "policy/parse.h"

#define PARTNER_AT(field)   offsetof(struct policy_partner, field)
#define ATTRIBUTE_AT(field) offsetof(struct policy_attribute, field)

enum {
    MICRO = 6, /* bounds of numbers carry at most six decimals */
    UNIT_MAX = 16,
    PER_PERSON_MAX = 16,
    CUSTOMERS_MAX = 1000000000,
};
#define BOUND_MICRO_MAX ((uint64_t)1000000000000 * 1000000)

static const char *const NEUTRAL_ROLE[] = {"neutral", NULL};

/* --- attributes ------------------------------------------------------------------------- */

/* "-0.5" in millionths. */
static bool signed_micro(struct span s, int64_t *out)
{
    uint64_t v;
    bool negative = s.n > 0 && s.p[0] == '-';

    if (negative)
        s = span_of(s.p + 1, s.n - 1);
    if (!text_decimal(s, MICRO, &v) || v > BOUND_MICRO_MAX)
        return false;
    *out = negative ? -(int64_t)v : (int64_t)v;
    return true;
}

static enum pt_code read_bound(void *base, const struct schema_key *key, const struct schema_at *at,
                               struct pt_err *err)
{
    char found[SCHEMA_SHOWN_MAX];
    int64_t micro;

    if (at->node->kind != YAML_SCALAR || !at->node->plain ||
        !signed_micro(at->node->text, &micro)) {
        schema_show(found, at->node);
        return schema_fail(
            at, err, "expected a number with at most 6 decimals, up to 1e12, found %s", found);
    }
    double v = (double)micro / 1e6;
    memcpy((uint8_t *)base + key->offset, &v, sizeof v);
    return PT_OK;
}

/* A value appears in questions ("segment=new"), in lists ("dairy;fruit") and in tables. */
static bool is_value(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '=' || s.p[i] == ',' || s.p[i] == ';')
            return false;
    return schema_is_line(s);
}

static enum pt_code read_value(struct policy_attribute *a, const struct schema_at *at,
                               struct pt_err *err)
{
    char found[SCHEMA_SHOWN_MAX];

    schema_show(found, at->node);
    if (at->node->kind != YAML_SCALAR || !is_value(at->node->text) ||
        !text_copy(a->values[a->value_count], sizeof a->values[0], at->node->text))
        return schema_fail(at, err,
                           "expected a value of 1 to %d bytes without '=', ',' and ';', found %s",
                           POLICY_VALUE_MAX, found);
    if (policy_find_value(a, at->node->text) >= 0)
        return schema_fail(at, err, "the value %s is listed twice", found);
    a->value_count++;
    return PT_OK;
}

static enum pt_code read_values(void *base, const struct schema_key *key,
                                const struct schema_at *at, struct pt_err *err)
{
    struct policy_attribute *a = base;
    enum pt_code rc;

    (void)key;
    if ((rc = schema_list(at, 1, POLICY_VALUES_MAX, err)) != PT_OK)
        return rc;
    a->values = calloc(at->node->child_count, sizeof a->values[0]);
    if (a->values == NULL)
        return pt_fail(err, PT_ENOMEM, "no memory for %zu values", at->node->child_count);
    for (size_t i = 0; i < at->node->child_count; i++) {
        struct schema_at item = {&at->node->children[i], at->path, at->context};
        if ((rc = read_value(a, &item, err)) != PT_OK)
            return rc;
    }
    return PT_OK;
}

/* More categories a person than there are categories would only widen the noise. */
static enum pt_code read_per_person(void *base, const struct schema_key *key,
                                    const struct schema_at *at, struct pt_err *err)
{
    const struct policy_attribute *a = base;
    struct schema_key bounded = *key;

    if (a->value_count < bounded.max)
        bounded.max = a->value_count;
    return schema_u32(base, &bounded, at, err);
}

static const struct schema_key CATEGORY[] = {
    {"type", schema_word, .offset = ATTRIBUTE_AT(type), .words = NAMES_ATTRIBUTE_TYPE},
    {"values", .fill = read_values},
    {0},
};
static const struct schema_key SET[] = {
    {"type", schema_word, .offset = ATTRIBUTE_AT(type), .words = NAMES_ATTRIBUTE_TYPE},
    {"values", .fill = read_values},
    {"max_per_person", read_per_person, .offset = ATTRIBUTE_AT(max_per_person), .min = 1,
     .max = PER_PERSON_MAX},
    {0},
};
static const struct schema_key NUMBER[] = {
    {"type", schema_word, .offset = ATTRIBUTE_AT(type), .words = NAMES_ATTRIBUTE_TYPE},
    {"min", read_bound, .offset = ATTRIBUTE_AT(min)},
    {"max", read_bound, .offset = ATTRIBUTE_AT(max)},
    {"unit", schema_text, .offset = ATTRIBUTE_AT(unit), .max = UNIT_MAX, .optional = true},
    {"combine", schema_word, .offset = ATTRIBUTE_AT(combine), .words = NAMES_COMBINE},
    {0},
};
static const struct schema_key *const TYPES[] = {
    [ATTRIBUTE_CATEGORY] = CATEGORY, [ATTRIBUTE_SET] = SET, [ATTRIBUTE_NUMBER] = NUMBER};

/* Which keys an attribute has depends on its type, so that one is looked at first. */
static enum pt_code read_attribute(struct policy_attribute *a, const struct schema_at *at,
                                   struct pt_err *err)
{
    char path[SCHEMA_PATH_MAX];
    const struct yaml_node *type = yaml_get(at->node, "type");
    enum pt_code rc;

    a->line = at->node->key_line;
    a->max_per_person = 1;
    if (type != NULL) {
        struct schema_at below = schema_child(path, at, type, span_z("type"));
        if ((rc = schema_word(a, &CATEGORY[0], &below, err)) != PT_OK)
            return rc;
    }
    if ((rc = schema_read(a, TYPES[a->type], at, err)) != PT_OK)
        return rc;
    if (a->type == ATTRIBUTE_NUMBER && a->min >= a->max)
        return schema_fail(at, err, "min must be less than max");
    return PT_OK;
}

/* The name of an entry that a map's key gives. */
static enum pt_code read_entry_name(char out[POLICY_NAME_MAX + 1], const struct schema_at *entry,
                                    struct pt_err *err)
{
    struct yaml_node name = {.kind = YAML_SCALAR,
                             .text = entry->node->key,
                             .line = entry->node->key_line,
                             .column = entry->node->key_column};

    return schema_name(out, &(struct schema_key){.max = POLICY_NAME_MAX},
                       &(struct schema_at){&name, entry->path, entry->context}, err);
}

static enum pt_code expect_entries(const struct schema_at *at, size_t max, const char *what,
                                   struct pt_err *err)
{
    char found[SCHEMA_SHOWN_MAX];

    if (at->node->kind != YAML_MAP) {
        schema_show(found, at->node);
        return schema_fail(at, err, "expected a map of %s by name, found %s", what, found);
    }
    if (at->node->child_count > max)
        return schema_fail(at, err, "%zu %s; at most %zu are accepted", at->node->child_count, what,
                           max);
    return PT_OK;
}

enum pt_code parse_attributes(void *base, const struct schema_key *key, const struct schema_at *at,
                              struct pt_err *err)
{
    struct policy_partner *partner = base;
    char path[SCHEMA_PATH_MAX];
    enum pt_code rc;

    (void)key;
    if ((rc = expect_entries(at, POLICY_ATTRIBUTES_MAX, "attributes", err)) != PT_OK)
        return rc;
    partner->attributes = calloc(at->node->child_count + 1, sizeof *partner->attributes);
    if (partner->attributes == NULL)
        return pt_fail(err, PT_ENOMEM, "no memory for %zu attributes", at->node->child_count);
    for (size_t i = 0; i < at->node->child_count; i++) {
        const struct yaml_node *child = &at->node->children[i];
        struct policy_attribute *a = &partner->attributes[partner->attribute_count++];
        struct schema_at entry = schema_child(path, at, child, child->key);
        if ((rc = read_entry_name(a->name, &entry, err)) != PT_OK ||
            (rc = read_attribute(a, &entry, err)) != PT_OK)
            return rc;
    }
    return PT_OK;
}

/* --- partners --------------------------------------------------------------------------- */

/* HOST:PORT, or [IPv6]:PORT. */
static bool is_endpoint(struct span s)
{
    size_t colon = s.n;
    uint32_t port;

    while (colon > 0 && s.p[colon - 1] != ':')
        colon--;
    if (colon < 2 || s.n - colon > 5 || !text_u32(span_of(s.p + colon, s.n - colon), &port) ||
        port < 1 || port > 65535)
        return false;
    struct span host = span_of(s.p, colon - 1);
    bool six = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    if (six)
        host = span_of(host.p + 1, host.n - 2);
    const char *allowed = six ? "0123456789abcdefABCDEF:."
                              : "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    for (size_t i = 0; i < host.n; i++)
        if (host.p[i] == '\0' || strchr(allowed, host.p[i]) == NULL)
            return false;
    return true;
}

static enum pt_code read_endpoint(void *base, const struct schema_key *key,
                                  const struct schema_at *at, struct pt_err *err)
{
    struct policy_partner *partner = base;
    char found[SCHEMA_SHOWN_MAX];

    (void)key;
    if (at->node->kind != YAML_SCALAR || !is_endpoint(at->node->text) ||
        !text_copy(partner->endpoint, sizeof partner->endpoint, at->node->text)) {
        schema_show(found, at->node);
        return schema_fail(at, err, "expected host:port, port from 1 to 65535, found %s", found);
    }
    return PT_OK;
}

static enum pt_code read_officer(void *base, const struct schema_key *key,
                                 const struct schema_at *at, struct pt_err *err)
{
    struct policy_partner *partner = base;
    struct pt_err why = {0};
    char found[SCHEMA_SHOWN_MAX];

    (void)key;
    if (at->node->kind != YAML_SCALAR ||
        minisign_public_parse(&partner->officer, at->node->text, &why) != PT_OK) {
        schema_show(found, at->node);
        return schema_fail(at, err, "expected a minisign public key (RW...), found %s", found);
    }
    return PT_OK;
}

static enum pt_code read_node_key(void *base, const struct schema_key *key,
                                  const struct schema_at *at, struct pt_err *err)
{
    struct policy_partner *partner = base;
    char found[SCHEMA_SHOWN_MAX];
    struct span hex = at->node->text;
    bool colon;
    struct span head = text_cut(&hex, ':', &colon);

    (void)key;
    if (at->node->kind != YAML_SCALAR || !text_eq(head, "ed25519") ||
        !text_unhex(partner->node.b, sizeof partner->node.b, hex)) {
        schema_show(found, at->node);
        return schema_fail(at, err, "expected ed25519: and 64 hex digits, found %s", found);
    }
    return PT_OK;
}

static enum pt_code read_role(void *base, const struct schema_key *key, const struct schema_at *at,
                              struct pt_err *err)
{
    struct policy_partner *partner = base;
    uint32_t only = 0;
    struct schema_key word = *key;

    word.offset = 0;
    partner->neutral = true;
    return schema_word(&only, &word, at, err);
}

static const struct schema_key CUSTOMERS[] = {
    {"min", schema_u64, .offset = PARTNER_AT(customers_min), .min = 0, .max = CUSTOMERS_MAX},
    {"max", schema_u64, .offset = PARTNER_AT(customers_max), .min = 1, .max = CUSTOMERS_MAX},
    {0},
};

static enum pt_code read_customers(void *base, const struct schema_key *key,
                                   const struct schema_at *at, struct pt_err *err)
{
    const struct policy_partner *partner = base;
    enum pt_code rc = schema_map(base, key, at, err);

    if (rc == PT_OK && partner->customers_min > partner->customers_max)
        rc = schema_fail(at, err, "min is more than max");
    return rc;
}

#define IDENTITY                                                                                   \
    {"endpoint", .fill = read_endpoint, .line_offset = PARTNER_AT(endpoint_line)},                 \
        {"certificate", parse_digest, .offset = PARTNER_AT(certificate)},                          \
        {"officer", .fill = read_officer, .line_offset = PARTNER_AT(officer_line)},                \
    {                                                                                              \
        "node", .fill = read_node_key                                                              \
    }

static const struct schema_key WITH_CUSTOMERS[] = {
    IDENTITY,
    {"basis", schema_text, .offset = PARTNER_AT(basis), .max = POLICY_TEXT_MAX, .optional = true},
    {"customers", read_customers, .keys = CUSTOMERS, .line_offset = PARTNER_AT(customers_line)},
    {"attributes", .fill = parse_attributes},
    {0},
};
/* No customers: a shuffle node and a witness of the log. */
static const struct schema_key NEUTRAL[] = {
    {"role", read_role, .words = NEUTRAL_ROLE},
    IDENTITY,
    {0},
};

/* Two companies with one officer, one key or one address would be one company. */
static enum pt_code check_distinct(const struct policy *p, const struct policy_partner *added,
                                   const struct schema_at *at, struct pt_err *err)
{
    for (const struct policy_partner *other = p->partners; other < added; other++) {
        const char *same =
            memcmp(&added->officer, &other->officer, sizeof added->officer) == 0 ? "officer"
            : memcmp(&added->node, &other->node, sizeof added->node) == 0        ? "node"
            : memcmp(&added->certificate, &other->certificate, sizeof added->certificate) == 0
                ? "certificate"
            : strcmp(added->endpoint, other->endpoint) == 0 ? "endpoint"
                                                            : NULL;
        if (same != NULL)
            return schema_fail(at, err, "%s is the same as that of %s; each partner has its own",
                               same, other->name);
    }
    return PT_OK;
}

static enum pt_code read_partner(struct policy *p, const struct schema_at *at, struct pt_err *err)
{
    struct policy_partner *partner = &p->partners[p->partner_count++];
    bool neutral = yaml_get(at->node, "role") != NULL;
    enum pt_code rc;

    partner->line = at->node->key_line;
    if ((rc = read_entry_name(partner->name, at, err)) != PT_OK ||
        (rc = schema_read(partner, neutral ? NEUTRAL : WITH_CUSTOMERS, at, err)) != PT_OK)
        return rc;
    return check_distinct(p, partner, at, err);
}

static int name_order(const void *x, const void *y)
{
    const struct policy_partner *a = x;
    const struct policy_partner *b = y;

    return strcmp(a->name, b->name);
}

enum pt_code parse_partners(void *base, const struct schema_key *key, const struct schema_at *at,
                            struct pt_err *err)
{
    struct policy *p = base;
    char path[SCHEMA_PATH_MAX];
    size_t neutral_count = 0;
    enum pt_code rc;

    (void)key;
    if ((rc = expect_entries(at, POLICY_PARTNERS_MAX + POLICY_NEUTRAL_MAX, "partners", err)) !=
        PT_OK)
        return rc;
    p->partners = calloc(at->node->child_count + 1, sizeof *p->partners);
    if (p->partners == NULL)
        return pt_fail(err, PT_ENOMEM, "no memory for %zu partners", at->node->child_count);
    for (size_t i = 0; i < at->node->child_count; i++) {
        const struct yaml_node *child = &at->node->children[i];
        struct schema_at entry = schema_child(path, at, child, child->key);
        if ((rc = read_partner(p, &entry, err)) != PT_OK)
            return rc;
        neutral_count += p->partners[i].neutral ? 1 : 0;
    }
    size_t with_customers = p->partner_count - neutral_count;
    if (with_customers < 2 || with_customers > POLICY_PARTNERS_MAX)
        return schema_fail(at, err, "expected 2 to %d partners with customers, found %zu",
                           POLICY_PARTNERS_MAX, with_customers);
    if (neutral_count > POLICY_NEUTRAL_MAX)
        return schema_fail(at, err, "expected at most %d neutral partners, found %zu",
                           POLICY_NEUTRAL_MAX, neutral_count);
    /* Name order is the order of everything that counts partners, on every node alike. */
    qsort(p->partners, p->partner_count, sizeof *p->partners, name_order);
    return PT_OK;
}
