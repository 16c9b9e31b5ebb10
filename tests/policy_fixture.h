/* policy_fixture.h - valid policies for tests: N partners with keys that follow from their index
 * alone, so that every test can sign as any of them. */
#ifndef PT_TESTS_POLICY_FIXTURE_H
#define PT_TESTS_POLICY_FIXTURE_H

#include "crypto/minisign.h"
#include "crypto/sign.h"
#include "policy/policy.h"

struct fixture_partner {
    char name[POLICY_NAME_MAX + 1];
    char endpoint[262];
    struct digest certificate;
    struct sign_key node;        /* Ed25519 of seed 0x10+i repeated */
    struct minisign_key officer; /* Ed25519 of seed 0x40+i repeated, id 0x70+i repeated */
    bool neutral;
};

/* Partner i of a test federation. name NULL: freshmart, drinkco, homeware, partner3, ...;
 * endpoint 127.0.0.1:(7001+i); change what the test needs otherwise afterwards. */
void fixture_partner_init(struct fixture_partner *out, size_t i, const char *name);

/* The text of a valid policy, version 1, in force 2026-01-01 to 2026-12-31, in which every partner
 * has buys (set, 10 values, 3 a person), segment (category: new, loyal, lapsed) and spend (number,
 * 0..500), every question but value and every filter is permitted and so are all pairs buys x buys and
 * buys x segment, as far as POLICY_PAIRS_MAX reaches. buf_free() it. */
void fixture_policy_text(struct buf *out, const struct fixture_partner *partners, size_t count);
/* Parse, or fail the test with the parser's own words. policy_free() it. */
struct policy *fixture_parse(struct span text);
/* Both at once, for partners 0..count-1 under their default names. */
struct policy *fixture_policy(size_t count);
/* tests/policy/three.yaml: freshmart, drinkco, homeware with the keys of partners 0, 1 and 2. */
void fixture_three_text(struct buf *out);
struct policy *fixture_three(void);
/* The same with a value: drinkco.spend by freshmart.segment and by freshmart.buys, and one the other
 * way round. */
void fixture_value_text(struct buf *out);
struct policy *fixture_value(void);
/* A change of a policy: what stands there, and what stands there instead. */
struct fixture_change {
    const char *from, *to;
};
/* The first place where `from` stands; the test fails when there is none. */
void fixture_replace(struct buf *text, struct fixture_change c);
/* A whole file, or the test fails. */
void fixture_read(struct buf *out, const char *path);

#endif
