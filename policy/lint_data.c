/* Rules about the data: what attributes say of people, what can be asked, who is matched how. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policy/lint.h"

enum { VALUES_MANY = 64, SIZE_SMALL = 1000, SIZES_APART = 100 };

/* ---- words in names and values ---- */

/* Each list ends with NULL. English, German, Italian, French, Spanish: stems, lower case. */
static const char *const IDENTIFIERS[] = {
    "email",         "e-mail",      "phone",       "telefon",        "mobile",
    "iban",          "account_n",   "passport",    "codice_fiscale", "ssn",
    "tax_id",        "steuer",      "customer_id", "kundennummer",   "card_n",
    "license_plate", "kennzeichen", "cookie",      "device_id",      "ip_addr",
    "surname",       "nachname",    "cognome",     "address",        "adresse",
    "indirizzo",     NULL};
static const char *const SPECIAL[] = {
    "health",  "gesund",       "salute",   "sante",       "salud",   "disease",
    "krank",   "malatt",       "diagnos",  "medic",       "pregnan", "schwanger",
    "gravid",  "disab",        "behinder", "religi",      "faith",   "glaube",
    "union",   "gewerkschaft", "sindac",   "ethni",       "race",    "razza",
    "politic", "partei",       "sexual",   "orientation", "gay",     "genetic",
    "biometr", "criminal",     "vorstraf", "allerg",      "addict",  NULL};
static const char *const PLACES[] = {"zip",      "postcode", "postal",  "plz",    "gps",  "latitud",
                                     "longitud", "street",   "strasse", "strada", "cap_", NULL};
static const char *const BIRTH[] = {"birth", "geburt", "nascita", "naissance", "dob", NULL};
static const char *const MINORS[] = {"child",    "minor",    "kinder", "bambin", "enfant",
                                     "underage", "teenager", "pupil",  NULL};
static const char *const MONEY[] = {"income", "salary", "gehalt", "reddito", "stipend",
                                    "credit", "debt",   "schuld", "debit",   NULL};

/* Any of the stems inside word, whatever its case. */
static const char *holds(const char *word, const char *const *stems)
{
    char lower[POLICY_VALUE_MAX + 1];
    size_t n = 0;

    for (; n < sizeof lower - 1 && word[n] != '\0'; n++)
        lower[n] = (char)(word[n] >= 'A' && word[n] <= 'Z' ? word[n] + 32 : word[n]);
    lower[n] = '\0';
    for (size_t i = 0; stems[i] != NULL; i++)
        if (strstr(lower, stems[i]) != NULL)
            return stems[i];
    return NULL;
}

typedef void attribute_test(struct lint *l, const struct lint_in *in, size_t partner,
                            const struct policy_attribute *a);

static void each_attribute(struct lint *l, const struct lint_in *in, attribute_test *test)
{
    for (size_t i = 0; i < in->policy->partner_count; i++)
        for (size_t k = 0; k < in->policy->partners[i].attribute_count; k++)
            test(l, in, i, &in->policy->partners[i].attributes[k]);
}

static const char *name(const struct lint_in *in, size_t partner)
{
    return in->policy->partners[partner].name;
}

static void find_words(struct lint *l, const struct lint_in *in, const char *const *stems,
                       const char *what)
{
    for (size_t i = 0; i < in->policy->partner_count; i++)
        for (size_t k = 0; k < in->policy->partners[i].attribute_count; k++) {
            const struct policy_attribute *a = &in->policy->partners[i].attributes[k];
            const char *stem = holds(a->name, stems);
            const char *where = a->name;
            for (size_t v = 0; stem == NULL && v < a->value_count; v++)
                if ((stem = holds(a->values[v], stems)) != NULL)
                    where = a->values[v];
            if (stem != NULL)
                lint_find(l, a->line, "%s.%s looks like %s: \"%s\"", name(in, i), a->name, what,
                          where);
        }
}

static void identifier_column(struct lint *l, const struct lint_in *in)
{
    find_words(l, in, IDENTIFIERS, "an identifier");
}
static void special_category(struct lint *l, const struct lint_in *in)
{
    find_words(l, in, SPECIAL, "a special category of data");
}
static void fine_place(struct lint *l, const struct lint_in *in)
{
    find_words(l, in, PLACES, "a fine place");
}
static void birth_date(struct lint *l, const struct lint_in *in)
{
    find_words(l, in, BIRTH, "a date of birth");
}
static void minors(struct lint *l, const struct lint_in *in)
{
    find_words(l, in, MINORS, "data of minors");
}
static void money(struct lint *l, const struct lint_in *in)
{
    find_words(l, in, MONEY, "a person's finances");
}

/* ---- shapes ---- */

