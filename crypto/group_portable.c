#include "crypto/fe51.h"

#include "crypto/group_chunk.h"
#include "crypto/group_sum.h"

const struct group_backend GROUP_PORTABLE = {.name = "portable",
                                             .chunk = CHUNK_POINTS,
                                             .check = chunk_check,
                                             .mul = chunk_mul,
                                             .map = chunk_map,
                                             .table = table_make,
                                             .map_blind = chunk_map_blind,
                                             .mul_terms = chunk_mul_terms,
                                             .unblind_mul = chunk_unblind_mul,
                                             .blind_again = chunk_blind_again,
                                             .terms_vartime = sum_terms_vartime,
                                             .sums_vartime = sum_all_vartime};
