/* base64.h - standard Base64 with padding (RFC 4648 section 4), one text for one value.
 *
 * Reading refuses white space, missing padding and bits that are set after the last byte, so that
 * what is read prints to the same characters. Public values: signatures, hashes, keys. */
#ifndef PT_BASE64_H
#define PT_BASE64_H

#include "crypto/base/span.h"

/* Characters of n bytes, without a NUL. */
static inline size_t base64_length(size_t n)
{
    return (n + 2) / 3 * 4;
}
/* Append; false when memory ends. */
PT_MUST_USE bool base64_print(struct buf *out, struct span bytes);
/* At most cap bytes to out, their number to *n. False, and *n zero, when text is anything else. */
PT_MUST_USE bool base64_parse(uint8_t *out, size_t cap, size_t *n, struct span text);
/* Exactly n bytes. */
PT_MUST_USE bool base64_parse_exactly(uint8_t *out, size_t n, struct span text);

#endif
