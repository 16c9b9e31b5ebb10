#include "tests/ct/secret.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <valgrind/memcheck.h>

int ct_main(int argc, char **argv, const struct ct_case *cases, size_t case_count)
{
    if (sodium_init() < 0)
        return 2;
    for (size_t i = 0; i < case_count; i++) {
        if (argc < 2) {
            puts(cases[i].name);
        } else if (strcmp(argv[1], cases[i].name) == 0) {
            cases[i].run();
            return 0;
        }
    }
    return argc < 2 ? 0 : 2;
}

void ct_secret(void *p, size_t n)
{
    randombytes_buf(p, n);
    ct_hide(p, n);
}

void ct_hide(void *p, size_t n)
{
    (void)VALGRIND_MAKE_MEM_UNDEFINED(p, n);
}
