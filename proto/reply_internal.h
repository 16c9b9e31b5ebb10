/* reply_internal.h - for reply*.c alone: the layout of an answer, in groups of columns and limbs of rows. */
#ifndef PT_REPLY_INTERNAL_H
#define PT_REPLY_INTERNAL_H

#include "proto/reply.h"

size_t reply_limb_count(const struct question *q);
/* Columns in group g. */
size_t reply_group_size(size_t column_count, size_t g);

#endif
