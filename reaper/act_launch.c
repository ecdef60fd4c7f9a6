#include "reaper/act_launch.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/hash.h"
#include "common/log.h"
#include "reaper/offerings.h"
#include "reaper/open_attempt.h"
#include "reaper/slots.h"
#include "reaper/ticket_make.h"

struct launcher { /* the launches of one pass */
	const struct act *act;
	const struct provider *(*find)(const char *name);
	struct bucket buckets[SETTINGS_MAX_RESOURCES]; /* by the first resource of the provider */
	bool is_provider_shut[SETTINGS_MAX_RESOURCES]; /* likewise: it throttles us */
	bool is_resource_shut[SETTINGS_MAX_RESOURCES]; /* it would be refused again */
	bool has_failed[SETTINGS_MAX_RESOURCES]; /* so the plan's choice of offering is old */
	unsigned failures;
	int64_t until_ms; /* monotonic: what is left of the pass then is for the rest of the plan */
};

struct asking { /* one launch, while its offerings are tried */
	const struct planned_launch *planned;
	const struct resource *resource;
	const struct provider *provider;
	size_t offering;
	bool tried[SETTINGS_MAX_OFFERINGS];
	struct act_launched *out;
	char zones[LAUNCH_ZONES][TICKET_FIELD_ROOM];
	/* The plan's, until the launch key turns out to be used. */
	unsigned generation;
	char day[sizeof(((struct planned_launch *)0)->day)];
	enum launch_key key_fate; /* of the last answer */
};

/* ---- open attempts ---- */

static struct open_attempt *find_attempt(const struct act *act, const struct planned_launch *launch,
					 unsigned generation)
{
	const char *resource = act->settings->resources[launch->resource].name;

	for (size_t i = 0; i < act->ledger->attempt_count; i++) {
		struct open_attempt *attempt = &act->ledger->attempts[i];

		if (attempt->slot == launch->slot && attempt->generation == generation &&
		    !strcmp(attempt->resource, resource))
			return attempt;
	}
	return NULL;
}

static void drop_attempt(const struct act *act, const struct asking *asking)
{
	struct open_attempt *attempt = find_attempt(act, asking->planned, asking->generation);

	if (attempt)
		*attempt = act->ledger->attempts[--act->ledger->attempt_count];
}

static void set_offering(const struct act *act, struct open_attempt *attempt,
			 const struct resource *resource, size_t offering)
{
	offering_key(&resource->offerings[offering], attempt->offering);
	attempt->asked_s = act->seen->now_ms / 1000;
}

static void add_attempt(const struct act *act, const struct planned_launch *launch)
{
	const struct resource *resource = &act->settings->resources[launch->resource];
	struct ledger *ledger = act->ledger;
	struct open_attempt attempt = { .slot = launch->slot, .generation = launch->generation };

	if (find_attempt(act, launch, launch->generation))
		return;
	memcpy(attempt.resource, resource->name, sizeof(attempt.resource));
	memcpy(attempt.day, launch->day, sizeof(attempt.day));
	set_offering(act, &attempt, resource, launch->offering);
	ledger->attempts =
		memory_grow(ledger->attempts, ledger->attempt_count + 1, sizeof(attempt));
	ledger->attempts[ledger->attempt_count++] = attempt;
}

/* What was asked for must be known to the next pass even if this one is killed right after asking.
 */
static int store(const struct act *act, struct error *err)
{
	const struct observation *seen = act->seen;
	struct ledger *ledger = act->ledger;

	ledger->attempts =
		memory_grow(ledger->attempts, seen->attempt_count + 1, sizeof(*ledger->attempts));
	ledger->attempt_count = 0;
	for (size_t i = 0; i < seen->attempt_count; i++)
		if (open_attempt_is_kept(&seen->attempts[i], act->settings, seen))
			ledger->attempts[ledger->attempt_count++] = seen->attempts[i];
	for (size_t i = 0; i < act->plan->launch_count; i++)
		add_attempt(act, &act->plan->launches[i]);
	return ledger_write(act->file, ledger, err);
}

/* Before another offering is asked than the one that is stored. */
static int store_offering(const struct act *act, struct asking *asking, struct error *err)
{
	struct open_attempt *attempt = find_attempt(act, asking->planned, asking->generation);
	char key[OFFERING_KEY_ROOM];

	if (!attempt)
		return error_set(err, ERROR_SYSTEM, "the launch is not in the ledger");
	offering_key(&asking->resource->offerings[asking->offering], key);
	if (asking->planned->is_repeat || !strcmp(key, attempt->offering))
		return 0;
	set_offering(act, attempt, asking->resource, asking->offering);
	/* Its keys are others: what is known of the last offering's says nothing of them. */
	asking->generation = attempt->generation = asking->planned->generation;
	return ledger_write(act->file, act->ledger, err);
}

