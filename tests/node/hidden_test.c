/* Goal: what hidden.h gives is left out of core dumps, keys locked too, by the kernel's own word:
 * the flags of the mapping in /proc/self/smaps (dd: not dumped, lo: locked). */
#include "node/hidden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* AddressSanitizer's mlock() does nothing: there is nothing to see then. */
#ifdef __has_feature
enum { SANITIZED = __has_feature(address_sanitizer) };
#else
enum { SANITIZED = 0 };
#endif

/* Does the mapping that holds p have that flag? */
static bool flagged(const void *p, const char *flag)
{
    char line[512];
    bool here = false;
    bool found = false;
    FILE *f = fopen("/proc/self/smaps", "re");

    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        char *dash = NULL;
        unsigned long from = strtoul(line, &dash, 16);
        if (dash != line && *dash == '-')
            here = (uintptr_t)p >= from && (uintptr_t)p < strtoul(dash + 1, NULL, 16);
        else if (here && strncmp(line, "VmFlags:", 8) == 0)
            found = strstr(line, flag) != NULL;
    }
    fclose(f);
    return found;
}

static void it_is_not_dumped(void **state)
{
    static const uint8_t zero[4096];
    static uint8_t plain[100]; /* not of a heap: a sanitizer hides its own */
    uint8_t *p = hidden_new(1000, 4);
    uint8_t *locked = hidden_locked_new(100);

    (void)state;
    assert_non_null(p);
    assert_non_null(locked);
    assert_memory_equal(p, zero, 4000);
    memset(p, 0xff, 4000);
    assert_true(flagged(p, " dd"));
    assert_true(flagged(locked, " dd"));
    if (!SANITIZED)
        assert_true(flagged(locked, " lo"));
    plain[0] = 1;
    assert_false(flagged(plain, " dd"));
    assert_int_equal((uintptr_t)p % 64, 0);
    hidden_free(p);
    hidden_free(locked);
    hidden_free(NULL);
}

static void sizes_are_bounded(void **state)
{
    (void)state;
    assert_null(hidden_new(SIZE_MAX, 2));
    assert_null(hidden_new(1, SIZE_MAX - 8));
    assert_null(hidden_new(0, 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_is_not_dumped),
                                       cmocka_unit_test(sizes_are_bounded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
