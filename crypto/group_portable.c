#include "crypto/fe51.h"

#include "crypto/group_chunk.h"

const struct group_backend GROUP_PORTABLE = {.name = "portable",
                                             .check = chunk_check,
                                             .mul = chunk_mul,
                                             .map = chunk_map,
                                             .map_mul = chunk_map_mul};
