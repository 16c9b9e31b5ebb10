/* Compiled with the instructions that fe_ifma.h needs (Makefile, CFLAGS_ARCH), and run only where
 * the processor and the system support them. Elsewhere this back-end is there but not usable. */
#include "crypto/group_backend.h"

#ifdef __AVX512IFMA__

#include "crypto/fe_ifma_rows.h"

#include "crypto/group_chunk.h"
#include "crypto/group_sum.h"

const struct group_backend GROUP_IFMA = {.name = "ifma",
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

#else

const struct group_backend GROUP_IFMA = {.name = "ifma"};

#endif
