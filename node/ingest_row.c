#include "node/ingest_row.h"

#include <math.h>
#include <string.h>

enum { REFUSED_AT = sizeof(struct digest), HEAD_BYTES = REFUSED_AT + 1 };

size_t ingest_row_lay_out(struct ingest_row_shape *s, const struct policy_partner *me)
{
    *s = (struct ingest_row_shape){.me = me, .bytes = HEAD_BYTES};
    for (size_t i = 0; i < me->attribute_count; i++) {
        const struct policy_attribute *a = &me->attributes[i];
        s->at[i] = s->bytes;
        if (a->type == ATTRIBUTE_CATEGORY)
            s->bytes += sizeof(uint16_t);
        else if (a->type == ATTRIBUTE_SET)
            s->bytes += (a->value_count + 63) / 64 * sizeof(uint64_t);
        else
            s->bytes += sizeof(double);
    }
    return s->bytes;
}

static void put_category(uint8_t *row, const struct ingest_row_shape *s, size_t attribute,
                         uint16_t v)
{
    memcpy(row + s->at[attribute], &v, sizeof v);
}

static void put_number(uint8_t *row, const struct ingest_row_shape *s, size_t attribute, double v)
{
    memcpy(row + s->at[attribute], &v, sizeof v);
}

void ingest_row_start(uint8_t *row, const struct ingest_row_shape *s, const struct digest *d)
{
    memcpy(row, d->b, sizeof d->b);
    memset(row + REFUSED_AT, 0, s->bytes - REFUSED_AT);
    for (size_t i = 0; i < s->me->attribute_count; i++) {
        if (s->me->attributes[i].type == ATTRIBUTE_CATEGORY)
            put_category(row, s, i, VAULT_NONE);
        else if (s->me->attributes[i].type == ATTRIBUTE_NUMBER)
            put_number(row, s, i, (double)NAN);
    }
}

void ingest_row_refuse(uint8_t *row)
{
    row[REFUSED_AT] = 1;
}

void ingest_row_value(uint8_t *row, const struct ingest_row_shape *s, size_t attribute,
                      uint16_t value)
{
    uint8_t *to = row + s->at[attribute];

    if (s->me->attributes[attribute].type == ATTRIBUTE_CATEGORY)
        put_category(row, s, attribute, value);
    else
        to[value / 8] |= (uint8_t)(1 << value % 8);
}

void ingest_row_number(uint8_t *row, const struct ingest_row_shape *s, size_t attribute,
                       double number)
{
    put_number(row, s, attribute, number);
}

static void merge_attribute(struct people *p, size_t person, size_t attribute, const uint8_t *from,
                            enum attribute_type type)
{
    double number;
    uint16_t category;

    if (type == ATTRIBUTE_SET) {
        people_add_values(p, person, attribute, from);
    } else if (type == ATTRIBUTE_CATEGORY) {
        memcpy(&category, from, sizeof category);
        if (category != VAULT_NONE)
            people_add_value(p, person, attribute, category);
    } else {
        memcpy(&number, from, sizeof number);
        if (!isnan(number))
            people_add_number(p, person, attribute, number);
    }
}

enum pt_code ingest_row_merge(struct people *p, const uint8_t *row,
                              const struct ingest_row_shape *s)
{
    struct digest d;
    size_t person;
    enum pt_code rc;

    memcpy(d.b, row, sizeof d.b);
    if ((rc = people_add(&person, p, &d)) != PT_OK)
        return rc;
    if (row[REFUSED_AT] != 0)
        people_refuse(p, person);
    for (size_t i = 0; i < s->me->attribute_count && row[REFUSED_AT] == 0; i++)
        merge_attribute(p, person, i, row + s->at[i], s->me->attributes[i].type);
    return PT_OK;
}
