/* cpu.h - which of the product's code paths this machine runs, chosen once for all kernels.
 *
 * Paths agree bit for bit; only speed differs. PATTO_CPU=portable|avx2|ifma in the environment
 * forces one, for tests and for doubtful machines; a name that is unknown, or a path that is not
 * usable here, means portable. */
#ifndef PT_CPU_H
#define PT_CPU_H

#include <stdbool.h>

enum cpu_path { CPU_PORTABLE, CPU_AVX2, CPU_IFMA };
enum { CPU_PATH_COUNT = CPU_IFMA + 1 };

/* Can the processor run this path, and does the system keep its registers (XCR0)?
 * CPU_AVX2: AVX2 and FMA. CPU_IFMA: AVX-512 F, DQ, BW, VL, IFMA and VNNI. */
bool cpu_usable(enum cpu_path path);
/* The fastest usable path, or the forced one. The same answer in every thread and at every call. */
enum cpu_path cpu_path(void);
/* "portable", "avx2", "ifma". */
const char *cpu_path_name(enum cpu_path path);
/* What PATTO_CPU=forced leads to; NULL and "" force nothing. For tests: cpu_path() is this, once. */
enum cpu_path cpu_path_choose(const char *forced);

#endif
