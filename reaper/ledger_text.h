#ifndef REAPER_LEDGER_TEXT_H
#define REAPER_LEDGER_TEXT_H

#include "reaper/ledger.h"

/* ledger_text: the ledger's file as text, both ways. ERROR_MALFORMED names the path in the file. */
CHECKED int ledger_parse(struct slice text, struct ledger *out, struct error *err);
void ledger_print(const struct ledger *ledger, struct buf *out);

#endif
