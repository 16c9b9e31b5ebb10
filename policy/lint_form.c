/* Rules about the paper: signatures, dates, purpose, law, keys, addresses, witnesses. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/text.h"
#include "policy/lint.h"
#include "policy/names.h"
#include "policy/quorum.h"

enum { DAYS_LONG = 370, DAYS_SOON = 30, RETENTION_LONG = 90, RETENTION_TOO_LONG = 400 };

static const struct policy_partner *partner(const struct lint_in *in, size_t i)
{
    return &in->policy->partners[i];
}

static size_t with_customers(const struct policy *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->partner_count; i++)
        n += !p->partners[i].neutral;
    return n;
}

/* ---- signatures and dates ---- */

static void not_signed(struct lint *l, const struct lint_in *in)
{
    struct pt_err why = {0};

    if (in->signatures != NULL &&
        quorum_check_signatures(in->policy, in->file, in->signatures, &why) != PT_OK)
        lint_find(l, 0, "%s", why.msg);
}

static void not_in_date(struct lint *l, const struct lint_in *in)
{
    struct pt_err why = {0};

    if (quorum_check_dates(in->policy, in->now_s, &why) != PT_OK)
        lint_find(l, in->policy->valid_line, "%s", why.msg);
}

static int64_t days_of(int64_t seconds)
{
    return seconds / NAMES_DAY_S;
}

static void valid_for_long(struct lint *l, const struct lint_in *in)
{
    const struct policy *p = in->policy;
    int64_t days = days_of(p->valid_until_s - p->valid_from_s);

    if (days > DAYS_LONG)
        lint_find(l, p->valid_line, "the policy is valid for %" PRId64 " days", days);
}

static void ends_soon(struct lint *l, const struct lint_in *in)
{
    const struct policy *p = in->policy;
    int64_t left = p->valid_until_s - in->now_s;

    if (left > 0 && days_of(left) < DAYS_SOON)
        lint_find(l, p->valid_line, "the policy ends in %" PRId64 " days", days_of(left));
}

/* ---- purpose and law ---- */

static bool is_placeholder(const char *text)
{
    static const char *const WORDS[] = {"none", "n/a",  "na",      "tbd", "todo",
                                        "any",  "test", "unknown", "-",   "tba"};
    char lower[POLICY_TEXT_MAX + 1];
    size_t n = 0;

    for (; n < sizeof lower - 1 && text[n] != '\0'; n++)
        lower[n] = (char)(text[n] >= 'A' && text[n] <= 'Z' ? text[n] + 32 : text[n]);
    lower[n] = '\0';
    for (size_t i = 0; i < PT_LEN(WORDS); i++)
        if (strcmp(lower, WORDS[i]) == 0)
            return true;
    return false;
}

static void no_purpose_words(struct lint *l, const struct lint_in *in)
{
    if (in->policy->purpose_words[0] == '\0')
        lint_find(l, in->policy->line.purpose, "the purpose is the word \"%s\" alone",
                  in->policy->purpose);
}

static void purpose_words_short(struct lint *l, const struct lint_in *in)
{
    size_t n = strlen(in->policy->purpose_words);

    if (n > 0 && n < 20)
        lint_find(l, in->policy->line.purpose_words, "the purpose is told in %zu letters: \"%s\"",
                  n, in->policy->purpose_words);
}

static void basis_missing(struct lint *l, const struct lint_in *in)
{
    if (is_placeholder(in->policy->legal_basis))
        lint_find(l, in->policy->line.basis, "the legal basis is \"%s\"", in->policy->legal_basis);
    for (size_t i = 0; i < in->policy->partner_count; i++)
        if (is_placeholder(partner(in, i)->basis))
            lint_find(l, partner(in, i)->line, "the legal basis of %s is \"%s\"",
                      partner(in, i)->name, partner(in, i)->basis);
}

static void arrangement_missing(struct lint *l, const struct lint_in *in)
{
    if (is_placeholder(in->policy->legal_arrangement))
        lint_find(l, in->policy->line.arrangement, "the arrangement of joint controllers is \"%s\"",
                  in->policy->legal_arrangement);
}

static void dpia_missing(struct lint *l, const struct lint_in *in)
{
    if (is_placeholder(in->policy->legal_dpia))
        lint_find(l, in->policy->line.dpia, "the impact assessment is \"%s\"",
                  in->policy->legal_dpia);
}

static void contact_missing(struct lint *l, const struct lint_in *in)
{
    if (in->policy->legal_contact[0] == '\0' || is_placeholder(in->policy->legal_contact))
        lint_find(l, in->policy->line.contact, "no contact point for the people concerned");
}

static void retention_long(struct lint *l, const struct lint_in *in)
{
    uint32_t days = in->policy->retention_days;

    if (days > RETENTION_LONG && days <= RETENTION_TOO_LONG)
        lint_find(l, in->policy->line.retention_days, "kept for %" PRIu32 " days", days);
}

