/* normalise.h - from an identifier as it stands in a file to its digest (PROTOCOL.md 1).
 *
 * Four named rule sets for e-mail addresses and phone numbers. Both sides of a federation must
 * come to the same bytes, so every rule is fixed here and nothing is guessed: what a rule set does
 * not cover is malformed. Raw and normalised identifiers are secret: no error repeats them. */
#ifndef PT_NORMALISE_H
#define PT_NORMALISE_H

#include "policy/policy.h"

enum {
    NORMALISE_EMAIL_MAX = 254, /* bytes, RFC 5321 */
    NORMALISE_DIGITS_MIN = 7,  /* with country code */
    NORMALISE_DIGITS_MAX = 15, /* E.164 */
};

enum normalise_result { NORMALISE_GOOD, NORMALISE_EMPTY, NORMALISE_MALFORMED };
enum normalise_encoding { ENCODING_RAW, ENCODING_SHA256_HEX, ENCODING_SHA256_BASE64 };

struct normalise_how {
    enum policy_identifier type;
    enum policy_rules rules;
    enum normalise_encoding encoding;
    /* Phone, raw: the calling code of numbers written the national way, e.g. "43"; with it, every
     * number without + or 00 is national. Empty: those must begin with their country code. */
    char country_code[4];
};

struct normalised { /* secret */
    char text[NORMALISE_EMAIL_MAX + 1];
    size_t n;
};
PT_SECRET_TYPE(normalised);

/* One raw identifier under a rule set. Variable time: the machine is the owner's own. */
enum normalise_result normalise_text(struct normalised *out, const struct normalise_how *how,
                                     struct span raw);
/* SHA-256 of the above or, for a column that was hashed elsewhere, that hash. The hash of nothing
 * at all, a common slip of such columns, counts as NORMALISE_EMPTY. *out is zero unless GOOD. */
enum normalise_result normalise_digest(struct digest *out, const struct normalise_how *how,
                                       struct span cell);
/* Well-formed UTF-8: shortest forms, no surrogates, at most U+10FFFF. */
bool normalise_is_utf8(struct span s);

#endif
