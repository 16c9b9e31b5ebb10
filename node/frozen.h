/* frozen.h - has an officer stopped the policy in force? The statement (policy/freeze.h) lies beside
 * the policy, policy/current/policy.yaml.freeze, and goes with it: a new version has none.
 *
 * A running node looks before every frame and every planner's call, so that a statement put there by
 * `patto policy freeze`, or sent by a partner, holds from the next message on. A file there that
 * cannot be read or does not stand stops the node too. */
#ifndef PT_FROZEN_H
#define PT_FROZEN_H

#include "node/home.h"
#include "policy/freeze.h"

/* The file. It names no version: policy/current is what is in force. */
void frozen_path(char out[HOME_PATH_MAX], const struct home *h);
/* For commands. *stands: it is an officer's; else err says what is wrong with the file, and the
 * node stands still all the same. */
struct frozen_state {
    bool frozen, stands;
    struct freeze by;
};
void frozen_read(struct frozen_state *out, const struct home *h, struct pt_err *err);
/* Check against the policy of the home and put it there. PT_EDENIED, PT_EPARSE, PT_EIO. */
PT_MUST_USE enum pt_code frozen_put(struct freeze *out, const struct home *h, struct span statement,
                                    struct pt_err *err);
/* "freshmart's officer stopped policy version 3 on ... : reason; what to do". */
void frozen_words(char out[600], const struct home *h, const struct frozen_state *s);

/* ---- for the daemon; any thread ---- */

struct frozen;
/* noticed: called once, in the thread that saw it first. */
PT_MUST_USE enum pt_code frozen_new(struct frozen **out, const struct home *h,
                                    void (*noticed)(void *self, const struct frozen_state *s),
                                    void *self, struct pt_err *err);
void frozen_free(struct frozen *f);
/* *statement is empty when it does not stand; borrowed until frozen_free(). f NULL: never. */
bool frozen_look(struct frozen *f, struct span *statement);
/* PT_EDENIED with frozen_words() when stopped. */
PT_MUST_USE enum pt_code frozen_refuse(struct frozen *f, struct pt_err *err);

#endif
