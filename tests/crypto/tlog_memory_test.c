/* Goal: when memory ends anywhere in the log's formats, the call says so, leaves nothing behind and
 * has changed nothing.
 * Method: buffers are compiled into this program with a malloc() that fails at a given call; each
 * operation is run with every one of its calls failing in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static size_t calls_left = SIZE_MAX; /* test state: the seam has no other way in */

static void *failing_malloc(size_t n)
{
    if (calls_left == 0)
        return NULL; /* and so does every later call */
    calls_left--;
    return malloc(n);
}
#define malloc failing_malloc
#include "crypto/base/span.c" /* NOLINT(bugprone-suspicious-include): the seam */
#undef malloc

#include "crypto/base64.h"
#include "crypto/merkle_levels.h"
#include "crypto/tile.h"
#include "crypto/tlog_proof.h"
#include "tests/tlog_fixture.h"

static struct tlog_fixture fixture;

/* Each makes *out, or fails with it empty. */
static enum pt_code print_key(struct buf *out, struct pt_err *err)
{
    return note_key_print(out, &fixture.log, err);
}
static enum pt_code begin_note(struct buf *out, struct pt_err *err)
{
    return note_begin(out, span_z("text\n"), err);
}
static enum pt_code sign_note(struct buf *out, struct pt_err *err)
{
    return note_sign(out, &fixture.log, &fixture.secret[0], span_z("text\n"), err);
}
static enum pt_code cosign_note(struct buf *out, struct pt_err *err)
{
    return note_cosign(out, &fixture.witness[0], &fixture.secret[1], span_z("text\n"), 5, err);
}
static enum pt_code print_checkpoint(struct buf *out, struct pt_err *err)
{
    const struct checkpoint c = {.origin = "a", .size = 1};

    return checkpoint_print(out, &c, err);
}
static enum pt_code sign_checkpoint(struct buf *out, struct pt_err *err)
{
    const struct checkpoint c = {.origin = "a", .size = 1};

    return checkpoint_sign(out, &c, &fixture.secret[0], err);
}
static enum pt_code print_proof(struct buf *out, struct pt_err *err)
{
    static const uint8_t extra[200];
    const struct tlog_proof p = {.has_extra = true,
                                 .extra = {.p = (uint8_t *)(uintptr_t)extra, .n = sizeof extra},
                                 .path = {.count = 40},
                                 .checkpoint = span_z("c\n")};

    return tlog_proof_print(out, &p, err);
}
static enum pt_code add_entry(struct buf *out, struct pt_err *err)
{
    return tile_entry_add(out, span_z("entry")) ? PT_OK : pt_fail(err, PT_ENOMEM, "none");
}
static enum pt_code print_base64(struct buf *out, struct pt_err *err)
{
    return base64_print(out, span_z("bytes")) ? PT_OK : pt_fail(err, PT_ENOMEM, "none");
}

static void every_call_may_fail(void **state)
{
    static enum pt_code (*const RUNS[])(struct buf *, struct pt_err *) = {
        print_key,       begin_note,  sign_note, cosign_note,  print_checkpoint,
        sign_checkpoint, print_proof, add_entry, print_base64,
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(RUNS); i++) {
        enum pt_code rc = PT_ENOMEM;
        for (size_t n = 0; rc != PT_OK; n++) {
            struct buf out = {0};
            struct pt_err err = {0};
            calls_left = n;
            rc = RUNS[i](&out, &err);
            calls_left = SIZE_MAX;
            assert_true(n < 100 && (rc == PT_OK || rc == PT_ENOMEM));
            assert_true(n > 0 || rc == PT_ENOMEM);
            buf_free(&out);
        }
    }
}

/* A proof that cannot be kept is not parsed; a signature that cannot be checked is not good. */
static void reading_fails_closed(void **state)
{
    struct tlog_proof p;
    struct note n;
    struct note_seal seals[2];
    struct pt_err err = {0};

    (void)state;
    calls_left = 0;
    assert_int_equal(tlog_proof_parse(&p, buf_span(&fixture.proof), &err), PT_EPARSE);
    assert_null(p.extra.p);
    assert_int_equal(note_parse(&n, buf_span(&fixture.cosigned), &err), PT_OK);
    assert_int_equal(note_verify(seals, &n, fixture.witness, 2, &err), PT_EDENIED);
    calls_left = SIZE_MAX;
    assert_false(seals[0].good || seals[1].good);
}

/* A tree that could not grow is the tree it was. */
static void a_tree_stays_whole(void **state)
{
    struct merkle_levels m = {0};
    const struct merkle_nodes nodes = merkle_levels_nodes(&m);
    struct merkle want;
    struct digest head;
    struct digest right;
    struct pt_err err = {0};

    (void)state;
    merkle_init(&want);
    for (unsigned i = 0; i < 300; i++) {
        const uint8_t entry[2] = {(uint8_t)i, (uint8_t)(i >> 8)};
        struct digest leaf;
        enum pt_code rc = PT_ENOMEM;
        merkle_leaf(&leaf, span_of(entry, sizeof entry));
        for (size_t n = 0; rc != PT_OK; n++) {
            calls_left = n;
            rc = merkle_levels_add(&m, &leaf, &err);
            calls_left = SIZE_MAX;
            assert_int_equal(m.size, rc == PT_OK ? i + 1 : i);
        }
        merkle_add(&want, span_of(entry, sizeof entry));
        merkle_root(&right, &want);
        assert_int_equal(merkle_head(&head, &nodes, m.size, &err), PT_OK);
        assert_memory_equal(head.b, right.b, 32);
    }
    merkle_levels_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_may_fail),
        cmocka_unit_test(reading_fails_closed),
        cmocka_unit_test(a_tree_stays_whole),
    };
    fixture = tlog_fixture_load();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tlog_fixture_free(&fixture);
    return failed;
}
