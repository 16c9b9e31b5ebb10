#include "crypto/base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool text_eq(struct span s, const char *z)
{
    return s.n == strlen(z) && strncmp((const char *)s.p, z, s.n) == 0;
}

bool text_u64(struct span s, uint64_t *out)
{
    uint64_t v = 0;

    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9' || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
            return false;
    }
    *out = v;
    return true;
}

bool text_u32(struct span s, uint32_t *out)
{
    uint64_t v;

    if (!text_u64(s, &v) || v > UINT32_MAX)
        return false;
    *out = (uint32_t)v;
    return true;
}

/* digits [ "." digits ]: the value without its point in *v, the digits after it in *after. */
static bool mantissa(struct span s, uint64_t *v, uint32_t *after)
{
    bool point;
    struct span tail = s;
    struct span head = text_cut(&tail, '.', &point);

    *after = 0;
    if (!text_u64(head, v))
        return false;
    if (!point)
        return true;
    if (tail.n == 0 || tail.n > 18)
        return false;
    for (size_t i = 0; i < tail.n; i++) {
        if (tail.p[i] < '0' || tail.p[i] > '9' || __builtin_mul_overflow(*v, 10, v) ||
            __builtin_add_overflow(*v, (uint64_t)(tail.p[i] - '0'), v))
            return false;
        (*after)++;
    }
    return true;
}

bool text_decimal(struct span s, unsigned scale, uint64_t *out)
{
    struct span exp = s;
    uint32_t exponent = 0;
    uint32_t after;
    uint64_t v;
    bool has_exp;
    bool negative = false;
    struct span head = text_cut(&exp, 'e', &has_exp);

    if (has_exp && exp.n > 0 && exp.p[0] == '-') {
        negative = true;
        exp.p++;
        exp.n--;
    }
    if (!mantissa(head, &v, &after) || (has_exp && (!text_u32(exp, &exponent) || exponent > 30)))
        return false;
    int64_t shift = (int64_t)scale - (int64_t)after + (negative ? -(int64_t)exponent : exponent);
    for (; shift > 0; shift--)
        if (__builtin_mul_overflow(v, 10, &v))
            return false;
    for (; shift < 0; shift++) {
        if (v % 10 != 0)
            return false;
        v /= 10;
    }
    *out = v;
    return true;
}

struct span text_trim(struct span s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s.p++, s.n--;
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

struct span text_cut(struct span *s, char c, bool *found)
{
    const uint8_t *at = s->n > 0 ? memchr(s->p, c, s->n) : NULL;
    struct span head = *s;

    *found = at != NULL;
    if (at == NULL) {
        *s = (struct span){0};
        return head;
    }
    head.n = (size_t)(at - head.p);
    s->p = at + 1;
    s->n -= head.n + 1;
    return head;
}

bool text_copy(char *out, size_t cap, struct span s)
{
    out[0] = '\0';
    if (s.n >= cap || (s.n > 0 && memchr(s.p, 0, s.n) != NULL))
        return false;
    if (s.n > 0)
        memcpy(out, s.p, s.n);
    out[s.n] = '\0';
    return true;
}

void text_hex(char *out, const uint8_t *p, size_t n)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * n] = '\0';
}

static int nibble(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool text_unhex(uint8_t *out, size_t n, struct span s)
{
    if (s.n != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        int hi = nibble(s.p[2 * i]);
        int lo = nibble(s.p[2 * i + 1]);
        if (hi < 0 || lo < 0)
            return false;
        out[i] = (uint8_t)(hi << 4 | lo);
    }
    return true;
}

void text_put_decimal(char out[32], uint64_t v, unsigned scale)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%0*" PRIu64, (int)scale + 1, v);
    int whole = n - (int)scale;

    while (n > whole && digits[n - 1] == '0')
        n--;
    snprintf(out, 32, "%.*s%s%.*s", whole, digits, n > whole ? "." : "", n - whole, digits + whole);
}

size_t text_utf8(uint32_t *code, struct span s)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};

    *code = 0;
    if (s.n == 0)
        return 0;
    uint8_t b = s.p[0];
    size_t length = b < 0x80 ? 1 : b < 0xC0 ? 0 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
    if (length == 0 || b > 0xF4 || length > s.n)
        return 0;
    *code = length == 1 ? b : b & (0x7FU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((s.p[i] & 0xC0) != 0x80)
            return 0;
        *code = *code << 6 | (s.p[i] & 0x3FU);
    }
    if (*code < least[length] || *code > 0x10FFFF || (*code >= 0xD800 && *code <= 0xDFFF))
        return 0;
    return length;
}

bool text_is_hidden(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } RANGES[] = {{0, 0x1F}, {0x7F, 0x9F}, {0x2028, 0x202E}, {0x2066, 0x2069}, {0xFEFF, 0xFEFF}};

    for (size_t i = 0; i < PT_LEN(RANGES); i++)
        if (code >= RANGES[i].first && code <= RANGES[i].last)
            return true;
    return (code & 0xFFFE) == 0xFFFE; /* no characters: U+FFFE, U+FFFF of each plane */
}

void text_make_line(char *z)
{
    struct span s = span_z(z);
    uint32_t code;

    for (size_t i = 0; i < s.n;) {
        size_t n = text_utf8(&code, span_of(s.p + i, s.n - i));
        bool keep = n > 0 && !text_is_hidden(code);
        n = n > 0 ? n : 1;
        if (!keep)
            memset(z + i, '?', n);
        i += n;
    }
}
