/* seal.h - data at rest: XChaCha20-Poly1305 over numbered chunks of one file.
 *
 * Each chunk is bound to its file's context, its number and whether it is the last, so chunks
 * cannot be cut, swapped, repeated or moved between files. Bytes in, bytes out. */
#ifndef PT_SEAL_H
#define PT_SEAL_H

#include "crypto/prf.h"

enum { SEAL_HEADER_BYTES = 24, SEAL_OVERHEAD_BYTES = 16, SEAL_CHUNK_MAX = 1 << 20 };

struct seal_file { /* one per file being written or read; secret */
    struct key32 key;
    uint8_t header[SEAL_HEADER_BYTES]; /* random, stored first: public */
    struct digest context;
    uint64_t next;
    bool ended;
    bool leaves; /* a chunk is left open: number `left` */
    uint64_t left;
};
PT_SECRET_TYPE(seal_file);

/* Begin writing: draws the header. context names the file's purpose and version. */
void seal_begin(struct seal_file *f, const struct key32 *key, const struct digest *context);
/* Begin reading from a stored header. */
void seal_resume(struct seal_file *f, const struct key32 *key, const struct digest *context,
                 const uint8_t header[SEAL_HEADER_BYTES]);
/* out has plain.n + SEAL_OVERHEAD_BYTES bytes. PT_ELIMIT: over SEAL_CHUNK_MAX. PT_ESTATE: ended. */
PT_MUST_USE enum pt_code seal_next(uint8_t *out, struct seal_file *f, struct span plain, bool last);
/* Leave the next chunk open, which is not the last, and seal it when more is known: of one that begins
 * with a count of what follows. One at a time. PT_ESTATE: ended, or one is open; none is. */
PT_MUST_USE enum pt_code seal_leave(struct seal_file *f);
PT_MUST_USE enum pt_code seal_left(uint8_t *out, struct seal_file *f, struct span plain);
/* out has box.n - SEAL_OVERHEAD_BYTES bytes; zeroed unless PT_OK. PT_EBADMSG: altered, or too short
 * to hold anything; PT_ELIMIT and PT_ESTATE as above. */
PT_MUST_USE enum pt_code seal_open_next(uint8_t *out, struct seal_file *f, struct span box,
                                        bool last);

#endif
