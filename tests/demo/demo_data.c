/* demo_data.c - three companies' customer files, made up, with known truth.
 *
 *     demo-data DIR [customers] [seed]
 *
 * writes customers-NAME.csv and map-NAME.yaml for freshmart, drinkco and homeware, as untidy as real
 * files are, and truth.db, which only the demo looks at: the plain tables that a company holding
 * all three files could join. A taste per person makes membership and categories correlated. The
 * same arguments give the same bytes. */
#include <math.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TASTES = 4, /* cooks, parties, families, nesters */
    VALUES_MAX = 8,
    ATTRIBUTES_MAX = 3,
    PARTNERS = 3,
    SET_MAX = 3, /* max_per_person in the demo's policy */
    EMAIL_MAX = 96,
};

enum kind { CATEGORY, SET, NUMBER };
struct attribute {
    const char *name;
    enum kind kind;
    const char *values[VALUES_MAX];
    double weight[VALUES_MAX][TASTES]; /* SET: probability; CATEGORY: odds; NUMBER: mean in [0] */
};
struct partner {
    const char *name;
    double pull[TASTES]; /* how likely each taste is a customer */
    struct attribute attributes[ATTRIBUTES_MAX];
};

static const struct partner WORLD[PARTNERS] = {
    {"freshmart",
     {1.6, 0.7, 1.3, 0.8},
     {{"segment",
       CATEGORY,
       {"new", "loyal", "lapsed"},
       {{1, 2, 1, 1}, {3, 1, 2, 1}, {0.5, 1, 0.5, 1}}},
      {"buys",
       SET,
       {"dairy", "fruit", "bakery", "meat", "sweets", "frozen"},
       {{0.45, 0.15, 0.60, 0.25},
        {0.50, 0.20, 0.45, 0.20},
        {0.35, 0.25, 0.40, 0.30},
        {0.55, 0.45, 0.25, 0.20},
        {0.10, 0.35, 0.50, 0.30},
        {0.08, 0.50, 0.30, 0.35}}},
      {"spend", NUMBER, {0}, {{180, 90, 150, 60}}}}},
    {"drinkco",
     {1.2, 1.7, 0.6, 0.8},
     {{"tier",
       CATEGORY,
       {"bronze", "silver", "gold"},
       {{1, 1, 2, 2}, {1, 1, 1, 1}, {1, 1.5, 0.3, 0.5}}},
      {"drinks",
       SET,
       {"beer", "wine", "juice", "water", "coffee", "spirits"},
       {{0.20, 0.65, 0.05, 0.30},
        {0.60, 0.35, 0.08, 0.15},
        {0.15, 0.10, 0.65, 0.20},
        {0.25, 0.10, 0.45, 0.30},
        {0.45, 0.20, 0.35, 0.40},
        {0.15, 0.50, 0.03, 0.12}}}}},
    {"homeware",
     {0.8, 0.5, 1.2, 1.9},
     {{"style",
       CATEGORY,
       {"modern", "classic", "rustic"},
       {{1, 2, 1, 1}, {1, 0.5, 1, 1}, {1, 0.5, 0.5, 2}}},
      {"rooms",
       SET,
       {"kitchen", "bath", "garden", "living"},
       {{0.70, 0.15, 0.35, 0.30},
        {0.15, 0.30, 0.20, 0.45},
        {0.35, 0.10, 0.45, 0.30},
        {0.20, 0.45, 0.35, 0.50}}},
      {"stage",
       CATEGORY,
       {"recognise", "request", "respond", "repeat"},
       {{2, 2, 1, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}, {0.5, 0.3, 1, 2}}}}},
};

struct customer { /* of one partner */
    bool member;
    uint32_t bits[ATTRIBUTES_MAX]; /* CATEGORY, SET: bit v is value v; NUMBER: halves of a unit */
};
struct person {
    int taste;
    struct customer at[PARTNERS];
};

/* ---- chance -------------------------------------------------------------------------------- */

struct chance {
    uint64_t state;
};

