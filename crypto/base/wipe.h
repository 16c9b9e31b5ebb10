/* wipe.h - secrets erase themselves. A type T holding a secret defines T_wipe();
 * `PT_WIPED(T) x = {0};` then wipes x on every way out of the scope. */
#ifndef PT_BASE_WIPE_H
#define PT_BASE_WIPE_H

#include <string.h>

#define PT_WIPED(type) __attribute__((cleanup(type##_wipe))) struct type
#define PT_SECRET_TYPE(type)                                                                       \
    static inline void type##_wipe(struct type *x)                                                 \
    {                                                                                              \
        explicit_bzero(x, sizeof *x);                                                              \
    }                                                                                              \
    struct type /* takes the semicolon */

/* On a function of a file that is compiled without clearing registers on return (Makefile): all that a
 * caller may find changed are zero when it returns (gcc 12: but zmm16 to 31). */
#if defined __has_attribute
#if __has_attribute(zero_call_used_regs)
#define PT_CLEARS_REGISTERS __attribute__((zero_call_used_regs("all")))
#endif
#endif
#ifndef PT_CLEARS_REGISTERS
#define PT_CLEARS_REGISTERS /* clang before 15 */
#endif

#endif
