#include "bootstrap/docker_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What the engine says of a container as clearml-agent starts it, shortened: with members of
 * HostConfig (among them our binds, unless others are given) and of the whole. ' stands for ". */
static void print_container(const char *host, const char *beside, struct buf *out)
{
	buf_addf(out, "{'Id':'c7d4','HostConfig':{%s", host);
	if (!strstr(host, "'Binds'"))
		buf_addf(out, "'Binds':['/m/agent/0/pip-cache:/root/.cache/pip',"
			      "'/m/agent/0/.clearml_agent.x.cfg:/tmp/clearml.conf'],");
	buf_addf(out, "'LogConfig':{'Type':'json-file'},'AutoRemove':true,'CapDrop':null},%s",
		 beside);
	buf_addf(out, "'Config':{'Tty':true,'Image':'org/tool:1','Labels':{'clearml-worker-id':'w',"
		      "'mayfly.instance':'local-1','mayfly.seat':'0'}}}");
}

static const char *const labels[] = { "mayfly.instance=local-1", "mayfly.seat=0", NULL };

static int check(const char *text, const struct docker_rules *rules, struct error *err)
{
	SCOPED(json_document) struct json_document document = { 0 };
	struct error parse = { 0 };
	char *json = memory_text(slice_of(text));

	for (char *byte = json; *byte; byte++)
		*byte = *byte == '\'' ? '"' : *byte;
	if (json_parse(slice_of(json), &document, &parse) < 0)
		fail_msg("%s: %s", parse.message, text);
	free(json);
	return docker_policy_check(document.root, rules, err);
}

/* allow: one word; arguments: one, or two with a blank between them. NULL: none. */
static int check_with(const char *host, const char *beside, const char *allow,
		      const char *arguments, struct error *err)
{
	SCOPED(buf) struct buf text = BUF(8192);
	char *allowed[2] = { 0 }, *given[3] = { 0 };
	char *rest = memory_text(slice_of(arguments));

	allowed[0] = memory_text(slice_of(allow));
	given[0] = rest;
	given[1] = strchr(rest, ' ');
	if (given[1])
		*given[1]++ = '\0';
	const struct docker_rules rules = {
		.policy = { allowed, given },
		.folder = "/m/agent/0",
		.network = "bridge",
		.gpus = "0,GPU-1",
		.labels = labels,
		.has_private_cgroups = true,
	};
	print_container(host, beside, &text);
	int result = check(buf_text(&text), &rules, err);
	free(allowed[0]);
	free(rest);
	return result;
}

#define GPUS(count, ids)                                                    \
	"'DeviceRequests':[{'Driver':'','Count':" count ",'DeviceIDs':" ids \
	",'Capabilities':[['gpu']]}],"

