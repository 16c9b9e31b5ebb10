/* text.h - reading configuration text held in spans: no allocation, no NUL, no locale. */
#ifndef PT_BASE_TEXT_H
#define PT_BASE_TEXT_H

#include "crypto/base/span.h"

bool text_eq(struct span s, const char *z);
struct span text_trim(struct span s); /* spaces and tabs, both ends */
/* Decimal digits only, no sign, no space. False, and *out untouched, when not a uint32. */
bool text_u32(struct span s, uint32_t *out);
bool text_u64(struct span s, uint64_t *out);
/* A decimal such as "0.0005", "1e-9" or "12" in units of 10^-scale; at most scale digits after
 * the point once the exponent is applied. False when not one, out of range or inexact. */
bool text_decimal(struct span s, unsigned scale, uint64_t *out);
/* Cut *s at the first c: returns what is before, leaves what is after; false in *found
 * and everything returned when c is absent. */
struct span text_cut(struct span *s, char c, bool *found);
/* Copy into a NUL-terminated array of cap bytes; false (and an empty string) when it does not
 * fit or holds a NUL. */
bool text_copy(char *out, size_t cap, struct span s);
/* Lower-case hex of n bytes; out has 2n+1 bytes. */
void text_hex(char *out, const uint8_t *p, size_t n);
/* Exactly n bytes from 2n hex digits of either case. */
bool text_unhex(uint8_t *out, size_t n, struct span s);
/* Shortest decimal of v·10^-scale, as text_decimal() reads it: no exponent, no trailing zeros. */
void text_put_decimal(char out[32], uint64_t v, unsigned scale);

/* Bytes of the UTF-8 character that s begins with; 0 when it is not well formed (RFC 3629: shortest
 * form, no surrogates, at most U+10FFFF) or s is empty. */
size_t text_utf8(uint32_t *code, struct span s);
/* Moves, hides or reorders what a reader sees: control characters (C0, DEL, C1), separators of
 * lines and paragraphs, embeddings and overrides of direction, the byte-order mark. */
bool text_is_hidden(uint32_t code);
/* Make z fit for one line of a log or a terminal: hidden characters and bytes that are no UTF-8
 * become '?', byte by byte. */
void text_make_line(char *z);

#endif
