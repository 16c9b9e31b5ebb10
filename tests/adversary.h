/* adversary.h - a recipient that knows every customer of the evaluator's but whether one person, the
 * target, is among them. Its questions are answered by the product's code: proto/reply.h, or a
 * whole session of proto/ask.h. The evaluator is drinkco of tests/proto_fixture.h. */
#ifndef PT_TESTS_ADVERSARY_H
#define PT_TESTS_ADVERSARY_H

#include "tests/game.h"
#include "tests/proto_fixture.h"

enum { DEAR_NANO = 500000000 }; /* a price at which bounds are far from 0 */

struct adversary {
    struct policy *policy;
    struct fixture_epoch epoch;
    struct budget_price price;
    size_t slot;                          /* the target's, and who it is: f[.][slot] and these */
    int8_t row_of[FIXTURE_COLUMNS_MAX];   /* its sign, 0: not in that row */
    uint64_t others[FIXTURE_COLUMNS_MAX]; /* sizes without the target */
    int64_t known[FIXTURE_COLUMNS_MAX * FIXTURE_COLUMNS_MAX]; /* cells without the target */
    struct fixture_node nodes[3];
    /* What sessions pay: the fixture's, or this; self is &epoch. */
    enum pt_code (*charge)(void *self, const struct ask_charge *c, struct ask_account *out,
                           struct pt_err *err);
    struct session_watch watch[2]; /* of sessions: recipient, evaluator */
};
struct adversary_view { /* an answer, opened */
    double values[FIXTURE_COLUMNS_MAX * FIXTURE_COLUMNS_MAX];
    int64_t sizes[FIXTURE_COLUMNS_MAX];
};

/* kind "overlap", "crosstab" (segments of the asker by tiers of the evaluator; the target is in one
 * of each) or "value" (a number by segments; the target's is at the bound). rho_nano: what the policy prices it at; 0: as it stands. */
void adversary_init(struct adversary *a, const char *kind, uint64_t rho_nano);
void adversary_free(struct adversary *a);
/* What the evaluator's data are in this world. */
void adversary_lay(struct adversary *a, bool there);
/* The evaluator's noise key of a trial. */
void adversary_keys(struct adversary *a, const struct key32 *seed);
/* The answer to the epoch's question about the epoch's columns: as it is sent, and opened. */
void adversary_make(struct adversary *a, struct reply *out);
void adversary_reply(struct adversary *a, struct adversary_view *out);
/* The same through greeting, question, answer and receipt; false: refused, with *why. */
bool adversary_session(struct adversary *a, struct adversary_view *out, enum refusal *why);
/* What the view says: log of the likelihood ratio, all noise independent. */
double adversary_ratio(const struct adversary *a, const struct adversary_view *v);
/* Encrypt column j again, as f[j] is now, under another name and key. */
void adversary_encrypt(struct adversary *a, size_t j, uint64_t key);

/* Games' looks; self is the adversary. */
double adversary_asks_once(void *self, bool there, const struct key32 *seed);
double adversary_asks_in_session(void *self, bool there, const struct key32 *seed);

/* Two questions that one evaluator answers. The difference of the two answers, at half a person, is
 * what noise that both share would betray; both ratios, what it does not. */
struct adversary_pair {
    struct adversary of[2];
};
double adversary_pair_difference(void *self, bool there, const struct key32 *seed);
double adversary_pair_both(void *self, bool there, const struct key32 *seed);
/* self is one adversary: the question once without the target, and again when it, or else somebody
 * whom the recipient does not have, has come. The difference of the answers. */
double adversary_before_and_after(void *self, bool there, const struct key32 *seed);

#endif
