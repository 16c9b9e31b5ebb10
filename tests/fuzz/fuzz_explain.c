/* Properties: every policy that parses can be explained, in both languages and for each partner; each
 * sentence is filled in, one line of UTF-8, and comes from lines that the file has. */
#include <stdlib.h>
#include <string.h>

#include "crypto/base/text.h"
#include "policy/explain.h"

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static void check(const struct explain_sentence *s, uint32_t line_max)
{
    struct span rest = span_z(s->text);
    uint32_t code;

    require(rest.n > 0 && s->line_count > 0 && s->section < EXPLAIN_SECTIONS);
    while (rest.n > 0) {
        size_t n = text_utf8(&code, rest);
        require(n > 0 && !text_is_hidden(code));
        rest = span_of(rest.p + n, rest.n - n);
    }
    for (size_t i = 0; i < s->line_count; i++)
        require(s->lines[i] >= 1 && s->lines[i] <= line_max);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pt_err err = {0};
    struct policy *p;
    uint32_t line_max = 1;

    if (policy_parse(&p, span_of(data, size), &err) != PT_OK)
        return 0;
    for (size_t i = 0; i < size; i++)
        line_max += data[i] == '\n' || data[i] == '\r';
    for (int l = 0; l < EXPLAIN_LANGUAGES; l++)
        for (int partner = -1; partner < (int)p->partner_count; partner++) {
            const struct explain_in in = {p, span_of(data, size), (enum explain_language)l,
                                          partner};
            struct explain e;
            require(explain_run(&e, &in, &err) == PT_OK);
            for (size_t i = 0; i < e.count; i++)
                check(&e.sentences[i], line_max);
            explain_free(&e);
        }
    policy_free(p);
    return 0;
}
