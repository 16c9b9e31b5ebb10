/* parse.h - the parts of policy_parse(), for parse*.c alone: readers of schema.h's kind. The
 * policy under construction is at->context; what it owns is freed by policy_free() on failure. */
#ifndef PT_PARSE_H
#define PT_PARSE_H

#include "policy/policy.h"
#include "policy/schema.h"

/* partners: a map of names, kept in name order. base is the policy. */
enum pt_code parse_partners(void *base, const struct schema_key *key, const struct schema_at *at,
                            struct pt_err *err);
/* attributes: of the partner at base. */
enum pt_code parse_attributes(void *base, const struct schema_key *key, const struct schema_at *at,
                              struct pt_err *err);
/* questions and audit.witnesses refer to partners and attributes by name: read after them. */
enum pt_code parse_questions(void *base, const struct schema_key *key, const struct schema_at *at,
                             struct pt_err *err);
enum pt_code parse_witness_quorum(void *base, const struct schema_key *key,
                                  const struct schema_at *at, struct pt_err *err);
enum pt_code parse_witnesses(void *base, const struct schema_key *key, const struct schema_at *at,
                             struct pt_err *err);
/* "sha256:" and 64 hex digits. */
enum pt_code parse_digest(void *base, const struct schema_key *key, const struct schema_at *at,
                          struct pt_err *err);

#endif