static void retention_too_long(struct lint *l, const struct lint_in *in)
{
    uint32_t days = in->policy->retention_days;

    if (days > RETENTION_TOO_LONG)
        lint_find(l, in->policy->line.retention_days, "kept for %" PRIu32 " days", days);
}

static bool says_interests(const char *basis)
{
    return strcasestr(basis, "interest") != NULL || strcasestr(basis, "interess") != NULL;
}

static void interests_balanced(struct lint *l, const struct lint_in *in)
{
    if (says_interests(in->policy->legal_basis))
        lint_find(l, in->policy->line.basis, "the basis is \"%s\"", in->policy->legal_basis);
    for (size_t i = 0; i < in->policy->partner_count; i++)
        if (says_interests(partner(in, i)->basis))
            lint_find(l, partner(in, i)->line, "the basis of %s is \"%s\"", partner(in, i)->name,
                      partner(in, i)->basis);
}

static void bases_differ(struct lint *l, const struct lint_in *in)
{
    for (size_t i = 0; i < in->policy->partner_count; i++)
        if (partner(in, i)->basis[0] != '\0' &&
            strcmp(partner(in, i)->basis, in->policy->legal_basis) != 0)
            lint_find(l, partner(in, i)->line, "%s relies on \"%s\", the others on \"%s\"",
                      partner(in, i)->name, partner(in, i)->basis, in->policy->legal_basis);
}

/* ---- keys and addresses ---- */

static void officer_is_node(struct lint *l, const struct lint_in *in)
{
    for (size_t i = 0; i < in->policy->partner_count; i++)
        for (size_t k = 0; k < in->policy->partner_count; k++)
            if (memcmp(partner(in, i)->officer.key, partner(in, k)->node.b, 32) == 0)
                lint_find(l, partner(in, i)->officer_line,
                          "the officer's key of %s is the node's key of %s", partner(in, i)->name,
                          partner(in, k)->name);
}

static bool starts(const char *text, const char *with)
{
    return strncasecmp(text, with, strlen(with)) == 0; /* as names of hosts are compared */
}

static bool is_local(const char *endpoint)
{
    return starts(endpoint, "127.") || starts(endpoint, "localhost") || starts(endpoint, "[::1]") ||
           starts(endpoint, "0.0.0.0");
}

static void endpoint_local(struct lint *l, const struct lint_in *in)
{
    for (size_t i = 0; i < in->policy->partner_count; i++)
        if (is_local(partner(in, i)->endpoint))
            lint_find(l, partner(in, i)->endpoint_line, "%s is at %s, which others cannot reach",
                      partner(in, i)->name, partner(in, i)->endpoint);
}

/* RFC 1918, 3927, 4193 and 4291. */
static bool is_private(const char *endpoint)
{
    static const char *const NETS[] = {"10.", "192.168.", "169.254.", "[fc", "[fd", "[fe80:"};
    static const char OF_16[] = "172.";

    for (size_t i = 0; i < PT_LEN(NETS); i++)
        if (starts(endpoint, NETS[i]))
            return true;
    if (!starts(endpoint, OF_16))
        return false;
    char *end;
    unsigned long second = strtoul(endpoint + strlen(OF_16), &end, 10);
    return *end == '.' && second >= 16 && second <= 31;
}

static void endpoint_private(struct lint *l, const struct lint_in *in)
{
    for (size_t i = 0; i < in->policy->partner_count; i++)
        if (is_private(partner(in, i)->endpoint))
            lint_find(l, partner(in, i)->endpoint_line, "%s is at %s, a private address",
                      partner(in, i)->name, partner(in, i)->endpoint);
}

static size_t host_length(const char *endpoint)
{
    const char *colon = strrchr(endpoint, ':');

    return colon != NULL ? (size_t)(colon - endpoint) : strlen(endpoint);
}

static void one_host_for_two(struct lint *l, const struct lint_in *in)
{
    for (size_t i = 1; i < in->policy->partner_count; i++)
        for (size_t k = 0; k < i; k++) {
            const struct policy_partner *a = partner(in, i);
            const struct policy_partner *b = partner(in, k);
            if (host_length(a->endpoint) == host_length(b->endpoint) &&
                strncmp(a->endpoint, b->endpoint, host_length(a->endpoint)) == 0)
                lint_find(l, a->endpoint_line, "%s and %s are on one host, %.*s", b->name, a->name,
                          (int)host_length(a->endpoint), a->endpoint);
        }
}

/* ---- witnesses ---- */

static unsigned witness_count(const struct policy *p)
{
    return (unsigned)__builtin_popcount(p->witnesses);
}

static void one_witness(struct lint *l, const struct lint_in *in)
{
    if (witness_count(in->policy) == 1)
        lint_find(l, in->policy->line.witnesses, "%s is the only witness of the logs",
                  partner(in, (size_t)__builtin_ctz(in->policy->witnesses))->name);
}

static void no_neutral_witness(struct lint *l, const struct lint_in *in)
{
    for (size_t i = 0; i < in->policy->partner_count; i++)
        if (partner(in, i)->neutral && (in->policy->witnesses >> i & 1) != 0)
            return;
    lint_find(l, in->policy->line.witnesses, "all witnesses of the logs are partners themselves");
}

