#include <stdint.h>
#include <string.h>

#include "node/map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Property: a map is refused with a place and a reason, or names a column for all that the policy
 * needs, and each of its words stands for a value that the policy has. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char values[2][POLICY_VALUE_MAX + 1] = {"new", "loyal"};
    static struct policy_attribute attributes[3] = {
        {.name = "segment", .type = ATTRIBUTE_CATEGORY, .values = values, .value_count = 2},
        {.name = "buys", .type = ATTRIBUTE_SET, .values = values, .value_count = 2},
        {.name = "spend", .type = ATTRIBUTE_NUMBER, .max = 500},
    };
    struct policy_partner me = {.name = "me", .attributes = attributes, .attribute_count = 3};
    const struct policy policy = {.partners = &me, .partner_count = 1};
    const struct map_for to = {&policy, 0, "folder"};
    struct map *m = NULL;
    struct pt_err err = {0};

    if (map_parse(&m, span_of(data, size), &to, &err) != PT_OK) {
        if (m != NULL || (err.code == PT_EPARSE && strstr(err.msg, "line ") == NULL))
            __builtin_trap();
        return 0;
    }
    if (m->identifier_column.n == 0 || m->attribute_count != 3 || m->bad_micro > 1000000 ||
        m->delimiter == '\0' || m->delimiter == '"')
        __builtin_trap();
    for (size_t i = 0; i < 3; i++) {
        const struct map_attribute *a = &m->attributes[i];
        if (a->column.n == 0)
            __builtin_trap();
        for (size_t k = 0; k < a->word_count; k++)
            if (a->words[k].value >= 2 || map_find_word(a, a->words[k].text) < 0)
                __builtin_trap();
    }
    map_free(m);
    return 0;
}
