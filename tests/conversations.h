/* conversations.h - one whole session of each protocol between nodes, in memory, whose customers follow
 * from `world` and whose randomness from `seed`: so that transcripts can be compared. */
#ifndef PT_TESTS_CONVERSATIONS_H
#define PT_TESTS_CONVERSATIONS_H

#include "tests/adversary.h"

struct conversation {
    uint8_t world; /* 0 or 1: whose customers differ in everything that a row can */
    uint64_t seed;
    void *self;
    /* Each frame that a side sends, once. */
    void (*said)(void *self, const struct frame *f, struct span bytes);
};
void conversation_greet(const struct conversation *c);
/* kind "overlap" or "crosstab". */
void conversation_ask(const struct conversation *c, const char *kind);
void conversation_tokens(const struct conversation *c);
/* roots: of three partners' datasets; NULL: random ones. */
void conversation_epoch(const struct conversation *c, const struct digest *roots);
/* A question of reach, and a party's two items on their way. */
void conversation_reach(const struct conversation *c);
/* 32 bytes of that seed and, of != 0, of the world. */
void conversation_random(void *out, const struct conversation *c, const char *what, uint64_t of);

#endif
