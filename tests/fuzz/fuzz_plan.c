/* Properties: a refusal has a reason; of what is read, every id is another one, names end, and each
 * condition is a line of the plan's own words. */
#include <stdlib.h>
#include <string.h>

#include "policy/plan.h"
#include "policy/schema.h"

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pt_err err = {0};
    struct plan *p;

    if (plan_parse(&p, span_of(data, size), &err) != PT_OK) {
        require(err.msg[0] != '\0' && p == NULL);
        return 0;
    }
    require(p->question_count >= 1 && p->question_count <= PLAN_QUESTIONS_MAX);
    for (size_t i = 0; i < p->question_count; i++) {
        const struct plan_question *q = &p->questions[i];
        require(schema_is_name(span_z(q->id)) && q->with[0] != '\0');
        require(q->where_count <= QUESTION_FILTERS_MAX);
        for (size_t k = 0; k < i; k++)
            require(strcmp(p->questions[k].id, q->id) != 0);
        for (size_t k = 0; k < q->where_count; k++) {
            require(q->where[k] < p->words.n);
            require(schema_is_line(span_z((const char *)p->words.p + q->where[k])));
        }
    }
    plan_free(p);
    return 0;
}