/* Before the key of the next generation is asked for. */
static int store_generation(const struct act *act, struct asking *asking, struct error *err)
{
	struct open_attempt *attempt = find_attempt(act, asking->planned, asking->generation);

	if (!attempt)
		return error_set(err, ERROR_SYSTEM, "the launch is not in the ledger");
	attempt->generation = ++asking->generation;
	attempt->asked_s = act->seen->now_ms / 1000;
	return ledger_write(act->file, act->ledger, err);
}

/* So that the next repeat says the same. */
static int store_day(const struct act *act, const struct asking *asking, struct error *err)
{
	struct open_attempt *attempt = find_attempt(act, asking->planned, asking->generation);

	if (!attempt || !strcmp(attempt->day, asking->day))
		return 0;
	memcpy(attempt->day, asking->day, sizeof(attempt->day));
	return ledger_write(act->file, act->ledger, err);
}

/* ---- which offering ---- */

static const struct remembered_resource *memory_of(const struct ledger *ledger, const char *name)
{
	for (size_t i = 0; i < ledger->resource_count; i++)
		if (!strcmp(ledger->resources[i].resource, name))
			return &ledger->resources[i];
	return NULL;
}

static bool is_too_dear(const struct planned_launch *launch, const struct offering *offering)
{
	return launch->is_price_limited &&
	       (offering->price == MONEY_UNKNOWN || offering->price > launch->price_limit);
}

/* False: none is left that may be asked now. */
static bool find_next(const struct act *act, struct asking *asking)
{
	const struct ledger *ledger = act->ledger;
	const struct resource *resource = asking->resource;
	const struct remembered_resource *memory = memory_of(ledger, resource->name);
	struct offerings_view view = {
		.resource = resource,
		.states = ledger->offerings,
		.state_count = ledger->offering_count,
		.spot_failing_since_s = memory ? memory->spot_failing_since_s : 0,
		.spot_blackout_until_s = memory ? memory->spot_blackout_until_s : 0,
		.now_s = act->seen->now_ms / 1000,
	};
	int64_t ignored_s;

	for (size_t i = 0; i < resource->offering_count; i++)
		if (is_too_dear(asking->planned, &resource->offerings[i]))
			asking->tried[i] = true;
	return offerings_next(&view, asking->tried, &asking->offering, &ignored_s);
}

/* ---- asking ---- */

static int ask(const struct act *act, struct asking *asking, struct error *err)
{
	const struct planned_launch *planned = asking->planned;
	const struct offering *offering = &asking->resource->offerings[asking->offering];
	struct ticket_order order = { act->settings, asking->resource,	 offering,
				      planned->slot, asking->generation, asking->day };
	struct launch request = { .settings = act->settings,
				  .resource = asking->resource,
				  .offering = offering,
				  .slot = planned->slot,
				  .generation = asking->generation,
				  .zones = asking->zones,
				  .key_fate = &asking->key_fate };
	SCOPED(ticket_made) struct ticket_made made = { 0 };
	struct slot_key key;

	if (ticket_make(&order, &made, err) < 0 || ticket_fits(&order, &made, err) < 0)
		return -1;
	request.user_data = buf_slice(&made.user_data);
	slots_key_parts(act->settings->prefix, asking->resource, offering, planned->slot,
			asking->generation, &key);
	hash_parts(key.parts, ARRAY_LEN(key.parts), request.key);
	asking->key_fate = LAUNCH_KEY_FRESH;
	memset(asking->zones, 0, sizeof(asking->zones));
	return asking->provider->launch(&request, asking->out->instance, err);
}

static void pause_ms(int64_t ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&left, NULL);
}

static size_t provider_place(const struct settings *settings, size_t resource)
{
	size_t place = 0;

	while (strcmp(settings->resources[place].provider, settings->resources[resource].provider))
		place++;
	return place;
}

/* False: the deadline would be over before the API may be called again. */
static bool wait_for_turn(struct launcher *launcher, size_t resource)
{
	struct bucket *bucket =
		&launcher->buckets[provider_place(launcher->act->settings, resource)];

	for (;;) {
		int64_t now_ms = clock_monotonic_ms();

		if (now_ms >= launcher->until_ms)
			return false;

		int64_t wait_ms = bucket_take(bucket, now_ms);

		if (!wait_ms)
			return true;
		if (now_ms + wait_ms >= launcher->until_ms)
			return false;
		pause_ms(wait_ms);
	}
}

