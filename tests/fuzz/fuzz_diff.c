/* Properties: a policy against itself has no changes; against the example, what only tightens one
 * way loosens the other way; every change has a path, a reason and a line that its file has. */
#include <stdio.h>
#include <stdlib.h>

#include "policy/diff.h"

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static struct diff_report compare(const struct diff_side *a, const struct diff_side *b)
{
    struct diff_report r;
    struct pt_err err = {0};

    require(diff_run(&r, a, b, &err) == PT_OK);
    require(r.tighter + r.looser + r.neutral == r.count);
    for (size_t i = 0; i < r.count; i++) {
        const struct diff_change *c = &r.changes[i];
        require(c->path[0] != '\0' && c->reason != NULL);
        require(c->old_line != 0 || c->new_line != 0);
        require(c->old_line <= a->file.n + 1 && c->new_line <= b->file.n + 1);
    }
    return r;
}

/* The example, once. */
static const struct diff_side *example(void)
{
    static struct buf text;
    static struct diff_side side;
    struct pt_err err = {0};
    struct policy *p = NULL;
    uint8_t piece[4096];
    size_t n;

    if (text.n > 0)
        return &side;
    FILE *f = fopen("tests/policy/three.yaml", "rb");
    require(f != NULL);
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        require(buf_add(&text, piece, n));
    fclose(f);
    require(policy_parse(&p, buf_span(&text), &err) == PT_OK);
    side = (struct diff_side){.policy = p, .file = buf_span(&text)};
    return &side;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pt_err err = {0};
    struct policy *p;

    if (policy_parse(&p, span_of(data, size), &err) != PT_OK)
        return 0;
    const struct diff_side side = {.policy = p, .file = span_of(data, size)};
    struct diff_report none = compare(&side, &side);
    struct diff_report there = compare(example(), &side);
    struct diff_report back = compare(&side, example());
    require(none.count == 0);
    require(!diff_only_tighter(&there) || back.looser > 0);
    require(!diff_only_tighter(&back) || there.looser > 0);
    require((there.count == 0) == (back.count == 0));
    diff_report_free(&none);
    diff_report_free(&there);
    diff_report_free(&back);
    policy_free(p);
    return 0;
}
