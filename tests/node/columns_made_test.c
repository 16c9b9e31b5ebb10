/* Goal: a digest is found under the name that it was kept under, the last 1024 of them and no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "node/columns_made.h"

static struct digest number(uint32_t i, uint8_t what)
{
    struct digest d = {{what}};

    memcpy(d.b + 4, &i, sizeof i);
    return d;
}

static bool finds(struct columns_made *m, uint32_t i)
{
    const struct digest name = number(i, 1);
    const struct digest want = number(i, 2);
    struct column_made got = {0};

    if (!columns_made_find(&got, m, &name))
        return false;
    assert_memory_equal(&got.digest, &want, sizeof want);
    assert_int_equal(got.size, i);
    return true;
}

static void the_last_are_known(void **state)
{
    enum { KEPT = 1024, MORE = 10 };
    struct columns_made *m = columns_made_new();

    (void)state;
    assert_non_null(m);
    assert_false(finds(m, 0));
    for (uint32_t i = 0; i < KEPT + MORE; i++) {
        const struct digest name = number(i, 1);
        const struct column_made column = {.digest = number(i, 2), .size = i};
        const struct column_made other = {.digest = number(i, 3), .size = i};
        columns_made_keep(m, &name, &other);
        columns_made_keep(m, &name, &column); /* in its place */
        assert_true(finds(m, i));
    }
    for (uint32_t i = 0; i < KEPT + MORE; i++)
        assert_int_equal(finds(m, i), i >= MORE);
    columns_made_free(m);
}

static void without_memory_nothing_is_known(void **state)
{
    const struct digest name = number(1, 1);

    (void)state;
    columns_made_keep(NULL, &name, &(struct column_made){0});
    assert_false(finds(NULL, 1));
    columns_made_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_last_are_known),
                                       cmocka_unit_test(without_memory_nothing_is_known)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