static bool may_ask(struct launcher *launcher, size_t resource)
{
	size_t place = provider_place(launcher->act->settings, resource);

	return !launcher->is_provider_shut[place] && !launcher->is_resource_shut[resource] &&
	       launcher->failures < ACT_LAUNCH_FAILURES && wait_for_turn(launcher, resource);
}

/* ---- a launch key that was used before ---- */

static int shift_day(const char *day, int64_t days, struct asking *asking, struct error *err)
{
	char text[CLOCK_TEXT_LEN];
	int64_t wall_ms;
	SCOPED(buf) struct buf midnight = BUF(sizeof(text));

	buf_addf(&midnight, "%sT00:00:00Z", day);
	if (clock_parse_iso(buf_slice(&midnight), &wall_ms, err) < 0)
		return error_wrap(err, "day of the launch");
	clock_format(wall_ms + days * 86400000, false, text);
	text_cut(asking->day, sizeof(asking->day), text);
	return 0;
}

/* Another reaper, or this one before it lost its ledger, may have asked across midnight: with that
 * day the request is the same one, and its answer is the machine. */
static int ask_near_days(struct launcher *launcher, struct asking *asking, struct error *err)
{
	static const int64_t shifts[] = { 0, -1, 1 };
	const struct planned_launch *planned = asking->planned;

	for (size_t i = 0; i < ARRAY_LEN(shifts); i++) {
		if (i && !wait_for_turn(launcher, planned->resource))
			break;
		if (shift_day(planned->day, shifts[i], asking, err) < 0)
			return -1;
		if (ask(launcher->act, asking, err) == 0)
			return store_day(launcher->act, asking, err);
		if (err->class != ERROR_CONFLICT || asking->key_fate != LAUNCH_KEY_DIFFERS)
			return -1;
	}
	memcpy(asking->day, planned->day, sizeof(asking->day));
	return -1;
}

/* Its machine, were it alive, is older than the first time that we asked, and no list shows it now:
 * the plan would not repeat the launch else. */
static bool is_forgotten(const struct act *act, const struct asking *asking)
{
	const struct open_attempt *attempt = find_attempt(act, asking->planned, asking->generation);
	int64_t shown_by_s = asking->resource->ticket.limits.boot_deadline_s / 2;

	return asking->planned->is_repeat && attempt &&
	       act->seen->now_ms / 1000 - attempt->asked_s >= shown_by_s;
}

static bool is_spent(const struct act *act, const struct asking *asking, const struct error *why)
{
	if (why->class != ERROR_CONFLICT)
		return false;
	return asking->key_fate == LAUNCH_KEY_SPENT ||
	       (asking->key_fate == LAUNCH_KEY_DIFFERS && is_forgotten(act, asking));
}

/* A key whose machine is terminated proves that its generation is spent, as a list would. One after
 * the other: whoever else asks for this slot must come to the same key. */
