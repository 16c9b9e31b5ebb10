/* Compiled with the instructions of crypto/group_ifma.c (Makefile, CFLAGS_ARCH). */
#include "crypto/cpu.h"

#ifdef __AVX512IFMA__

#include "crypto/fe_ifma_rows.h"

#include <string.h>

#include "crypto/curve_lanes.h"

enum { LIMBS = 5 };
static const size_t LIMB_BIT[LIMBS] = {0, 51, 102, 153, 204};
#define FIVE(x)                                                                                    \
    {                                                                                              \
        x, x, x, x, x                                                                              \
    }
static const uint64_t TIGHT[LIMBS] = FIVE((UINT64_C(1) << 51) + (1 << 17));
static const uint64_t LOOSE[LIMBS] = FIVE((UINT64_C(1) << 51) + (1 << 17)); /* tight, here */
static const uint64_t FIRST[LIMBS] = FIVE(UINT64_C(1) << 52);
static const uint64_t SECOND[LIMBS] = FIVE(UINT64_C(1) << 52);
static const uint64_t WIDE[LIMBS] = FIVE(UINT64_C(1) << 63);

enum { LIMBS_SIGNED = 0 };
static uint64_t limb_get(const struct fe *a, size_t limb, size_t lane)
{
    uint64_t lanes[FE_LANES];

    memcpy(lanes, &a->v[limb], sizeof lanes);
    return lanes[lane];
}
static void limb_put(struct fe *a, size_t limb, size_t lane, uint64_t x)
{
    memcpy((uint8_t *)&a->v[limb] + lane * sizeof x, &x, sizeof x);
}

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
