/* Property: an entry of a record that is accepted is written again as the same bytes; a refusal has
 * a reason and hands out nothing. */
#include <string.h>

#include "proto/record.h"

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static void check(const struct record_entry *e, uint8_t kind, struct span body)
{
    struct buf again = {0};

    require(record_put(&again, e));
    require(again.n == RECORD_OVERHEAD + body.n && again.p[0] == kind);
    require(load_u32le(again.p + 1) == body.n);
    require(body.n == 0 || memcmp(again.p + RECORD_OVERHEAD, body.p, body.n) == 0);
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rd r = {.in = span_of(data, size)};

    while (!rd_done(&r) && !r.bad) { /* as node/records.c walks a file */
        struct record_entry e;
        struct pt_err err = {0};
        uint8_t kind = rd_u8(&r);
        uint32_t n = rd_u32le(&r);
        struct span body = rd_take(&r, n);
        if (r.bad)
            break;
        if (record_parse(&e, kind, body, &err) == PT_OK) {
            check(&e, kind, body);
            continue;
        }
        require(err.msg[0] != '\0' && e.bytes.p == NULL);
        break;
    }
    return 0;
}
