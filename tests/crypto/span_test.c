#include "crypto/base/span.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* AddressSanitizer otherwise ends the program where malloc would say no. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void buf_grows_and_keeps_its_bytes(void **state)
{
    struct buf b = {0};

    (void)state;
    for (uint32_t i = 0; i < 1000; i++)
        assert_true(buf_u32le(&b, i));
    assert_int_equal(b.n, 4000);
    assert_true(b.cap >= b.n);
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(load_u32le(b.p + (size_t)4 * i), i);
    assert_true(buf_add(&b, NULL, 0));
    assert_int_equal(buf_span(&b).n, 4000);
    buf_free(&b);
    assert_null(b.p);
    assert_int_equal(b.n + b.cap, 0);
    buf_free(&b);
}

/* Goal: what cannot fit is refused, and the buffer is as before.
 * Method: sizes that overflow, and sizes that no allocator grants; nothing is read from the
 * source before the room is there. */
static void buf_refuses_what_cannot_fit(void **state)
{
    struct buf b = {0};
    uint8_t x = 7;

    (void)state;
    assert_true(buf_u8(&b, 7));
    assert_false(buf_add(&b, &x, SIZE_MAX));
    assert_false(buf_add(&b, &x, SIZE_MAX / 2));
    assert_false(buf_reserve(&b, SIZE_MAX / 2));
    assert_true(buf_reserve(&b, 1));
    assert_int_equal(b.n, 1);
    assert_int_equal(b.p[0], 7);
    struct buf huge = {.p = b.p, .n = 1, .cap = SIZE_MAX / 2 + 1}; /* doubling overflows */
    assert_false(buf_add(&huge, &x, SIZE_MAX - 1));
    buf_free(&b);
}

static void fields_round_trip(void **state)
{
    struct buf b = {0};

    (void)state;
    assert_true(buf_field(&b, span_z("alpha")));
    assert_true(buf_field(&b, (struct span){0}));
    assert_true(buf_u8(&b, 200));
    assert_true(buf_u64le(&b, UINT64_C(0x0102030405060708)));
    assert_int_equal(b.p[0], 5); /* length first, little end first */
    assert_int_equal(b.p[b.n - 1], 1);
    struct rd r = {.in = buf_span(&b)};
    assert_true(span_eq_vartime(rd_field(&r, 5), span_z("alpha")));
    assert_int_equal(rd_field(&r, 5).n, 0);
    assert_int_equal(rd_u8(&r), 200);
    assert_false(rd_done(&r));
    assert_true(rd_u64le(&r) == UINT64_C(0x0102030405060708));
    assert_true(rd_done(&r));
    size_t was = b.n;
    /* A field that does not fit leaves no half-written length behind. */
    assert_false(buf_field(&b, span_of("", UINT32_MAX + (size_t)1)));
    assert_int_equal(b.n, was);
    buf_free(&b);
}

/* Goal: the first short read sticks: every later read is empty, whatever is left. */
static void short_reads_stick(void **state)
{
    const uint8_t in[] = {1, 2, 3, 4, 5, 6, 7};
    uint8_t out[4] = {9, 9, 9, 9};

    (void)state;
    struct rd r = {.in = span_of(in, sizeof in)};
    assert_int_equal(rd_u32le(&r), 0x04030201);
    rd_into(&r, out, sizeof out);
    assert_memory_equal(out, ((uint8_t[4]){0}), 4);
    assert_true(r.bad);
    assert_int_equal(rd_u8(&r), 0);
    assert_int_equal(rd_u32le(&r), 0);
    assert_true(rd_u64le(&r) == 0);
    assert_int_equal(rd_take(&r, 0).n, 0);
    assert_false(rd_done(&r));
    r = (struct rd){.in = span_of(in, sizeof in)};
    rd_into(&r, out, 4);
    assert_memory_equal(out, in, 4);
    rd_into(&r, out, 0);
    assert_false(r.bad);
    r = (struct rd){.in = span_of(in, sizeof in)};
    assert_true(rd_u64le(&r) == 0 && r.bad);
}

/* Goal: a field's length meets its limit before anything else happens. */
static void fields_are_bounded(void **state)
{
    const uint8_t in[] = {3, 0, 0, 0, 'a', 'b', 'c'};
    const uint8_t lying[] = {255, 255, 255, 255, 'a'};

    (void)state;
    struct rd r = {.in = span_of(in, sizeof in)};
    assert_int_equal(rd_field(&r, 2).n, 0);
    assert_true(r.bad);
    r = (struct rd){.in = span_of(in, sizeof in)};
    assert_int_equal(rd_field(&r, 3).n, 3);
    r = (struct rd){.in = span_of(lying, sizeof lying)};
    assert_int_equal(rd_field(&r, SIZE_MAX).n, 0);
    assert_true(r.bad);
    r = (struct rd){.in = span_of(in, 2)};
    assert_int_equal(rd_field(&r, 10).n, 0);
    assert_true(r.bad);
}

static void printf_appends(void **state)
{
    struct buf b = {0};
    char wide[200];

    (void)state;
    memset(wide, 'w', sizeof wide - 1);
    wide[sizeof wide - 1] = '\0';
    assert_true(buf_printf(&b, "%d-%s", 12, "x"));
    assert_true(buf_printf(&b, "%s", wide));
    assert_int_equal(b.n, 4 + 199);
    assert_memory_equal(b.p, "12-xwww", 7);
    buf_free(&b);
}

static void equality_and_sizes(void **state)
{
    size_t out;

    (void)state;
    assert_true(span_eq_vartime((struct span){0}, span_z("")));
    assert_true(span_eq_vartime(span_z("abc"), span_z("abc")));
    assert_false(span_eq_vartime(span_z("abc"), span_z("abd")));
    assert_false(span_eq_vartime(span_z("abc"), span_z("ab")));
    assert_true(pt_mul(3, 5, &out) && out == 15);
    assert_true(pt_add(3, 5, &out) && out == 8);
    assert_false(pt_mul(SIZE_MAX, 2, &out));
    assert_false(pt_add(SIZE_MAX, 1, &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf_grows_and_keeps_its_bytes),
        cmocka_unit_test(buf_refuses_what_cannot_fit),
        cmocka_unit_test(fields_round_trip),
        cmocka_unit_test(short_reads_stick),
        cmocka_unit_test(fields_are_bounded),
        cmocka_unit_test(printf_appends),
        cmocka_unit_test(equality_and_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
