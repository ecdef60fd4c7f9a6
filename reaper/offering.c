#include "reaper/offering.h"

#include <string.h>

const char *market_name(enum market market)
{
	return market == MARKET_SPOT ? "spot" : "on-demand";
}

static size_t add(char *out, size_t at, const char *text)
{
	size_t len = strlen(text);

	memcpy(out + at, text, len + 1);
	return at + len;
}

void offering_key(const struct offering *offering, char out[static OFFERING_KEY_ROOM])
{
	size_t at = add(out, 0, offering->type);

	/* Two names are enough to tell them apart; a zone is unique among the regions. */
	if (!*offering->zone && offering->market == MARKET_ON_DEMAND)
		return;
	at = add(out, at, "/");
	at = add(out, at, offering->zone);
	at = add(out, at, "/");
	add(out, at, market_name(offering->market));
}
