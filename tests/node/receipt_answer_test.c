/* Goal: a receipt is that of the answer whose JSON says the same of it in every field, and each other
 * one is told apart.
 * Method: the receipt of tests/kat/tlog/ and a JSON answer written by hand, one defect a row. */
#include "node/receipt_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/text.h"
#include "node/fileio.h"

#define X8(d)  d d d d d d d d
#define HEX(d) X8(d) X8(d) X8(d) X8(d) X8(d) X8(d) X8(d) X8(d)

static const char LOG[] =
    "patto/alpine/drinkco+6fd8fa10+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";
static const char GOOD[] = "{\"policy\": \"sha256:" HEX(
    "5") "\", \"epoch\": \"4\", \"asker\": \"freshmart\","
         " \"with\": \"drinkco\", \"own_data\": \"sha256:" HEX(
             "2") "\","
                  " \"other_data\": \"sha256:" HEX(
                      "1") "\", \"repeated\": false,"
                           " \"answers\": [{\"owner\": \"drinkco\", \"hash\": \"" HEX("3") "\"}]}";

struct bed {
    struct policy_partner partners[2];
    struct policy policy;
    struct receipt receipt;
};

static void begin(struct bed *b)
{
    struct note_key key;
    struct buf text = {0};
    struct pt_err err = {0};

    *b = (struct bed){.policy = {.federation = "alpine", .partner_count = 2}};
    strcpy(b->partners[0].name, "drinkco");
    strcpy(b->partners[1].name, "freshmart");
    b->policy.partners = b->partners;
    memset(b->policy.hash.b, 0x55, sizeof b->policy.hash.b);
    assert_int_equal(note_key_parse(&key, span_z(LOG), &err), PT_OK);
    b->partners[0].node = key.public_key;
    assert_int_equal(
        fileio_read(&text, "tests/kat/tlog/receipt.tlog-proof", TLOG_PROOF_BYTES_MAX, &err), PT_OK);
    if (receipt_read(&b->receipt, buf_span(&text), &b->policy, &err) != PT_OK)
        fail_msg("%s", err.msg);
    buf_free(&text);
}

/* GOOD with `from`, which it holds, replaced. */
static void changed(struct buf *out, const char *from, const char *to)
{
    const char *at = strstr(GOOD, from);

    assert_non_null(at);
    assert_true(buf_add(out, (const uint8_t *)GOOD, (size_t)(at - GOOD)) &&
                buf_printf(out, "%s%s", to, at + strlen(from)));
}

static void each_difference_is_named(void **state)
{
    static const struct {
        const char *from, *to, *says; /* NULL: none */
        enum pt_code code;
        bool first;
    } rows[] = {
        {"alse", "alse", NULL, PT_OK, false},
        {"sha256:5", "sha256:6", "policy 6", PT_EDENIED, false},
        {"\"4\"", "\"5\"", "epoch 5 here, 4 there", PT_EDENIED, false},
        {"\"freshmart", "\"homeware", "asked by homeware here, freshmart there", PT_EDENIED, false},
        {"sha256:2", "sha256:0", "asker's data", PT_EDENIED, false},
        {"sha256:1", "sha256:0", "owner's data", PT_EDENIED, false},
        {"hash\": \"3", "hash\": \"4", "answer hash 4", PT_EDENIED, false},
        {"owner\": \"drinkco", "owner\": \"homeware",
         "is of drinkco, which this answer is not from", PT_EDENIED, false},
        {"\"epoch\": \"4\",", "", "epoch  here", PT_EDENIED, false},
        {"answers", "answer", "not an answer", PT_EPARSE, false},
        {"{", "", "not an answer", PT_EPARSE, false},
        {"\"repeated\": false", "\"repeated\": true", NULL, PT_OK, false},
        {"\"repeated\": false, \"answers\": [{\"owner\": \"drinkco\", \"hash\": \"3",
         "\"repeated\": true, \"answers\": [{\"owner\": \"drinkco\", \"hash\": \"4", NULL, PT_OK,
         true},
        /* Over several partners: data commitments are those of nobody here. */
        {"\"with\": \"drinkco\", \"own_data\": \"sha256:2", "\"own_data\": \"sha256:0", NULL, PT_OK,
         false},
    };
    static struct bed b;

    (void)state;
    begin(&b);
    for (size_t i = 0; i < PT_LEN(rows); i++) {
        struct buf json = {0};
        struct pt_err err = {0};
        bool first = true;
        changed(&json, rows[i].from, rows[i].to);
        enum pt_code rc =
            receipt_answer_check(&first, &b.receipt, &b.policy, buf_span(&json), &err);
        if (rc != rows[i].code || (rows[i].says != NULL && strstr(err.msg, rows[i].says) == NULL))
            fail_msg("row %zu: %d, '%s'", i, (int)rc, err.msg);
        assert_int_equal(first, rows[i].first);
        buf_free(&json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_difference_is_named)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
