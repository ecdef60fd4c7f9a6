#include "bootstrap/images.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"

enum {
	PULLS_MAX = 20, /* 16 seats, the agent's image, the default one */
	RETRY_FIRST_MS = 2000,
	RETRY_MAX_MS = 60000,
	UNWANTED_MS = 600000,
	NEWS_EVERY_MS = 15000,
};

/* One image on its way, or how that ended; image[0] '\0': the place is free. */
struct coming {
	char image[DOCKER_IMAGE_ROOM];
	struct docker_pull *pull; /* NULL: between two tries, or over */
	unsigned tries;
	bool is_prefetch; /* nobody asks: kept until it is over */
	bool is_over; /* pulled (state of err: ERROR_NONE), or failed for good */
	bool is_told; /* how it ended, to somebody */
	struct error err; /* of the last try */
	int64_t begun_ms, wanted_ms, next_ms, news_ms, over_ms;
};

struct images {
	const struct ticket *ticket;
	const struct bundle *bundle;
	const struct engine *engine;
	struct coming list[PULLS_MAX];
};

struct images *images_new(const struct ticket *ticket, const struct bundle *bundle,
			  const struct engine *engine)
{
	struct images *images = memory_array(1, sizeof(*images));

	images->ticket = ticket;
	images->bundle = bundle;
	images->engine = engine;
	return images;
}

static void forget(struct coming *coming)
{
	docker_pull_close(coming->pull);
	*coming = (struct coming){ 0 };
}

void images_free(struct images *images)
{
	if (!images)
		return;
	for (size_t i = 0; i < PULLS_MAX; i++)
		forget(&images->list[i]);
	free(images);
}

/* "": a free place. */
static struct coming *find(struct images *images, const char *image)
{
	for (size_t i = 0; i < PULLS_MAX; i++)
		if (!images->list[i].is_over && !strcmp(images->list[i].image, image))
			return &images->list[i];
	return NULL;
}

/* The last end of a pull of it that is not older than the wish; since_ms 0: of any age. */
static struct coming *find_end(struct images *images, const char *image, int64_t since_ms)
{
	struct coming *last = NULL;

	for (size_t i = 0; i < PULLS_MAX; i++) {
		struct coming *end = &images->list[i];

		if (end->is_over && end->over_ms >= since_ms && !strcmp(end->image, image) &&
		    (!last || end->over_ms > last->over_ms))
			last = end;
	}
	return last;
}

/* ---- what is here ---- */

/* Which the kernel runs although it is another one: natively, or through an emulator. */
static bool runs_here(const char *own, const char *image)
{
	static const struct {
		const char *own, *image;
	} native[] = { { "amd64", "386" }, { "arm64", "arm" } };
	static const struct {
		const char *image, *emulator;
	} emulators[] = { { "amd64", "qemu-x86_64" }, { "arm64", "qemu-aarch64" },
			  { "arm", "qemu-arm" },      { "ppc64le", "qemu-ppc64le" },
			  { "s390x", "qemu-s390x" },  { "riscv64", "qemu-riscv64" } };
	char path[64];

	if (!*own || !*image || !strcmp(own, image))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(native); i++)
		if (!strcmp(own, native[i].own) && !strcmp(image, native[i].image))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(emulators); i++) {
		(void)snprintf(path, sizeof(path), "/proc/sys/fs/binfmt_misc/%s",
			       emulators[i].emulator);
		if (!strcmp(image, emulators[i].image) && file_exists(path))
			return true;
	}
	return false;
}

/* ERROR_NOT_FOUND: not on this machine. */
static int look(const struct images *images, const char *image, struct error *err)
{
	const char *own = engine_facts(images->engine)->architecture;
	struct docker_image found;

	if (docker_image_look(engine_docker(images->engine), image, &found, err) < 0) {
		/* An engine that cannot say is no word on the image: its pull will tell. */
		if (err->class != ERROR_UNREACHABLE)
			err->class = ERROR_NOT_FOUND;
		return -1;
	}
	if (!runs_here(own, found.architecture))
		return error_set(err, ERROR_REFUSED, "image %s is for %s, this machine is %s",
				 image, found.architecture, own);
	return 0;
}

/* ---- one pull ---- */

static bool is_for_good(const struct error *err)
{
	return err->class == ERROR_NOT_FOUND || err->class == ERROR_DENIED ||
	       err->class == ERROR_REFUSED || err->class == ERROR_CAPACITY ||
	       err->class == ERROR_CONFIGURATION;
}

static const struct bundle_registry *registry_of(const struct images *images, const char *image)
{
	char server[DOCKER_NAME_ROOM];

	docker_reference_registry(image, server);
	for (size_t i = 0; i < images->bundle->registry_count; i++)
		if (!strcasecmp(images->bundle->registries[i].server, server))
			return &images->bundle->registries[i];
	return NULL;
}

