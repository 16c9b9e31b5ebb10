#include "crypto/tlog_proof.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "crypto/base/text.h"
#include "tests/tlog_fixture.h"

struct bed {
    struct tlog_fixture f;
    struct tlog_proof p;
    struct digest leaf;
    struct note_seal seals[2];
    struct tlog_trust trust;
};

static void bed_make(struct bed *b)
{
    uint8_t entry[32];
    struct pt_err err;

    *b = (struct bed){.f = tlog_fixture_load()};
    b->trust = (struct tlog_trust){
        .keys = {.log = &b->f.log, .witnesses = b->f.witness, .witness_count = 2}, .quorum = 2};
    tlog_fixture_entry(entry, 200);
    merkle_leaf(&b->leaf, span_of(entry, sizeof entry));
    assert_int_equal(tlog_proof_parse(&b->p, buf_span(&b->f.proof), &err), PT_OK);
}

static void bed_free(struct bed *b)
{
    tlog_proof_free(&b->p);
    tlog_fixture_free(&b->f);
}

static enum pt_code verify(struct bed *b, struct pt_err *err)
{
    struct checkpoint c;
    enum pt_code rc = tlog_proof_verify(&c, b->seals, &b->p, &b->leaf, &b->trust, err);

    assert_int_equal(c.size, rc == PT_OK ? TLOG_FIXTURE_ENTRIES : 0);
    return rc;
}

/* A receipt by the other implementation verifies, and prints to the same bytes. */
static void the_other_implementations_receipt(void **state)
{
    struct bed b;
    struct buf again;
    struct pt_err err = {0};

    (void)state;
    bed_make(&b);
    assert_int_equal(verify(&b, &err), PT_OK);
    assert_true(b.seals[0].good && b.seals[1].good);
    assert_int_equal(b.p.index, 200);
    assert_true(b.p.has_extra && text_eq(buf_span(&b.p.extra), "opened"));
    assert_int_equal(tlog_proof_print(&again, &b.p, &err), PT_OK);
    assert_true(span_eq_vartime(buf_span(&again), buf_span(&b.f.proof)));
    buf_free(&again);
    bed_free(&b);
}

static void anything_else_is_denied(void **state)
{
    struct bed b;
    struct pt_err err = {0};

    (void)state;
    bed_make(&b);
    b.leaf.b[0] ^= 1;
    assert_int_equal(verify(&b, &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "place 200"));
    b.leaf.b[0] ^= 1;
    b.p.index++;
    assert_int_equal(verify(&b, &err), PT_EDENIED);
    b.p.index--;
    b.p.path.hash[8].b[31] ^= 1;
    assert_int_equal(verify(&b, &err), PT_EDENIED);
    b.p.path.hash[8].b[31] ^= 1;
    b.trust.quorum = 3;
    assert_int_equal(verify(&b, &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "2 cosignatures"));
    b.trust.quorum = 2;
    b.p.checkpoint = buf_span(&b.f.checkpoint);
    assert_int_equal(verify(&b, &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "0 cosignatures"));
    b.trust.quorum = 0;
    assert_int_equal(verify(&b, &err), PT_OK);
    b.f.log.public_key.b[0] ^= 1;
    assert_int_equal(verify(&b, &err), PT_EDENIED);
    b.f.log.public_key.b[0] ^= 1;
    b.p.checkpoint = span_z("nothing");
    assert_int_equal(verify(&b, &err), PT_EPARSE);
    bed_free(&b);
}

/* One defect a row: text before the checkpoint. */
static void forms_are_read_strictly(void **state)
{
#define H  "c2sp.org/tlog-proof@v1\n"
#define P  "gCZDNa/lzXApMCOxUA6G4C5nes+8p2faKW83NyQJKpw=\n"
#define CK "c\n"
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "first line"},
        {"c2sp.org/tlog-proof@v2\nindex 1\n\n" CK, "first line"},
        {"c2sp.org/tlog-proof@v1", "first line"},
        {H, "index"},
        {H "index 01\n\n" CK, "index"},
        {H "index -1\n\n" CK, "index"},
        {H "index 9223372036854775808\n\n" CK, "index"},
        {H "Index 1\n\n" CK, "index"},
        {H "extra b3BlbmV\nindex 1\n\n" CK, "extra"},
        {H "extra b3BlbmVk", "extra"},
        {H "extra b3BlbmVk\nextra b3BlbmVk\nindex 1\n\n" CK, "index"},
        {H "index 1\nextra b3BlbmVk\n\n" CK, "hashes"},
        {H "index 1\n" P "gCZD\n\n" CK, "hashes"},
        {H "index 1\n" P " \n" CK, "hashes"},
        {H "index 1\n" P, "hashes"},
        {H "index 1\n" P "\n", "checkpoint"},
    };
    struct tlog_proof p;
    struct pt_err err = {0};
    struct buf many = {0};

    (void)state;
    for (size_t i = 0; i < PT_LEN(bad); i++) {
        assert_int_equal(tlog_proof_parse(&p, span_z(bad[i].text), &err), PT_EPARSE);
        assert_non_null(strstr(err.msg, bad[i].says));
        assert_null(p.extra.p);
    }
    assert_int_equal(tlog_proof_parse(&p, span_z(H "index 0\n\n" CK), &err), PT_OK);
    assert_false(p.has_extra);
    assert_int_equal(p.path.count, 0);
    assert_true(text_eq(p.checkpoint, CK));
    tlog_proof_free(&p);
    assert_true(buf_printf(&many, H "index 0\n"));
    for (size_t i = 0; i <= MERKLE_PROOF_MAX; i++)
        assert_true(buf_printf(&many, P));
    assert_true(buf_printf(&many, "\n" CK));
    assert_int_equal(tlog_proof_parse(&p, buf_span(&many), &err), PT_EPARSE);
    assert_non_null(strstr(err.msg, "hashes"));
    assert_true(buf_reserve(&many, TLOG_PROOF_BYTES_MAX + 1));
    many.n = TLOG_PROOF_BYTES_MAX + 1;
    assert_int_equal(tlog_proof_parse(&p, buf_span(&many), &err), PT_EPARSE);
    assert_non_null(strstr(err.msg, "over"));
    buf_free(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_other_implementations_receipt),
        cmocka_unit_test(anything_else_is_denied),
        cmocka_unit_test(forms_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