static void test_within(void **state)
{
	static const struct {
		const char *when, *host, *beside;
	} cases[] = {
		{ "nothing is asked for", "", "" },
		{ "everything is said to be off",
		  "'Privileged':false,'CapAdd':null,'Devices':[],'DeviceRequests':null,'PidMode':''"
		  ","
		  "'UTSMode':'','UsernsMode':'','SecurityOpt':[],'CgroupParent':'','VolumesFrom':"
		  "null,'OomKillDisable':false,'PublishAllPorts':false,'PortBindings':{},'"
		  "CpuRealtimeRuntime':0,'RestartPolicy':{'Name':'no','MaximumRetryCount':0},'"
		  "Mounts':[],",
		  "'Mounts':[],'NetworkSettings':{'Networks':{}}," },
		{ "its IPC is its own", "'IpcMode':'private',", "" },
		{ "it runs as all do", "'Runtime':'runc','CgroupnsMode':'private',", "" },
		{ "the network is ours", "'NetworkMode':'bridge',",
		  "'NetworkSettings':{'Networks':{'bridge':{}}}," },
		{ "the network is the default one", "'NetworkMode':'default',", "" },
		{ "it may gain no privileges", "'SecurityOpt':['no-new-privileges:true'],", "" },
		{ "its GPUs are its seat's", GPUS("0", "['GPU-1','0']"), "" },
		{ "its GPUs are asked for by their maker's name",
		  "'DeviceRequests':[{'Driver':'nvidia','DeviceIDs':['0'],'Capabilities':[['"
		  "compute','gpu']]}],",
		  "" },
		{ "a folder's name begins with dots", "'Binds':['/m/agent/0/..x:/x'],", "" },
		{ "paths are masked",
		  "'MaskedPaths':['/proc/kcore'],'ReadonlyPaths':['/proc/sys'],", "" },
		{ "its image has a volume", "",
		  "'Mounts':[{'Type':'volume','Name':'9f','Source':'/d/9f'}]," },
		{ "it has memory as a file system", "'Mounts':[{'Type':'tmpfs'}],", "" },
		{ "its own folder is mounted in the long form",
		  "'Mounts':[{'Type':'bind','Source':'/m/agent/0/x'}],", "" },
		{ "its memory goes first", "'OomScoreAdj':500,", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = { 0 };

		if (check_with(cases[i].host, cases[i].beside, NULL, NULL, &err) < 0)
			fail_msg("when %s: %s", cases[i].when, err.message);
	}
}

/* Refused; then allowed by name; then, where the operator's own arguments have it, within too. */
static void test_beyond(void **state)
{
	static const struct {
		const char *when, *host, *beside, *says, *option, *arguments;
	} cases[] = {
		{ "it is privileged",
		  "'Privileged':true,'MaskedPaths':null,'SecurityOpt':['label=disable'],", "",
		  "is privileged", "--privileged", "--privileged" },
		{ "privileged is a word", "'Privileged':'yes',", "", "is privileged",
		  "--privileged", "--privileged" },
		{ "it has a capability", "'CapAdd':['CAP_SYS_PTRACE'],", "",
		  "has the capability CAP_SYS_PTRACE", "--cap-add", "--cap-add sys_ptrace" },
		{ "it has a capability, by an older engine's name", "'CapAdd':['SYS_PTRACE'],", "",
		  "has the capability SYS_PTRACE", "--cap-add", "--cap-add=CAP_SYS_PTRACE" },
		{ "it has a device",
		  "'Devices':[{'PathOnHost':'/dev/kvm','PathInContainer':'/dev/kvm'}],", "",
		  "has the device /dev/kvm", "--device", "--device=/dev/kvm:/dev/kvm:rwm" },
		{ "a device has no path", "'Devices':[{}],", "", "has the device", "--device",
		  NULL },
		{ "it has a rule for devices", "'DeviceCgroupRules':['a *:* rwm'],", "",
		  "has device rules", "--device-cgroup-rule", "--device-cgroup-rule=a *:* rwm" },
		{ "it has all GPUs", GPUS("-1", "null"), "", "not its seat's", "--gpus",
		  "--gpus all" },
		{ "it has a GPU of another seat", GPUS("0", "['0','1']"), "", "not its seat's",
		  "--gpus", "--gpus=all" },
		{ "it has a GPU whose name begins as ours", GPUS("0", "['GPU-11']"), "",
		  "not its seat's", "--gpus", NULL },
		{ "it has GPUs by count", GPUS("1", "[]"), "", "not its seat's", "--gpus", NULL },
		{ "it has GPUs by count and by name", GPUS("2", "['0']"), "", "not its seat's",
		  "--gpus", NULL },
		{ "it does not say what kind of device",
		  "'DeviceRequests':[{'DeviceIDs':['0'],'Capabilities':[]}],", "", "not its seat's",
		  "--gpus", NULL },
		{ "it asks for another kind of device",
		  "'DeviceRequests':[{'Driver':'cdi','DeviceIDs':['0']}],", "", "not its seat's",
		  "--gpus", NULL },
		{ "it mounts the host", "'Binds':['/:/host'],", "", "mounts /:", "--volume",
		  "-v /:/host" },
		{ "it mounts a folder whose name begins as ours", "'Binds':['/m/agent/01:/x'],", "",
		  "mounts /m/agent/01", "--volume", "--volume=/m/agent/01:/x" },
		{ "it climbs out of its folder", "'Binds':['/m/agent/0/../1:/x'],", "",
		  "mounts /m/agent/0/../1", "--volume", "--volume=/m/agent/0/../1:/x" },
		{ "it climbs out at the end", "'Binds':['/m/agent/0/..:/x'],", "",
		  "mounts /m/agent/0/..", "--volume", NULL },
		{ "it mounts a volume by name", "'Binds':['data:/x'],", "", "mounts data",
		  "--volume", "-vdata:/x" },
		{ "it mounts the engine's socket in the long form",
		  "'Mounts':[{'Type':'bind','Source':'/var/run/docker.sock'}],", "",
		  "mounts /var/run/docker.sock", "--mount",
		  "--mount type=bind,src=/var/run/docker.sock,dst=/x" },
		{ "it mounts a folder in the long form",
		  "'Mounts':[{'Type':'bind','Source':'/etc'}],", "", "mounts /etc", "--mount",
		  "--mount type=bind,source=/etc/,target=/x" },
		{ "it mounts a folder with a slash behind it",
		  "'Mounts':[{'Type':'bind','Source':'/etc/'}],", "", "mounts /etc/", "--mount",
		  "--mount type=bind,source=/etc/,target=/x" },
		{ "it mounts a volume in the long form",
		  "'Mounts':[{'Type':'volume','Source':'data'}],", "", "mounts data", "--mount",
		  "--mount=type=volume,source=data,target=/x" },
		{ "something is mounted that nobody asked for", "",
		  "'Mounts':[{'Type':'bind','Source':'/etc'}],", "mounts /etc", "--volume",
		  "--volume /etc/:/x:ro" },
		{ "it has another container's volumes", "'VolumesFrom':['x'],", "",
		  "another container's volumes", "--volumes-from", "--volumes-from=x" },
		{ "it sees all processes", "'PidMode':'host','SecurityOpt':['label=disable'],", "",
		  "process namespace that is not its own: host", "--pid", "--pid=host" },
		{ "it shares memory with all", "'IpcMode':'host','SecurityOpt':['label=disable'],",
		  "", "IPC namespace that is not its own: host", "--ipc", "--ipc=host" },
		{ "it shares memory with another", "'IpcMode':'container:x',", "", "container:x",
		  "--ipc", "--ipc container:x" },
		{ "it has the host's name", "'UTSMode':'host',", "", "hostname that is not",
		  "--uts", "--uts=host" },
		{ "its root is root", "'UsernsMode':'host',", "", "user namespace", "--userns",
		  "--userns=host" },
		{ "it sees control groups", "'CgroupnsMode':'host',", "", "control groups",
		  "--cgroupns", "--cgroupns=host" },
		{ "it is in the host's network", "'NetworkMode':'host',", "",
		  "is in the network host", "--network", "--network host" },
		{ "it is in another container's network", "'NetworkMode':'container:x',", "",
		  "is in the network container:x", "--network", "--net=container:x" },
		{ "it is in a second network", "'NetworkMode':'bridge',",
		  "'NetworkSettings':{'Networks':{'bridge':{},'db':{}}},", "is in the network db",
		  "--network", "--network=db" },
		{ "it is confined less", "'SecurityOpt':['seccomp=unconfined'],", "",
		  "security option seccomp=unconfined", "--security-opt",
		  "--security-opt=seccomp=unconfined" },
		{ "it is not labelled", "'SecurityOpt':['label=disable'],", "",
		  "security option label=disable", "--security-opt",
		  "--security-opt=label=disable" },
		{ "it has a profile", "'SecurityOpt':['seccomp={}'],", "", "seccomp={}",
		  "--security-opt", "--security-opt seccomp=/etc/profile.json" },
		{ "no path is masked", "'MaskedPaths':[],", "", "all of /proc", "--security-opt",
		  "--security-opt systempaths=unconfined" },
		{ "no path is read-only", "'ReadonlyPaths':null,", "", "all of /proc",
		  "--security-opt", "--security-opt systempaths=unconfined" },
		{ "it is in another control group", "'CgroupParent':'/x',", "", "control group /x",
		  "--cgroup-parent", "--cgroup-parent=/x" },
		{ "it has another runtime", "'Runtime':'nvidia',", "", "runtime nvidia",
		  "--runtime", "--runtime=nvidia" },
		{ "it is not ended for its memory", "'OomKillDisable':true,", "", "cannot be ended",
		  "--oom-kill-disable", "--oom-kill-disable" },
		{ "others' memory goes first", "'OomScoreAdj':-500,", "", "outlives others",
		  "--oom-score-adj", "--oom-score-adj=-500" },
		{ "it sets kernel parameters", "'Sysctls':{'net.x':'1'},", "", "kernel parameters",
		  "--sysctl", "--sysctl=net.x=1" },
		{ "it publishes a port", "'PortBindings':{'80/tcp':[{}]},", "", "publishes ports",
		  "-p", "-p 80:80" },
		{ "it publishes all ports", "'PublishAllPorts':true,", "", "publishes ports", "-P",
		  "-P" },
		{ "it starts again", "'RestartPolicy':{'Name':'always'},", "",
		  "starts again by itself: always", "--restart", "--restart=always" },
		{ "it is linked", "'Links':['/x:/y'],", "", "linked", "--link", "--link=x:y" },
		{ "it has a driver of volumes", "'VolumeDriver':'nfs',", "", "volume driver: nfs",
		  "--volume-driver", "--volume-driver=nfs" },
		{ "it has storage options", "'StorageOpt':{'size':'1T'},", "", "storage options",
		  "--storage-opt", "--storage-opt=size=1T" },
		{ "it runs in real time", "'CpuRealtimeRuntime':950000,", "", "real-time",
		  "--cpu-rt-runtime", "--cpu-rt-runtime=950000" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *host = cases[i].host, *beside = cases[i].beside;
		struct error err = { 0 };

		int result = check_with(host, beside, NULL, NULL, &err);
		if (result == 0 || err.class != ERROR_REFUSED ||
		    !strstr(err.message, cases[i].says))
			fail_msg("when %s: %d, %s", cases[i].when, result, err.message);
		if (!strstr(err.message, "is not allowed to tasks"))
			fail_msg("when %s: %s", cases[i].when, err.message);
		if (check_with(host, beside, cases[i].option, NULL, &err) < 0)
			fail_msg("when %s, allowed: %s", cases[i].when, err.message);
		if (check_with(host, beside, "*", NULL, &err) < 0)
			fail_msg("when %s, all allowed: %s", cases[i].when, err.message);
		if (cases[i].arguments &&
		    check_with(host, beside, NULL, cases[i].arguments, &err) < 0)
			fail_msg("when %s, the operator's: %s", cases[i].when, err.message);
	}
}

/* The operator's own arguments open what they ask for, and no more. */
static void test_beyond_the_operators(void **state)
{
	static const struct {
		const char *when, *host, *beside, *arguments;
	} cases[] = {
		{ "it has another capability", "'CapAdd':['SYS_PTRACE','SYS_ADMIN'],", "",
		  "--cap-add=SYS_PTRACE" },
		{ "it has another device", "'Devices':[{'PathOnHost':'/dev/sda'}],", "",
		  "--device /dev/sd" },
		{ "it may write where the operator's may not", "'Binds':['/data:/data'],", "",
		  "-v /data:/data:ro" },
		{ "it mounts what is below the operator's", "'Binds':['/data/x:/x'],", "",
		  "-v /data:/data" },
		{ "it mounts another folder in the long form",
		  "'Mounts':[{'Type':'bind','Source':'/etc'}],", "",
		  "--mount type=bind,source=/srv,target=/etc" },
		{ "it is in another network", "'NetworkMode':'host',", "", "--network=db" },
		{ "it is confined less", "'SecurityOpt':['apparmor=unconfined'],", "",
		  "--security-opt seccomp=unconfined" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = { 0 };

		if (check_with(cases[i].host, cases[i].beside, NULL, cases[i].arguments, &err) == 0)
			fail_msg("when %s", cases[i].when);
		assert_int_equal(err.class, ERROR_REFUSED);
	}
}

static void test_the_mark_in_its_environment(void **state)
{
	static const struct {
		const char *when, *environment;
		bool is_within;
	} cases[] = {
		{ "it is there", "'A=1','MAYFLY_RUN=7f','B=2'", true },
		{ "others have names that begin alike",
		  "'MAYFLY_RU=1','MAYFLY_RUNS=1','MAYFLY_RUN=7f'", true },
		{ "there is none", "'A=1','MAYFLY_RUNS=7f'", false },
		{ "there is no environment", "", false },
		{ "it is another task's", "'MAYFLY_RUN=8f'", false },
		{ "it is longer", "'MAYFLY_RUN=7ff'", false },
		{ "another one comes after it", "'MAYFLY_RUN=7f','MAYFLY_RUN=8f'", false },
		{ "another one comes before it", "'MAYFLY_RUN=8f','MAYFLY_RUN=7f'", false },
	};
	const struct docker_rules rules = { .folder = "/m", .mark = "MAYFLY_RUN=7f" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf text = BUF(8192);
		struct error err = { 0 };

		buf_addf(&text, "{'HostConfig':{},'Config':{'Env':[%s]}}", cases[i].environment);
		if ((check(buf_text(&text), &rules, &err) == 0) != cases[i].is_within)
			fail_msg("when %s: %s", cases[i].when, err.message);
		if (cases[i].is_within)
			continue;
		assert_int_equal(err.class, ERROR_REFUSED);
		assert_non_null(strstr(err.message, "has another MAYFLY_RUN than its machine"));
	}
}

static void test_rules(void **state)
{
	static const char *const other[] = { "mayfly.instance=local-2", NULL };
	static const char *const absent[] = { "mayfly.task=x", NULL };
	static const char *const bare[] = { "mayfly", NULL };
	static const struct {
		const char *when, *host;
		struct docker_rules rules;
		const char *says; /* NULL: within */
	} cases[] = {
		{ "the labels are another machine's",
		  "",
		  { .folder = "/m/agent/0", .labels = other },
		  "lacks the label mayfly.instance=local-2" },
		{ "a label is absent",
		  "",
		  { .folder = "/m/agent/0", .labels = absent },
		  "lacks the label mayfly.task=x" },
		{ "a label's name is longer",
		  "",
		  { .folder = "/m/agent/0", .labels = bare },
		  "lacks the label mayfly" },
		{ "the image is another one",
		  "",
		  { .folder = "/m", .image = "org/tool" },
		  "runs the image org/tool:1, not org/tool" },
		{ "the image is the one", "", { .folder = "/m", .image = "org/tool:1" }, NULL },
		{ "nobody asks for labels", "", { .folder = "/m/agent/0" }, NULL },
		{ "the folder ends with a slash", "", { .folder = "/m/agent/0/" }, NULL },
		{ "the folder is another seat's", "", { .folder = "/m/agent/1" }, "mounts /m" },
		{ "there is no folder", "", { .folder = NULL }, "mounts /m" },
		{ "the folder is empty", "", { .folder = "" }, "mounts /m" },
		{ "the folder is the root", "", { .folder = "/" }, "mounts /m" },
		{ "the seat has no GPU", GPUS("0", "['0']"), { .folder = "/m" }, "not its seat's" },
		{ "the seat has all GPUs",
		  GPUS("-1", "null"),
		  { .folder = "/m", .gpus = "all" },
		  NULL },
		{ "the seat has all GPUs, and something else is asked for",
		  "'DeviceRequests':[{'Driver':'','Count':-1,'Capabilities':[['tpu']]}],",
		  { .folder = "/m", .gpus = "all" },
		  "not its seat's" },
		{ "the engine's runtime is another one",
		  "'Runtime':'nvidia',",
		  { .folder = "/m", .runtime = "nvidia" },
		  NULL },
		{ "the network is one of ours",
		  "'NetworkMode':'tasks',",
		  { .folder = "/m", .network = "tasks" },
		  NULL },
		{ "the network should be one of ours",
		  "'NetworkMode':'bridge',",
		  { .folder = "/m", .network = "tasks" },
		  "is in the network bridge" },
		{ "the network should be one of ours and none is named",
		  "",
		  { .folder = "/m", .network = "tasks" },
		  "is in the network" },
		{ "control groups are all the host's",
		  "'CgroupnsMode':'host',",
		  { .folder = "/m" },
		  NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SCOPED(buf) struct buf text = BUF(8192);
		struct error err = { 0 };

		print_container(cases[i].host, "", &text);
		int result = check(buf_text(&text), &cases[i].rules, &err);
		if ((result < 0) != (cases[i].says != NULL) ||
		    (result < 0 && !strstr(err.message, cases[i].says)))
			fail_msg("when %s: %d, %s", cases[i].when, result, err.message);
	}
}

static void test_no_container(void **state)
{
	static const char *const answers[] = {
		"{}",
		"[]",
		"null",
		"{'HostConfig':null,'Config':{}}",
		"{'HostConfig':{}}",
		"{'message':'No such container: x'}",
	};
	const struct docker_rules rules = { .folder = "/m" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct error err = { 0 };

		assert_int_equal(check(answers[i], &rules, &err), -1);
		assert_int_equal(err.class, ERROR_MALFORMED);
	}
}

/* Longer than any path is, and so refused, at each length around our room. */
static void test_long_bind(void **state)
{
	char path[5000];

	(void)state;
	for (size_t len = 4090; len < 4100; len++) {
		SCOPED(buf) struct buf host = BUF(8192);
		struct error err = { 0 };

		memset(path, 'x', len);
		path[0] = '/';
		path[len] = '\0';
		buf_addf(&host, "'Binds':['%s:/x'],", path);
		assert_int_equal(check_with(buf_text(&host), "", NULL, NULL, &err), -1);
		assert_non_null(strstr(err.message, "mounts /xxx"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_within),
		cmocka_unit_test(test_beyond),
		cmocka_unit_test(test_beyond_the_operators),
		cmocka_unit_test(test_the_mark_in_its_environment),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_long_bind),
		cmocka_unit_test(test_no_container),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
