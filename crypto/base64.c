#include "crypto/base64.h"

#include <sodium.h>

bool base64_print(struct buf *out, struct span bytes)
{
    size_t cap = base64_length(bytes.n) + 1; /* libsodium ends it with a NUL */

    if (bytes.n > SIZE_MAX / 2 || !buf_reserve(out, out->n + cap))
        return false;
    sodium_bin2base64((char *)out->p + out->n, cap, bytes.p, bytes.n,
                      sodium_base64_VARIANT_ORIGINAL);
    out->n += cap - 1;
    return true;
}

/* libsodium 1.0.18 takes some bytes above 127 for characters of the alphabet. */
static bool in_alphabet(struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              c == '+' || c == '/' || c == '='))
            return false;
    }
    return true;
}

bool base64_parse(uint8_t *out, size_t cap, size_t *n, struct span text)
{
    const char *end = NULL;
    size_t got = 0;

    *n = 0;
    if (text.n == 0)
        return true;
    /* With an end pointer libsodium stops at what it does not know: it has to be the end. */
    if (!in_alphabet(text) ||
        sodium_base642bin(out, cap, (const char *)text.p, text.n, NULL, &got, &end,
                          sodium_base64_VARIANT_ORIGINAL) != 0 ||
        end != (const char *)text.p + text.n || base64_length(got) != text.n)
        return false;
    *n = got;
    return true;
}

bool base64_parse_exactly(uint8_t *out, size_t n, struct span text)
{
    size_t got;

    return base64_parse(out, n, &got, text) && got == n;
}
