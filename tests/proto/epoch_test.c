/* Goal: a header has one encoding; seeds differ wherever anything they depend on differs. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/proto_fixture.h"

static struct epoch_header sample(void)
{
    struct epoch_header h = {.policy_hash = fixture_digest(1),
                             .number = 9,
                             .key_period = 2,
                             .slot_count = 1 << 20,
                             .salt = fixture_digest(2),
                             .participant_count = 3};
    static const char *const names[] = {"drinkco", "freshmart", "homeware"};

    for (size_t i = 0; i < 3; i++) {
        fixture_name(&h, i, names[i]);
        h.participants[i].dataset = fixture_digest((uint8_t)(3 + i));
        h.participants[i].seed_hash = fixture_digest((uint8_t)(6 + i));
        h.participants[i].padded_size = (uint64_t)1000 * (i + 1);
    }
    return h;
}

static void header_round_trips(void **state)
{
    struct epoch_header h = sample();
    struct epoch_header back;
    struct buf b = {0};
    struct buf again = {0};
    struct pt_err err = {0};

    (void)state;
    assert_int_equal(epoch_header_print(&b, &h, &err), PT_OK);
    assert_int_equal(epoch_header_parse(&back, buf_span(&b), &err), PT_OK);
    assert_int_equal(epoch_header_print(&again, &back, &err), PT_OK);
    assert_true(span_eq_vartime(buf_span(&b), buf_span(&again)));
    assert_int_equal(epoch_find(&back, "homeware"), 2);
    assert_int_equal(epoch_find(&back, "nobody"), -1);
    for (size_t n = 0; n < b.n; n++) {
        assert_int_not_equal(epoch_header_parse(&back, span_of(b.p, n), &err), PT_OK);
        assert_int_equal(back.participant_count, 0);
    }
    assert_true(buf_u8(&b, 0));
    assert_int_equal(epoch_header_parse(&back, buf_span(&b), &err), PT_EBADMSG);
    b.n = 0;
    assert_true(buf_reserve(&b, EPOCH_HEADER_BYTES_MAX + 1));
    memset(b.p, 0, EPOCH_HEADER_BYTES_MAX + 1);
    assert_int_equal(epoch_header_parse(&back, span_of(b.p, EPOCH_HEADER_BYTES_MAX + 1), &err),
                     PT_ELIMIT);
    buf_free(&b);
    buf_free(&again);
}

static void one_party(struct epoch_header *h)
{
    h->participant_count = 1;
}
static void out_of_order(struct epoch_header *h)
{
    fixture_name(h, 0, "zebra");
}
static void twice(struct epoch_header *h)
{
    fixture_name(h, 1, "drinkco");
}
static void no_name(struct epoch_header *h)
{
    h->participants[0].name[0] = '\0';
}
static void nobody(struct epoch_header *h)
{
    h->participants[1].padded_size = 0;
}
static void odd_slots(struct epoch_header *h)
{
    h->slot_count = 3 << 19;
}
static void many_slots(struct epoch_header *h)
{
    h->slot_count = 1 << 28;
}
static void no_number(struct epoch_header *h)
{
    h->number = 0;
}

static void bad_headers_do_not_parse(void **state)
{
    static void (*const changes[])(struct epoch_header *) = {
        one_party, out_of_order, twice, no_name, nobody, odd_slots, many_slots, no_number};

    (void)state;
    for (size_t i = 0; i < PT_LEN(changes); i++) {
        struct epoch_header h = sample();
        struct epoch_header back;
        struct buf b = {0};
        struct pt_err err = {0};
        changes[i](&h);
        assert_int_equal(epoch_header_print(&b, &h, &err), PT_OK);
        assert_int_equal(epoch_header_parse(&back, buf_span(&b), &err), PT_EBADMSG);
        assert_string_not_equal(err.msg, "");
        buf_free(&b);
    }
}

static void slots_follow_the_policy(void **state)
{
    struct policy p = {.slots_per_customer = 4};
    struct pt_err err = {0};
    uint64_t m;

    (void)state;
    assert_int_equal(epoch_slots(&m, &p, 1, &err), PT_OK);
    assert_int_equal(m, 1 << 20);
    assert_int_equal(epoch_slots(&m, &p, 1 << 18, &err), PT_OK);
    assert_int_equal(m, 1 << 20);
    assert_int_equal(epoch_slots(&m, &p, (1 << 18) + 1, &err), PT_OK);
    assert_int_equal(m, 1 << 21);
    assert_int_equal(epoch_slots(&m, &p, 1 << 25, &err), PT_OK);
    assert_int_equal(m, 1 << 27);
    assert_int_equal(epoch_slots(&m, &p, (1 << 25) + 1, &err), PT_ELIMIT);
    assert_int_equal(epoch_slots(&m, &p, UINT64_MAX, &err), PT_ELIMIT);
    assert_int_equal(m, 0);
}

static void pairs_are_ordered_and_seeds_differ(void **state)
{
    struct epoch_header h = sample();
    struct epoch_pair fd;
    struct epoch_pair df;
    struct digest a;
    struct digest b;
    struct pt_err err = {0};

    (void)state;
    assert_int_equal(epoch_pair_of(&fd, &h, "freshmart", "drinkco", &err), PT_OK);
    assert_int_equal(epoch_pair_of(&df, &h, "drinkco", "freshmart", &err), PT_OK);
    epoch_pair_seed(&a, &fd);
    epoch_pair_seed(&b, &df);
    assert_memory_not_equal(a.b, b.b, 32);
    h.salt.b[0] ^= 1;
    epoch_pair_seed(&b, &fd);
    assert_memory_not_equal(a.b, b.b, 32);
    assert_int_equal(epoch_pair_of(&fd, &h, "nobody", "drinkco", &err), PT_ESTATE);
    assert_non_null(strstr(err.msg, "nobody is not in epoch 9"));
    assert_int_equal(epoch_pair_of(&fd, &h, "drinkco", "nobody", &err), PT_ESTATE);
    assert_non_null(strstr(err.msg, "nobody is not in epoch 9"));
    assert_int_equal(epoch_pair_of(&fd, &h, "drinkco", "drinkco", &err), PT_ESTATE);
}

static void a_changed_column_never_meets_an_old_key(void **state)
{
    struct epoch_header h = sample();
    struct epoch_pair pair;
    struct pt_err err = {0};
    struct key32 secret = {{1}};
    struct key32 seed[5];
    int8_t values[64] = {0};
    struct digest content;

    (void)state;
    assert_int_equal(epoch_pair_of(&pair, &h, "freshmart", "drinkco", &err), PT_OK);
    epoch_values_digest(&content, values, sizeof values);
    struct epoch_column c = {span_z("all"), &content};
    epoch_column_seed(&seed[0], &secret, &pair, &c);
    c.name = span_z("buys=dairy");
    epoch_column_seed(&seed[1], &secret, &pair, &c);
    c.name = span_z("all");
    values[63] = -1;
    epoch_values_digest(&content, values, sizeof values);
    epoch_column_seed(&seed[2], &secret, &pair, &c);
    secret.b[31] = 1;
    epoch_column_seed(&seed[3], &secret, &pair, &c);
    pair.evaluator = 2;
    epoch_column_seed(&seed[4], &secret, &pair, &c);
    for (size_t i = 0; i < PT_LEN(seed); i++)
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(seed[i].b, seed[j].b, 32);
}

/* PROTOCOL.md 4, No wrap, with the widest noise of the policy and both numbers that bound it. */
static void shape_leaves_room(void **state)
{
    struct policy *p = fixture_three();
    struct epoch_header h = sample();
    struct epoch_pair pair;
    struct rlwe_shape s;
    struct rlwe *c = NULL;
    struct pt_err err = {0};

    (void)state;
    h.participants[0].padded_size = 1000000;
    assert_int_equal(epoch_pair_of(&pair, &h, "freshmart", "drinkco", &err), PT_OK);
    assert_int_equal(epoch_pair_shape(&s, p, &pair, &err), PT_OK);
    assert_int_equal(s.set, RLWE_P40);
    assert_int_equal(s.slot_count, 1 << 20);
    assert_int_equal(s.max_abs, 1000000);
    /* Table, C = 3: sigma 54.2, margins at twice that (PROTOCOL.md 5). */
    assert_true(s.sigma_max >= 109);
    h.slot_count = 4096;
    assert_int_equal(epoch_pair_rlwe(&c, p, &pair, &err), PT_OK);
    assert_int_equal(rlwe_delta(c), 1 << 16);
    assert_true(2.0 * rlwe_delta(c) * (1000000.0 + 12.0 * (double)s.sigma_max) < 1099511590913.0);
    rlwe_free(c);
    p->privacy.count_rho_nano = 1; /* sigma 22,360 people */
    assert_int_equal(epoch_pair_shape(&s, p, &pair, &err), PT_OK);
    assert_true(s.sigma_max >= 44720);
    policy_free(p);
}

