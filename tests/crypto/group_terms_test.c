/* Goal: memory for decoded points is the caller's own from new to free, whatever was given back before, of other
 * sizes too, and by other threads. */
#include "crypto/group.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 300, HELD = 7, THREADS = 4 };
static const size_t SIZES[] = {1, 4096, 12288, 12288, 12288, 4097, 20000};

static uint8_t mark(size_t round, size_t i, unsigned thread)
{
    return (uint8_t)(round * 31 + i * 7 + thread * 101);
}

static bool holds(const struct group_term *t, size_t n, uint8_t value)
{
    const uint8_t *b = t->b;

    for (size_t k = 0; k < n * sizeof *t; k += 61)
        if (b[k] != value)
            return false;
    return b[n * sizeof *t - 1] == value;
}

/* How many times memory was not what this thread had written to it. */
static void *use(void *arg)
{
    const unsigned thread = *(const unsigned *)arg;
    struct group_term *held[HELD] = {NULL};
    size_t n[HELD] = {0};
    uintptr_t wrong = 0;

    for (size_t round = 0; round < ROUNDS; round++) {
        const size_t i = round % HELD;
        if (held[i] != NULL)
            wrong += !holds(held[i], n[i], mark(round - HELD, i, thread));
        group_terms_free(held[i]);
        n[i] = SIZES[(round * 5 + round / HELD + thread) % PT_LEN(SIZES)];
        if (group_terms_new(&held[i], n[i]) != PT_OK)
            return (void *)(wrong + 1);
        memset(held[i]->b, mark(round, i, thread), n[i] * sizeof *held[i]);
    }
    for (size_t i = 0; i < HELD; i++)
        group_terms_free(held[i]);
    return (void *)wrong;
}

static void memory_is_its_owners(void **state)
{
    pthread_t t[THREADS];
    unsigned number[THREADS];

    (void)state;
    for (unsigned i = 0; i < THREADS; i++) {
        number[i] = i;
        assert_int_equal(pthread_create(&t[i], NULL, use, &number[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        void *wrong;
        assert_int_equal(pthread_join(t[i], &wrong), 0);
        assert_null(wrong);
    }
    group_terms_free(NULL);
}

static void too_much_is_refused(void **state)
{
    struct group_term *t = (void *)state;

    assert_int_equal(group_terms_new(&t, SIZE_MAX / sizeof *t / 2), PT_ENOMEM);
    assert_null(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_its_owners),
        cmocka_unit_test(too_much_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
