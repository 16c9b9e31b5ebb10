/* tlog_fixture.h - the log, keys and receipt that tests/tlog/make.py wrote to tests/kat/tlog/. */
#ifndef PT_TESTS_TLOG_FIXTURE_H
#define PT_TESTS_TLOG_FIXTURE_H

#include "crypto/note.h"

enum { TLOG_FIXTURE_ENTRIES = 300, TLOG_FIXTURE_TIME_S = 1764500002 };

struct tlog_fixture {
    struct note_key log, witness[2];
    struct sign_key secret[3]; /* theirs, from their seeds */
    struct buf checkpoint, cosigned, proof;
};
struct tlog_fixture tlog_fixture_load(void);
void tlog_fixture_free(struct tlog_fixture *f);
/* Entry i of it, 32 bytes. */
void tlog_fixture_entry(uint8_t out[32], size_t i);
/* Change a bit in byte `at` of the Base64 that follows `after`. */
void tlog_fixture_flip(struct buf *text, const char *after, size_t at);

#endif
