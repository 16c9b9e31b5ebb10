/* clock.h - the one place that asks what time it is. Everything else is told: now_s, now_ms. */
#ifndef PT_CLOCK_H
#define PT_CLOCK_H

#include <stdint.h>

int64_t clock_now_s(void);   /* UTC, seconds since 1970; what dates and budgets are about */
int64_t clock_now_us(void);  /* the same, for names in the order in which things began */
int64_t clock_mono_ms(void); /* never goes back; what deadlines and progress are about */
/* "2026-12-01" or "2026-12-01 14:05:09" of a moment, UTC. */
void clock_date(char out[11], int64_t at_s);
void clock_time(char out[20], int64_t at_s);

#endif
