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

#endif
