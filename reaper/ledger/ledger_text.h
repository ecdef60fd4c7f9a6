#ifndef REAPER_LEDGER_LEDGER_TEXT_H
#define REAPER_LEDGER_LEDGER_TEXT_H

#include "reaper/ledger/ledger.h"

/* ledger_text: the ledger of mayfly 0.1, a JSON text. ERROR_MALFORMED names the path in it. */
CHECKED int ledger_parse(struct slice text, struct ledger *out, struct error *err);

#endif