static int ask_past_spent(struct launcher *launcher, struct asking *asking, struct error *err)
{
	while (ask_near_days(launcher, asking, err) < 0) {
		if (!is_spent(launcher->act, asking, err) ||
		    !wait_for_turn(launcher, asking->planned->resource))
			return -1;
		log_info("spent", "%s slot %u generation %u: %s", asking->resource->name,
			 asking->planned->slot, asking->generation, err->message);
		if (store_generation(launcher->act, asking, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- what the answer means ---- */

static void note_failure(struct launcher *launcher, const struct asking *asking,
			 const struct error *why)
{
	const struct act *act = launcher->act;
	size_t resource = asking->planned->resource;
	char key[OFFERING_KEY_ROOM];
	struct error told = *why;

	launcher->failures++;
	launcher->has_failed[resource] = true;
	offering_key(&asking->resource->offerings[asking->offering], key);
	(void)error_wrap(&told, "%s as %s", asking->resource->name, key);
	log_failure("launch", &told);
	switch (why->class) {
	case ERROR_CAPACITY:
	case ERROR_QUOTA:
		break;
	case ERROR_THROTTLED:
		launcher->is_provider_shut[provider_place(act->settings, resource)] = true;
		break;
	default:
		launcher->is_resource_shut[resource] = true;
	}
	offerings_failed(act->ledger, act->settings, asking->resource, asking->offering,
			 &(struct offering_failure){
				 why->class, (const char(*)[TICKET_FIELD_ROOM])asking->zones,
				 act->seen->now_ms / 1000 });
}

/* OUTCOME_FAILED: it is proven that nothing was launched. */
static enum outcome judge(struct launcher *launcher, const struct asking *asking,
			  const struct error *why)
{
	switch (why->class) {
	case ERROR_CONFLICT: /* kept until the list shows who holds it */
		log_info("held", "%s", why->message);
		return OUTCOME_HELD;
	case ERROR_UNREACHABLE:
	case ERROR_MALFORMED:
		launcher->failures++;
		log_failure("launch-unanswered", why);
		return OUTCOME_OPEN;
	default:
		note_failure(launcher, asking, why);
		return OUTCOME_FAILED;
	}
}

static enum outcome ask_once(struct launcher *launcher, struct asking *asking)
{
	const struct planned_launch *planned = asking->planned;
	struct act_launched *out = asking->out;

	asking->tried[asking->offering] = true;
	offering_key(&asking->resource->offerings[asking->offering], out->offering);
	if (ask_past_spent(launcher, asking, &out->why) < 0)
		return judge(launcher, asking, &out->why);
	offerings_worked(launcher->act->ledger, asking->resource, asking->offering);
	log_info("launched", "%s in %s slot %u generation %u as %s: %s", out->instance,
		 asking->resource->name, planned->slot, asking->generation, out->offering,
		 why_text(planned->why));
	return OUTCOME_DONE;
}

/* ---- one launch, all its offerings ---- */

static bool is_untried(const struct asking *asking)
{
	return !asking->tried[asking->planned->offering];
}

/* The plan's choice first, unless an earlier launch has shown since that it has no capacity. A
 * repeat is the very same request or none. */
static bool choose(const struct launcher *launcher, struct asking *asking)
{
	const struct planned_launch *planned = asking->planned;

	if (is_untried(asking) &&
	    (planned->is_repeat || !launcher->has_failed[planned->resource])) {
		asking->offering = planned->offering;
		return true;
	}
	return !planned->is_repeat && find_next(launcher->act, asking);
}

static enum outcome try_offerings(struct launcher *launcher, struct asking *asking)
{
	enum outcome outcome = OUTCOME_NONE;

	while ((outcome == OUTCOME_NONE || outcome == OUTCOME_FAILED) && choose(launcher, asking) &&
	       may_ask(launcher, asking->planned->resource)) {
		if (store_offering(launcher->act, asking, &asking->out->why) < 0) {
			log_failure("ledger", &asking->out->why);
			return OUTCOME_FAILED;
		}
		outcome = ask_once(launcher, asking);
	}
	return outcome;
}

static enum outcome launch_one(struct launcher *launcher, const struct planned_launch *planned,
			       struct act_launched *out)
{
	const struct resource *resource = &launcher->act->settings->resources[planned->resource];
	struct asking asking = { .planned = planned,
				 .resource = resource,
				 .provider = launcher->find(resource->provider),
				 .out = out,
				 .generation = planned->generation };

	memcpy(asking.day, planned->day, sizeof(asking.day));
	enum outcome outcome = try_offerings(launcher, &asking);

	if ((outcome == OUTCOME_FAILED &&
	     open_attempt_is_settled(planned->is_repeat, out->why.class)) ||
	    (outcome == OUTCOME_NONE && !planned->is_repeat))
		drop_attempt(launcher->act, &asking);
	return outcome;
}

static void open_launcher(struct launcher *launcher)
{
	const struct settings *settings = launcher->act->settings;
	int64_t now_ms = clock_monotonic_ms();

	launcher->until_ms = now_ms + (launcher->act->deadline_ms - now_ms) / 2;
	for (size_t r = 0; r < settings->resource_count; r++)
		bucket_open(&launcher->buckets[r],
			    &launcher->find(settings->resources[r].provider)->launch_limit, now_ms);
}

void act_launch(const struct act_launch *launch, struct act_result *out)
{
	const struct plan *plan = launch->act->plan;
	struct launcher launcher = { .act = launch->act, .find = launch->find };
	struct error err;

	if (store(launch->act, &err) < 0) {
		/* Without the ledger, a launch whose answer is lost would be forgotten. */
		log_failure("ledger", &err);
		out->failed++;
		for (size_t i = 0; i < plan->launch_count; i++) {
			out->launches[i] = OUTCOME_FAILED;
			out->launched[i].why = err;
		}
		return;
	}
	open_launcher(&launcher);
	for (size_t i = 0; i < plan->launch_count; i++) {
		out->launches[i] = launch_one(&launcher, &plan->launches[i], &out->launched[i]);
		out->failed += out->launches[i] == OUTCOME_FAILED ||
			       out->launches[i] == OUTCOME_OPEN || out->launches[i] == OUTCOME_NONE;
	}
}
