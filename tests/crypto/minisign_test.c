/* Goal: our keys and signatures are minisign's, both ways.
 * Method: Debian's minisign reads what we write and we read what it writes; then one defect at a
 * time. Encrypted keys are slow by design, so each direction is tried once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "crypto/base/text.h"
#include "crypto/minisign.h"
#include "tests/policy_fixture.h"

static char folder[] = "/tmp/patto-minisign-XXXXXX";
static const char MESSAGE[] = "patto: 1\nfederation: test\n";
static const char PASSWORD[] = "secret word";

static const char *path(const char *name)
{
    static char out[4][128];
    static size_t turn;
    char *z = out[turn++ % 4];

    snprintf(z, sizeof out[0], "%s/%s", folder, name);
    return z;
}

static void save(const char *name, struct span s)
{
    FILE *f = fopen(path(name), "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(s.p, 1, s.n, f), s.n);
    assert_int_equal(fclose(f), 0);
}

static int shell(const char *fmt, ...) PT_PRINTF(1, 2);
static int shell(const char *fmt, ...)
{
    char tail[512];
    char command[700];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(tail, sizeof tail, fmt, ap);
    va_end(ap);
    snprintf(command, sizeof command, "cd %s && { %s; } >log 2>&1", folder, tail);
    return system(command);
}

static int make_folder(void **state)
{
    (void)state;
    if (sodium_init() < 0 || mkdtemp(folder) == NULL)
        return -1;
    save("message", span_z(MESSAGE));
    return 0;
}

static int remove_folder(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

/* "RW..." from the second line of a .pub file */
static void read_public(struct minisign_public *out, const char *file)
{
    struct buf text;
    struct pt_err err = {0};
    bool found;

    fixture_read(&text, file);
    struct span rest = buf_span(&text);
    text_cut(&rest, '\n', &found);
    assert_true(found);
    assert_int_equal(minisign_public_parse(out, text_cut(&rest, '\n', &found), &err), PT_OK);
    buf_free(&text);
}

static void minisign_reads_what_we_write(void **state)
{
    struct minisign_key k;
    struct minisign_public public;
    struct buf key;
    struct buf signature;
    struct pt_err err = {0};
    char text[MINISIGN_PUBLIC_TEXT + 1];

    (void)state;
    minisign_key_random(&k);
    minisign_key_public(&public, &k);
    minisign_public_print(text, &public);
    assert_int_equal(strlen(text), MINISIGN_PUBLIC_TEXT);
    assert_int_equal(minisign_sign(&signature, &k, span_z(MESSAGE), "policy version 1", &err),
                     PT_OK);
    save("message.minisig", buf_span(&signature));
    assert_int_equal(shell("minisign -Vm message -P %s | grep 'policy version 1'", text), 0);
    /* Our unencrypted key signs in minisign's hands. */
    assert_int_equal(minisign_key_print(&key, &k, (struct span){0}, &err), PT_OK);
    assert_false(minisign_key_is_encrypted(buf_span(&key)));
    save("ours.key", buf_span(&key));
    assert_int_equal(shell("minisign -S -s ours.key -m message -x theirs.minisig -t hi"), 0);
    buf_free(&signature);
    fixture_read(&signature, path("theirs.minisig"));
    assert_int_equal(minisign_verify(&public, span_z(MESSAGE), buf_span(&signature), &err), PT_OK);
    assert_int_equal(minisign_verify(&public, span_z("other"), buf_span(&signature), &err),
                     PT_EDENIED);
    buf_free(&signature);
    buf_free(&key);
}

static void we_read_what_minisign_writes(void **state)
{
    struct minisign_key k;
    struct minisign_public public;
    struct minisign_public derived;
    struct buf text;
    struct pt_err err = {0};
    static const char *const kinds[] = {"", "-l"};

    (void)state;
    assert_int_equal(shell("minisign -G -W -p w.pub -s w.key"), 0);
    read_public(&public, path("w.pub"));
    fixture_read(&text, path("w.key"));
    assert_false(minisign_key_is_encrypted(buf_span(&text)));
    assert_int_equal(minisign_key_parse(&k, buf_span(&text), (struct span){0}, &err), PT_OK);
    buf_free(&text);
    minisign_key_public(&derived, &k);
    assert_memory_equal(&derived, &public, sizeof public);
    for (size_t i = 0; i < PT_LEN(kinds); i++) { /* "ED" over the hash, "Ed" over the file */
        assert_int_equal(shell("minisign -S %s -s w.key -m message -x s -t comment", kinds[i]), 0);
        fixture_read(&text, path("s"));
        assert_int_equal(minisign_verify(&public, span_z(MESSAGE), buf_span(&text), &err), PT_OK);
        assert_int_equal(minisign_verify(&public, span_z("x"), buf_span(&text), &err), PT_EDENIED);
        buf_free(&text);
    }
    /* And minisign verifies what we sign with its key. */
    assert_int_equal(minisign_sign(&text, &k, span_z(MESSAGE), "", &err), PT_OK);
    save("ours", buf_span(&text));
    assert_int_equal(shell("minisign -V -p w.pub -m message -x ours"), 0);
    buf_free(&text);
}

