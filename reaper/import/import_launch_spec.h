#ifndef REAPER_IMPORT_IMPORT_LAUNCH_SPEC_H
#define REAPER_IMPORT_IMPORT_LAUNCH_SPEC_H

#include "reaper/import/import_source.h"

/*
 * import_launch_spec: what theirs adds to the request in boto3's form (extra_configurations
 * of the script, Custom Launch Spec of the app, enable_monitoring, ebs_snapshot_id), which
 * goes before all else there: what a setting of ours says is taken out of it, what
 * would not be taken is left out and noted, the rest is our aws.launch_spec.
 */

struct import_launch_spec {
	struct json_document rest; /* an object, owned */
	struct json_document parsed; /* owned: the app's, where that is a text */
	/* NULL: not said by it. Borrowed from the source, or from parsed. */
	const char *instance_type, *image, *subnet, *zone;
	const struct json *groups; /* a list */
	bool has_volumes; /* rest has BlockDeviceMappings */
};

/* Into *out, which is all zero. at: the resource's path in our configuration. */
void import_launch_spec(const struct import_source *source, const struct import_resource *resource,
			const char *at, struct import_launch_spec *out, struct import_notes *notes);
void import_launch_spec_release(struct import_launch_spec *spec);

#endif
