/* Property: whatever is accepted as a receipt under the policy of tests/kat/tlog/ is that of the one
 * answer that drinkco's log holds there, as it was recorded, and counts as signed by who asked only by
 * that partner's key; a refusal has a reason. */
#include <string.h>

#include "crypto/base/text.h"
#include "node/receipt.h"

static const char LOG[] =
    "patto/alpine/drinkco+6fd8fa10+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";
static const char ASKER[] =
    "patto/alpine/freshmart+48695aab+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU";

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static void check(const struct receipt *r)
{
    char value[512];

    require(r->owner == 0 && r->asker == 1 && r->head.size == 5);
    require(r->event.sequence == 3 && r->event.at_s == 1764500000);
    receipt_field(value, r, "charged");
    require(strcmp(value, "0.0005") == 0);
    receipt_field(value, r, "question");
    require(strlen(value) == 64 && value[63] == '7');
    require(r->signed_s == 0 || r->signed_s == 1764500002);
    require(r->signed_by[1] == (r->signed_s > 0) && !r->signed_by[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy_partner partners[] = {{.name = "drinkco"}, {.name = "freshmart"}};
    struct policy p = {.federation = "alpine", .partners = partners, .partner_count = 2};
    struct note_key key;
    static struct receipt r;
    struct pt_err err = {0};

    memset(p.hash.b, 0x55, sizeof p.hash.b);
    require(note_key_parse(&key, span_z(LOG), &err) == PT_OK);
    partners[0].node = key.public_key;
    require(note_key_parse(&key, span_z(ASKER), &err) == PT_OK);
    partners[1].node = key.public_key;
    if (receipt_read(&r, span_of(data, size), &p, &err) == PT_OK)
        check(&r);
    else
        require(err.msg[0] != '\0');
    return 0;
}
