/* config.h - node.yaml: what this machine decides alone. What the partners decide together is in
 * the policy. Strict like the policy: an unknown key is an error with line and column.
 *
 *     patto: 1
 *     name: freshmart
 *     listen: 0.0.0.0:7443
 *     planner: unix              # HOME/planner.sock; or a loopback HOST:PORT
 *     threads: 0                 # optional; 0: as many as the machine has */
#ifndef PT_CONFIG_H
#define PT_CONFIG_H

#include "policy/policy.h"

enum { CONFIG_FILE_MAX = 1 << 16, CONFIG_ADDRESS_MAX = 261, CONFIG_THREADS_MAX = 256 };

struct config {
    char name[POLICY_NAME_MAX + 1]; /* this node, as the policy calls it */
    char listen[CONFIG_ADDRESS_MAX + 1];
    char planner[CONFIG_ADDRESS_MAX + 1]; /* "unix" or host:port */
    uint32_t threads; /* parsed: 1..CONFIG_THREADS_MAX; printed: 0 leaves it to the machine */
};

PT_MUST_USE enum pt_code config_parse(struct config *out, struct span file, struct pt_err *err);
PT_MUST_USE enum pt_code config_print(struct buf *out, const struct config *c, struct pt_err *err);
/* A name the policy would take: PT_EUSAGE saying what one looks like. */
PT_MUST_USE enum pt_code config_check_name(const char *name, struct pt_err *err);
/* host:port, port 1..65535, [v6]:port; loopback: only 127.0.0.0/8, ::1 or localhost, because
 * the planner's token travels there in the clear. PT_EUSAGE. */
PT_MUST_USE enum pt_code config_check_address(const char *address, bool loopback,
                                              struct pt_err *err);

#endif
