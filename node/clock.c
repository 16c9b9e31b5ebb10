#include "node/clock.h"

#include <stdio.h>
#include <time.h>

int64_t clock_now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec;
}

int64_t clock_now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_mono_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void clock_time(char out[20], int64_t at_s)
{
    time_t t = at_s;
    struct tm parts;

    if (gmtime_r(&t, &parts) == NULL || strftime(out, 20, "%Y-%m-%d %H:%M:%S", &parts) == 0)
        snprintf(out, 20, "?");
}

void clock_date(char out[11], int64_t at_s)
{
    char both[20];

    clock_time(both, at_s);
    snprintf(out, 11, "%.10s", both);
}