static uint64_t draw(struct chance *c) /* SplitMix64 */
{
    uint64_t x = c->state += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

static double uniform(struct chance *c)
{
    return (double)(draw(c) >> 11) * 0x1p-53;
}

static size_t below(struct chance *c, size_t n)
{
    return (size_t)(uniform(c) * (double)n);
}

static bool happens(struct chance *c, double probability)
{
    return uniform(c) < probability;
}

static struct chance chance_of(uint64_t seed, uint64_t purpose, uint64_t person)
{
    struct chance c = {seed};
    c.state = draw(&c) ^ purpose * 0xd6e8feb86659fd93ULL;
    c.state = draw(&c) ^ person;
    (void)draw(&c);
    return c;
}

/* ---- people -------------------------------------------------------------------------------- */

static uint32_t choose_category(struct chance *c, const struct attribute *a, int taste)
{
    double total = 0;
    for (size_t v = 0; v < VALUES_MAX && a->values[v] != NULL; v++)
        total += a->weight[v][taste];
    double left = uniform(c) * total;
    for (size_t v = 0; v < VALUES_MAX && a->values[v] != NULL; v++) {
        left -= a->weight[v][taste];
        if (left < 0)
            return 1U << v;
    }
    return 1;
}

static uint32_t choose_set(struct chance *c, const struct attribute *a, int taste)
{
    uint32_t bits = 0;
    size_t count = 0;
    for (size_t v = 0; v < VALUES_MAX && a->values[v] != NULL; v++) {
        if (happens(c, a->weight[v][taste])) {
            bits |= 1U << v;
            count++;
        }
    }
    /* No more than the policy's max_per_person, so that nothing is cut and the truth is exact. */
    while (count > SET_MAX) {
        uint32_t bit = 1U << below(c, VALUES_MAX);
        if (bits & bit) {
            bits &= ~bit;
            count--;
        }
    }
    return bits;
}

static void choose(struct customer *out, const struct partner *p, int taste, struct chance *c)
{
    for (size_t i = 0; i < ATTRIBUTES_MAX && p->attributes[i].name != NULL; i++) {
        const struct attribute *a = &p->attributes[i];
        if (a->kind == CATEGORY)
            out->bits[i] = choose_category(c, a, taste);
        else if (a->kind == SET)
            out->bits[i] = choose_set(c, a, taste);
        else /* halves, at most 480 units: exact as a decimal and as a double */
            out->bits[i] = (uint32_t)fmin(-2 * a->weight[0][taste] * log(1 - uniform(c)), 960);
    }
    /* A company whose file is its purchases knows nobody without one. */
    if (strcmp(p->name, "drinkco") == 0 && out->bits[1] == 0)
        out->bits[1] = 1U << below(c, 6);
}

struct rank {
    double key;
    size_t person;
};

static int by_key(const void *a, const void *b)
{
    const struct rank *x = a;
    const struct rank *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

/* Exactly `customers` members each: the smallest of exponentials with rate pull[taste]. */
static void populate(struct person *persons, size_t person_count, size_t customers, uint64_t seed)
{
    struct rank *ranks = calloc(person_count, sizeof ranks[0]);
    if (ranks == NULL)
        abort();
    for (size_t i = 0; i < person_count; i++) {
        struct chance c = chance_of(seed, 1, i);
        persons[i].taste = (int)below(&c, TASTES);
    }
    for (size_t p = 0; p < PARTNERS; p++) {
        for (size_t i = 0; i < person_count; i++) {
            struct chance c = chance_of(seed, 2 + p, i);
            choose(&persons[i].at[p], &WORLD[p], persons[i].taste, &c);
            ranks[i] = (struct rank){-log(1 - uniform(&c)) / WORLD[p].pull[persons[i].taste], i};
        }
        qsort(ranks, person_count, sizeof ranks[0], by_key);
        for (size_t i = 0; i < customers; i++)
            persons[ranks[i].person].at[p].member = true;
    }
    free(ranks);
}

/* ---- addresses ----------------------------------------------------------------------------- */

static const char *const GIVEN[] = {"anna", "ben",  "chloe", "dario", "elif", "finn", "greta",
                                    "hugo", "ines", "jonas", "katja", "luca", "mara", "noah"};
static const char *const FAMILY[] = {"gruber", "huber",   "bauer", "rossi",     "moser", "keller",
                                     "novak",  "leitner", "wolf",  "schneider", "egger", "fuchs"};
static const char *const DOMAINS[] = {"gmail.com", "example.com", "mail.example.net",
                                      "post.example.org"};

/* The address in its normal form (uid2): one a person, whoever's customer it is. */
static void address(char out[EMAIL_MAX], size_t person, uint64_t seed, bool *gmail)
{
    struct chance c = chance_of(seed, 20, person);
    const char *given = GIVEN[below(&c, sizeof GIVEN / sizeof GIVEN[0])];
    const char *family = FAMILY[below(&c, sizeof FAMILY / sizeof FAMILY[0])];
    size_t domain = below(&c, sizeof DOMAINS / sizeof DOMAINS[0]);
    *gmail = domain == 0;
    snprintf(out, EMAIL_MAX, "%s%s%s%zu@%s", given, *gmail ? "" : ".", family, person,
             DOMAINS[domain]);
}

static char upper(char c)
{
    if (c >= 'a' && c <= 'z')
        return (char)(c - 'a' + 'A');
    return c;
}

/* The same address as people and tills write it: still equal under the uid2 rules. */
static void untidy(char out[2 * EMAIL_MAX], const char *email, bool gmail, struct chance *c)
{
    const char *at = strchr(email, '@');
    bool shout = happens(c, 0.1);
    bool dots = gmail && happens(c, 0.3);
    size_t n = 0;

    if (happens(c, 0.05))
        out[n++] = ' ';
    for (const char *p = email; p < at; p++) {
        if (dots && p > email && happens(c, 0.2))
            out[n++] = '.';
        out[n] = *p;
        if (shout || happens(c, 0.02))
            out[n] = upper(*p);
        n++;
    }
    if (gmail && happens(c, 0.15))
        for (const char *p = happens(c, 0.5) ? "+shop" : "+news"; *p != '\0'; p++)
            out[n++] = *p;
    for (const char *p = at; *p != '\0'; p++, n++) {
        out[n] = *p;
        if (shout)
            out[n] = upper(*p);
    }
    if (happens(c, 0.05))
        out[n++] = ' ';
    out[n] = '\0';
}

static void hash_hex(char out[65], const char *text)
{
    unsigned char h[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(h, (const unsigned char *)text, strlen(text));
    sodium_bin2hex(out, 65, h, sizeof h);
}

/* ---- files --------------------------------------------------------------------------------- */

static void put_values(FILE *f, const struct attribute *a, uint32_t bits, char separator)
{
    bool first = true;
    for (size_t v = 0; v < VALUES_MAX && a->values[v] != NULL; v++) {
        if (!(bits >> v & 1))
            continue;
        if (!first)
            fputc(separator, f);
        fputs(a->values[v], f);
        first = false;
    }
}

struct row { /* one customer of one partner */
    FILE *file;
    const struct customer *customer;
    char email[EMAIL_MAX];
    bool gmail;
    size_t number;
    struct chance chance;
};

static void freshmart_line(struct row *r, const char *email, uint32_t buys, uint32_t spend_halves)
{
    const struct attribute *a = WORLD[0].attributes;
    fprintf(r->file, "F%06zu,\"%s\",%s,", r->number,
            happens(&r->chance, 0.01) ? "O'Brien, \"\"Pat\"\"\nflat 2" : "A. Customer", email);
    put_values(r->file, &a[0], r->customer->bits[0], ';');
    fputc(',', r->file);
    put_values(r->file, &a[1], buys, ';');
    fprintf(r->file, ",%u.%c\n", spend_halves / 2, spend_halves % 2 ? '5' : '0');
}

/* Wide form: a row a customer; some have a second row, with the rest of what they bought. */
static void freshmart_row(struct row *r)
{
    char email[2 * EMAIL_MAX];
    uint32_t buys = r->customer->bits[1];
    uint32_t spend = r->customer->bits[2];

    if (happens(&r->chance, 0.02)) {
        uint32_t some = buys & (uint32_t)draw(&r->chance);
        untidy(email, r->email, r->gmail, &r->chance);
        freshmart_line(r, email, some, spend / 3);
        buys &= ~some;
        spend -= spend / 3;
    }
    untidy(email, r->email, r->gmail, &r->chance);
    freshmart_line(r, email, buys, spend);
    if (happens(&r->chance, 0.002))
        freshmart_line(r, "", buys, 1);
    if (happens(&r->chance, 0.002))
        freshmart_line(r, "none", buys, 1);
}

/* Long form: a row a purchase, the same drink perhaps many times. */
static void drinkco_row(struct row *r)
{
    const struct attribute *a = WORLD[1].attributes;
    char email[2 * EMAIL_MAX];
    for (size_t v = 0; v < VALUES_MAX && a[1].values[v] != NULL; v++) {
        if (!(r->customer->bits[1] >> v & 1))
            continue;
        for (size_t times = 1 + below(&r->chance, 3); times > 0; times--) {
            untidy(email, r->email, r->gmail, &r->chance);
            fprintf(r->file, "2026-%02zu-%02zu,%s,%s,", 1 + below(&r->chance, 12),
                    1 + below(&r->chance, 28), email, a[1].values[v]);
            put_values(r->file, &a[0], r->customer->bits[0], ';');
            fputs(",yes\n", r->file);
        }
    }
    if (happens(&r->chance, 0.002))
        fprintf(r->file, "2026-01-01,walk-in customer,beer,bronze,yes\n");
    if (happens(&r->chance, 0.01)) /* somebody else, who refused: must not count */
        fprintf(r->file, "2026-01-01,refused%zu@example.net,wine,gold,no\n", r->number);
}

/* Hashed elsewhere, semicolons, CRLF. */
static void homeware_row(struct row *r)
{
    const struct attribute *a = WORLD[2].attributes;
    char hex[65];
    hash_hex(hex, r->email);
    if (happens(&r->chance, 0.5))
        for (char *p = hex; *p != '\0'; p++)
            *p = upper(*p);
    if (happens(&r->chance, 0.002))
        fprintf(r->file, "%.20s;modern;;request\r\n", hex); /* cut short: malformed */
    fprintf(r->file, "%s;", hex);
    put_values(r->file, &a[0], r->customer->bits[0], '|');
    fputc(';', r->file);
    put_values(r->file, &a[1], r->customer->bits[1], '|');
    fputc(';', r->file);
    put_values(r->file, &a[2], r->customer->bits[2], '|');
    fputs("\r\n", r->file);
}

/* MAP.yaml: node/README.md */
static const char FRESHMART_MAP[] = "patto-map: 1\n"
                                    "form: wide\n"
                                    "identifier: {column: E-Mail}\n"
                                    "attributes:\n"
                                    "  segment: {column: segment}\n"
                                    "  buys: {column: buys, separator: \";\"}\n"
                                    "  spend: {column: spend}\n";
static const char DRINKCO_MAP[] = "patto-map: 1\n"
                                  "form: long\n"
                                  "identifier: {column: email}\n"
                                  "consent: {column: consent, accept: [\"yes\"]}\n"
                                  "attributes:\n"
                                  "  tier: {column: tier}\n"
                                  "  drinks: {column: drink}\n";
static const char HOMEWARE_MAP[] = "patto-map: 1\n"
                                   "form: wide\n"
                                   "delimiter: \";\"\n"
                                   "identifier: {column: mail_sha256, encoding: sha256-hex}\n"
                                   "attributes:\n"
                                   "  style: {column: style}\n"
                                   "  rooms: {column: rooms, separator: \"|\"}\n"
                                   "  stage: {column: stage}\n";

static const struct {
    const char *head, *map;
    void (*row)(struct row *);
} FILES[PARTNERS] = {
    {"customer,name,E-Mail,segment,buys,spend\n", FRESHMART_MAP, freshmart_row},
    {"date,email,drink,tier,consent\n", DRINKCO_MAP, drinkco_row},
    {"\xef\xbb\xbfmail_sha256;style;rooms;stage\r\n", HOMEWARE_MAP, homeware_row},
};

static FILE *create(const char *dir, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    if (f == NULL) {
        perror(path);
        exit(1);
    }
    return f;
}

static void finish(FILE *f)
{
    if (ferror(f) || fclose(f) != 0) {
        perror("demo-data: writing");
        exit(1);
    }
}

static void write_partner(const char *dir, size_t p, const struct person *persons,
                          size_t person_count, uint64_t seed)
{
    char name[64];
    snprintf(name, sizeof name, "customers-%s.csv", WORLD[p].name);
    struct row r = {.file = create(dir, name)};
    fputs(FILES[p].head, r.file);
    for (size_t i = 0; i < person_count; i++) {
        if (!persons[i].at[p].member)
            continue;
        r.customer = &persons[i].at[p];
        r.number++;
        r.chance = chance_of(seed, 30 + p, i);
        address(r.email, i, seed, &r.gmail);
        FILES[p].row(&r);
    }
    finish(r.file);
    snprintf(name, sizeof name, "map-%s.yaml", WORLD[p].name);
    FILE *map = create(dir, name);
    fputs(FILES[p].map, map);
    finish(map);
}

/* ---- the truth ----------------------------------------------------------------------------- */

static void sql(sqlite3 *db, const char *text)
{
    char *message = NULL;
    if (sqlite3_exec(db, text, NULL, NULL, &message) != SQLITE_OK) {
        fprintf(stderr, "demo-data: truth.db: %s\n", message);
        exit(1);
    }
}

static void insert(sqlite3_stmt *s, size_t person, const char *attribute, const char *value,
                   double number)
{
    sqlite3_bind_int64(s, 1, (sqlite3_int64)person);
    if (attribute != NULL) {
        sqlite3_bind_text(s, 3, attribute, -1, SQLITE_STATIC);
        if (value != NULL)
            sqlite3_bind_text(s, 4, value, -1, SQLITE_STATIC);
        else
            sqlite3_bind_double(s, 4, number);
    }
    if (sqlite3_step(s) != SQLITE_DONE || sqlite3_reset(s) != SQLITE_OK) {
        fprintf(stderr, "demo-data: truth.db: an insert failed\n");
        exit(1);
    }
}

static void insert_fact(sqlite3_stmt *s, size_t person, const struct attribute *a, uint32_t bits)
{
    if (a->kind == NUMBER) {
        insert(s, person, a->name, NULL, bits / 2.0);
        return;
    }
    for (size_t v = 0; v < VALUES_MAX && a->values[v] != NULL; v++)
        if (bits >> v & 1)
            insert(s, person, a->name, a->values[v], 0);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *text)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(db, text, -1, &s, NULL) != SQLITE_OK) {
        fprintf(stderr, "demo-data: truth.db: %s\n", sqlite3_errmsg(db));
        exit(1);
    }
    return s;
}

static void write_truth(const char *dir, const struct person *persons, size_t person_count)
{
    char path[4096];
    sqlite3 *db = NULL;

    snprintf(path, sizeof path, "%s/truth.db", dir);
    remove(path);
    if (sqlite3_open(path, &db) != SQLITE_OK) {
        fprintf(stderr, "demo-data: %s: %s\n", path, sqlite3_errmsg(db));
        exit(1);
    }
    sql(db, "PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY; BEGIN;"
            "CREATE TABLE customer(person INTEGER, partner TEXT, PRIMARY KEY(partner, person))"
            " WITHOUT ROWID;"
            "CREATE TABLE fact(person INTEGER, partner TEXT, attribute TEXT, value,"
            " PRIMARY KEY(partner, attribute, person, value)) WITHOUT ROWID;");
    sqlite3_stmt *customer = prepare(db, "INSERT INTO customer VALUES(?1, ?2)");
    sqlite3_stmt *fact = prepare(db, "INSERT INTO fact VALUES(?1, ?2, ?3, ?4)");
    for (size_t p = 0; p < PARTNERS; p++) {
        sqlite3_bind_text(customer, 2, WORLD[p].name, -1, SQLITE_STATIC);
        sqlite3_bind_text(fact, 2, WORLD[p].name, -1, SQLITE_STATIC);
        for (size_t i = 0; i < person_count; i++) {
            if (!persons[i].at[p].member)
                continue;
            insert(customer, i, NULL, NULL, 0);
            for (size_t k = 0; k < ATTRIBUTES_MAX && WORLD[p].attributes[k].name != NULL; k++)
                insert_fact(fact, i, &WORLD[p].attributes[k], persons[i].at[p].bits[k]);
        }
    }
    sqlite3_finalize(customer);
    sqlite3_finalize(fact);
    sql(db, "COMMIT;");
    sqlite3_close(db);
}

static bool number_argument(uint64_t *out, const char *text, uint64_t min, uint64_t max)
{
    char *end;
    *out = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && *out >= min && *out <= max;
}

int main(int argc, char **argv)
{
    uint64_t customers = 100000;
    uint64_t seed = 1;

    if (argc < 2 || argc > 4 || (argc > 2 && !number_argument(&customers, argv[2], 10, 10000000)) ||
        (argc > 3 && !number_argument(&seed, argv[3], 0, UINT64_MAX))) {
        fprintf(stderr, "usage: demo-data DIR [customers 10..10000000] [seed]\n");
        return 2;
    }
    size_t person_count = customers * 9 / 5; /* so that two partners share a good half */
    struct person *persons = calloc(person_count, sizeof persons[0]);
    if (persons == NULL) {
        fprintf(stderr, "demo-data: not enough memory for %zu people\n", person_count);
        return 1;
    }
    populate(persons, person_count, customers, seed);
    for (size_t p = 0; p < PARTNERS; p++)
        write_partner(argv[1], p, persons, person_count, seed);
    write_truth(argv[1], persons, person_count);
    free(persons);
    return 0;
}
