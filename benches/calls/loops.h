/* Loops of checks, timed: what every language is measured beside. Each gives the nanoseconds that `count` checks took, or 0 if one of
 * them did not give full access. */
#ifndef LOOPS_H
#define LOOPS_H

#include <stdint.h>

#include "reprieve.h"

#ifdef __cplusplus
extern "C" {
#endif

extern reprieve_client *loops_client;
extern reprieve_feature *loops_feature;

/* Opens the ledger of an application file, upkeep in checks; 0 if it cannot. */
int loops_open(const char *app);

/* Nanoseconds of the monotonic clock. */
uint64_t loops_now(void);

uint64_t loops_handle(uint64_t count);
uint64_t loops_name(uint64_t count);
uint64_t loops_limit_handle(uint64_t count);
uint64_t loops_limit_bare(uint64_t count);
uint64_t loops_limit_name(uint64_t count);

#ifdef __cplusplus
}
#endif

#endif
