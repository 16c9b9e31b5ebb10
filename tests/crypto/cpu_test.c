/* The choice of a code path: what is forced is what runs, and never what this machine lacks. */
#include "crypto/cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crypto/group.h"

static void unforced_is_the_fastest_usable(void **state)
{
    const enum cpu_path best = cpu_path_choose(NULL);

    (void)state;
    assert_true(cpu_usable(best));
    for (int p = (int)best + 1; p < CPU_PATH_COUNT; p++)
        assert_false(cpu_usable((enum cpu_path)p));
    assert_int_equal(cpu_path_choose(""), best);
}

static void a_name_forces_its_path_or_portable(void **state)
{
    (void)state;
    for (int p = 0; p < CPU_PATH_COUNT; p++) {
        const enum cpu_path path = (enum cpu_path)p;
        assert_int_equal(cpu_path_choose(cpu_path_name(path)),
                         cpu_usable(path) ? path : CPU_PORTABLE);
    }
    assert_true(cpu_usable(CPU_PORTABLE));
}

static void unknown_names_mean_portable(void **state)
{
    (void)state;
    assert_int_equal(cpu_path_choose("avx512"), CPU_PORTABLE);
    assert_int_equal(cpu_path_choose("IFMA"), CPU_PORTABLE);
    assert_int_equal(cpu_path_choose("ifma "), CPU_PORTABLE);
}

static void paths_that_do_not_exist_are_not_usable(void **state)
{
    (void)state;
    assert_false(cpu_usable((enum cpu_path)CPU_PATH_COUNT));
}

/* The environment is read once, at the first use: a later change cannot mix two paths. */
static void the_choice_is_made_once(void **state)
{
    (void)state;
    assert_int_equal(setenv("PATTO_CPU", "portable", 1), 0);
    assert_int_equal(cpu_path(), CPU_PORTABLE);
    assert_string_equal(group_backend(), "portable");
    assert_int_equal(unsetenv("PATTO_CPU"), 0);
    assert_int_equal(cpu_path(), CPU_PORTABLE);
    assert_string_equal(group_backend(), "portable");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unforced_is_the_fastest_usable),
        cmocka_unit_test(a_name_forces_its_path_or_portable),
        cmocka_unit_test(unknown_names_mean_portable),
        cmocka_unit_test(paths_that_do_not_exist_are_not_usable),
        cmocka_unit_test(the_choice_is_made_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
