#include "crypto/membership_plain.h"

const struct membership_ops membership_avx2 = MEMBERSHIP_PLAIN_OPS;