bool images_have_login(const struct images *images, const char *image)
{
	return registry_of(images, image);
}

static int begin_pull(struct images *images, struct coming *coming, struct error *err)
{
	const struct bundle_registry *registry = registry_of(images, coming->image);
	const struct docker_login login = {
		.server = registry ? registry->server : NULL,
		.user = registry ? registry->user : NULL,
		.password = registry ? &registry->password : NULL,
	};

	return docker_pull_begin(engine_docker(images->engine), coming->image,
				 registry ? &login : NULL, &coming->pull, err);
}

static void add_advice(const struct images *images, struct coming *coming)
{
	char server[DOCKER_NAME_ROOM];

	if (coming->err.class != ERROR_DENIED)
		return;
	docker_reference_registry(coming->image, server);
	(void)error_wrap(&coming->err,
			 registry_of(images, coming->image) ? "the login of the bundle for %s" :
							      "the bundle has no login for %s",
			 server);
}

static int64_t end_of(const struct images *images, const struct coming *coming)
{
	return coming->begun_ms + images->ticket->agent.docker.pull_timeout_s * 1000;
}

static void failed(struct images *images, struct coming *coming, int64_t now_ms)
{
	int64_t wait_ms = (int64_t)RETRY_FIRST_MS << (coming->tries < 6 ? coming->tries : 6);

	if (wait_ms > RETRY_MAX_MS)
		wait_ms = RETRY_MAX_MS;
	docker_pull_close(coming->pull);
	coming->pull = NULL;
	coming->tries++;
	coming->next_ms = now_ms + wait_ms;
	coming->is_over = is_for_good(&coming->err) || coming->next_ms >= end_of(images, coming);
	coming->over_ms = now_ms;
	if (coming->is_over)
		add_advice(images, coming);
	/* Also of a registry's limit, or bad bytes: what it means is that the time is over. */
	if (coming->is_over && !is_for_good(&coming->err))
		coming->err.class = ERROR_UNREACHABLE;
	log_warn("pull", "%s: %s%s", coming->image, coming->err.message,
		 coming->is_over ? "" : "; it is tried again");
}

static void describe(const struct coming *coming, struct buf *out)
{
	struct docker_progress seen = { 0 };

	if (coming->pull)
		seen = docker_pull_progress(coming->pull);
	if (!coming->pull && coming->tries)
		buf_addf(out, "waits for another try: %s", coming->err.message);
	else if (seen.total_bytes > 0)
		buf_addf(out, "%d %% of %.1f MB, %u of %u layers",
			 (int)(100 * seen.done_bytes / seen.total_bytes),
			 (double)seen.total_bytes / 1e6, seen.layers_done, seen.layers);
	else
		buf_addf(out, "%u of %u layers", seen.layers_done, seen.layers);
}

static void tell_news(struct coming *coming, int64_t now_ms)
{
	SCOPED(buf) struct buf text = BUF(256);

	if (now_ms - coming->news_ms < NEWS_EVERY_MS)
		return;
	coming->news_ms = now_ms;
	describe(coming, &text);
	log_info("pull", "%s: %s", coming->image, buf_text(&text));
}

static void succeeded(struct images *images, struct coming *coming, int64_t now_ms)
{
	char span[CLOCK_TEXT_LEN];

	clock_format_span(now_ms - coming->begun_ms, span);
	/* The last word has what is here now: it may be of another architecture. */
	if (look(images, coming->image, &coming->err) < 0) {
		/* It was there for the registry: the engine went, or somebody cleans up. */
		if (coming->err.class == ERROR_NOT_FOUND)
			coming->err.class = ERROR_UNREACHABLE;
		failed(images, coming, now_ms);
		return;
	}
	docker_pull_close(coming->pull);
	coming->pull = NULL;
	coming->is_over = true;
	coming->over_ms = now_ms;
	coming->err = (struct error){ 0 };
	log_info("pull", "%s: is here, after %s", coming->image, span);
}

/* It goes on as long as something comes, however little: the time is over all the same. */
static void check_time(struct images *images, struct coming *coming, int64_t now_ms)
{
	if (now_ms < end_of(images, coming)) {
		tell_news(coming, now_ms);
		return;
	}
	(void)error_set(&coming->err, ERROR_UNREACHABLE,
			"image %s did not come within the pull_timeout of %lld s", coming->image,
			(long long)images->ticket->agent.docker.pull_timeout_s);
	failed(images, coming, now_ms);
}

static void turn(struct images *images, struct coming *coming, int64_t now_ms)
{
	bool has_ended = false;

	/* Between tries it waits, and longer where no engine would listen. */
	if (!coming->pull && (now_ms < coming->next_ms || !engine_answers(images->engine)))
		return;
	if (!coming->pull && begin_pull(images, coming, &coming->err) < 0) {
		failed(images, coming, now_ms);
		return;
	}
	if (docker_pull_turn(coming->pull, &has_ended, &coming->err) < 0)
		failed(images, coming, now_ms);
	else if (has_ended)
		succeeded(images, coming, now_ms);
	else
		check_time(images, coming, now_ms);
}

