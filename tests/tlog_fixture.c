#include "tests/tlog_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <sodium.h>

#include "crypto/base/text.h"

static struct buf slurp(const char *path)
{
    struct buf out = {0};
    FILE *f = fopen(path, "rb");
    int c;

    assert_non_null(f);
    while ((c = fgetc(f)) != EOF)
        assert_true(buf_u8(&out, (uint8_t)c));
    fclose(f);
    return out;
}

struct tlog_fixture tlog_fixture_load(void)
{
    struct tlog_fixture f = {.checkpoint = slurp("tests/kat/tlog/checkpoint"),
                             .cosigned = slurp("tests/kat/tlog/checkpoint.cosigned"),
                             .proof = slurp("tests/kat/tlog/entry200.tlog-proof")};
    struct note_key *const keys[] = {&f.log, &f.witness[0], &f.witness[1]};
    struct buf text = slurp("tests/kat/tlog/keys");
    struct span rest = buf_span(&text);
    struct pt_err err;
    bool found;

    for (size_t i = 0; i < PT_LEN(keys); i++) {
        uint8_t seed[32];
        uint8_t unused[32];
        assert_int_equal(note_key_parse(keys[i], text_cut(&rest, '\n', &found), &err), PT_OK);
        memset(seed, (int)i + 1, sizeof seed);
        crypto_sign_seed_keypair(unused, f.secret[i].b, seed);
    }
    buf_free(&text);
    return f;
}

void tlog_fixture_free(struct tlog_fixture *f)
{
    buf_free(&f->checkpoint);
    buf_free(&f->cosigned);
    buf_free(&f->proof);
}

void tlog_fixture_entry(uint8_t out[32], size_t i)
{
    for (size_t j = 0; j < 32; j++)
        out[j] = (uint8_t)(j % 2 == 0 ? i >> 8 : i);
}

void tlog_fixture_flip(struct buf *text, const char *after, size_t at)
{
    char *p = memmem(text->p, text->n, after, strlen(after));
    uint8_t raw[128];
    char again[256];
    size_t n;
    const char *end;

    assert_non_null(p);
    p += strlen(after);
    size_t length = strcspn(p, "\n");
    assert_int_equal(sodium_base642bin(raw, sizeof raw, p, length, NULL, &n, &end,
                                       sodium_base64_VARIANT_ORIGINAL),
                     0);
    assert_true(at < n);
    raw[at] ^= 0x10;
    sodium_bin2base64(again, sizeof again, raw, n, sodium_base64_VARIANT_ORIGINAL);
    memcpy(p, again, length);
}
