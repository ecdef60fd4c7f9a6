#include "bootstrap/power_off.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/child.h"
#include "common/log.h"

enum { SYSTEMCTL_TIMEOUT_MS = 20000, SAID_MAX = 512 };

/* (sd_booted(3): this folder is there where systemd is the init.) */
static bool is_systemd_here(void)
{
	struct stat found;

	return lstat("/run/systemd/system", &found) == 0 && S_ISDIR(found.st_mode);
}

static bool by_systemd(void)
{
	static const char *const argv[] = { "systemctl", "--no-block", "poweroff", NULL };
	const struct child_spec spec = { .argv = argv };
	SCOPED(buf) struct buf said = BUF(SAID_MAX);
	struct error err = { 0 };
	int status = 0;

	if (!is_systemd_here())
		return false;
	if (child_run(&spec, SYSTEMCTL_TIMEOUT_MS, &said, &status, &err) < 0)
		log_failure("power-off", &err);
	else if (status)
		log_error("power-off", "systemctl poweroff: %s", buf_text(&said));
	else
		return true;
	return false;
}

static void by_sysrq(void)
{
	int fd = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "o", 1) < 0)
		log_error("power-off", "/proc/sysrq-trigger: %s", strerror(errno));
	if (fd >= 0)
		(void)close(fd);
}

void power_off(void)
{
	log_warn("power-off", "switching the machine off");
	if (by_systemd())
		return;
	sync();
	if (reboot(RB_POWER_OFF) < 0)
		log_error("power-off", "reboot(2): %s", strerror(errno));
	by_sysrq();
}
