#include "reaper/money/prices.h"

#include <stdlib.h>
#include <string.h>

#include "reaper/money/price_tables.h"

enum { MOST_ATTACHED = 99, HALF_MICRO_DIGITS = 7 };

struct row {
	struct slice region, type; /* into the text that is compiled in */
	int64_t price;
};

struct table {
	const char *provider, *source;
	const char *text;
	const size_t *text_len;
	struct row *rows; /* by type, then region; made at the first question, kept to the end */
	size_t count;
};

static struct table tables[] = {
	{ "aws", "EC2 on-demand, us-east-1, 2026-07-20", prices_aws, &prices_aws_len, NULL, 0 },
	{ "gcp", "Compute Engine on-demand, us-central1, 2026-03-26", prices_gcp, &prices_gcp_len,
	  NULL, 0 },
};

/* ---- the table ---- */

static int compare_slices(struct slice a, struct slice b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	int order = memcmp(a.ptr, b.ptr, shorter);

	if (order)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

static int compare_rows(const void *left, const void *right)
{
	const struct row *a = left, *b = right;
	int order = compare_slices(a->type, b->type);

	return order ? order : compare_slices(a->region, b->region);
}

int64_t prices_parse(struct slice text)
{
	int64_t price = 0;
	int digits = -1; /* behind the point, which none was yet */

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '.' && digits < 0) {
			digits = 0;
			continue;
		}
		if (text.ptr[i] < '0' || text.ptr[i] > '9' || price > INT64_MAX / 100)
			return MONEY_UNKNOWN;
		if (digits >= 0 && digits++ >= HALF_MICRO_DIGITS)
			continue;
		price = price * 10 + (text.ptr[i] - '0');
	}
	if (!text.len)
		return MONEY_UNKNOWN;
	for (digits = digits < 0 ? 0 : digits; digits < HALF_MICRO_DIGITS; digits++)
		price *= 10;
	return (price + 5) / 10;
}

static struct slice take_to(struct slice *rest, char end)
{
	const char *at = rest->len ? memchr(rest->ptr, end, rest->len) : NULL;
	struct slice part = { rest->ptr, at ? (size_t)(at - rest->ptr) : rest->len };
	size_t used = at ? part.len + 1 : part.len;

	*rest = (struct slice){ rest->ptr + used, rest->len - used };
	return part;
}

/* What is built in is no foreign text: a row that makes no sense is a mistake of ours. */
static struct row read_row(struct slice line)
{
	struct row row;

	row.region = take_to(&line, ',');
	row.type = take_to(&line, ',');
	row.price = prices_parse(line);
	if (!row.region.len || !row.type.len || !line.len || row.price < 0)
		abort();
	return row;
}

static void read_table(struct table *table)
{
	struct slice rest = { table->text, *table->text_len };
	size_t room = 0;

	take_to(&rest, '\n'); /* the source and its date */
	take_to(&rest, '\n'); /* the names of the columns */
	while (rest.len) {
		if (table->count == room) {
			room = room ? 2 * room : 512;
			table->rows = memory_grow(table->rows, room, sizeof(*table->rows));
		}
		table->rows[table->count++] = read_row(take_to(&rest, '\n'));
	}
	if (!table->rows)
		abort(); /* it is compiled in */
	qsort(table->rows, table->count, sizeof(*table->rows), compare_rows);
}

static struct table *table_of(const char *provider)
{
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		if (!strcmp(tables[i].provider, provider)) {
			if (!tables[i].rows)
				read_table(&tables[i]);
			return &tables[i];
		}
	return NULL;
}

const char *prices_source(const char *provider)
{
	const struct table *table = table_of(provider);

	return table ? table->source : NULL;
}

bool prices_nearest(const char *provider, const char *type, char out[static TICKET_FIELD_ROOM])
{
	const struct table *table = table_of(provider);
	size_t count = table ? table->count : 0;
	char(*names)[TICKET_FIELD_ROOM] = memory_array(count + 1, sizeof(*names));
	const char **list = memory_array(count + 1, sizeof(*list));
	struct error ignored;

	for (size_t i = 0; i < count; i++) {
		list[i] = names[i];
		if (text_copy(names[i], sizeof(names[i]), table->rows[i].type, &ignored) < 0)
			names[i][0] = '\0';
	}
	const char *nearest = text_nearest(type, list, count);

	if (nearest)
		text_cut(out, TICKET_FIELD_ROOM, nearest);
	free(list);
	free(names);
	return nearest != NULL;
}

/* ---- what an offering costs ---- */

static double factor_of(const struct price_book *book, struct slice region)
{
	for (size_t i = 0; i < book->region_count; i++)
		if (slice_equals(region, book->regions[i].region))
			return book->regions[i].factor;
	return 0;
}

static int64_t times(int64_t price, double factor)
{
	return (int64_t)((double)price * factor + 0.5);
}

/* In the region itself; else, by the operator's factor, from the first region that has the type. */
static int64_t price_in(const struct table *table, const struct price_book *book,
			struct slice region, struct slice type)
{
	const struct row wanted = { region, type, 0 };
	double factor = factor_of(book, region);
	const struct row *row =
		bsearch(&wanted, table->rows, table->count, sizeof(wanted), compare_rows);

	if (row)
		return factor > 0 ? times(row->price, factor) : row->price;
	if (factor <= 0)
		return MONEY_UNKNOWN;
	size_t low = 0, high = table->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_slices(table->rows[middle].type, type) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == table->count || compare_slices(table->rows[low].type, type) != 0)
		return MONEY_UNKNOWN;
	return times(table->rows[low].price, factor);
}

