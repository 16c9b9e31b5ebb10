#include "crypto/block.h"

static const struct block_ops *const OF_PATH[CPU_PATH_COUNT] = {
    [CPU_PORTABLE] = &block_portable, [CPU_AVX2] = &block_avx2, [CPU_IFMA] = &block_ifma};

const struct block_ops *block_of(enum cpu_path path)
{
    return cpu_usable(path) ? OF_PATH[path] : NULL;
}

const struct block_ops *block_best(void)
{
    return OF_PATH[cpu_path()];
}
