/* base_ot.h - oblivious transfers in which a receiver with n secret bits learns one of two keys each,
 * and the sender, who learns both, does not learn which: Masny and Rindal (CCS 2019), over
 * ristretto255. Two messages. Secure against malicious parties under DDH, hashes being random oracles.
 *
 * Receiver, transfer i, bit b: r_{1-b} a random point, r_b = y_i*B - H(i, 1-b, r_{1-b}).
 * Sender: A = alpha*B; key j = KDF(alpha*(r_j + H(i, 1-j, r_{1-j})), i, j, r_0, r_1, A). */
#ifndef PT_BASE_OT_H
#define PT_BASE_OT_H

#include "crypto/group.h"
#include "crypto/prf.h"

enum { BASE_OT_MAX = 96, BASE_OT_CHOICE_BYTES = 64, BASE_OT_SENDER_BYTES = 32 };

struct base_ot_receiver { /* secret */
    size_t count;
    struct scalar y[BASE_OT_MAX];
    uint8_t bit[BASE_OT_MAX]; /* 0 or 1 */
    struct point offered[BASE_OT_MAX][2];
};
PT_SECRET_TYPE(base_ot_receiver);

/* Take up to BASE_OT_MAX choices in out->bit, out->count of them, and write the first message,
 * BASE_OT_CHOICE_BYTES each. session: both sides' name for this run, never used twice.
 * seed: secret, uniform, used once. PT_ENOMEM, PT_EBUG: no message, and all is wiped. */
PT_MUST_USE enum pt_code base_ot_choose(uint8_t *message, struct base_ot_receiver *o,
                                        const struct digest *session, const struct key32 *seed);

struct base_ot_keys { /* secret */
    struct key32 of[BASE_OT_MAX][2];
};
PT_SECRET_TYPE(base_ot_keys);

/* keys: message.n / BASE_OT_CHOICE_BYTES pairs; answer: the second message.
 * PT_EBADMSG: not 1 to BASE_OT_MAX choices, or a point that is not canonical or the identity. */
PT_MUST_USE enum pt_code base_ot_send(struct base_ot_keys *keys,
                                      uint8_t answer[BASE_OT_SENDER_BYTES], struct span message,
                                      const struct digest *session, const struct key32 *seed);
/* out: o->count keys, key i that of bit i. PT_EBADMSG as above. */
PT_MUST_USE enum pt_code base_ot_receive(struct key32 *out, const struct base_ot_receiver *o,
                                         const uint8_t answer[BASE_OT_SENDER_BYTES],
                                         const struct digest *session);

#endif
