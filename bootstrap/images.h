#ifndef BOOTSTRAP_IMAGES_H
#define BOOTSTRAP_IMAGES_H

#include "bootstrap/engine.h"
#include "common/bundle.h"

/*
 * images: those that the machine needs are fetched here, several at once and
 * beside everything else, with the bundle's logins, and again after a failure
 * of the moment until the ticket's pull_timeout is over. By the ticket's policy:
 * `missing` fetches what is not on the machine, `always` asks the registry
 * each time, `never` only looks.
 */

struct images; /* opaque */

/* All are borrowed, and outlive it. */
struct images *images_new(const struct ticket *ticket, const struct bundle *bundle,
			  const struct engine *engine);
void images_free(struct images *images); /* cancels what is under way; NULL is fine */

enum image_state {
	IMAGE_COMES,
	IMAGE_IS_HERE,
	IMAGE_FAILED,
	IMAGE_HAS_FAILED, /* the same, of a pull whose failure another one was told already */
};

/*
 * How is it with this image? The first question starts its pull; whoever wants it
 * asks again until it is not IMAGE_COMES any more, and one that nobody asks for is
 * given up after ten minutes. Several who want it wait for one pull, and its end holds for each
 * whose wish, since_ms, is older than that end; who wishes for it later begins anew. since_ms 0:
 * who asks alone, is told the end once, and begins anew with the next question. IMAGE_COMES: news
 * says how far it is ("34 % of 1.2 GB"). IMAGE_FAILED: ERROR_NOT_FOUND, ERROR_DENIED, ERROR_REFUSED
 * (for another architecture; no name of an image), ERROR_CAPACITY (disk full): no later try would
 * mend it; else ERROR_UNREACHABLE: the time for it is over.
 */
enum image_state images_want(struct images *images, const char *image, int64_t since_ms,
			     int64_t now_ms, struct buf *news, struct error *err);

/* Has the bundle a login for the image's registry? */
bool images_have_login(const struct images *images, const char *image);

/* Fetch it in case that it is wanted; a failure is a warning in the log. */
void images_prefetch(struct images *images, const char *image);

void images_turn(struct images *images, int64_t now_ms); /* NULL is fine */
bool images_is_busy(const struct images *images); /* something is under way: turn soon again */

#endif
