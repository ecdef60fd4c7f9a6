#include "bootstrap/boot_guard.h"

#include "common/buf.h"
#include "common/file.h"

enum { GRACE_MS = 10 * 60 * 1000, MS_PER_S = 1000 };

int64_t boot_guard_until_ms(int64_t launched_ms, int64_t max_life_s)
{
	/* Longer than a century is for ever, and does not overflow. */
	const int64_t century_s = (int64_t)100 * 366 * 24 * 3600;

	return launched_ms + (max_life_s < century_s ? max_life_s : century_s) * MS_PER_S +
	       GRACE_MS;
}

int boot_guard_write(const char *path, int64_t until_ms, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(32);

	/* A machine that was launched before this boot may be past its time already: 0 says so. */
	buf_addf(&text, "%lld\n", (long long)(until_ms > 0 ? until_ms / MS_PER_S : 0));
	if (buf_finish(&text, err) < 0 || file_write(path, buf_slice(&text), 0644, err) < 0)
		return error_wrap(err, "the boot guard's note");
	return 0;
}
