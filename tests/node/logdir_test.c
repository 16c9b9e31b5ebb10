/* Goal: the files of a log are those of C2SP tlog-tiles, whatever steps they were written in.
 * Method: the 300 entries of tests/tlog/make.py; each file is compared with what the specification
 * says of it, and the tree's head with the other implementation's. */
#include "node/logdir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypto/checkpoint.h"
#include "tests/scratch.h"
#include "tests/tlog_fixture.h"

struct bed {
    struct merkle_levels levels;
    struct buf entries;
    struct logdir_tree tree;
};

static void begin(struct bed *b)
{
    struct pt_err err;

    *b = (struct bed){0};
    for (size_t i = 0; i < TLOG_FIXTURE_ENTRIES; i++) {
        uint8_t entry[32];
        struct digest leaf;
        tlog_fixture_entry(entry, i);
        merkle_leaf(&leaf, span_of(entry, sizeof entry));
        assert_int_equal(merkle_levels_add(&b->levels, &leaf, &err), PT_OK);
        assert_true(buf_add(&b->entries, entry, sizeof entry));
    }
    b->tree = (struct logdir_tree){.levels = &b->levels, .entries = buf_span(&b->entries)};
}

static void end(struct bed *b)
{
    merkle_levels_free(&b->levels);
    buf_free(&b->entries);
}

static struct buf read_file(void **state, const char *name)
{
    struct buf out = {0};
    struct pt_err err = {0};

    if (fileio_read(&out, scratch_path(state, name), 1 << 20, &err) != PT_OK)
        fail_msg("%s", err.msg);
    return out;
}

static void write_steps(struct bed *b, const char *dir, const uint64_t *sizes, size_t count)
{
    struct merkle_range range = {0};
    struct pt_err err = {0};

    for (size_t i = 0; i < count; i++) {
        range.size = sizes[i];
        assert_int_equal(logdir_write(dir, &b->tree, range, &err), PT_OK);
        assert_int_equal(logdir_check(dir, &b->tree, range.size, &err), PT_OK);
        range.old = range.size;
    }
}

static void files_are_the_specifications(void **state)
{
    static const uint64_t SIZES[] = {3, 200, 256, 300};
    struct tlog_fixture f = tlog_fixture_load();
    const struct checkpoint_trust trust = {.log = &f.log};
    struct checkpoint c;
    struct digest head;
    struct bed b;
    struct pt_err err;

    begin(&b);
    write_steps(&b, *state, SIZES, PT_LEN(SIZES));
    struct buf entries = read_file(state, "tile/entries/001.p/44");
    struct buf hashes = read_file(state, "tile/0/001.p/44");
    struct buf above = read_file(state, "tile/1/000.p/1");
    assert_int_equal(entries.n, 44 * 34);
    assert_int_equal(hashes.n, 44 * 32);
    assert_int_equal(above.n, 32);
    for (size_t i = 0; i < 44; i++) {
        uint8_t entry[32];
        struct digest leaf;
        tlog_fixture_entry(entry, 256 + i);
        assert_memory_equal(entries.p + 34 * i, "\0\x20", 2);
        assert_memory_equal(entries.p + 34 * i + 2, entry, 32);
        merkle_leaf(&leaf, span_of(entry, sizeof entry));
        assert_memory_equal(hashes.p + 32 * i, leaf.b, 32);
    }
    const struct merkle_nodes nodes = merkle_levels_nodes(&b.levels);
    assert_int_equal(merkle_head(&head, &nodes, 256, &err), PT_OK);
    assert_memory_equal(above.p, head.b, 32);
    assert_int_equal(merkle_head(&head, &nodes, 300, &err), PT_OK);
    assert_int_equal(checkpoint_open(&c, NULL, buf_span(&f.checkpoint), &trust, &err), PT_OK);
    assert_memory_equal(head.b, c.root.b, 32);
    /* Full tiles replaced the partial ones. */
    assert_int_not_equal(access(scratch_path(state, "tile/0/000.p"), F_OK), 0);
    assert_int_equal(access(scratch_path(state, "tile/0/000"), F_OK), 0);
    /* An older checkpoint is still covered, by the full tiles. */
    assert_int_equal(logdir_check(*state, &b.tree, 200, &err), PT_OK);
    buf_free(&entries);
    buf_free(&hashes);
    buf_free(&above);
    end(&b);
    tlog_fixture_free(&f);
}

static void a_checkpoint_is_whole_or_absent(void **state)
{
    struct buf note;
    struct pt_err err = {0};
    bool found;

    assert_int_equal(logdir_read_checkpoint(&note, &found, *state, &err), PT_OK);
    assert_false(found);
    assert_int_equal(logdir_write_checkpoint(*state, span_z("a\n"), &err), PT_OK);
    assert_int_equal(logdir_read_checkpoint(&note, &found, *state, &err), PT_OK);
    assert_true(found && span_eq_vartime(buf_span(&note), span_z("a\n")));
    buf_free(&note);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        CASE(files_are_the_specifications),
        CASE(a_checkpoint_is_whole_or_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
