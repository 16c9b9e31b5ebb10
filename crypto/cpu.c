#include "crypto/cpu.h"

#include "crypto/base/text.h"

#include <stdatomic.h>
#include <stdlib.h>

static const char *const NAME[CPU_PATH_COUNT] = {
    [CPU_PORTABLE] = "portable", [CPU_AVX2] = "avx2", [CPU_IFMA] = "ifma"};

bool cpu_usable(enum cpu_path path)
{
#if defined __x86_64__
    __builtin_cpu_init(); /* reads XCR0 too: what the system does not save counts as missing */
    if (path == CPU_AVX2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (path == CPU_IFMA)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512ifma") && __builtin_cpu_supports("avx512vnni");
#endif
    return path == CPU_PORTABLE;
}

enum cpu_path cpu_path_choose(const char *forced)
{
    const bool free_choice = forced == NULL || forced[0] == '\0';

    for (int p = CPU_PATH_COUNT; p-- > 0;) {
        if ((free_choice || text_eq(span_z(forced), NAME[p])) && cpu_usable((enum cpu_path)p))
            return (enum cpu_path)p;
    }
    return CPU_PORTABLE;
}

enum cpu_path cpu_path(void)
{
    static atomic_int chosen; /* a path plus one; racing threads choose alike */
    int c = chosen;

    if (c == 0) {
        c = (int)cpu_path_choose(getenv("PATTO_CPU")) + 1;
        chosen = c;
    }
    return (enum cpu_path)(c - 1);
}

const char *cpu_path_name(enum cpu_path path)
{
    return NAME[path];
}
