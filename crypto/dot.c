#include "crypto/dot.h"

#include <string.h>

#include "crypto/dot_plain.h"

void dot_portable(int64_t sum[DOT_PLANES_MAX][DOT_ROWS_MAX], const struct dot_in *in)
{
    dot_plain(sum, in);
}

static dot_fn *const OF_PATH[CPU_PATH_COUNT] = {
    [CPU_PORTABLE] = dot_portable, [CPU_AVX2] = dot_avx2, [CPU_IFMA] = dot_ifma};

dot_fn *dot_of(enum cpu_path path)
{
    return cpu_usable(path) ? OF_PATH[path] : NULL;
}

dot_fn *dot_best(void)
{
    return OF_PATH[cpu_path()];
}
