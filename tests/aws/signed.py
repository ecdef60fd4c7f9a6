"""Our signed calls (signed_calls.c) with an environment of their own."""

import base64
import json
import os
import subprocess
from urllib.parse import urlencode

from vectors.driven import BUILD


class Signed:
    """One program, so one search for credentials; `environment` is all that it knows of AWS."""

    def __init__(self, environment, home):
        plain = {name: value for name, value in os.environ.items()
                 if not name.startswith("AWS_") and "proxy" not in name.lower()}
        self.process = subprocess.Popen(
            [BUILD / "tests/aws/signed_calls"], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=plain | {"HOME": str(home), "AWS_EC2_METADATA_DISABLED": "true"} | environment)

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.process.stdin.close()
        assert self.process.wait(timeout=60) == 0

    def ask(self, *words):
        self.process.stdin.write("\t".join(words) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def call(self, service, body="", *, region="us-east-1", method="POST", path="/", query="",
             target=""):
        return self.ask("call", service, region, method, path, query, target,
                        base64.b64encode(body.encode()).decode())

    def ec2(self, action, **more):
        return self.call("ec2", urlencode({"Action": action, "Version": "2016-11-15"} | more))

    def who(self):
        """GetCallerIdentity's answer."""
        return self.call("sts", "Action=GetCallerIdentity&Version=2011-06-15")
