#include "reaper/import/import_key.h"

#include <string.h>

enum { PLAIN_ROOM = 128 };

#define NOT_COPIED                                                                                \
	"not copied: mayfly finds credentials as AWS's own tools do: a role of the machine that " \
	"mayfly-reaper runs on is best, else a profile in ~/.aws/credentials (aws.profile names " \
	"it)"

const struct import_words import_words[IMPORT_KEY_COUNT] = {
	[IMPORT_CLOUD_PROVIDER] = { IMPORT_HYPER_PARAMS,
				    "cloud_provider",
				    { NULL },
				    "defaults.provider",
				    NULL },
	[IMPORT_CREDENTIALS_KEY] = { IMPORT_HYPER_PARAMS,
				     "cloud_credentials_key",
				     { "AWS Access Key ID", "aws_credentials_key_id",
				       "access_key" },
				     NULL,
				     NOT_COPIED },
	[IMPORT_CREDENTIALS_SECRET] = { IMPORT_HYPER_PARAMS,
					"cloud_credentials_secret",
					{ "AWS Secret Access Key", "secret_access_key",
					  "secret_key" },
					NULL,
					NOT_COPIED },
	[IMPORT_CREDENTIALS_TOKEN] = { IMPORT_HYPER_PARAMS,
				       "cloud_credentials_token",
				       { "AWS Session Token", "session_token" },
				       NULL,
				       NOT_COPIED },
	[IMPORT_REGION] = { IMPORT_HYPER_PARAMS,
			    "cloud_credentials_region",
			    { "AWS Region", "Region" },
			    "defaults.aws.region",
			    NULL },
	[IMPORT_CREDENTIALS_CHAIN] = { IMPORT_HYPER_PARAMS,
				       "use_credentials_chain",
				       { "Use IAM role", "use_iam_instance_role" },
				       NULL,
				       "not needed: credentials are always looked for along "
				       "AWS's chain, the machine's role included" },
	[IMPORT_USE_PROFILE] = { IMPORT_HYPER_PARAMS,
				 "use_iam_instance_profile",
				 { NULL },
				 NULL,
				 "not needed: an instance profile counts where one is named" },
	[IMPORT_PROFILE_ARN] = { IMPORT_HYPER_PARAMS,
				 "iam_arn",
				 { "IAM Instance Profile Arn", "instance_profile_arn", "arn" },
				 "defaults.aws.instance_profile",
				 NULL },
	[IMPORT_PROFILE_NAME] = { IMPORT_HYPER_PARAMS,
				  "iam_name",
				  { "IAM Instance Profile Name", "instance_profile_name" },
				  "defaults.aws.instance_profile",
				  NULL },
	[IMPORT_DOCKER_IMAGE] = { IMPORT_HYPER_PARAMS,
				  "default_docker_image",
				  { "Base Docker Image", "Docker Image" },
				  "defaults.agent.docker.image",
				  NULL },
	[IMPORT_DOCKER_MODE] = { IMPORT_HYPER_PARAMS,
				 NULL,
				 { "Use docker mode", "docker_mode", "use_docker" },
				 "defaults.agent.mode",
				 NULL },
	[IMPORT_GIT_USER] = { IMPORT_HYPER_PARAMS,
			      "git_user",
			      { "Git User", "git_username" },
			      "git.user",
			      NULL },
	[IMPORT_GIT_PASS] = { IMPORT_HYPER_PARAMS,
			      "git_pass",
			      { "Git Password / Personal Access Token", "git_password",
				"git_token" },
			      "git.token",
			      NULL },
	[IMPORT_IDLE_TIME] = { IMPORT_HYPER_PARAMS,
			       "max_idle_time_min",
			       { "Max Idle Time", "max_idle_time_minutes" },
			       "defaults.idle_timeout",
			       NULL },
	[IMPORT_POLLING] = { IMPORT_HYPER_PARAMS,
			     "polling_interval_time_min",
			     { "Polling Interval", "polling_interval_minutes",
			       "polling_interval_min" },
			     "watch_every",
			     NULL },
	[IMPORT_SPIN_UP] = { IMPORT_HYPER_PARAMS,
			     "max_spin_up_time_min",
			     { NULL },
			     "defaults.boot_deadline",
			     NULL },
	[IMPORT_PREFIX] = { IMPORT_HYPER_PARAMS,
			    "workers_prefix",
			    { "Workers Prefix", "worker_prefix" },
			    "prefix",
			    NULL },
	[IMPORT_ALL_TAGS] = { IMPORT_HYPER_PARAMS,
			      "tags",
			      { NULL },
			      NULL,
			      "left out: clearml reads it and puts it on nothing; tags for all "
			      "resources go into defaults.aws.tags" },
	[IMPORT_EXTRA_CONF] = { IMPORT_CONFIGURATIONS,
				"extra_clearml_conf",
				{ "Additional ClearML Configuration", "clearml_conf" },
				"extra_conf",
				NULL },
	[IMPORT_EXTRA_TRAINS_CONF] = { IMPORT_CONFIGURATIONS,
				       "extra_trains_conf",
				       { NULL },
				       "extra_conf",
				       NULL },
	[IMPORT_SCRIPT] = { IMPORT_CONFIGURATIONS,
			    "extra_vm_bash_script",
			    { "Init script", "bash_script", "startup_script" },
			    "defaults.init.script",
			    NULL },
	[IMPORT_QUEUES] = { IMPORT_CONFIGURATIONS, "queues", { NULL }, "resources[].queues", NULL },
	[IMPORT_RESOURCES] = { IMPORT_CONFIGURATIONS,
			       "resource_configurations",
			       { "Compute Resources", "instance_queue_list", "resources" },
			       "resources",
			       NULL },
	[IMPORT_BASHRC] = { IMPORT_CONFIGURATIONS,
			    NULL,
			    { "Exclude .bashrc script", "exclude_bashrc" },
			    NULL,
			    "not needed: mayfly never reads .bashrc; init.login reads the login "
			    "files" },
	[IMPORT_APP_NAME] = { IMPORT_CONFIGURATIONS,
			      NULL,
			      { "Autoscaler Instance Name", "app_instance_name", "instance_name",
				"name" },
			      NULL,
			      "left out: what tells one configuration from another is prefix" },
	[IMPORT_VAULT] = { IMPORT_CONFIGURATIONS,
			   NULL,
			   { "Apply Task Owner Vault Configuration", "apply_task_owner_vault" },
			   NULL,
			   "left out: vaults are of ClearML's Enterprise servers; what tasks need "
			   "goes into the bundle" },
	[IMPORT_WARN_TWICE] = { IMPORT_CONFIGURATIONS,
				NULL,
				{ "Warn if more than one instance is executing the same task",
				  "warn_more_than_one_instance" },
				NULL,
				"not needed: mayfly always looks for that, and says so" },
	[IMPORT_VAULT_ERRORS] = { IMPORT_CONFIGURATIONS,
				  NULL,
				  { "Ignore vault parsing errors" },
				  NULL,
				  "left out: vaults are of ClearML's Enterprise servers" },
	[IMPORT_LAUNCH_SPEC] = { IMPORT_CONFIGURATIONS,
				 NULL,
				 { "Custom Launch Spec", "launch_spec" },
				 "resources[].aws.launch_spec",
				 NULL },
	[IMPORT_SERVICE_ACCOUNT] = { IMPORT_CONFIGURATIONS,
				     NULL,
				     { "Run with Service Account", "service_account" },
				     NULL,
				     "left out: mayfly works as the ClearML user whose keys it is "
				     "given" },
	[IMPORT_NAME] = { IMPORT_RESOURCE,
			  NULL,
			  { "Resource Name", "name" },
			  "resources[].name",
			  NULL },
	[IMPORT_INSTANCE_TYPE] = { IMPORT_RESOURCE,
				   "instance_type",
				   { "EC2 Instance Type" },
				   "resources[].instance_type",
				   NULL },
	[IMPORT_CPU_ONLY] = { IMPORT_RESOURCE,
			      "cpu_only",
			      { "Run in CPU mode", "cpu_mode" },
			      "resources[].gpus",
			      NULL },
	[IMPORT_SPOT] = { IMPORT_RESOURCE,
			  "is_spot",
			  { "Use Spot Instance", "use_spot", "spot" },
			  "resources[].offerings",
			  NULL },
	[IMPORT_ROLLBACK] = { IMPORT_RESOURCE,
			      NULL,
			      { "Regular Instance Rollback" },
			      "resources[].offerings",
			      NULL },
	[IMPORT_ROLLBACK_TIME] = { IMPORT_RESOURCE,
				   NULL,
				   { "Regular Instance Rollback Timeout" },
				   "resources[].spot_rollback",
				   NULL },
	[IMPORT_BLACKOUT] = { IMPORT_RESOURCE,
			      NULL,
			      { "Spot Instance Blackout Period" },
			      "resources[].spot_blackout",
			      NULL },
	[IMPORT_TAGGED] = { IMPORT_RESOURCE,
			    NULL,
			    { "Place tags on resources" },
			    NULL,
			    "not needed: mayfly tags machines, their volumes and their interfaces "
			    "when it makes them" },
	[IMPORT_ZONE] = { IMPORT_RESOURCE,
			  "availability_zone",
			  { "Availability Zone" },
			  "resources[].offerings",
			  NULL },
	[IMPORT_SUBNET] = { IMPORT_RESOURCE,
			    "subnet_id",
			    { "VPC Subnet ID", "subnet_ids", "vpc_subnet_ids", "subnet" },
			    "resources[].aws.subnets",
			    NULL },
	[IMPORT_IMAGE] = { IMPORT_RESOURCE,
			   "ami_id",
			   { "AMI ID", "ami" },
			   "resources[].aws.image",
			   NULL },
	[IMPORT_MAX] = { IMPORT_RESOURCE,
			 NULL,
			 { "Max Number of Instances", "max_instances", "num_instances" },
			 "resources[].max_instances",
			 NULL },
	[IMPORT_QUEUE] = { IMPORT_RESOURCE,
			   NULL,
			   { "Monitored Queue", "queue_name", "queue" },
			   "resources[].queues",
			   NULL },
	[IMPORT_TAGS] = { IMPORT_RESOURCE, "tags", { "EC2 Tags" }, "resources[].aws.tags", NULL },
	[IMPORT_DEVICE] = { IMPORT_RESOURCE,
			    "ebs_device_name",
			    { "EBS Device" },
			    "resources[].aws.volume.device",
			    NULL },
	[IMPORT_VOLUME_SIZE] = { IMPORT_RESOURCE,
				 "ebs_volume_size",
				 { "EBS Volume Size" },
				 "resources[].aws.volume.gigabytes",
				 NULL },
	[IMPORT_VOLUME_TYPE] = { IMPORT_RESOURCE,
				 "ebs_volume_type",
				 { "EBS Volume Type" },
				 "resources[].aws.volume.type",
				 NULL },
	[IMPORT_SNAPSHOT] = { IMPORT_RESOURCE,
			      "ebs_snapshot_id",
			      { NULL },
			      "resources[].aws.launch_spec",
			      NULL },
	[IMPORT_KEY_PAIR] = { IMPORT_RESOURCE,
			      "key_name",
			      { "Instance Key Pair", "key_pair" },
			      "resources[].aws.key_name",
			      NULL },
	[IMPORT_GROUPS] = { IMPORT_RESOURCE,
			    "security_group_ids",
			    { "Security Group ID", "security_groups" },
			    "resources[].aws.security_groups",
			    NULL },
	[IMPORT_MONITORING] = { IMPORT_RESOURCE,
				"enable_monitoring",
				{ NULL },
				"resources[].aws.launch_spec",
				NULL },
	[IMPORT_EXTRA_SPEC] = { IMPORT_RESOURCE,
				"extra_configurations",
				{ NULL },
				"resources[].aws.launch_spec",
				NULL },
};

