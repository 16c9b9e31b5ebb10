/* reach_query.h - one planner's question of reach over several partners, answered: from the run of
 * it that is known, or by a new one. The same question in the same epoch costs nothing again. */
#ifndef PT_REACH_QUERY_H
#define PT_REACH_QUERY_H

#include "node/reach_ask.h"
#include "proto/answer.h"

/* As reach_ask(); charged and left are set in *out. *refusal: as in struct reach_opened. */
PT_MUST_USE enum pt_code reach_query(struct answer *out, enum refusal *refusal,
                                     const struct reach_question_in *in, struct pt_err *err);

#endif
