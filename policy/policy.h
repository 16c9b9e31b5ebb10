/* policy.h - the policy file as a value: what every partner's privacy officer signed.
 *
 * Schema: DESIGN.md, "The policy file". Amounts of privacy loss are integers in units of 1e-9
 * (rho_nano), delta in 1e-18 (delta_atto), so that no sum of charges ever rounds. Everything here is public. */
#ifndef PT_POLICY_H
#define PT_POLICY_H

#include "crypto/minisign.h"
#include "crypto/prf.h"
#include "crypto/sign.h"

enum {
    POLICY_FILE_MAX = 1 << 20,
    POLICY_NAME_MAX = 32,       /* federation, partner, attribute: [a-z][a-z0-9-_]* */
    POLICY_VALUE_MAX = 64,      /* one category value, printable UTF-8 */
    POLICY_TEXT_MAX = 200,      /* free words: purpose in words, references */
    POLICY_PARTNERS_MAX = 8,    /* with customers */
    POLICY_NEUTRAL_MAX = 8,     /* without */
    POLICY_ATTRIBUTES_MAX = 32, /* a partner */
    POLICY_VALUES_MAX = 256,    /* an attribute */
    POLICY_PAIRS_MAX = 64,
    POLICY_FILTERS_MAX = 64,
};

enum policy_identifier { IDENTIFIER_EMAIL, IDENTIFIER_PHONE };
enum policy_rules { RULES_UID2, RULES_GOOGLE, RULES_META, RULES_LOWERCASE };
enum attribute_type { ATTRIBUTE_CATEGORY, ATTRIBUTE_SET, ATTRIBUTE_NUMBER };
enum attribute_combine { COMBINE_SUM, COMBINE_MEAN, COMBINE_MAX, COMBINE_LAST };

struct policy_attribute {
    char name[POLICY_NAME_MAX + 1];
    enum attribute_type type;
    char (*values)[POLICY_VALUE_MAX + 1]; /* category, set */
    size_t value_count;
    uint32_t max_per_person; /* C: 1 for a category */
    double min, max;         /* number */
    char unit[17];
    enum attribute_combine combine;
    uint32_t line;
};

struct policy_partner {
    char name[POLICY_NAME_MAX + 1];
    bool neutral;
    char endpoint[262];        /* host:port */
    struct digest certificate; /* SHA-256 of the DER */
    struct minisign_public officer;
    struct sign_public node;
    uint64_t customers_min, customers_max;
    char basis[POLICY_TEXT_MAX + 1]; /* empty: legal.basis */
    uint32_t endpoint_line, officer_line, customers_line;
    struct policy_attribute *attributes;
    size_t attribute_count;
    uint32_t line;
};

/* What the wire knows how to ask. Affinity and profile are readings of a crosstab: they are
 * permitted, and paid for, as that crosstab is. A value costs what a crosstab costs. */
enum question_kind {
    QUESTION_OVERLAP,
    QUESTION_REACH,
    QUESTION_CROSSTAB,
    QUESTION_VALUE,
    QUESTION_KIND_COUNT
};

struct attribute_ref { /* indices into policy.partners[].attributes[] */
    uint16_t partner, attribute;
};
struct policy_pair {
    /* crosstab: either order may be asked. value: a the groups, whose partner asks; b the number. */
    struct attribute_ref a, b;
};
struct policy_rule { /* one entry under questions: */
    bool present;
    uint32_t askers; /* bit i: partners[i] may ask, of any other partner in the set */
    struct attribute_ref *filters;
    size_t filter_count;
    struct policy_pair *pairs; /* crosstab, value */
    size_t pair_count;
    uint32_t line, ask_line, filters_line, pairs_line;
};

struct policy_privacy {
    uint64_t minimum_count, minimum_audience;
    uint64_t budget_rho_nano, daily_rho_nano, lifetime_rho_nano;
    uint64_t delta_atto; /* 1e-18 */
    uint32_t budget_days;
    uint64_t count_rho_nano, table_rho_nano, reach_rho_nano;
    uint32_t minimum_count_line, minimum_audience_line, budget_line, cost_line;
};

struct policy_lines { /* where each key stands; 0: it is left out */
    uint32_t purpose, purpose_words, basis, arrangement, dpia, contact, retention_days;
    uint32_t identifier, normalisation, slots_per_customer, key_period_days, evaluations_per_day;
    uint32_t rho, delta, days, daily_rho, lifetime_rho, count_rho, table_rho, reach_rho;
    uint32_t previous, witnesses;
};

struct policy {
    char federation[POLICY_NAME_MAX + 1];
    uint32_t version;
    bool has_previous;
    struct digest previous;
    struct digest hash; /* SHA-256 of the file's bytes */
    char purpose[POLICY_NAME_MAX + 1], purpose_words[POLICY_TEXT_MAX + 1];
    char legal_basis[POLICY_TEXT_MAX + 1], legal_arrangement[POLICY_TEXT_MAX + 1];
    char legal_dpia[POLICY_TEXT_MAX + 1], legal_contact[POLICY_TEXT_MAX + 1];
    uint32_t retention_days;
    int64_t valid_from_s, valid_until_s; /* UTC; until is the first second after the last day */
    /* Not of the file: valid_from_s of the first version that the node had, from which budget
     * periods count, so that a new version begins none. 0: this is the first. */
    int64_t first_from_s;
    enum policy_identifier identifier;
    enum policy_rules rules;
    uint32_t slots_per_customer;
    uint32_t key_period_days;     /* match.key_period_days, 30..90, default 90 */
    uint64_t evaluations_per_day; /* match.quota per peer; default 2 x customers.max */
    bool publishable;
    struct policy_partner *partners; /* in name order; neutral ones too */
    size_t partner_count;
    struct policy_rule rule[QUESTION_KIND_COUNT];
    struct policy_privacy privacy;
    uint32_t witnesses;      /* bit i: partners[i] */
    uint32_t witness_quorum; /* so many of them: 1..their number; "all" is their number */
    uint32_t valid_line, version_line, questions_line;
    struct policy_lines line;
};

/* Parse the file as it stands, strictly: unknown, duplicate or missing key, alias, tag, anchor,
 * value out of range: PT_EPARSE, "line 7, column 3: expected ..., found ...".
 * Free with policy_free(), which takes the empty value too. */
PT_MUST_USE enum pt_code policy_parse(struct policy **out, struct span file, struct pt_err *err);
void policy_free(struct policy *p);

/* Index of a partner, of an attribute of it, of a value of that; -1 when there is none. */
int policy_find_partner(const struct policy *p, const char *name);
int policy_find_attribute(const struct policy_partner *partner, const char *name);
int policy_find_value(const struct policy_attribute *a, struct span value);
const char *policy_rules_name(enum policy_rules r);
const char *policy_identifier_name(enum policy_identifier i);
const char *question_kind_name(enum question_kind k);
void policy_hash_text(char out[72], const struct digest *d); /* "sha256:9f2c..." */

#endif
