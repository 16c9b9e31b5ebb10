#include "crypto/block_plain.h"

const struct block_ops block_avx2 = BLOCK_PLAIN_OPS;
