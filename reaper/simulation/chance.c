#include "reaper/simulation/chance.h"

#include <math.h>

static uint64_t bits_of(struct chance *chance)
{
	uint64_t bits = chance->state += 0x9e3779b97f4a7c15u;

	bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
	bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
	return bits ^ (bits >> 31);
}

/* 0 <= share < 1 */
static double share_of(struct chance *chance)
{
	return (double)(bits_of(chance) >> 11) * 0x1p-53;
}

bool chance_of(struct chance *chance, double probability)
{
	return probability > 0 && share_of(chance) < probability;
}

int64_t chance_between(struct chance *chance, int64_t least, int64_t most)
{
	return most <= least ? least :
			       least + (int64_t)(bits_of(chance) % (uint64_t)(most - least + 1));
}

int64_t chance_wait_ms(struct chance *chance, double per_hour)
{
	if (per_hour <= 0)
		return INT64_MAX;
	return 1 + (int64_t)(-log(1 - share_of(chance)) / per_hour * 3600e3);
}
