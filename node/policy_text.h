/* policy_text.h - what a policy permits, as lines of at most 80 columns that an officer can read
 * before signing. Figures follow from the policy alone: no data is looked at. */
#ifndef PT_POLICY_TEXT_H
#define PT_POLICY_TEXT_H

#include "policy/policy.h"

#include <stdio.h>

/* The partner's attributes, a line each. */
void policy_text_attributes(FILE *out, const struct policy_partner *p);
/* Each kind of question: who asks, with which filters, what it costs, how wide its noise is. */
void policy_text_questions(FILE *out, const struct policy *p);
/* Budget, in rho and epsilon, and the smallest numbers shown. */
void policy_text_privacy(FILE *out, const struct policy_privacy *v);

#endif
