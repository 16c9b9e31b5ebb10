/* Goal: a receipt that another implementation made is read as it was meant, and no byte of it matters
 * to nobody; what is no receipt is named.
 * Method: tests/kat/tlog/receipt.tlog-proof by tests/tlog/make.py: drinkco answered freshmart, third of
 * five events. witness_test.c has receipts of our own. */
#include "node/receipt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/text.h"
#include "node/fileio.h"

static const char LOG[] =
    "patto/alpine/drinkco+6fd8fa10+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";
static const char ASKER[] =
    "patto/alpine/freshmart+48695aab+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU";

struct bed {
    struct policy_partner partners[3];
    struct policy policy;
    struct buf text;
    struct receipt receipt;
    struct pt_err err;
};

static void begin(struct bed *b)
{
    const struct policy_partner partners[3] = {
        {.name = "drinkco"}, {.name = "freshmart"}, {.name = "homeware"}};
    struct sign_key other;
    struct note_key key;

    *b = (struct bed){.policy = {.federation = "alpine", .partner_count = 3}};
    memcpy(b->partners, partners, sizeof partners);
    b->policy.partners = b->partners;
    memset(b->policy.hash.b, 0x55, sizeof b->policy.hash.b);
    assert_int_equal(note_key_parse(&key, span_z(LOG), &b->err), PT_OK);
    b->partners[0].node = key.public_key;
    assert_int_equal(note_key_parse(&key, span_z(ASKER), &b->err), PT_OK);
    b->partners[1].node = key.public_key;
    sign_key_random(&other);
    sign_key_public(&b->partners[2].node, &other);
    assert_int_equal(
        fileio_read(&b->text, "tests/kat/tlog/receipt.tlog-proof", TLOG_PROOF_BYTES_MAX, &b->err),
        PT_OK);
}

static enum pt_code read_it(struct bed *b)
{
    return receipt_read(&b->receipt, buf_span(&b->text), &b->policy, &b->err);
}

static void another_implementation_s_receipt_is_read(void **state)
{
    static const char *const FIELDS[][2] = {
        {"kind", "overlap"},
        {"recipient", "freshmart"},
        {"charged", "0.0005"},
        {"epoch", "4"},
        {"build", "patto/1"},
        {"question", "0000000000000000000000000000000000000000000000000000000000000007"},
        {"dataset", "1111111111111111111111111111111111111111111111111111111111111111"},
        {"asker_dataset", "2222222222222222222222222222222222222222222222222222222222222222"},
        {"answer", "3333333333333333333333333333333333333333333333333333333333333333"},
        {"nothing", ""},
    };
    static struct bed b;
    char value[512];

    (void)state;
    begin(&b);
    if (read_it(&b) != PT_OK)
        fail_msg("%s", b.err.msg);
    assert_int_equal(b.receipt.owner, 0);
    assert_int_equal(b.receipt.asker, 1);
    assert_int_equal(b.receipt.event.sequence, 3);
    assert_int_equal(b.receipt.event.at_s, 1764500000);
    assert_int_equal(b.receipt.head.size, 5);
    assert_int_equal(b.receipt.signed_s, 1764500002);
    assert_true(!b.receipt.signed_by[0] && b.receipt.signed_by[1] && !b.receipt.signed_by[2]);
    for (size_t i = 0; i < PT_LEN(FIELDS); i++) {
        receipt_field(value, &b.receipt, FIELDS[i][0]);
        assert_string_equal(value, FIELDS[i][1]);
    }
    buf_free(&b.text);
}

static void every_bit_matters(void **state)
{
    static struct bed b;

    (void)state;
    begin(&b);
    for (size_t i = 0; i < b.text.n; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            b.text.p[i] ^= (uint8_t)(1U << bit);
            enum pt_code rc = read_it(&b);
            if (rc == PT_OK && b.receipt.signed_s > 0)
                fail_msg("bit %u of byte %zu does not matter", bit, i);
            if (rc != PT_OK && b.err.msg[0] == '\0')
                fail_msg("bit %u of byte %zu: no reason", bit, i);
            b.text.p[i] ^= (uint8_t)(1U << bit);
        }
    assert_int_equal(read_it(&b), PT_OK);
    buf_free(&b.text);
}

static void wants(struct bed *b, enum pt_code code, const char *says)
{
    assert_int_equal(read_it(b), code);
    if (strstr(b->err.msg, says) == NULL)
        fail_msg("'%s' does not say '%s'", b->err.msg, says);
    buf_free(&b->text);
}

static void what_does_not_fit_the_policy_is_named(void **state)
{
    static struct bed b;

    (void)state;
    begin(&b);
    b.policy.hash.b[31] ^= 1;
    wants(&b, PT_EDENIED, "under another policy");
    begin(&b);
    b.partners[0].name[0] = 'x';
    wants(&b, PT_EDENIED, "of no partner of this policy");
    begin(&b);
    b.partners[1].name[0] = 'x';
    wants(&b, PT_EDENIED, "for freshmart, no partner");
    begin(&b);
    b.partners[0].node = b.partners[2].node;
    wants(&b, PT_EDENIED, "drinkco");
    /* The asker's line under its name and by another key: a key that is not known signs nothing. */
    begin(&b);
    b.partners[1].node = b.partners[2].node;
    assert_int_equal(read_it(&b), PT_OK);
    assert_int_equal(b.receipt.signed_s, 0);
    buf_free(&b.text);
}

static void the_note_of_it_is_found(void **state)
{
    static struct bed b;
    struct span note;

    (void)state;
    begin(&b);
    assert_int_equal(receipt_note(&note, buf_span(&b.text), &b.err), PT_OK);
    assert_true(note.n > 0 && note.p + note.n == b.text.p + b.text.n);
    assert_memory_equal(note.p, "patto/alpine/drinkco\n5\n", 23);
    assert_int_equal(receipt_note(&note, span_z("no proof"), &b.err), PT_EPARSE);
    buf_free(&b.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_implementation_s_receipt_is_read),
        cmocka_unit_test(every_bit_matters),
        cmocka_unit_test(what_does_not_fit_the_policy_is_named),
        cmocka_unit_test(the_note_of_it_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
