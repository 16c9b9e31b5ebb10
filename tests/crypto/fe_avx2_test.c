/* Compiled with the instructions of crypto/group_avx2.c (Makefile, CFLAGS_ARCH). */
#include "crypto/cpu.h"

#ifdef __AVX2__

#include "crypto/fe_avx2.h"

#include "crypto/curve_lanes.h"

enum { LIMBS = 10 };
static const size_t LIMB_BIT[LIMBS] = {0, 26, 51, 77, 102, 128, 153, 179, 204, 230};
/* In hundredths of 2^26 and 2^25. */
#define EVEN(x) (UINT64_C(x) * (1 << 26) / 100)
#define ODD(x)  (UINT64_C(x) * (1 << 25) / 100)
#define TEN(x)                                                                                     \
    {                                                                                              \
        EVEN(x), ODD(x), EVEN(x), ODD(x), EVEN(x), ODD(x), EVEN(x), ODD(x), EVEN(x), ODD(x)        \
    }
static const uint64_t TIGHT[LIMBS] = TEN(101);
static const uint64_t FIRST[LIMBS] = TEN(800);
static const uint64_t SECOND[LIMBS] = TEN(305);
static const uint64_t WIDE[LIMBS] = TEN(3200);

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