/* tests/kat/minisign_encrypted.*: made by Debian's minisign 0.11, password "secret word"; the
 * signature is over "hello\n". */
static void we_open_a_key_that_minisign_encrypted(void **state)
{
    struct minisign_key k;
    struct minisign_public public;
    struct minisign_public derived;
    struct buf text;
    struct buf signature;
    struct pt_err err = {0};

    (void)state;
    read_public(&public, "tests/kat/minisign_encrypted.pub");
    fixture_read(&text, "tests/kat/minisign_encrypted.key");
    fixture_read(&signature, "tests/kat/minisign_encrypted.minisig");
    assert_true(minisign_key_is_encrypted(buf_span(&text)));
    assert_int_equal(minisign_verify(&public, span_z("hello\n"), buf_span(&signature), &err),
                     PT_OK);
    assert_int_equal(minisign_key_parse(&k, buf_span(&text), (struct span){0}, &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "give its password"));
    assert_int_equal(minisign_key_parse(&k, buf_span(&text), span_z(PASSWORD), &err), PT_OK);
    minisign_key_public(&derived, &k);
    assert_memory_equal(&derived, &public, sizeof public);
    buf_free(&text);
    buf_free(&signature);
}

static void minisign_opens_a_key_that_we_encrypted(void **state)
{
    struct minisign_key k;
    struct minisign_public public;
    struct buf text;
    struct pt_err err = {0};

    (void)state;
    minisign_key_random(&k);
    minisign_key_public(&public, &k);
    assert_int_equal(minisign_key_print(&text, &k, span_z(PASSWORD), &err), PT_OK);
    assert_true(minisign_key_is_encrypted(buf_span(&text)));
    save("locked.key", buf_span(&text));
    buf_free(&text);
    assert_int_equal(
        shell("echo '%s' | minisign -S -s locked.key -m message -x locked.minisig", PASSWORD), 0);
    fixture_read(&text, path("locked.minisig"));
    assert_int_equal(minisign_verify(&public, span_z(MESSAGE), buf_span(&text), &err), PT_OK);
    buf_free(&text);
}

/* A key file built here, independently, at the lowest cost that libsodium takes. */
static void build_locked(char out[300], const struct minisign_key *k, uint64_t ops, uint64_t mem)
{
    uint8_t raw[158] = "Ed\0\0B2";
    uint8_t stream[104];
    uint8_t plain[2 + 8 + 64] = "Ed";
    char base64[220];

    memcpy(raw + 2, "Sc", 2);
    memset(raw + 6, 0x5A, 32);
    store_u64le(raw + 38, ops);
    store_u64le(raw + 46, mem);
    memcpy(raw + 54, k->id, 8);
    memcpy(raw + 62, k->key, 64);
    memcpy(plain + 2, raw + 54, 72);
    crypto_generichash(raw + 126, 32, plain, sizeof plain, NULL, 0);
    if (ops <= crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_SENSITIVE) {
        assert_int_equal(crypto_pwhash_scryptsalsa208sha256(stream, sizeof stream, PASSWORD,
                                                            strlen(PASSWORD), raw + 6, ops, mem),
                         0);
        for (size_t i = 0; i < sizeof stream; i++)
            raw[54 + i] ^= stream[i];
    }
    sodium_bin2base64(base64, sizeof base64, raw, sizeof raw, sodium_base64_VARIANT_ORIGINAL);
    snprintf(out, 300, "untrusted comment: made by the test\r\n%s\r\n", base64);
}

