/* password.h - ask a person for a password on the terminal, without showing it. */
#ifndef PT_PASSWORD_H
#define PT_PASSWORD_H

#include "crypto/base/span.h"

enum { PASSWORD_MAX = 1024 };

/* One line from /dev/tty into *out (secret; buf_free() wipes). PT_EUSAGE: there is no terminal;
 * `otherwise` says what to do then. */
PT_MUST_USE enum pt_code password_ask(struct buf *out, const char *prompt, const char *otherwise,
                                      struct pt_err *err);

#endif