static void test_many_values(struct lint *l, const struct lint_in *in, size_t partner,
                             const struct policy_attribute *a)
{
    if (a->value_count > VALUES_MANY)
        lint_find(l, a->line, "%s.%s has %zu values", name(in, partner), a->name, a->value_count);
}
static void many_values(struct lint *l, const struct lint_in *in)
{
    each_attribute(l, in, test_many_values);
}

static void test_one_value(struct lint *l, const struct lint_in *in, size_t partner,
                           const struct policy_attribute *a)
{
    if (a->type == ATTRIBUTE_CATEGORY && a->value_count == 1)
        lint_find(l, a->line, "%s.%s has one value, \"%s\"", name(in, partner), a->name,
                  a->values[0]);
}
static void one_value(struct lint *l, const struct lint_in *in)
{
    each_attribute(l, in, test_one_value);
}

static void test_nothing_cut(struct lint *l, const struct lint_in *in, size_t partner,
                             const struct policy_attribute *a)
{
    if (a->type == ATTRIBUTE_SET && a->value_count > 1 && a->max_per_person == a->value_count)
        lint_find(l, a->line, "%s.%s counts every value of a person", name(in, partner), a->name);
}
static void nothing_cut(struct lint *l, const struct lint_in *in)
{
    each_attribute(l, in, test_nothing_cut);
}

static bool same_ref(struct attribute_ref r, size_t partner, size_t attribute)
{
    return r.partner == partner && r.attribute == attribute;
}

static bool is_filter(const struct policy *p, size_t partner, size_t attribute)
{
    for (size_t k = 0; k < QUESTION_KIND_COUNT; k++)
        for (size_t i = 0; i < p->rule[k].filter_count; i++)
            if (same_ref(p->rule[k].filters[i], partner, attribute))
                return true;
    return false;
}

static bool is_paired(const struct policy *p, size_t partner, size_t attribute)
{
    for (size_t k = 0; k < QUESTION_KIND_COUNT; k++)
        for (size_t i = 0; i < p->rule[k].pair_count; i++)
            if (same_ref(p->rule[k].pairs[i].a, partner, attribute) ||
                same_ref(p->rule[k].pairs[i].b, partner, attribute))
                return true;
    return false;
}

static void unused_attribute(struct lint *l, const struct lint_in *in)
{
    const struct policy *p = in->policy;

    for (size_t i = 0; i < p->partner_count; i++)
        for (size_t k = 0; k < p->partners[i].attribute_count; k++)
            if (!is_filter(p, i, k) && !is_paired(p, i, k))
                lint_find(l, p->partners[i].attributes[k].line,
                          "%s.%s is in no question and no filter", name(in, i),
                          p->partners[i].attributes[k].name);
}

static void range_filter(struct lint *l, const struct lint_in *in)
{
    const struct policy *p = in->policy;

    for (size_t i = 0; i < p->partner_count; i++)
        for (size_t k = 0; k < p->partners[i].attribute_count; k++)
            if (p->partners[i].attributes[k].type == ATTRIBUTE_NUMBER && is_filter(p, i, k))
                lint_find(l, p->partners[i].attributes[k].line,
                          "%s.%s may be filtered at any bound", name(in, i),
                          p->partners[i].attributes[k].name);
}

/* How many different people the filters of one question can single out, at one partner: categories
 * and sets multiply; a number counts as ten. */
static void filters_too_fine(struct lint *l, const struct lint_in *in)
{
    const struct policy *p = in->policy;

    for (size_t k = 0; k < QUESTION_KIND_COUNT; k++) {
        const struct policy_rule *r = &p->rule[k];
        double groups[POLICY_PARTNERS_MAX + POLICY_NEUTRAL_MAX];
        for (size_t i = 0; i < p->partner_count; i++)
            groups[i] = 1;
        for (size_t i = 0; i < r->filter_count; i++) {
            const struct policy_attribute *a =
                &p->partners[r->filters[i].partner].attributes[r->filters[i].attribute];
            groups[r->filters[i].partner] *=
                a->type == ATTRIBUTE_NUMBER ? 10 : (double)a->value_count;
        }
        for (size_t i = 0; i < p->partner_count; i++) {
            double each = (double)p->partners[i].customers_max / groups[i];
            if (groups[i] > 1 && each < (double)p->privacy.minimum_audience)
                lint_find(l, r->filters_line,
                          "filters of %s split %s into %.0f groups of some %.0f people",
                          question_kind_name((enum question_kind)k), name(in, i), groups[i], each);
        }
    }
}

/* ---- questions ---- */

