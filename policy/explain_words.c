#include <string.h>

#include "policy/explain.h"

static const char *const TEMPLATES[SAY_COUNT][EXPLAIN_LANGUAGES] = {
#define EXPLAIN(id, en, it) [SAY_##id] = {en, it},
#include "policy/explain_words.inc"
#undef EXPLAIN
};
static const char *const TITLES[EXPLAIN_SECTIONS][EXPLAIN_LANGUAGES] = {
    [EXPLAIN_WHO] = {"Who takes part", "Chi partecipa"},
    [EXPLAIN_WHY] = {"What for, and by what right", "Per quale scopo e con quale diritto"},
    [EXPLAIN_DATA] = {"What each one brings", "Che cosa mette a disposizione ciascuno"},
    [EXPLAIN_ASK] = {"Who may learn what", "Chi può sapere che cosa"},
    [EXPLAIN_NEVER] = {"What is never revealed", "Che cosa non viene mai rivelato"},
    [EXPLAIN_BUDGET] = {"How much can be learned about one person",
                        "Quanto si può sapere di una persona"},
    [EXPLAIN_MATCH] = {"How customers are matched", "Come si riconoscono i clienti in comune"},
    [EXPLAIN_TRUST] = {"What is trusted", "Di che cosa ci si fida"},
    [EXPLAIN_TIME] = {"How long it holds, and how it ends", "Quanto dura e come finisce"},
    [EXPLAIN_RECORD] = {"What can be checked afterwards", "Che cosa si può verificare dopo"},
};
static const struct {
    const char *word, *names[EXPLAIN_LANGUAGES];
} WORDS[] = {
    {"joint-campaign-planning", {"planning campaigns together", "pianificare campagne insieme"}},
    {"audience-overlap",
     {"knowing how far audiences overlap", "sapere quanto si sovrappone il pubblico"}},
    {"market-research", {"market research", "ricerche di mercato"}},
    {"measurement", {"measuring what campaigns achieve", "misurare l'effetto delle campagne"}},
    {"churn-prevention", {"keeping customers from leaving", "evitare che i clienti se ne vadano"}},
    {"product-development", {"developing products", "sviluppare prodotti"}},
    {"email", {"e-mail address", "indirizzo e-mail"}},
    {"phone", {"telephone number", "numero di telefono"}},
    {"overlap", {"how many customers the two share", "quanti clienti hanno in comune"}},
    {"reach",
     {"how many people are reached in each combination",
      "quante persone si raggiungono in ogni combinazione"}},
    {"crosstab", {"tables of counts", "tabelle di conteggi"}},
    {"value", {"sums and means of a number", "somme e medie di un numero"}},
    {"sum", {"their sum", "la somma"}},
    {"mean", {"their mean", "la media"}},
    {"max", {"the largest", "il maggiore"}},
    {"last", {"the last", "l'ultimo"}},
    {"and", {"and", "e"}},
    {"by", {"by", "per"}},
    {"no unit", {"no unit", "senza unità"}},
    {"version", {"version", "versione"}},
    {"line", {"line", "riga"}},
    {"lines", {"lines", "righe"}},
};

const char *explain_template(enum explain_id id, enum explain_language l)
{
    return TEMPLATES[id][l];
}

const char *explain_section_title(enum explain_section s, enum explain_language l)
{
    return TITLES[s][l];
}

const char *explain_word(const char *word, enum explain_language l)
{
    for (size_t i = 0; i < PT_LEN(WORDS); i++)
        if (strcmp(WORDS[i].word, word) == 0)
            return WORDS[i].names[l];
    return word;
}
