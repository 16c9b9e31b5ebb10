/* Property: whatever is accepted as drinkco's export for freshmart holds nothing but events of the
 * one log that drinkco signed (tests/kat/tlog/export.json), each as it was recorded; a refusal has a
 * reason and leaves nothing. */
#include <string.h>

#include "crypto/base/text.h"
#include "node/log_export.h"

static const char LOG[] =
    "patto/alpine/drinkco+6fd8fa10+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";
static const char *const KINDS[] = {"policy", "ingest", "charge", "charge", "asked"};

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static void check(const struct log_export *e)
{
    require(e->checkpoint.size == 5 && e->count <= 5 && strcmp(e->from, "drinkco") == 0);
    for (size_t i = 0; i < e->count; i++) {
        const struct store_event_row *row = &e->events[i];
        require(row->sequence >= 1 && row->sequence <= 5);
        require(strcmp(row->kind, KINDS[row->sequence - 1]) == 0);
        require(row->at_s == 1764500000 + (int64_t)row->sequence - 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy_partner partners[] = {{.name = "drinkco"}, {.name = "freshmart"}};
    const struct policy p = {.federation = "alpine", .partners = partners, .partner_count = 2};
    struct note_key log;
    struct log_export e;
    struct pt_err err = {0};

    require(note_key_parse(&log, span_z(LOG), &err) == PT_OK);
    partners[0].node = log.public_key;
    if (log_export_read(&e, span_of(data, size), &p, 1, &err) == PT_OK)
        check(&e);
    else
        require(err.msg[0] != '\0' && e.events == NULL && e.count == 0);
    log_export_free(&e);
    return 0;
}
