#include "policy/names.h"

#include <stdio.h>
#include <string.h>

#include "crypto/base/text.h"

const char *const NAMES_IDENTIFIER[] = {
    [IDENTIFIER_EMAIL] = "email", [IDENTIFIER_PHONE] = "phone", NULL};
const char *const NAMES_RULES[] = {[RULES_UID2] = "uid2",
                                   [RULES_GOOGLE] = "google",
                                   [RULES_META] = "meta",
                                   [RULES_LOWERCASE] = "lowercase",
                                   NULL};
const char *const NAMES_COMBINE[] = {[COMBINE_SUM] = "sum",
                                     [COMBINE_MEAN] = "mean",
                                     [COMBINE_MAX] = "max",
                                     [COMBINE_LAST] = "last",
                                     NULL};
const char *const NAMES_ATTRIBUTE_TYPE[] = {[ATTRIBUTE_CATEGORY] = "category",
                                            [ATTRIBUTE_SET] = "set",
                                            [ATTRIBUTE_NUMBER] = "number",
                                            NULL};
/* A purpose limits what answers may be used for; add a line here when officers agree on one. */
const char *const NAMES_PURPOSE[] = {"joint-campaign-planning",
                                     "audience-overlap",
                                     "market-research",
                                     "measurement",
                                     "churn-prevention",
                                     "product-development",
                                     NULL};

static const char *const KINDS[] = {[QUESTION_OVERLAP] = "overlap",
                                    [QUESTION_REACH] = "reach",
                                    [QUESTION_CROSSTAB] = "crosstab",
                                    [QUESTION_VALUE] = "value"};

const char *policy_rules_name(enum policy_rules r)
{
    return NAMES_RULES[r];
}

const char *policy_identifier_name(enum policy_identifier i)
{
    return NAMES_IDENTIFIER[i];
}

const char *question_kind_name(enum question_kind k)
{
    return KINDS[k];
}

void policy_hash_text(char out[72], const struct digest *d)
{
    snprintf(out, 72, "sha256:");
    text_hex(out + 7, d->b, sizeof d->b);
}

int policy_find_partner(const struct policy *p, const char *name)
{
    for (size_t i = 0; i < p->partner_count; i++)
        if (strcmp(p->partners[i].name, name) == 0)
            return (int)i;
    return -1;
}

int policy_find_attribute(const struct policy_partner *partner, const char *name)
{
    for (size_t i = 0; i < partner->attribute_count; i++)
        if (strcmp(partner->attributes[i].name, name) == 0)
            return (int)i;
    return -1;
}

int policy_find_value(const struct policy_attribute *a, struct span value)
{
    for (size_t i = 0; i < a->value_count; i++)
        if (text_eq(value, a->values[i]))
            return (int)i;
    return -1;
}

static bool is_leap(uint32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static uint32_t days_in_month(uint32_t year, uint32_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && is_leap(year) ? 1U : 0U);
}

static int64_t days_before_year(uint32_t year) /* from 1970-01-01, year >= 1970 */
{
    uint32_t past = year - 1;

    return ((int64_t)year - 1970) * 365 + (past / 4 - past / 100 + past / 400) - 477;
}

bool names_parse_date(int64_t *out_s, struct span text)
{
    uint32_t year;
    uint32_t month;
    uint32_t day;

    if (text.n != 10 || text.p[4] != '-' || text.p[7] != '-' ||
        !text_u32(span_of(text.p, 4), &year) || !text_u32(span_of(text.p + 5, 2), &month) ||
        !text_u32(span_of(text.p + 8, 2), &day))
        return false;
    if (year < 2000 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    int64_t days = days_before_year(year) + day - 1;
    for (uint32_t m = 1; m < month; m++)
        days += days_in_month(year, m);
    *out_s = days * NAMES_DAY_S;
    return true;
}

void names_print_date(char out[NAMES_DATE_BYTES], int64_t t_s)
{
    int64_t days = t_s / NAMES_DAY_S - (t_s % NAMES_DAY_S < 0 ? 1 : 0);
    uint32_t year = 1970;
    uint32_t month = 1;

    if (days < 0)
        days = 0;
    while (year < 9999 && days_before_year(year + 1) <= days)
        year++;
    days -= days_before_year(year);
    while (month < 12 && days >= days_in_month(year, month))
        days -= days_in_month(year, month++);
    snprintf(out, NAMES_DATE_BYTES, "%04u-%02u-%02u", year % 10000U, month % 100U,
             (uint32_t)(days + 1) % 100U);
}
