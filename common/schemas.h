#ifndef COMMON_SCHEMAS_H
#define COMMON_SCHEMAS_H

#include <stddef.h>

/* The JSON Schemas of templates/, built into the programs by the Makefile. */
extern const char schema_reaper_config[], schema_ticket[], schema_bundle[];
extern const size_t schema_reaper_config_len, schema_ticket_len, schema_bundle_len;

#endif
