/* Goal: a batch that says in how many of its columns a person stands is accepted when it is so, and
 * refused whenever it is not, in whichever slot, however values cancel.
 * Method: both sides in one process; the recipient's proof is made for the very columns that it sent,
 * so that a false tally shows in the one coefficient that nobody sends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/inner_bed.h"
#include "tests/proof_bed.h"

/* Column 0 is nobody's concern; 1 to 4 are counted, 5 to 7 count. */
enum { FIRST = 1, COUNTED = 4, COUNTERS = 3, COLUMNS = FIRST + COUNTED + COUNTERS, SLOTS = 5000 };
static const struct proof_tally TALLY = {FIRST, COUNTED, COUNTERS};

/* Test state: one value that is otherwise. */
static struct {
    bool told;
    size_t column;
    uint64_t slot;
    int8_t value;
} lie;

/* At most COUNTERS of the counted, of either sign, and somebody in each number of them. */
static int8_t counted(size_t column, uint64_t slot)
{
    const uint64_t mixed = bed_mixed(slot);

    if (column == FIRST + mixed % COUNTED || mixed >> (8 + column) & 1)
        return 0;
    return mixed >> (16 + column) & 1 ? 1 : -1;
}

static int8_t value(size_t column, uint64_t slot)
{
    size_t n = 0;

    if (lie.told && column == lie.column && slot == lie.slot)
        return lie.value;
    if (column == 0)
        return bed_trit(slot);
    if (column < FIRST + COUNTED)
        return counted(column, slot);
    for (size_t j = FIRST; j < FIRST + COUNTED; j++)
        n += counted(j, slot) != 0;
    return (int8_t)(column - FIRST - COUNTED < n ? 1 : 0);
}

static struct proof_bed laid(enum rlwe_set set)
{
    struct proof_bed b = proof_bed_laid_with((struct proof_bed_kind){set, SLOTS, COLUMNS}, value);

    b.tally = b.judged = TALLY;
    return b;
}

static size_t number_at(uint64_t slot)
{
    size_t n = 0;

    for (size_t j = FIRST; j < FIRST + COUNTED; j++)
        n += counted(j, slot) != 0;
    return n;
}
static uint64_t slot_with(size_t n)
{
    for (uint64_t t = 2048; t < SLOTS; t++)
        if (number_at(t) == n)
            return t;
    fail();
    return 0;
}

static void true_tallies_are_accepted(void **state)
{
    (void)state;
    lie.told = false;
    for (size_t n = 0; n <= COUNTERS; n++)
        assert_int_equal(number_at(slot_with(n)), n);
    for (int set = RLWE_P40; set <= RLWE_P48; set++) {
        struct proof_bed b = laid((enum rlwe_set)set);
        assert_int_equal(proof_bed_run(&b), PT_OK);
        proof_bed_free(&b);
    }
}

/* Goal: one person in one column more or less than the counters say. */
static void false_tallies_are_refused(void **state)
{
    const struct {
        const char *what;
        size_t column;
        uint64_t slot;
        int8_t value;
    } cases[] = {
        {"in three columns, counted as two", FIRST + COUNTED + 2, slot_with(3), 0},
        {"in one, counted as none", FIRST + COUNTED, slot_with(1), 0},
        {"in none, counted as one", FIRST + COUNTED, slot_with(0), 1},
        {"in none, counted as less than none", FIRST + COUNTED, slot_with(0), -1},
        {"in a column more", FIRST, slot_with(0), 1},
        {"in a column more, the other way round", FIRST + COUNTED - 1, slot_with(0), -1},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++) {
        print_message("%s\n", cases[i].what);
        lie.told = true;
        lie.column = cases[i].column;
        lie.slot = cases[i].slot;
        lie.value = cases[i].value;
        struct proof_bed b = laid(i % 2 == 0 ? RLWE_P40 : RLWE_P48);
        assert_int_equal(proof_bed_run(&b), PT_EBADMSG);
        proof_bed_free(&b);
        /* The columns are well formed: it is the tally that is false. */
        b = laid(i % 2 == 0 ? RLWE_P40 : RLWE_P48);
        b.tally = b.judged = (struct proof_tally){0};
        assert_int_equal(proof_bed_run(&b), PT_OK);
        proof_bed_free(&b);
    }
    lie.told = false;
}

/* Two values that add up to nothing are two columns: a sum would not see them. */
static int8_t cancelling(size_t column, uint64_t slot)
{
    (void)slot;
    return (int8_t)(column == 0 ? 1 : column == 1 ? -1 : 0);
}
static int8_t twice(size_t column, uint64_t slot)
{
    (void)slot;
    return column < 2 ? 1 : -1; /* a counter's sign says nothing */
}
static void signs_do_not_cancel(void **state)
{
    static const struct {
        int8_t (*value)(size_t column, uint64_t slot);
        enum pt_code rc;
    } CASES[] = {{cancelling, PT_EBADMSG}, {twice, PT_OK}};

    (void)state;
    for (size_t i = 0; i < PT_LEN(CASES); i++) {
        struct proof_bed b =
            proof_bed_laid_with((struct proof_bed_kind){RLWE_P40, 2048, 4}, CASES[i].value);
        b.tally = b.judged = (struct proof_tally){0, 2, 2};
        assert_int_equal(proof_bed_run(&b), CASES[i].rc);
        proof_bed_free(&b);
    }
}

/* Goal: both sides mean the same statement, or nothing is accepted; one that names columns of no batch
 * is our bug, or the caller's. */
static void tallies_are_agreed(void **state)
{
    static const struct proof_tally OTHERS[] = {{0}, {0, 4, 3}, {1, 3, 4}, {1, 5, 2}, {1, 4, 2}};
    static const struct proof_tally NONE[] = {
        {1, 5, 3}, {9, 0, 1}, {SIZE_MAX, 1, 1}, {1, SIZE_MAX, 1}};
    struct pt_err err = {0};

    (void)state;
    lie.told = false;
    for (size_t i = 0; i < PT_LEN(OTHERS); i++) {
        struct proof_bed b = laid(RLWE_P40);
        b.judged = OTHERS[i];
        assert_int_equal(proof_bed_run(&b), PT_EBADMSG);
        proof_bed_free(&b);
    }
    for (size_t i = 0; i < PT_LEN(NONE); i++) {
        struct proof_bed b = laid(RLWE_P40);
        b.judged = NONE[i];
        assert_int_equal(proof_bed_run(&b), PT_EBADMSG);
        assert_false(proof_tally_valid(&NONE[i], COLUMNS));
        proof_bed_set_up(&b);
        proof_bed_accept(&b);
        proof_bed_commit(&b);
        proof_bed_challenge(&b, 3);
        b.tally = NONE[i];
        const struct prove_columns in = proof_bed_columns(&b);
        assert_int_equal(column_prover_answer(b.p, &b.answer, span_of(b.challenge, 32), &in, &err),
                         PT_EBUG);
        proof_bed_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(true_tallies_are_accepted),
        cmocka_unit_test(false_tallies_are_refused),
        cmocka_unit_test(signs_do_not_cancel),
        cmocka_unit_test(tallies_are_agreed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