static void passwords_and_limits(void **state)
{
    struct minisign_key k;
    struct minisign_key got;
    struct minisign_key none = {0};
    struct pt_err err = {0};
    char text[300];

    (void)state;
    minisign_key_random(&k);
    build_locked(text, &k, crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_MIN,
                 crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_MIN);
    assert_int_equal(minisign_key_parse(&got, span_z(text), span_z(PASSWORD), &err), PT_OK);
    assert_memory_equal(&got, &k, sizeof k);
    assert_int_equal(minisign_key_parse(&got, span_z(text), span_z("wrong"), &err), PT_EDENIED);
    assert_string_equal(err.msg, "wrong password for the officer key");
    assert_memory_equal(&got, &none, sizeof none);
    /* A file may not make us work without end. */
    build_locked(text, &k, UINT64_MAX, crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_MIN);
    assert_int_equal(minisign_key_parse(&got, span_z(text), span_z(PASSWORD), &err), PT_ELIMIT);
    build_locked(text, &k, crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_SENSITIVE + 1,
                 UINT64_C(1) << 40);
    assert_int_equal(minisign_key_parse(&got, span_z(text), span_z(PASSWORD), &err), PT_ELIMIT);
    build_locked(text, &k, crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_MIN,
                 crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_SENSITIVE + UINT64_C(1));
    assert_int_equal(minisign_key_parse(&got, span_z(text), span_z(PASSWORD), &err), PT_ELIMIT);
    assert_memory_equal(&got, &none, sizeof none);
}

static void damaged_keys_are_refused(void **state)
{
    struct minisign_key k;
    struct minisign_key got;
    struct buf text;
    struct pt_err err = {0};
    static const struct {
        size_t at; /* of a character in the Base64 line */
        char to;
    } flips[] = {{0, 'A'}, {3, 'B'}, {5, 'A'}, {90, '!'}, {95, '='}, {120, '#'}};

    (void)state;
    minisign_key_random(&k);
    assert_int_equal(minisign_key_print(&text, &k, (struct span){0}, &err), PT_OK);
    size_t start = strlen("untrusted comment: minisign secret key\n");
    for (size_t i = 0; i < PT_LEN(flips); i++) {
        char was = (char)text.p[start + flips[i].at];
        text.p[start + flips[i].at] = (uint8_t)flips[i].to;
        assert_int_equal(minisign_key_parse(&got, buf_span(&text), (struct span){0}, &err),
                         PT_EPARSE);
        text.p[start + flips[i].at] = (uint8_t)was;
    }
    /* A changed seed or public half: the two no longer agree. */
    char *digit = (char *)text.p + start + 100;
    *digit = *digit == 'A' ? 'B' : 'A';
    assert_int_equal(minisign_key_parse(&got, buf_span(&text), (struct span){0}, &err), PT_EPARSE);
    assert_non_null(strstr(err.msg, "halves"));
    assert_int_equal(minisign_key_parse(&got, span_z(""), (struct span){0}, &err), PT_EPARSE);
    assert_int_equal(
        minisign_key_parse(&got, span_z("untrusted comment: x\n"), (struct span){0}, &err),
        PT_EPARSE);
    assert_int_equal(minisign_key_parse(&got, span_of(text.p, start), (struct span){0}, &err),
                     PT_EPARSE);
    assert_true(buf_printf(&text, "more\n"));
    assert_int_equal(minisign_key_parse(&got, buf_span(&text), (struct span){0}, &err), PT_EPARSE);
    assert_false(minisign_key_is_encrypted(buf_span(&text)));
    assert_true(buf_reserve(&text, MINISIGN_TEXT_MAX + 1));
    memset(text.p, 'x', MINISIGN_TEXT_MAX + 1);
    text.n = MINISIGN_TEXT_MAX + 1;
    assert_int_equal(minisign_key_parse(&got, buf_span(&text), (struct span){0}, &err), PT_EPARSE);
    assert_false(minisign_key_is_encrypted(buf_span(&text)));
    buf_free(&text);
}

static void public_keys_have_one_form(void **state)
{
    struct minisign_public k;
    struct minisign_public none = {0};
    struct pt_err err = {0};
    char text[MINISIGN_PUBLIC_TEXT + 1];
    static const char good[] = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    static const char *const bad[] = {
        "",
        "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO",
        "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3x",
        "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\n",
        "RUQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3",
        "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GF==",
        "not a key",
    };

    (void)state;
    /* The key of minisign's own documentation. */
    assert_int_equal(minisign_public_parse(&k, span_z(good), &err), PT_OK);
    assert_int_equal(k.id[0], 0x1f);
    assert_int_equal(k.id[7], 0xe7);
    minisign_public_print(text, &k);
    assert_string_equal(text, good);
    for (size_t i = 0; i < PT_LEN(bad); i++) {
        assert_int_equal(minisign_public_parse(&k, span_z(bad[i]), &err), PT_EPARSE);
        assert_memory_equal(&k, &none, sizeof k);
    }
    /* Of all bytes in one place, 64 are digits of Base64. */
    size_t accepted = 0;
    for (unsigned c = 0; c < 256; c++) {
        char other[sizeof good];
        memcpy(other, good, sizeof good);
        other[20] = (char)c;
        accepted += minisign_public_parse(&k, span_of(other, sizeof good - 1), &err) == PT_OK;
    }
    assert_int_equal(accepted, 64);
}

