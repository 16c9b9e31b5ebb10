#include "crypto/membership_plain.h"

const struct membership_ops membership_portable = MEMBERSHIP_PLAIN_OPS;