static void unreachable_pair(struct lint *l, const struct lint_in *in)
{
    for (size_t k = 0; k < QUESTION_KIND_COUNT; k++) {
        const struct policy_rule *r = &in->policy->rule[k];
        for (size_t i = 0; i < r->pair_count; i++) {
            uint32_t both = 1U << r->pairs[i].a.partner | 1U << r->pairs[i].b.partner;
            if ((r->askers & both) != both)
                lint_find(l, r->pairs_line,
                          "a pair of %s and %s, of whom one may neither ask nor be asked",
                          name(in, r->pairs[i].a.partner), name(in, r->pairs[i].b.partner));
        }
    }
}

static void unreachable_filter(struct lint *l, const struct lint_in *in)
{
    const struct policy *p = in->policy;

    for (size_t k = 0; k < QUESTION_KIND_COUNT; k++)
        for (size_t i = 0; i < p->rule[k].filter_count; i++) {
            uint16_t of = p->rule[k].filters[i].partner;
            if ((p->rule[k].askers >> of & 1) == 0)
                lint_find(l, p->rule[k].filters_line, "a filter of %s, which has no part in %s",
                          name(in, of), question_kind_name((enum question_kind)k));
        }
}

static void nothing_to_ask(struct lint *l, const struct lint_in *in)
{
    for (size_t k = 0; k < QUESTION_KIND_COUNT; k++)
        if (in->policy->rule[k].present)
            return;
    lint_find(l, in->policy->questions_line, "no question may be asked");
}

static void everybody_asks_everybody(struct lint *l, const struct lint_in *in)
{
    for (size_t k = 0; k < QUESTION_KIND_COUNT; k++) {
        const struct policy_rule *r = &in->policy->rule[k];
        if (r->present && __builtin_popcount(r->askers) >= 4)
            lint_find(l, r->ask_line, "%d partners may ask %s of each other",
                      __builtin_popcount(r->askers), question_kind_name((enum question_kind)k));
    }
}

/* ---- matching ---- */

static uint64_t largest(const struct policy *p)
{
    uint64_t n = 0;

    for (size_t i = 0; i < p->partner_count; i++)
        if (p->partners[i].customers_max > n)
            n = p->partners[i].customers_max;
    return n;
}

static void phone_numbers(struct lint *l, const struct lint_in *in)
{
    if (in->policy->identifier == IDENTIFIER_PHONE)
        lint_find(l, in->policy->line.identifier,
                  "people are matched by telephone number: all numbers of a country can be tried");
}

static void probing(struct lint *l, const struct lint_in *in)
{
    if (in->policy->evaluations_per_day > 4 * largest(in->policy))
        lint_find(l, in->policy->line.evaluations_per_day,
                  "%" PRIu64 " identifiers a day may be evaluated, the largest partner has %" PRIu64
                  " customers",
                  in->policy->evaluations_per_day, largest(in->policy));
}

static void too_few_evaluations(struct lint *l, const struct lint_in *in)
{
    if (in->policy->evaluations_per_day < largest(in->policy))
        lint_find(l, in->policy->line.evaluations_per_day,
                  "%" PRIu64 " evaluations a day: the largest partner, of %" PRIu64
                  " customers, gets no tokens in a day",
                  in->policy->evaluations_per_day, largest(in->policy));
}

static void few_slots(struct lint *l, const struct lint_in *in)
{
    if (in->policy->slots_per_customer == 2)
        lint_find(l, in->policy->line.slots_per_customer, "two slots a customer");
}

static void plain_rules(struct lint *l, const struct lint_in *in)
{
    if (in->policy->rules == RULES_LOWERCASE)
        lint_find(l, in->policy->line.normalisation,
                  "addresses are compared in lower case alone: a person's two spellings of one "
                  "address are two people");
}

/* ---- sizes ---- */

static void small_partner(struct lint *l, const struct lint_in *in)
{
    for (size_t i = 0; i < in->policy->partner_count; i++) {
        const struct policy_partner *p = &in->policy->partners[i];
        if (!p->neutral && p->customers_min < SIZE_SMALL)
            lint_find(l, p->customers_line, "%s may load as few as %" PRIu64 " customers", p->name,
                      p->customers_min);
    }
}

static void below_audience(struct lint *l, const struct lint_in *in)
{
    for (size_t i = 0; i < in->policy->partner_count; i++) {
        const struct policy_partner *p = &in->policy->partners[i];
        if (!p->neutral && p->customers_max < in->policy->privacy.minimum_audience)
            lint_find(l, p->customers_line,
                      "%s has at most %" PRIu64 " customers, minimum_audience is %" PRIu64, p->name,
                      p->customers_max, in->policy->privacy.minimum_audience);
    }
}

