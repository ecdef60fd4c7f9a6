#ifndef REAPER_MONEY_PRICE_TABLES_H
#define REAPER_MONEY_PRICE_TABLES_H

#include <stddef.h>

/* templates/prices-*.csv, built into the program by the Makefile. */
extern const char prices_aws[], prices_gcp[];
extern const size_t prices_aws_len, prices_gcp_len;

#endif
