#include "node/normalise.h"

#include "crypto/base/text.h"
#include "crypto/base64.h"

#include <sodium.h>
#include <string.h>
#include <utf8proc.h>

bool normalise_is_utf8(struct span s)
{
    const uint8_t *p = s.p;
    size_t left = s.n;

    while (left > 0) {
        utf8proc_int32_t c;
        if (*p < 0x80) {
            p++, left--;
            continue;
        }
        /* Four bytes are all that one character can take; the library counts in signed. */
        utf8proc_ssize_t n = utf8proc_iterate(p, left < 4 ? (utf8proc_ssize_t)left : 4, &c);
        if (n <= 0)
            return false;
        p += n;
        left -= (size_t)n;
    }
    return true;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct span trim(struct span s)
{
    while (s.n > 0 && is_blank(s.p[0]))
        s.p++, s.n--;
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* No space, control, unassigned or private character belongs in an address. */
static bool is_printing(utf8proc_int32_t c)
{
    utf8proc_category_t k = utf8proc_category(c);
    return k != UTF8PROC_CATEGORY_CN && k < UTF8PROC_CATEGORY_ZS;
}

/* Lower-case s into out; false when it is too long, not UTF-8, or holds what is_printing refuses.
 * Simple case mapping, one character to one, the same in every locale. */
static bool lower(struct normalised *out, struct span s)
{
    out->n = 0;
    for (size_t at = 0; at < s.n;) {
        utf8proc_int32_t c;
        utf8proc_uint8_t bytes[4];
        if (s.p[at] > 0x20 && s.p[at] < 0x7f && out->n < NORMALISE_EMAIL_MAX) {
            uint8_t a = s.p[at++];
            out->text[out->n++] = (char)(a >= 'A' && a <= 'Z' ? a + 32 : a);
            continue;
        }
        utf8proc_ssize_t n =
            utf8proc_iterate(s.p + at, s.n - at < 4 ? (utf8proc_ssize_t)(s.n - at) : 4, &c);
        if (n <= 0 || !is_printing(c))
            return false;
        size_t wide = (size_t)utf8proc_encode_char(utf8proc_tolower(c), bytes);
        if (wide > NORMALISE_EMAIL_MAX - out->n)
            return false;
        memcpy(out->text + out->n, bytes, wide);
        out->n += wide;
        at += (size_t)n;
    }
    out->text[out->n] = '\0';
    return true;
}

/* None of what RFC 5321 has quoted in a local part. With a comma or semicolon it is the line of a
 * table taken for an address: on a list of people to be left out it would leave out nobody. */
static bool is_local(const char *local, size_t n)
{
    return n > 0 && strcspn(local, "()<>[]:;,\\\"") >= n;
}

/* At least two labels, none empty; of ASCII only what names of hosts are made of. */
static bool is_domain(const char *domain)
{
    const char *dot = strchr(domain, '.');

    for (const char *c = domain; *c != '\0'; c++)
        if ((uint8_t)*c < 0x80 && strchr("abcdefghijklmnopqrstuvwxyz0123456789-._", *c) == NULL)
            return false;
    return dot != NULL && domain[0] != '.' && domain[strlen(domain) - 1] != '.' &&
           strstr(domain, "..") == NULL;
}

/* Drop dots, and with `plus` everything from '+', from the local part of n bytes at the front. */
static void squeeze_local(struct normalised *a, size_t local, bool plus)
{
    size_t kept = 0;

    for (size_t i = 0; i < local; i++) {
        if (plus && a->text[i] == '+')
            break;
        if (a->text[i] != '.')
            a->text[kept++] = a->text[i];
    }
    memmove(a->text + kept, a->text + local, a->n - local + 1);
    a->n -= local - kept;
}

static enum normalise_result email(struct normalised *out, enum policy_rules rules, struct span s)
{
    if (!lower(out, s))
        return NORMALISE_MALFORMED;
    const char *at = strchr(out->text, '@');
    if (at == NULL || strchr(at + 1, '@') != NULL || !is_domain(at + 1))
        return NORMALISE_MALFORMED;
    size_t local = (size_t)(at - out->text);
    if (!is_local(out->text, local))
        return NORMALISE_MALFORMED;
    bool gmail = strcmp(at + 1, "gmail.com") == 0;
    if (rules == RULES_UID2 && gmail)
        squeeze_local(out, local, true);
    if (rules == RULES_GOOGLE && (gmail || strcmp(at + 1, "googlemail.com") == 0))
        squeeze_local(out, local, false);
    return out->text[0] == '@' ? NORMALISE_MALFORMED : NORMALISE_GOOD;
}

struct phone { /* what stands in the cell */
    char digits[32];
    size_t n;
    bool international; /* began with + or 00 */
};
PT_SECRET_TYPE(phone);

/* Digits and the marks people put between them; a '+' only in front. "(0)" in an international
 * number is the trunk prefix that callers from abroad leave out. */
static bool read_phone(struct phone *p, struct span s)
{
    *p = (struct phone){.international = s.n > 0 && s.p[0] == '+'};
    for (size_t i = p->international ? 1 : 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if (p->international && s.n - i >= 3 && strncmp((const char *)s.p + i, "(0)", 3) == 0)
            i += 2;
        else if (c >= '0' && c <= '9' && p->n < sizeof p->digits)
            p->digits[p->n++] = (char)c;
        else if (c == '\0' || strchr(" -()./\t", c) == NULL)
            return false;
    }
    if (!p->international && p->n > 2 && p->digits[0] == '0' && p->digits[1] == '0') {
        p->international = true;
        p->n -= 2;
        memmove(p->digits, p->digits + 2, p->n);
    }
    return true;
}

static enum normalise_result phone_number(struct normalised *out, const struct normalise_how *how,
                                          struct span s)
{
    PT_WIPED(phone) p;
    size_t skip = 0;

    out->n = 0;
    if (!read_phone(&p, s))
        return NORMALISE_MALFORMED;
    bool national = !p.international && how->country_code[0] != '\0';
    /* In Italy, San Marino and the Vatican the leading 0 is part of the number itself. */
    bool trunk = strcmp(how->country_code, "39") != 0 && strcmp(how->country_code, "378") != 0 &&
                 strcmp(how->country_code, "379") != 0;
    if (national && trunk && p.n > 0 && p.digits[0] == '0')
        skip = 1;
    if (how->rules != RULES_META)
        out->text[out->n++] = '+';
    size_t first = out->n;
    for (size_t i = 0; national && i < strlen(how->country_code); i++)
        out->text[out->n++] = how->country_code[i];
    memcpy(out->text + out->n, p.digits + skip, p.n - skip);
    out->n += p.n - skip;
    out->text[out->n] = '\0';
    size_t digits = out->n - first;
    return out->text[first] == '0' || digits < NORMALISE_DIGITS_MIN || digits > NORMALISE_DIGITS_MAX
               ? NORMALISE_MALFORMED
               : NORMALISE_GOOD;
}

enum normalise_result normalise_text(struct normalised *out, const struct normalise_how *how,
                                     struct span raw)
{
    struct span s = trim(raw);
    enum normalise_result r = NORMALISE_EMPTY;

    if (s.n > 0)
        r = how->type == IDENTIFIER_EMAIL ? email(out, how->rules, s) : phone_number(out, how, s);
    if (r != NORMALISE_GOOD)
        normalised_wipe(out);
    return r;
}

static bool decode_hash(struct digest *out, enum normalise_encoding encoding, struct span s)
{
    return encoding == ENCODING_SHA256_HEX ? text_unhex(out->b, sizeof out->b, s)
                                           : base64_parse_exactly(out->b, sizeof out->b, s);
}

enum normalise_result normalise_digest(struct digest *out, const struct normalise_how *how,
                                       struct span cell)
{
    PT_WIPED(normalised) text = {0};
    struct digest of_nothing;
    struct span s = trim(cell);

    *out = (struct digest){0};
    if (s.n == 0)
        return NORMALISE_EMPTY;
    if (how->encoding == ENCODING_RAW) {
        enum normalise_result r = normalise_text(&text, how, s);
        if (r == NORMALISE_GOOD)
            crypto_hash_sha256(out->b, (const uint8_t *)text.text, text.n);
        return r;
    }
    if (!decode_hash(out, how->encoding, s)) {
        *out = (struct digest){0};
        return NORMALISE_MALFORMED;
    }
    crypto_hash_sha256(of_nothing.b, NULL, 0);
    if (memcmp(out, &of_nothing, sizeof of_nothing) == 0) {
        *out = (struct digest){0};
        return NORMALISE_EMPTY;
    }
    return NORMALISE_GOOD;
}