static void sizes_apart(struct lint *l, const struct lint_in *in)
{
    for (size_t i = 0; i < in->policy->partner_count; i++) {
        const struct policy_partner *p = &in->policy->partners[i];
        if (!p->neutral && p->customers_max * SIZES_APART <= largest(in->policy))
            lint_find(l, p->customers_line,
                      "%s has %" PRIu64 " customers, the largest partner %" PRIu64
                      ": to be a customer of the small one says much",
                      p->name, p->customers_max, largest(in->policy));
    }
}

static const struct lint_rule DATA[] = {
    {"P060", LINT_ERROR, "no identifiers as attributes", identifier_column,
     "leave it out: identifiers match people and are never counted by", "OFFICER-NOTES P030, P033"},
    {"P061", LINT_ERROR, "no special categories", special_category,
     "leave it out, or have the exception of Article 9(2) in the impact assessment",
     "GDPR Art. 9; OFFICER-NOTES P053"},
    {"P062", LINT_WARNING, "no fine places", fine_place, "take regions of 10,000 people or more",
     "OFFICER-NOTES P032"},
    {"P063", LINT_WARNING, "no dates of birth", birth_date, "take age bands of ten years",
     "OFFICER-NOTES P032"},
    {"P064", LINT_WARNING, "no data of minors", minors,
     "leave it out, or justify it in the impact assessment", "GDPR recital 38, Art. 8"},
    {"P065", LINT_NOTE, "finances with care", money, "take few and wide bands",
     "OFFICER-NOTES, column sensitivity"},
    {"P066", LINT_WARNING, "few values", many_values,
     "join rare values: a group is to be many people", "OFFICER-NOTES P032"},
    {"P067", LINT_NOTE, "values that distinguish", one_value,
     "leave it out, or name the other values", "GDPR Art. 5(1)(c)"},
    {"P068", LINT_NOTE, "sets that are cut", nothing_cut,
     "lower max_per_person: noise pays for the person who has everything", "PROTOCOL 5"},
    {"P069", LINT_WARNING, "no unused attributes", unused_attribute,
     "leave it out: what nobody may ask about need not be loaded", "GDPR Art. 5(1)(c)"},
    {"P070", LINT_NOTE, "bands instead of bounds", range_filter,
     "take a category of bands: bounds can be moved by one unit at a time", "OFFICER-NOTES P035"},
    {"P071", LINT_WARNING, "filters that leave groups", filters_too_fine,
     "list fewer filters, or filters of fewer values", "OFFICER-NOTES P031"},
    {"P072", LINT_WARNING, "pairs that can be asked", unreachable_pair,
     "add the partner to questions.crosstab.ask, or leave the pair out", "OFFICER-NOTES P072"},
    {"P073", LINT_WARNING, "filters that can be used", unreachable_filter,
     "leave the filter out, or add its partner to ask", "OFFICER-NOTES P072"},
    {"P074", LINT_WARNING, "something to ask", nothing_to_ask,
     "list the questions that the purpose needs", "OFFICER-NOTES P072"},
    {"P075", LINT_NOTE, "who needs to ask", everybody_asks_everybody,
     "list who asks instead of any", "GDPR Art. 5(1)(c)"},
    {"P076", LINT_WARNING, "identifiers that cannot all be tried", phone_numbers,
     "prefer e-mail addresses; keep evaluations_per_day near the number of customers",
     "OFFICER-NOTES P046; EDPB 01/2025"},
    {"P077", LINT_WARNING, "no room to try identifiers", probing,
     "set evaluations_per_day to twice the customers of the largest partner",
     "OFFICER-NOTES P046; PROTOCOL 0"},
    {"P078", LINT_ERROR, "room for everybody's tokens", too_few_evaluations,
     "set evaluations_per_day to twice the customers of the largest partner", "PROTOCOL 2"},
    {"P079", LINT_NOTE, "slots for accuracy", few_slots,
     "take 4, or 8 where few customers are in common", "PROTOCOL 3"},
    {"P080", LINT_NOTE, "rules that unite spellings", plain_rules,
     "take uid2, which unites the spellings of one mailbox", "OFFICER-NOTES P041"},
    {"P081", LINT_WARNING, "partners with many customers", small_partner,
     "set customers.min to 1000 or more", "OFFICER-NOTES P045"},
    {"P082", LINT_ERROR, "partners large enough to be asked", below_audience,
     "lower minimum_audience, or do without this partner", "PROTOCOL 5"},
    {"P083", LINT_NOTE, "partners of like size", sizes_apart,
     "consider whether membership of the small partner is itself sensitive", "OFFICER-NOTES P045"},
};

const struct lint_rule *const LINT_DATA = DATA;
const size_t LINT_DATA_COUNT = PT_LEN(DATA);
