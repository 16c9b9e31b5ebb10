/* note.h - C2SP signed notes: text that people read, with signature lines below it.
 *
 *     text, each line ended by LF; an empty line; then one or more lines
 *     "\u2014 NAME BASE64(id[4] || signature)"
 *
 * Two algorithms: 0x01, Ed25519 over the text, and 0x04, Ed25519 over a time and the text (C2SP
 * tlog-cosignature). Lines of keys that a reader does not know are passed over.
 *
 * A node signs notes with the same key as everything else (sign.h). The two cannot be confused:
 * what sign_make() signs begins with the length of its label as u32le, at most a few dozen, hence
 * with three NUL bytes among the first four; a note's text holds no control character but LF, and a
 * cosignature's message begins with "cosi", which as a length would be a label of 1.7 GB. Nor is a
 * cosignature one of a text: note_sign() refuses texts that begin with "cosignature/".
 */
#ifndef PT_NOTE_H
#define PT_NOTE_H

#include "crypto/sign.h"

enum {
    NOTE_NAME_MAX = 128,
    NOTE_SIGNATURES_MAX = 64,
    NOTE_BYTES_MAX = 1 << 16,
    NOTE_SIGNATURE_MAX = 4096, /* decoded bytes of one line: ML-DSA's fit */
    NOTE_KEYS_MAX = 32,        /* that a reader knows */
};

enum note_kind { NOTE_ED25519 = 0x01, NOTE_COSIGNATURE = 0x04 };

struct note_key { /* public; as text "NAME+8 hex digits of id+BASE64(kind || key)" */
    char name[NOTE_NAME_MAX + 1];
    uint8_t id[4]; /* SHA-256(name || LF || kind || key), its first bytes */
    enum note_kind kind;
    struct sign_public public_key;
};

/* 1..NOTE_NAME_MAX bytes of UTF-8 without spaces, '+' or characters that hide. */
bool note_name_ok(struct span name);
/* PT_EPARSE: not a name. */
PT_MUST_USE enum pt_code note_key_make(struct note_key *out, struct span name, enum note_kind kind,
                                       const struct sign_public *k, struct pt_err *err);
/* PT_EPARSE: not such a text, another algorithm, or an id that is not this key's. */
PT_MUST_USE enum pt_code note_key_parse(struct note_key *out, struct span text, struct pt_err *err);
PT_MUST_USE enum pt_code note_key_print(struct buf *out, const struct note_key *k,
                                        struct pt_err *err);

struct note_line { /* borrows from the note */
    struct span name;
    uint8_t id[4];
    struct span base64; /* of id and signature */
};
struct note {         /* borrows */
    struct span text; /* with its last LF */
    struct note_line lines[NOTE_SIGNATURES_MAX];
    size_t line_count;
};
/* Only the form: nothing is verified yet. PT_EPARSE. */
PT_MUST_USE enum pt_code note_parse(struct note *out, struct span bytes, struct pt_err *err);

struct note_seal { /* what one key said about a note */
    bool good;
    uint64_t time_s; /* of a cosignature, the latest; otherwise 0 */
};
/* Verify the lines of all known keys; seals[i] is for keys[i], count at most NOTE_KEYS_MAX.
 * PT_EDENIED: no line is of a known key, or one that is does not verify (then none counts). */
PT_MUST_USE enum pt_code note_verify(struct note_seal *seals, const struct note *n,
                                     const struct note_key *keys, size_t count, struct pt_err *err);

/* Begin *out with text and its empty line. PT_EPARSE: text may not stand in a note. */
PT_MUST_USE enum pt_code note_begin(struct buf *out, struct span text, struct pt_err *err);
/* Append a line to *out: key is k's public half with kind NOTE_ED25519. */
PT_MUST_USE enum pt_code note_sign(struct buf *out, const struct note_key *key,
                                   const struct sign_key *k, struct span text, struct pt_err *err);
/* Append a line to *out: key has kind NOTE_COSIGNATURE; text is a checkpoint's. */
PT_MUST_USE enum pt_code note_cosign(struct buf *out, const struct note_key *key,
                                     const struct sign_key *k, struct span text, uint64_t time_s,
                                     struct pt_err *err);

#endif
