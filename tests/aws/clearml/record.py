"""What ClearML's own driver asks EC2 for, for each resource of aws_autoscaler.yaml beside this.

    python3 -m venv /tmp/clearml && /tmp/clearml/bin/pip install clearml==2.1.12 boto3 PyYAML
    /tmp/clearml/bin/python record.py > requests.json

AWSDriver.spin_up_worker() is called as the autoscaler calls it; botocore's calls are written down
instead of made, in boto3's form, without the user data. Nothing is asked: no ClearML, no AWS.
"""

import json
import sys
from pathlib import Path
from unittest import mock

import botocore.client
import yaml

calls = []


def answer(_client, operation, parameters):
    parameters.pop("UserData", None)
    parameters.get("LaunchSpecification", {}).pop("UserData", None)
    calls.append({"operation": operation, "parameters": json.loads(json.dumps(parameters))})
    one = {"InstanceId": "i-0123456789abcdef0", "State": {"Name": "running"}}
    spot = {"SpotInstanceRequestId": "sir-1", "State": "active", "InstanceId": one["InstanceId"],
            "Status": {"Code": "fulfilled"}}
    return {"Instances": [one], "Reservations": [{"Instances": [one]}],
            "SpotInstanceRequests": [spot]}


def main():
    configuration = yaml.safe_load((Path(__file__).parent / "aws_autoscaler.yaml").read_text())
    hyper_params = configuration["hyper_params"]
    whole = configuration["configurations"]
    with mock.patch.object(botocore.client.BaseClient, "_make_api_call", answer):
        from clearml.automation.aws_driver import AWSDriver
        driver = AWSDriver(
            git_user="", git_pass="", extra_clearml_conf="", api_server="", web_server="",
            files_server="", access_key="", secret_key="", auth_token="", extra_vm_bash_script="",
            docker_image=hyper_params["default_docker_image"], session=object(),
            aws_access_key_id="x", aws_secret_access_key="x",
            aws_region=hyper_params["cloud_credentials_region"],
            iam_arn=hyper_params["iam_arn"], iam_name=hyper_params["iam_name"])
        recorded = {}
        for queue, resources in whole["queues"].items():
            for name, _most in resources:
                calls.clear()
                driver.spin_up_worker(whole["resource_configurations"][name], "prefix", queue, "")
                recorded[name] = [call for call in calls
                                  if not call["operation"].startswith("Describe")]
    json.dump(recorded, sys.stdout, indent=1, sort_keys=True)
    print()


main()
