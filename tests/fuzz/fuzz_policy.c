/* Properties: a refusal has a reason; what is accepted keeps the bounds and references that every
 * later step relies on. */
#include <string.h>

#include "policy/policy.h"

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static void check_ref(const struct policy *p, struct attribute_ref r)
{
    require(r.partner < p->partner_count);
    require(r.attribute < p->partners[r.partner].attribute_count);
}

static void check_rule(const struct policy *p, const struct policy_rule *rule)
{
    for (size_t i = 0; i < rule->filter_count; i++)
        check_ref(p, rule->filters[i]);
    for (size_t i = 0; i < rule->pair_count; i++) {
        check_ref(p, rule->pairs[i].a);
        check_ref(p, rule->pairs[i].b);
        require(rule->pairs[i].a.partner != rule->pairs[i].b.partner);
    }
    require(rule->askers >> p->partner_count == 0);
}

static void check_partner(const struct policy *p, size_t at)
{
    const struct policy_partner *partner = &p->partners[at];

    require(at == 0 || strcmp(p->partners[at - 1].name, partner->name) < 0);
    require(policy_find_partner(p, partner->name) == (int)at);
    require(!partner->neutral || partner->attribute_count == 0);
    for (size_t i = 0; i < partner->attribute_count; i++) {
        const struct policy_attribute *a = &partner->attributes[i];
        require(a->max_per_person >= 1);
        require((a->type == ATTRIBUTE_NUMBER) == (a->value_count == 0));
        require(a->type != ATTRIBUTE_NUMBER || a->min < a->max);
        for (size_t k = 0; k < a->value_count; k++)
            require(policy_find_value(a, span_z(a->values[k])) == (int)k);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pt_err err = {0};
    struct policy *p;

    if (policy_parse(&p, span_of(data, size), &err) != PT_OK) {
        require(err.msg[0] != '\0' && p == NULL);
        return 0;
    }
    require(p->partner_count >= 2 && p->valid_from_s < p->valid_until_s && p->witnesses != 0);
    require(p->privacy.daily_rho_nano <= p->privacy.budget_rho_nano);
    for (size_t i = 0; i < p->partner_count; i++)
        check_partner(p, i);
    for (size_t i = 0; i < PT_LEN(p->rule); i++)
        check_rule(p, &p->rule[i]);
    policy_free(p);
    return 0;
}
