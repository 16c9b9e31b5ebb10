/* kat.h - reads known-answer files: blocks of `name = hex`, blank line between. */
#ifndef PT_TESTS_KAT_H
#define PT_TESTS_KAT_H
#include "crypto/base/span.h"
#include <stdio.h>
struct kat {
    FILE *f;
    size_t seen;
    struct {
        char name[32];
        uint8_t bytes[1024];
        size_t n;
    } field[8];
    size_t nfields;
};
struct kat kat_open(const char *path);                /* fails the test when absent */
bool kat_next(struct kat *k);                         /* false at the end of the file */
struct span kat_get(struct kat *k, const char *name); /* fails the test when absent */
void kat_into(struct kat *k, const char *name, void *out, size_t n);
#endif
