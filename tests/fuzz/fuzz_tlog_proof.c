/* Properties: a proof that parses prints to the same bytes; it verifies for the entry of
 * tests/kat/tlog/ only if index, hashes and checkpoint are those of that receipt (what is beside it,
 * `extra` and lines of unknown keys, is free). */
#include <string.h>

#include "crypto/base/text.h"
#include "crypto/tlog_proof.h"

static const char LOG[] =
    "patto/alpine/drinkco+6fd8fa10+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";
static const char TEXT[] =
    "patto/alpine/drinkco\n300\nT19QcRjAUDTGuU+wuZLvH385eZU8utG0M+pvAnYGde8=\n";

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static void try_verify(const struct tlog_proof *p, struct pt_err *err)
{
    struct note_key log;
    struct checkpoint c;
    struct note n;
    struct digest leaf;
    uint8_t entry[32];

    for (size_t i = 0; i < sizeof entry; i++)
        entry[i] = i % 2 == 0 ? 0 : 200;
    merkle_leaf(&leaf, span_of(entry, sizeof entry));
    require(note_key_parse(&log, span_z(LOG), err) == PT_OK);
    const struct tlog_trust trust = {.keys = {.log = &log}};
    if (tlog_proof_verify(&c, NULL, p, &leaf, &trust, err) != PT_OK) {
        require(err->msg[0] != '\0' && c.size == 0);
        return;
    }
    require(p->index == 200 && c.size == 300);
    require(note_parse(&n, p->checkpoint, err) == PT_OK && text_eq(n.text, TEXT));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pt_err err = {0};
    struct tlog_proof p;
    struct buf again;

    if (tlog_proof_parse(&p, span_of(data, size), &err) != PT_OK) {
        require(err.msg[0] != '\0' && p.extra.p == NULL);
        return 0;
    }
    require(tlog_proof_print(&again, &p, &err) == PT_OK);
    require(span_eq_vartime(buf_span(&again), span_of(data, size)));
    try_verify(&p, &err);
    buf_free(&again);
    tlog_proof_free(&p);
    return 0;
}
