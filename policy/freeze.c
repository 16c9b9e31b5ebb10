#include "policy/freeze.h"

#include <stdio.h>
#include <string.h>

#include "crypto/base/text.h"
#include "policy/names.h"
#include "policy/schema.h"

#define FIRST_LINE "patto freeze 1"

enum { DAY_S = 86400, TIME_BYTES = 20 };

/* "2026-11-26T18:05:00Z" */
static void print_time(char out[32], int64_t at_s)
{
    char date[NAMES_DATE_BYTES];
    unsigned second = (unsigned)(at_s % DAY_S);

    names_print_date(date, at_s);
    snprintf(out, 32, "%sT%02u:%02u:%02uZ", date, second / 3600, second / 60 % 60, second % 60);
}

static bool two_digits(unsigned *out, const uint8_t *p, unsigned below)
{
    if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
        return false;
    *out = (unsigned)(p[0] - '0') * 10 + (unsigned)(p[1] - '0');
    return *out < below;
}

static bool read_time(int64_t *out, struct span s)
{
    unsigned hour;
    unsigned minute;
    unsigned second;
    int64_t day_s;

    if (s.n != TIME_BYTES || s.p[10] != 'T' || s.p[13] != ':' || s.p[16] != ':' || s.p[19] != 'Z' ||
        !names_parse_date(&day_s, span_of(s.p, 10)) || !two_digits(&hour, s.p + 11, 24) ||
        !two_digits(&minute, s.p + 14, 60) || !two_digits(&second, s.p + 17, 60))
        return false;
    *out = day_s + (int64_t)hour * 3600 + (int64_t)minute * 60 + (int64_t)second;
    return true;
}

enum pt_code freeze_print(struct buf *out, const struct freeze *f, struct pt_err *err)
{
    char policy[72];
    char at[32];

    if (!schema_is_line(span_z(f->reason)))
        return pt_fail(err, PT_ELIMIT,
                       "the reason is one line of 1 to %d bytes, without blanks at its ends",
                       POLICY_TEXT_MAX);
    policy_hash_text(policy, &f->policy);
    print_time(at, f->at_s);
    if (!buf_printf(out,
                    FIRST_LINE "\nfederation: %s\npolicy: %s\nofficer: %s\nat: %s\nreason: %s\n\n",
                    f->federation, policy, f->officer, at, f->reason))
        return pt_fail(err, PT_ENOMEM, "a freeze: no memory");
    return PT_OK;
}

static bool take_line(struct span *line, struct span *rest)
{
    bool found;

    *line = text_cut(rest, '\n', &found);
    return found;
}

/* "name: value\n" off the front. */
static bool take_value(struct span *value, struct span *rest, const char *name)
{
    size_t n = strlen(name);

    if (!take_line(value, rest) || value->n < n + 3 || memcmp(value->p, name, n) != 0 ||
        value->p[n] != ':' || value->p[n + 1] != ' ')
        return false;
    *value = span_of(value->p + n + 2, value->n - n - 2);
    return true;
}

static bool take_name(char out[POLICY_NAME_MAX + 1], struct span *rest, const char *name)
{
    struct span value;

    return take_value(&value, rest, name) && schema_is_name(value) &&
           text_copy(out, POLICY_NAME_MAX + 1, value);
}

static bool take_hash(struct digest *out, struct span *rest)
{
    struct span hex;
    char again[72];
    bool colon;

    if (!take_value(&hex, rest, "policy"))
        return false;
    const struct span whole = hex;
    struct span head = text_cut(&hex, ':', &colon);
    if (!colon || !text_eq(head, "sha256") || !text_unhex(out->b, sizeof out->b, hex))
        return false;
    policy_hash_text(again, out); /* one way to write it */
    return text_eq(whole, again);
}

static bool parse_lines(struct freeze *f, struct span *rest)
{
    struct span line;

    if (!take_line(&line, rest) || !text_eq(line, FIRST_LINE) ||
        !take_name(f->federation, rest, "federation") || !take_hash(&f->policy, rest) ||
        !take_name(f->officer, rest, "officer") || !take_value(&line, rest, "at") ||
        !read_time(&f->at_s, line) || !take_value(&line, rest, "reason") || !schema_is_line(line) ||
        !text_copy(f->reason, sizeof f->reason, line))
        return false;
    return take_line(&line, rest) && line.n == 0;
}

enum pt_code freeze_parse(struct freeze *out, struct span *lines, struct span *signature,
                          struct span text, struct pt_err *err)
{
    struct span rest = text;

    *out = (struct freeze){0};
    *lines = *signature = (struct span){0};
    if (text.n > FREEZE_TEXT_MAX)
        return pt_fail(err, PT_EPARSE, "%zu bytes: a statement of a freeze has at most %d", text.n,
                       FREEZE_TEXT_MAX);
    if (!parse_lines(out, &rest)) {
        *out = (struct freeze){0};
        return pt_fail(err, PT_EPARSE,
                       "not a statement of a freeze: expected \"" FIRST_LINE "\", then lines "
                       "federation, policy, officer, at and reason, an empty one and a signature");
    }
    *lines = span_of(text.p, text.n - rest.n);
    *signature = rest;
    return PT_OK;
}

enum pt_code freeze_check(struct freeze *out, const struct policy *p, struct span text,
                          struct pt_err *err)
{
    struct span lines;
    struct span signature;
    char ours[72];
    enum pt_code rc = freeze_parse(out, &lines, &signature, text, err);

    if (rc != PT_OK)
        return rc;
    policy_hash_text(ours, &p->hash);
    if (strcmp(out->federation, p->federation) != 0 ||
        !span_eq_vartime(span_of(out->policy.b, 32), span_of(p->hash.b, 32)))
        return pt_fail(err, PT_EDENIED, "it freezes another policy than the one in force, %s",
                       ours);
    int at = policy_find_partner(p, out->officer);
    if (at < 0)
        return pt_fail(err, PT_EDENIED, "the policy names no partner %s", out->officer);
    if (minisign_verify(&p->partners[at].officer, lines, signature, err) != PT_OK) {
        pt_wrap(err, "the signature of %s's officer", out->officer);
        return err->code == PT_ENOMEM ? PT_ENOMEM : (err->code = PT_EDENIED);
    }
    return PT_OK;
}
