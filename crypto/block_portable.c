#include "crypto/block_plain.h"

const struct block_ops block_portable = BLOCK_PLAIN_OPS;
