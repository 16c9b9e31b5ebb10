/* Compiled with the instructions that fe_ifma.h needs (Makefile, CFLAGS_ARCH), and run only where
 * the processor and the system support them. Elsewhere this back-end is there but not usable. */
#include "crypto/group_backend.h"

#ifdef __AVX512IFMA__

#include "crypto/fe_ifma.h"

#include "crypto/group_chunk.h"

static bool usable(void)
{
    /* Asks the processor, and the system through XCR0. */
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512ifma") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw");
}

const struct group_backend GROUP_IFMA = {.name = "ifma",
                                         .usable = usable,
                                         .check = chunk_check,
                                         .mul = chunk_mul,
                                         .map = chunk_map,
                                         .map_mul = chunk_map_mul};

#else

static bool usable(void)
{
    return false;
}

const struct group_backend GROUP_IFMA = {.name = "ifma", .usable = usable};

#endif
