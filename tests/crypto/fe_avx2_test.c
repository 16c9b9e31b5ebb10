/* Compiled with the instructions of crypto/group_avx2.c (Makefile, CFLAGS_ARCH). */
#include "crypto/cpu.h"

#if defined __AVX2__ && defined __FMA__

#include "crypto/fe_avx2_rows.h"

#include "crypto/curve_lanes.h"

enum { LIMBS = 5 };
static const size_t LIMB_BIT[LIMBS] = {0, 51, 102, 153, 204};
/* That many u, fe_avx2.h's unit, and no more. */
#define UNITS(x) ((x) * ((UINT64_C(1) << 50) + (1 << 12)) + 1)
#define FIVE(x)                                                                                    \
    {                                                                                              \
        UNITS(x), UNITS(x), UNITS(x), UNITS(x), UNITS(x)                                           \
    }
static const uint64_t TIGHT[LIMBS] = FIVE(1);
static const uint64_t LOOSE[LIMBS] = FIVE(2);
static const uint64_t FIRST[LIMBS] = FIVE(3);
static const uint64_t SECOND[LIMBS] = FIVE(1);
static const uint64_t WIDE[LIMBS] = FIVE(8);

enum { LIMBS_SIGNED = 1 };
/* A whole number in a double, as the bits of an int64_t. */
static uint64_t limb_get(const struct fe *a, size_t limb, size_t lane)
{
    double lanes[FE_LANES];

    memcpy(lanes, &a->v[limb], sizeof lanes);
    return (uint64_t)(int64_t)lanes[lane];
}
static void limb_put(struct fe *a, size_t limb, size_t lane, uint64_t x)
{
    const double value = (double)(int64_t)x;

    memcpy((uint8_t *)&a->v[limb] + lane * sizeof value, &value, sizeof value);
}

#include "tests/fe_lanes.h"

int main(void)
{
    return run_fe_lanes(cpu_usable(CPU_AVX2), "avx2");
}

#else

int main(void)
{
    return 0; /* another processor: the back-end is empty */
}

#endif
