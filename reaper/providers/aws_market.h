#ifndef REAPER_PROVIDERS_AWS_MARKET_H
#define REAPER_PROVIDERS_AWS_MARKET_H

#include "reaper/providers/provider.h"

/*
 * aws_market: what EC2 says of the instance types that a resource asks for.
 * The answer is read as in aws_answer.h: XML into records, pure.
 */

/* One page of DescribeSpotPriceHistory: prices of the resource's types of spot are added to out,
 * once for each zone: of several the newest, and of equally new ones (of accounts with EC2-Classic)
 * the dearest. learned_s is since when it is so. next is the next page's token, "" after the last
 * one. ERROR_MALFORMED: nothing was taken. */
CHECKED int aws_market_answer_prices(struct slice body, const struct resource *resource,
				     const char *region, struct spot_price_list *out,
				     struct buf *next, struct error *err);

/* The verb (provider.h). */
CHECKED int aws_market_spot_prices(const struct resource *resource,
				   const struct provider_time *time, struct spot_price_list *out,
				   struct error *err);

#endif
