/* decoded.h - points as sums, unblinding and proofs want them. For cmocka tests. */
#ifndef PT_TESTS_DECODED_H
#define PT_TESTS_DECODED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/group.h"

/* Free with group_terms_free(). */
static inline struct group_term *decoded_of(const struct point *p, size_t n)
{
    struct group_term *t;

    assert_int_equal(group_terms_new(&t, n), PT_OK);
    assert_true(group_decode_vartime(t, p, n) == GROUP_ALL_GOOD);
    return t;
}

#endif
