#include <string.h>

#include "common/clock.h"
#include "reaper/money/money.h"

bool money_is_loosened(const struct settings *settings, int64_t lost_s, int64_t now_s)
{
	char lost[CLOCK_TEXT_LEN], now[CLOCK_TEXT_LEN];
	const struct budget *all = &settings->budget;
	bool is_day = all->day, is_month = all->month;

	if (!lost_s)
		return false;
	for (size_t r = 0; r < settings->resource_count; r++) {
		is_day |= settings->resources[r].budget.day != 0;
		is_month |= settings->resources[r].budget.month != 0;
	}
	for (size_t q = 0; settings->queue_budgets && q < settings->queue_count; q++) {
		is_day |= settings->queue_budgets[q].day != 0;
		is_month |= settings->queue_budgets[q].month != 0;
	}
	for (size_t u = 0; u < settings->user_budget_count; u++) {
		is_day |= settings->user_budgets[u].budget.day != 0;
		is_month |= settings->user_budgets[u].budget.month != 0;
	}
	clock_format(lost_s * 1000, false, lost);
	clock_format(now_s * 1000, false, now);
	return (is_month && !strncmp(lost, now, strlen("2026-11"))) ||
	       (is_day && !strncmp(lost, now, strlen("2026-11-24")));
}
