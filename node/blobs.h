/* blobs.h - a peer's ciphertext columns on disk, never loaded as a whole: HOME/columns/EPOCH/PEER-held/NAME.
 *
 * Ciphertexts are not secret (RLWE, PROTOCOL.md 4); their names are digests. A column being
 * received grows under a temporary name and takes its own only when it has been verified. An epoch
 * gone by is removed when its last session is over. */
#ifndef PT_BLOBS_H
#define PT_BLOBS_H

#include "node/home.h"

enum { BLOBS_NAME_MAX = 80 };

struct blobs_at { /* borrowed */
    const struct home *home;
    const struct digest *epoch;
    const char *peer; /* whose columns they are */
};
struct blob_identity { /* of a file: any write to it, or another in its place, changes this */
    uint64_t device, inode, changed_s, changed_ns;
};
struct blob_map { /* {0} is a valid empty one; span stays valid until blob_unmap() */
    struct span bytes;
    struct blob_identity file;
    int open; /* one more than its file descriptor; 0: the process has not many left, and none is kept */
};

/* The files that this process has hashed already, so that a table's columns are not hashed again
 * at each question: the last 1024. Any thread. A disk that changes bytes and says nothing is found
 * out at the next start. */
struct blobs_seen;
struct blobs_seen *blobs_seen_new(void); /* NULL: no memory; then nothing is remembered */
void blobs_seen_free(struct blobs_seen *s);
/* digest of a mapped file, hashed now or before. seen may be NULL. */
void blob_digest(struct digest *out, struct blobs_seen *seen, const struct blob_map *map);
/* The file of this name has just been written and holds what was hashed to digest before it took
 * its name, which changes its identity. seen may be NULL. */
void blob_hashed(struct blobs_seen *seen, const struct blobs_at *at, const struct digest *name,
                 const struct digest *digest);

/* Makes the folder. */
PT_MUST_USE enum pt_code blobs_prepare(const struct blobs_at *at, struct pt_err *err);
/* *found: a file of exactly `bytes` bytes is there and mapped. */
PT_MUST_USE enum pt_code blob_map(struct blob_map *out, bool *found, const struct blobs_at *at,
                                  const struct digest *name, size_t bytes, struct pt_err *err);
void blob_unmap(struct blob_map *m);
/* Bytes [at, at + n) of what is mapped, which costs less than to look at them there for the first time. false:
 * the disk does not give them. Any thread. */
bool blob_read(const struct blob_map *m, uint64_t at, uint8_t *out, size_t n);
/* A file being written. After blob_commit() it can be mapped by its name. */
PT_MUST_USE enum pt_code blob_begin(struct fileio_new *f, const struct blobs_at *at,
                                    const struct digest *name, struct pt_err *err);
/* Remove the folder of an epoch. Mapped files stay readable until unmapped. */
void blobs_drop(const struct home *h, const struct digest *epoch);
/* Remove the folders of all epochs but `keep`. At start, before any session. */
void blobs_retire(const struct home *h, const struct digest *keep);
/* Remove what a killed process was still receiving, and PEER-sent, in which older builds kept columns of
 * our own. At start, before any session. */
PT_MUST_USE enum pt_code blobs_sweep(const struct home *h, struct pt_err *err);

#endif