/* Goal: where a number may be asked for, sums of 50 a customer and noise 50 times as wide fit too; for
 * the pair and the direction of that number alone. */
static void shape_leaves_room_for_numbers(void **state)
{
    struct policy *p = fixture_value();
    struct epoch_header h = sample();
    struct epoch_pair pair;
    struct rlwe_shape s;
    struct rlwe *c = NULL;
    struct pt_err err = {0};

    (void)state;
    h.slot_count = 4096;
    h.participants[0].padded_size = h.participants[1].padded_size = 1000000;
    assert_int_equal(epoch_pair_of(&pair, &h, "freshmart", "drinkco", &err), PT_OK);
    assert_int_equal(epoch_pair_shape(&s, p, &pair, &err), PT_OK);
    assert_int_equal(s.max_abs, 50000000);
    /* budget.h, C_A = 3: sigma^2 = 6.75 / (1.9 rho), of all twice as wide: 84.3, times 50. */
    assert_true(s.sigma_max >= 4214 && s.sigma_max <= 4216);
    assert_int_equal(epoch_pair_rlwe(&c, p, &pair, &err), PT_OK);
    assert_int_equal(rlwe_delta(c), 1 << 13);
    assert_true(2.0 * rlwe_delta(c) * (50000000.0 + 12.0 * (double)s.sigma_max) < 1099511590913.0);
    rlwe_free(c);
    h.participants[0].padded_size = 10000000;
    assert_int_equal(epoch_pair_rlwe(&c, p, &pair, &err), PT_OK);
    assert_int_equal(rlwe_delta(c), 1 << 10);
    rlwe_free(c);
    assert_int_equal(epoch_pair_of(&pair, &h, "drinkco", "freshmart", &err), PT_OK);
    assert_int_equal(epoch_pair_shape(&s, p, &pair, &err), PT_OK);
    assert_int_equal(s.max_abs, 50000000); /* drinkco may ask for freshmart.spend by its tiers */
    assert_int_equal(epoch_pair_of(&pair, &h, "homeware", "drinkco", &err), PT_OK);
    assert_int_equal(epoch_pair_shape(&s, p, &pair, &err), PT_OK);
    assert_int_equal(s.max_abs, 10000000);
    policy_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_round_trips),
        cmocka_unit_test(bad_headers_do_not_parse),
        cmocka_unit_test(slots_follow_the_policy),
        cmocka_unit_test(pairs_are_ordered_and_seeds_differ),
        cmocka_unit_test(a_changed_column_never_meets_an_old_key),
        cmocka_unit_test(shape_leaves_room),
        cmocka_unit_test(shape_leaves_room_for_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
