/* scratch.h - a folder for one test, gone when the test is. */
#ifndef TEST_SCRATCH_H
#define TEST_SCRATCH_H

#include "crypto/base/span.h"

/* A new empty folder under $TMPDIR or /tmp; cmocka setup and teardown: *state is its path. */
int scratch_setup(void **state);
int scratch_teardown(void **state);
/* FOLDER/NAME, valid until the next but three calls. */
const char *scratch_path(void **state, const char *name);
/* Write a file with mode 0600; the test fails when it cannot. */
void scratch_write(const char *path, struct span content);

#endif