/* "nvidia-tesla-t4.2": cuts the number off; 0: there is none that makes sense. */
static int64_t take_number(struct slice *part)
{
	const char *point = part->len ? memchr(part->ptr, '.', part->len) : NULL;
	int64_t number = 0;

	if (!point)
		return 1;
	for (const char *at = point + 1; at < part->ptr + part->len; at++) {
		if (*at < '0' || *at > '9' || number > MOST_ATTACHED)
			return 0;
		number = number * 10 + (*at - '0');
	}
	part->len = (size_t)(point - part->ptr);
	return number;
}

static int64_t price_of_parts(const struct table *table, const struct price_book *book,
			      struct slice region, struct slice type)
{
	int64_t sum = price_in(table, book, region, take_to(&type, '_'));

	while (sum != MONEY_UNKNOWN && type.len) {
		struct slice part = take_to(&type, '_');
		int64_t number = take_number(&part), price = price_in(table, book, region, part);

		if (!number || price == MONEY_UNKNOWN)
			return MONEY_UNKNOWN;
		sum += number * price;
	}
	return sum;
}

/* us-east-1a is in us-east-1, us-central1-a in us-central1. */
static struct slice region_of(const struct offering *offering)
{
	struct slice zone = slice_of(offering->zone);

	if (*offering->region || !zone.len)
		return slice_of(offering->region);
	zone.len--;
	if (zone.len && zone.ptr[zone.len - 1] == '-')
		zone.len--;
	return zone;
}

static int64_t listed_price(const struct price_book *book, const char *provider,
			    const struct offering *offering)
{
	const struct table *table = table_of(provider);
	struct slice type = slice_of(offering->type), region = region_of(offering);

	if (!strcmp(provider, "local"))
		return 0;
	if (!table || !region.len)
		return MONEY_UNKNOWN;
	return strcmp(provider, "gcp") != 0 ? price_in(table, book, region, type) :
					      price_of_parts(table, book, region, type);
}

static bool fits(const struct price_override *override, const struct offering *offering,
		 enum market market)
{
	return override->market == market &&
	       (!*override->type || !strcmp(override->type, offering->type)) &&
	       (!*override->region || slice_equals(region_of(offering), override->region));
}

static int64_t overridden_price(const struct price_book *book, const struct offering *offering,
				enum market market)
{
	int64_t price = MONEY_UNKNOWN;
	int best = -1;

	for (size_t i = 0; i < book->override_count; i++) {
		const struct price_override *override = &book->overrides[i];
		int said = (*override->type ? 2 : 0) + (*override->region ? 1 : 0);

		if (said <= best || !fits(override, offering, market))
			continue;
		best = said;
		price = override->price;
	}
	return price;
}

/* ---- what the cloud said of spot ---- */

static bool is_said_of(const struct spot_price *said, const struct offering *offering)
{
	struct slice region = region_of(offering);

	if (strcmp(said->type, offering->type) != 0)
		return false;
	if (*offering->zone)
		return !strcmp(said->zone, offering->zone);
	return !region.len || slice_equals(region, said->region);
}

static int64_t learned_price(const struct price_book *book, const struct offering *offering)
{
	int64_t dearest = MONEY_UNKNOWN;

	for (size_t i = 0; i < book->spot_count; i++)
		if (book->spot[i].price > dearest && is_said_of(&book->spot[i], offering))
			dearest = book->spot[i].price;
	return dearest;
}

/* ---- all of it ---- */

struct found {
	int64_t price;
	enum price_source source;
};

static struct found from(enum price_source source, int64_t price)
{
	return (struct found){ price, price == MONEY_UNKNOWN ? PRICE_NOWHERE : source };
}

static struct found find_on_demand(const struct price_book *book, const char *provider,
				   const struct offering *offering)
{
	int64_t price = overridden_price(book, offering, MARKET_ON_DEMAND);

	if (price != MONEY_UNKNOWN)
		return from(PRICE_CONFIGURED, price);
	return from(table_of(provider) ? PRICE_LISTED : PRICE_NOWHERE,
		    listed_price(book, provider, offering));
}

static struct found find_spot(const struct price_book *book, const char *provider,
			      const struct offering *offering)
{
	int64_t price = overridden_price(book, offering, MARKET_SPOT);

	if (price != MONEY_UNKNOWN)
		return from(PRICE_CONFIGURED, price);
	price = learned_price(book, offering);
	if (price != MONEY_UNKNOWN)
		return from(PRICE_LEARNED, price);
	struct found full = find_on_demand(book, provider, offering);

	if (full.price <= 0)
		return full;
	return from(PRICE_SHARE,
		    book->spot_share > 0 ? times(full.price, book->spot_share) : MONEY_UNKNOWN);
}

int64_t prices_find(const struct price_book *book, const char *provider,
		    const struct offering *offering, enum price_source *source)
{
	struct found found = offering->market == MARKET_SPOT ?
				     find_spot(book, provider, offering) :
				     find_on_demand(book, provider, offering);

	if (source)
		*source = found.source;
	return found.price;
}

void prices_set(const struct price_book *book, const char *provider, struct offering *offering)
{
	offering->price = prices_find(book, provider, offering, &offering->price_source);
}

/* ---- words ---- */

static const struct {
	const char *word, *words;
} sources[] = {
	[PRICE_NOWHERE] = { NULL, "" },
	[PRICE_CONFIGURED] = { "overrides", "prices.overrides" },
	[PRICE_LISTED] = { "table", "the list price" },
	[PRICE_LEARNED] = { "cloud", "the cloud's spot price" },
	[PRICE_SHARE] = { "spot_share", "prices.spot_share" },
};

const char *prices_word(enum price_source source)
{
	return sources[source].word;
}

const char *prices_words(enum price_source source)
{
	return sources[source].words;
}
