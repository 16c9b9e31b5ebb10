#include "tests/kat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

struct kat kat_open(const char *path)
{
    struct kat k = {.f = fopen(path, "r")};
    assert_non_null(k.f);
    return k;
}

bool kat_next(struct kat *k)
{
    char line[2200], hex[2100];

    k->nfields = 0;
    while (fgets(line, sizeof line, k->f) != NULL) {
        if (line[0] == '#')
            continue;
        if (line[0] == '\n' && k->nfields > 0)
            break;
        if (line[0] == '\n')
            continue;
        assert_true(k->nfields < PT_LEN(k->field));
        assert_int_equal(sscanf(line, "%31s = %2099s", k->field[k->nfields].name, hex), 2);
        assert_int_equal(sodium_hex2bin(k->field[k->nfields].bytes, 1024, hex, strlen(hex), NULL,
                                        &k->field[k->nfields].n, NULL),
                         0);
        k->nfields++;
    }
    if (k->nfields == 0) {
        fclose(k->f);
        return false;
    }
    k->seen++;
    return true;
}

struct span kat_get(struct kat *k, const char *name)
{
    for (size_t i = 0; i < k->nfields; i++)
        if (strcmp(k->field[i].name, name) == 0)
            return (struct span){k->field[i].bytes, k->field[i].n};
    fail_msg("no field %s", name);
    return (struct span){0};
}

void kat_into(struct kat *k, const char *name, void *out, size_t n)
{
    struct span s = kat_get(k, name);
    assert_int_equal(s.n, n);
    memcpy(out, s.p, n);
}
