/* Goal: the table of proto/README.md, "What each message tells", is about the wire as it is.
 * Method: it is read; every field that the messages have is looked up, and every row met. What
 * sessions of different customers hold in it: conversations, compared field by field; bytes of
 * fields that are said to be uniform, counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/conversations.h"
#include "tests/leakage.h"

struct look_up {
    struct leakage_table table;
    size_t fields, faults;
};

static void look_up(void *self, const char *message, const char *field)
{
    struct look_up *l = self;
    struct leakage_row *r = leakage_find(&l->table, message, field);

    l->fields++;
    if (r != NULL) {
        r->met = true;
        return;
    }
    print_error("proto/README.md does not say what %s.%s tells\n", message, field);
    l->faults++;
}

static void every_field_is_in_the_table(void **state)
{
    static struct look_up l;

    (void)state;
    leakage_read(&l.table);
    leakage_wire(look_up, &l);
    for (size_t i = 0; i < l.table.count; i++)
        if (!l.table.rows[i].met) {
            print_error("proto/README.md: there is no %s.%s\n", l.table.rows[i].message,
                        l.table.rows[i].field);
            l.faults++;
        }
    assert_int_equal(l.faults, 0);
    assert_true(l.fields > 150); /* a walk that meets nothing proves nothing */
}

/* ---- the same sessions of other customers ---- */

enum { VALUES_MAX = 8192 };

struct heard { /* one transcript, field by field, in the order in which it was said */
    struct leakage_table *table;
    struct heard_value {
        struct leakage_row *row;
        struct digest value;
    } values[VALUES_MAX];
    size_t count;
};

static void hear(void *self, const char *message, const char *field, struct span value)
{
    struct heard *h = self;
    struct heard_value *v = &h->values[h->count++];

    assert_true(h->count <= VALUES_MAX);
    v->row = leakage_find(h->table, message, field);
    assert_non_null(v->row);
    hash_parts(&v->value, "patto/test/heard/1", &value, 1);
}

static void hear_frame(void *self, const struct frame *f, struct span bytes)
{
    (void)f;
    leakage_frame(bytes, hear, self);
}

static void talk_of_everything(struct heard *h, uint8_t world)
{
    const struct conversation c = {.world = world, .seed = 3, .self = h, .said = hear_frame};

    h->count = 0;
    conversation_ask(&c, "overlap");
    conversation_ask(&c, "crosstab");
    conversation_tokens(&c);
    conversation_epoch(&c, NULL);
    conversation_reach(&c);
}

static bool same(const struct heard_value *a, const struct heard_value *b)
{
    return memcmp(a->value.b, b->value.b, sizeof a->value.b) == 0;
}

/* Goal: what is said to be public is the same whoever the customers are, and each frame between nodes
 * about customers was among what was compared. Method: one randomness, two worlds. */
static void public_fields_do_not_show_rows(void **state)
{
    static struct leakage_table t;
    static struct heard one = {.table = &t};
    static struct heard two = {.table = &t};
    size_t compared = 0;
    size_t differ[LEAKAGE_COUNT] = {0};

    (void)state;
    leakage_read(&t);
    talk_of_everything(&one, 0);
    talk_of_everything(&two, 1);
    assert_int_equal(one.count, two.count); /* nor does their number */
    for (size_t i = 0; i < one.count; i++) {
        const struct leakage_row *r = one.values[i].row;
        assert_ptr_equal(r, two.values[i].row);
        one.values[i].row->met = true;
        differ[r->of] += !same(&one.values[i], &two.values[i]);
        if (r->of != LEAKAGE_PUBLIC)
            continue;
        compared++;
        if (!same(&one.values[i], &two.values[i]))
            fail_msg("%s.%s differs, and is said to be public", r->message, r->field);
    }
    print_message("%zu fields compared\n", compared);
    assert_true(compared > 300);
    /* The worlds are two. */
    assert_true(differ[LEAKAGE_UNIFORM] > 0 && differ[LEAKAGE_PAID] > 0);
    for (size_t i = 0; i < t.count; i++) {
        static const char *const WITHOUT_ROWS[] = {"Refusal",      "AddHead",  "HeadCosigned",
                                                   "HeadConflict", "ProofAsk", "EventProof"};
        bool other = strchr(t.rows[i].message, '.') != NULL;
        for (size_t k = 0; k < PT_LEN(WITHOUT_ROWS); k++)
            other = other || strcmp(t.rows[i].message, WITHOUT_ROWS[k]) == 0;
        if (!other && !t.rows[i].met)
            fail_msg("%s.%s was in no session", t.rows[i].message, t.rows[i].field);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_in_the_table),
        cmocka_unit_test(public_fields_do_not_show_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
