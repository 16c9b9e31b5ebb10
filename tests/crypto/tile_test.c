#include "crypto/tile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The examples of C2SP tlog-tiles, and the ends of the ranges. */
static void paths_are_the_specifications(void **state)
{
    static const struct {
        struct tile t;
        const char *path;
    } cases[] = {
        {{0, 1234067, 256}, "tile/0/x001/x234/067"},
        {{0, 0, 1}, "tile/0/000.p/1"},
        {{0, 0, 256}, "tile/0/000"},
        {{1, 273, 112}, "tile/1/273.p/112"},
        {{2, 1, 17}, "tile/2/001.p/17"},
        {{TILE_ENTRIES, 273, 256}, "tile/entries/273"},
        {{TILE_ENTRIES, 1000, 255}, "tile/entries/x001/000.p/255"},
        {{7, UINT64_C(9223372036854775807), 256}, "tile/7/x009/x223/x372/x036/x854/x775/807"},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++) {
        char path[TILE_PATH_MAX];
        struct tile t;
        tile_path(path, &cases[i].t);
        assert_string_equal(path, cases[i].path);
        assert_true(tile_parse(&t, span_z(path)));
        assert_int_equal(t.level, cases[i].t.level);
        assert_int_equal(t.index, cases[i].t.index);
        assert_int_equal(t.width, cases[i].t.width);
    }
}

static void other_paths_are_none(void **state)
{
    static const char *const bad[] = {
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/8/000",
        "tile/00/000",
        "tile/-1/000",
        "tile/entry/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/0/x001/",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/1/2",
        "tile/0/.p/1",
        "tile/0/../000",
        "tile/0/x001.p/x002/003",
        "tile/0/000/",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/x999/x999/x999/x999/x999/x999/x999/x999/999",
        "tile/0//000",
        "tile/0/x",
        "checkpoint",
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(bad); i++) {
        struct tile t = {.index = 9};
        assert_false(tile_parse(&t, span_z(bad[i])));
        assert_int_equal(t.index, 0);
    }
}

/* Widths as the specification has them: floor(size / 256^level) mod 256 for the last tile. */
static void widths_follow_the_size(void **state)
{
    static const struct {
        int level;
        uint64_t index, size;
        unsigned width;
    } cases[] = {
        {0, 0, 0, 0},
        {0, 0, 1, 1},
        {0, 0, 255, 255},
        {0, 0, 256, 256},
        {0, 1, 256, 0},
        {0, 1, 257, 1},
        {1, 0, 255, 0},
        {1, 0, 256, 1},
        {1, 0, 70000, 256},
        {1, 1, 70000, 17},
        {0, 273, 70000, 112},
        {2, 0, 70000, 1},
        {2, 0, 65535, 0},
        {TILE_ENTRIES, 273, 70000, 112},
        {TILE_ENTRIES, 274, 70000, 0},
        {TILE_ENTRIES, 3, 70000, 256},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++)
        assert_int_equal(tile_width(cases[i].level, cases[i].index, cases[i].size), cases[i].width);
}

static void bundles_hold_what_was_added(void **state)
{
    static uint8_t big[UINT16_MAX + 1];
    const struct span entries[] = {span_z("a"), {0}, span_of(big, UINT16_MAX), span_z("end")};
    struct buf bundle = {0};

    (void)state;
    for (size_t i = 0; i < PT_LEN(entries); i++)
        assert_true(tile_entry_add(&bundle, entries[i]));
    assert_memory_equal(bundle.p, "\0\1a\0\0\xff\xff", 7); /* lengths are big endian */
    size_t whole = bundle.n;
    assert_false(tile_entry_add(&bundle, span_of(big, UINT16_MAX + 1)));
    assert_int_equal(bundle.n, whole);
    struct rd r = {.in = buf_span(&bundle)};
    for (size_t i = 0; i < PT_LEN(entries); i++)
        assert_true(span_eq_vartime(tile_entry_next(&r), entries[i]));
    assert_true(rd_done(&r));
    r = (struct rd){.in = span_of(bundle.p, 2)};
    (void)tile_entry_next(&r);
    assert_true(r.bad);
    buf_free(&bundle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_the_specifications),
        cmocka_unit_test(other_paths_are_none),
        cmocka_unit_test(widths_follow_the_size),
        cmocka_unit_test(bundles_hold_what_was_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