static void partner_no_witness(struct lint *l, const struct lint_in *in)
{
    for (size_t i = 0; i < in->policy->partner_count; i++)
        if (!partner(in, i)->neutral && (in->policy->witnesses >> i & 1) == 0)
            lint_find(l, in->policy->line.witnesses, "%s is no witness of the others' logs",
                      partner(in, i)->name);
}

static void reach_without_neutral(struct lint *l, const struct lint_in *in)
{
    const struct policy *p = in->policy;
    const struct policy_rule *r = &p->rule[QUESTION_REACH];

    if (!r->present || __builtin_popcount(r->askers) < 3 || with_customers(p) < p->partner_count)
        return;
    lint_find(l, r->line,
              "reach may be asked over three and more partners, and all three nodes that open it "
              "are partners");
}

static const struct lint_rule FORM[] = {
    {"P001", LINT_ERROR, "signed by every officer", not_signed,
     "collect the missing signatures: patto policy sign", "OFFICER-NOTES P001; DESIGN"},
    {"P002", LINT_ERROR, "in date", not_in_date, "agree on dates that include today, and sign anew",
     "OFFICER-NOTES P002"},
    {"P003", LINT_WARNING, "valid for a year at most", valid_for_long,
     "let it end within a year: what was needed then may not be needed now",
     "GDPR Art. 5(1)(b); OFFICER-NOTES P002"},
    {"P004", LINT_NOTE, "time to prepare the next version", ends_soon,
     "prepare the next version now; when this one ends, every question is refused",
     "OFFICER-NOTES P002"},
    {"P005", LINT_WARNING, "the purpose in plain words", no_purpose_words,
     "add purpose_words: one sentence that a customer would understand",
     "GDPR Art. 5(1)(b), 13; OFFICER-NOTES P050"},
    {"P006", LINT_NOTE, "a purpose that says something", purpose_words_short,
     "say what is planned, with whom and until when", "GDPR Art. 5(1)(b)"},
    {"P007", LINT_ERROR, "a legal basis", basis_missing,
     "name the basis of Article 6 that each partner relies on", "GDPR Art. 6"},
    {"P008", LINT_ERROR, "an arrangement of joint controllers", arrangement_missing,
     "conclude the arrangement of Article 26 and name it here", "GDPR Art. 26; OFFICER-NOTES P052"},
    {"P009", LINT_ERROR, "an impact assessment", dpia_missing,
     "carry out the assessment of Article 35 and name it here", "GDPR Art. 35; OFFICER-NOTES P051"},
    {"P010", LINT_WARNING, "a contact point", contact_missing,
     "add legal.contact: whom a person writes to", "GDPR Art. 13, 26(1)"},
    {"P011", LINT_WARNING, "short retention", retention_long,
     "keep data for as long as a campaign needs: 30 days is usual", "GDPR Art. 5(1)(e)"},
    {"P012", LINT_ERROR, "retention within reason", retention_too_long,
     "keep data for days, not years", "GDPR Art. 5(1)(e); OFFICER-NOTES P054"},
    {"P013", LINT_NOTE, "legitimate interests are balanced", interests_balanced,
     "have the balancing test on file and honour objections: patto forget",
     "GDPR Art. 6(1)(f), 21"},
    {"P014", LINT_NOTE, "one basis for all", bases_differ,
     "check that both notices to customers say so", "GDPR Art. 13"},
    {"P015", LINT_ERROR, "officers apart from nodes", officer_is_node,
     "the officer's key is made and kept by the officer: patto officer-key",
     "OFFICER-NOTES P062; GDPR Art. 32"},
    {"P016", LINT_WARNING, "addresses that partners can reach", endpoint_local,
     "write the name under which the others reach this node", "DESIGN"},
    {"P017", LINT_NOTE, "public addresses", endpoint_private,
     "fine inside one network or VPN; else write the public name", "DESIGN"},
    {"P018", LINT_WARNING, "each company on its own machine", one_host_for_two,
     "two companies on one machine trust its administrator with both", "PROTOCOL 0"},
    {"P019", LINT_ERROR, "more than one witness", one_witness,
     "list every partner as a witness, better a neutral one too", "OFFICER-NOTES P060"},
    {"P020", LINT_NOTE, "a witness from outside", no_neutral_witness,
     "add a neutral partner (role: neutral), an auditor's say, and list it in audit.witnesses",
     "OFFICER-NOTES P060"},
    {"P021", LINT_WARNING, "every partner witnesses", partner_no_witness,
     "list every partner in audit.witnesses: who does not watch cannot object",
     "OFFICER-NOTES, recommendation"},
    {"P022", LINT_WARNING, "a neutral node for reach", reach_without_neutral,
     "add a neutral partner: two partners among the three nodes could see which customers are "
     "shared",
     "PROTOCOL 6"},
};

const struct lint_rule *const LINT_FORM = FORM;
const size_t LINT_FORM_COUNT = PT_LEN(FORM);