static void changed_signatures_are_refused(void **state)
{
    struct minisign_key k;
    struct minisign_key other;
    struct minisign_public public;
    struct minisign_public wrong;
    struct buf s;
    struct pt_err err = {0};
    char copy[MINISIGN_TEXT_MAX];

    (void)state;
    minisign_key_random(&k);
    minisign_key_random(&other);
    minisign_key_public(&public, &k);
    minisign_key_public(&wrong, &other);
    assert_int_equal(minisign_sign(&s, &k, span_z(MESSAGE), "version 7", &err), PT_OK);
    assert_int_equal(minisign_verify(&public, span_z(MESSAGE), buf_span(&s), &err), PT_OK);
    assert_int_equal(minisign_verify(&wrong, span_z(MESSAGE), buf_span(&s), &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "another key"));
    memcpy(wrong.id, public.id, sizeof wrong.id); /* an id is only a hint */
    assert_int_equal(minisign_verify(&wrong, span_z(MESSAGE), buf_span(&s), &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "does not belong"));

    snprintf(copy, sizeof copy, "%.*s", (int)s.n, (const char *)s.p);
    *strstr(copy, "version 7") = 'V';
    assert_int_equal(minisign_verify(&public, span_z(MESSAGE), span_z(copy), &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "trusted comment"));

    /* Without a line, with one more, with another algorithm: not a signature file. */
    for (size_t n = 0; n < s.n - 1; n += 13)
        assert_int_equal(minisign_verify(&public, span_z(MESSAGE), span_of(s.p, n), &err),
                         PT_EPARSE);
    snprintf(copy, sizeof copy, "%.*sx\n", (int)s.n, (const char *)s.p);
    assert_int_equal(minisign_verify(&public, span_z(MESSAGE), span_z(copy), &err), PT_EPARSE);
    snprintf(copy, sizeof copy, "%.*s", (int)s.n, (const char *)s.p);
    strstr(copy, "\nRU")[2] = 'A';
    assert_int_equal(minisign_verify(&public, span_z(MESSAGE), span_z(copy), &err), PT_EPARSE);
    snprintf(copy, sizeof copy, "%.*s", (int)s.n, (const char *)s.p);
    *strstr(copy, "trusted comment: v") = 'T';
    assert_int_equal(minisign_verify(&public, span_z(MESSAGE), span_z(copy), &err), PT_EPARSE);
    *copy = 'U';
    assert_int_equal(minisign_verify(&public, span_z(MESSAGE), span_z(copy), &err), PT_EPARSE);
    memset(copy, 'x', sizeof copy);
    char *large = calloc(1, MINISIGN_TEXT_MAX + 1);
    assert_int_equal(
        minisign_verify(&public, span_z(MESSAGE), span_of(large, MINISIGN_TEXT_MAX + 1), &err),
        PT_EPARSE);
    free(large);
    buf_free(&s);
    /* A comment of two lines could pretend to be more of the file. */
    assert_int_equal(minisign_sign(&s, &k, span_z(MESSAGE), "a\nb", &err), PT_EUSAGE);
    assert_int_equal(minisign_sign(&s, &k, span_z(MESSAGE), "a\x7f", &err), PT_EUSAGE);
    memset(copy, 'x', 1025);
    copy[1025] = '\0';
    assert_int_equal(minisign_sign(&s, &k, span_z(MESSAGE), copy, &err), PT_EUSAGE);
    assert_null(s.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(minisign_reads_what_we_write),
        cmocka_unit_test(we_read_what_minisign_writes),
        cmocka_unit_test(we_open_a_key_that_minisign_encrypted),
        cmocka_unit_test(minisign_opens_a_key_that_we_encrypted),
        cmocka_unit_test(passwords_and_limits),
        cmocka_unit_test(damaged_keys_are_refused),
        cmocka_unit_test(public_keys_have_one_form),
        cmocka_unit_test(changed_signatures_are_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