enum import_key import_key_of_script(enum import_section section, const char *name)
{
	for (size_t i = 0; i < IMPORT_KEY_COUNT; i++)
		if (import_words[i].section == section && import_words[i].script &&
		    !strcmp(import_words[i].script, name))
			return (enum import_key)i;
	return IMPORT_KEY_COUNT;
}

/* "Max Idle Time (Minutes)" becomes maxidletime. Appends; what does not fit is left out. */
static void add_plain(const char *label, char *out)
{
	size_t len = strlen(out);

	for (; *label && *label != '(' && len + 1 < PLAIN_ROOM; label++) {
		if (*label >= 'A' && *label <= 'Z')
			out[len++] = (char)(*label - 'A' + 'a');
		else if ((*label >= 'a' && *label <= 'z') || (*label >= '0' && *label <= '9'))
			out[len++] = *label;
	}
	out[len] = '\0';
}

static bool is_called(const char *word, const char *plain)
{
	char own[PLAIN_ROOM] = "";

	if (!word)
		return false;
	add_plain(word, own);
	return *own && !strcmp(own, plain);
}

static enum import_key find_label(bool is_resource, const char *plain)
{
	for (size_t i = 0; i < IMPORT_KEY_COUNT; i++) {
		const struct import_words *words = &import_words[i];
		bool fits = is_called(words->script, plain);

		if ((words->section == IMPORT_RESOURCE) != is_resource)
			continue;
		for (size_t n = 0; n < IMPORT_LABELS; n++)
			fits |= is_called(words->labels[n], plain);
		if (fits)
			return (enum import_key)i;
	}
	return IMPORT_KEY_COUNT;
}

enum import_key import_key_of_app(enum import_section section, const char *panel, const char *name)
{
	char both[PLAIN_ROOM] = "", alone[PLAIN_ROOM] = "";

	add_plain(panel, both);
	add_plain(name, both);
	add_plain(name, alone);
	enum import_key found = find_label(section == IMPORT_RESOURCE, both);

	return found < IMPORT_KEY_COUNT ? found : find_label(section == IMPORT_RESOURCE, alone);
}
