/* Compiled with the instructions of crypto/group_ifma.c (Makefile, CFLAGS_ARCH). */
#include "crypto/cpu.h"

#ifdef __AVX512IFMA__

#include "crypto/fe_ifma.h"

#include "crypto/curve_lanes.h"

enum { LIMBS = 5 };
static const size_t LIMB_BIT[LIMBS] = {0, 51, 102, 153, 204};
#define FIVE(x)                                                                                    \
    {                                                                                              \
        x, x, x, x, x                                                                              \
    }
static const uint64_t TIGHT[LIMBS] = FIVE((UINT64_C(1) << 51) + (1 << 17));
static const uint64_t FIRST[LIMBS] = FIVE(UINT64_C(1) << 52);
static const uint64_t SECOND[LIMBS] = FIVE(UINT64_C(1) << 52);
static const uint64_t WIDE[LIMBS] = FIVE(UINT64_C(1) << 63);

#include "tests/fe_lanes.h"

int main(void)
{
    return run_fe_lanes(cpu_usable(CPU_IFMA), "ifma");
}

#else

int main(void)
{
    return 0; /* another processor: the back-end is empty */
}

#endif
