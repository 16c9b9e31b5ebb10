#include "crypto/fe51.h"

#include "crypto/group_chunk.h"
#include "crypto/group_sum.h"

const struct group_backend GROUP_PORTABLE = {.name = "portable",
                                             .chunk = CHUNK_POINTS,
                                             .check = chunk_check,
                                             .mul = chunk_mul,
                                             .map = chunk_map,
                                             .map_mul = chunk_map_mul,
                                             .terms_vartime = sum_terms_vartime,
                                             .sums_vartime = sum_all_vartime};