void images_turn(struct images *images, int64_t now_ms)
{
	for (size_t i = 0; images && i < PULLS_MAX; i++) {
		struct coming *coming = &images->list[i];

		if (!coming->image[0])
			continue;
		bool is_unwanted = coming->is_prefetch ? coming->is_over :
							 now_ms - coming->wanted_ms >= UNWANTED_MS;

		if (is_unwanted)
			forget(coming);
		else if (!coming->is_over)
			turn(images, coming, now_ms);
	}
}

bool images_is_busy(const struct images *images)
{
	for (size_t i = 0; images && i < PULLS_MAX; i++)
		if (images->list[i].pull)
			return true;
	return false;
}

/* ---- asking ---- */

/* A free one, or that of the pull that has been over for longest. */
static struct coming *find_place(struct images *images)
{
	struct coming *place = find(images, "");

	if (place)
		return place;
	for (size_t i = 0; i < PULLS_MAX; i++) {
		struct coming *end = &images->list[i];

		if (end->is_over && (!place || end->over_ms < place->over_ms))
			place = end;
	}
	return place;
}

static struct coming *begin(struct images *images, const char *image, int64_t now_ms)
{
	struct coming *coming = find_place(images);

	if (!coming)
		return NULL;
	forget(coming);
	*coming = (struct coming){ .begun_ms = now_ms, .wanted_ms = now_ms, .news_ms = now_ms };
	text_cut(coming->image, sizeof(coming->image), image);
	log_info("pull", "%s: begins", image);
	turn(images, coming, now_ms);
	return coming;
}

/* It stays for the others that waited for it, but for one who asks alone. */
static enum image_state conclude(struct coming *coming, bool is_alone, struct error *err)
{
	struct error last = coming->err;
	bool is_told = coming->is_told;

	coming->is_told = true;
	if (is_alone)
		forget(coming);
	if (!last.class)
		return IMAGE_IS_HERE;
	*err = last;
	return is_told ? IMAGE_HAS_FAILED : IMAGE_FAILED;
}

/* Not under way yet. ERROR_NOT_FOUND: it would have to be pulled. */
static int look_first(const struct images *images, const char *image, struct error *err)
{
	if (images->ticket->agent.docker.pull == PULL_ALWAYS)
		return error_set(err, ERROR_NOT_FOUND, "to be asked for each time");
	return look(images, image, err);
}

static bool may_pull(const struct images *images)
{
	return images->ticket->agent.docker.pull != PULL_NEVER;
}

static enum image_state want_first(struct images *images, const char *image, int64_t now_ms,
				   struct buf *news, struct error *err)
{
	if (docker_reference_check(image, err) < 0)
		return IMAGE_FAILED;
	if (look_first(images, image, err) == 0)
		return IMAGE_IS_HERE;
	if (err->class == ERROR_NOT_FOUND && !may_pull(images)) {
		(void)error_set(err, ERROR_NOT_FOUND,
				"image %s is not on this machine, and agent.docker.pull is never",
				image);
		return IMAGE_FAILED;
	}
	if (err->class == ERROR_NOT_FOUND) {
		struct coming *coming = begin(images, image, now_ms);

		if (coming)
			describe(coming, news);
		else
			buf_addf(news, "waits for other images");
		return IMAGE_COMES;
	}
	if (err->class != ERROR_UNREACHABLE)
		return IMAGE_FAILED;
	buf_addf(news, "waits for the engine: %s", err->message);
	return IMAGE_COMES;
}

enum image_state images_want(struct images *images, const char *image, int64_t since_ms,
			     int64_t now_ms, struct buf *news, struct error *err)
{
	struct coming *end = *image ? find_end(images, image, since_ms) : NULL;
	struct coming *coming = *image ? find(images, image) : NULL;
	struct error ignored;

	/* One that came, and was told so before, may be cleaned up by now. */
	if (end && (end->err.class || !end->is_told || look(images, image, &ignored) == 0))
		return conclude(end, !since_ms, err);
	if (!coming)
		return want_first(images, image, now_ms, news, err);
	coming->wanted_ms = now_ms;
	coming->is_prefetch = false;
	describe(coming, news);
	return IMAGE_COMES;
}

void images_prefetch(struct images *images, const char *image)
{
	int64_t now_ms = clock_monotonic_ms();
	struct error err;

	if (!*image || !may_pull(images) || find(images, image) ||
	    look_first(images, image, &err) == 0 || err.class != ERROR_NOT_FOUND)
		return;
	struct coming *coming = begin(images, image, now_ms);

	if (coming)
		coming->is_prefetch = true;
}
