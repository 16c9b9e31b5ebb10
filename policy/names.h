/* names.h - words and dates of the policy file, both ways. */
#ifndef PT_NAMES_H
#define PT_NAMES_H

#include "policy/policy.h"

enum { NAMES_DATE_BYTES = 11, NAMES_DAY_S = 86400 };

/* Closed lists as the file spells them, NULL at the end, in the order of their enums. */
extern const char *const NAMES_IDENTIFIER[];
extern const char *const NAMES_RULES[];
extern const char *const NAMES_COMBINE[];
extern const char *const NAMES_ATTRIBUTE_TYPE[];
extern const char *const NAMES_PURPOSE[];

/* "2026-12-01" to its first second, UTC, years 2000..9999. False when there is no such day. */
bool names_parse_date(int64_t *out_s, struct span text);
/* The UTC day on which second t_s falls; what is before 1970 prints as 1970-01-01. */
void names_print_date(char out[NAMES_DATE_BYTES], int64_t t_s);

#endif
