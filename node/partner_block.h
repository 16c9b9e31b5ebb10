/* partner_block.h - what a policy must say about this node, as YAML ready to paste. */
#ifndef PT_PARTNER_BLOCK_H
#define PT_PARTNER_BLOCK_H

#include "node/home.h"

#include <stdio.h>

void partner_block_print(FILE *out, const struct home *h);

#endif
