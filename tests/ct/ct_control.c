#include <stdint.h>

#include "tests/ct/secret.h"

/* Goal: the method works at all. scripts/ct.sh fails unless memcheck reports these two. */
static volatile int sink;

static void branch(void)
{
    uint8_t secret;

    ct_secret(&secret, 1);
    if (secret & 1)
        sink = 1;
}

static void address(void)
{
    static const uint8_t table[256] = {1, 2, 3};
    uint8_t secret;

    ct_secret(&secret, 1);
    sink = table[secret];
}

int main(int argc, char **argv)
{
    static const struct ct_case CASES[] = {{"branch", branch}, {"address", address}};

    return ct_main(argc, argv, CASES, sizeof CASES / sizeof CASES[0]);
}
