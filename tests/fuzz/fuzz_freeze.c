/* Properties: what parses prints to the very lines that were read; nothing stands under a policy
 * whose officers have signed nothing. */
#include <stdlib.h>

#include "policy/freeze.h"

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy_partner partner = {.name = "freshmart"};
    struct policy p = {.partners = &partner, .partner_count = 1};
    struct freeze f;
    struct span lines;
    struct span signature;
    struct buf again = {0};
    struct pt_err err = {0};

    if (freeze_parse(&f, &lines, &signature, span_of(data, size), &err) != PT_OK) {
        require(err.msg[0] != '\0');
        return 0;
    }
    require(lines.n + signature.n == size);
    require(freeze_print(&again, &f, &err) == PT_OK && span_eq_vartime(buf_span(&again), lines));
    buf_free(&again);
    p.hash = f.policy;
    require(freeze_check(&f, &p, span_of(data, size), &err) != PT_OK);
    return 0;
}
