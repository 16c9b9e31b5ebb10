/* secret.h - constant-time runs: memcheck reports jumps and addresses that depend on undefined bytes,
 * so each case calls one secret operand undefined and runs the primitive (scripts/ct.sh).
 * ct.supp names the bits we hold to be public. */
#ifndef PT_TESTS_CT_H
#define PT_TESTS_CT_H

#include <stddef.h>

struct ct_case {
    const char *name;
    void (*run)(void);
};

/* No argument: prints the names. A name: runs that case. */
int ct_main(int argc, char **argv, const struct ct_case *cases, size_t case_count);
/* Fills with random bytes, then calls them undefined. */
void ct_secret(void *p, size_t n);
/* Calls p undefined, its bytes as they are. */
void ct_hide(void *p, size_t n);

#endif
