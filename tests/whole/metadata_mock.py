"""An instance whose metadata service is AWS's own stand-in, amazon-ec2-metadata-mock, and not ours:
IMDSv2 alone, the identity, the user data, and a spot notice from the moment it is started with one.
"""

import base64
import json
import subprocess

import pytest
from ec2 import DOCUMENT_PATH, ID, MARKET_PATH, TYPE, Instance, utc
from peers.cloud import METADATA
from peers.go_peer import program
from world import wait_for

MODULE = "github.com/aws/amazon-ec2-metadata-mock/cmd/ec2-metadata-mock"
VERSION = "v1.13.0"
START_DEADLINE_S = 60


class MockedInstance(Instance):
    """See the module's first lines. What Instance does by `tell` it cannot."""

    def _serve_metadata(self, stack, user_data):
        self._config = self.folder / "mock.json"
        self._config.write_text(json.dumps({
            "metadata": {"values": {"instance-id": ID, "instance-type": TYPE,
                                    "instance-life-cycle": self._values[MARKET_PATH]}},
            "dynamic": {"values": {
                "instance-identity-document": json.loads(self._values[DOCUMENT_PATH])}},
            "userdata": {"values": {
                "userdata": base64.b64encode(user_data.read_bytes()).decode()}}}))
        self._program = program(MODULE, VERSION)
        self._mock = None
        stack.callback(self._stop)
        self._start()

    def take_away(self, at):
        """A notice, from now on. The service begins anew and knows no token of before."""
        self._stop()
        self._start("spot", "--action", "terminate", "--time", utc(at))

    def _start(self, *words):
        with open(self.folder / "mock.log", "ab") as log:
            self._mock = subprocess.Popen(
                [*self.network.prefix, self._program, *words, "--imdsv2", "--hostname", METADATA,
                 "--port", "80", "--config-file", self._config, *self._later(words)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={"HOME": str(self.folder)})
        wait_for(self._answers, START_DEADLINE_S, "the metadata mock answers")

    @staticmethod
    def _later(words):
        """Without a word about spot it gives notice at once, unless it is told to wait."""
        return () if words else ("--mock-delay-sec", "86400", "--rebalance-delay-sec", "86400")

    def _answers(self):
        if self._mock.poll() is not None:
            pytest.fail((self.folder / "mock.log").read_text())
        asked = self.network.run("busybox", "nc", "-w", "1", METADATA, "80", check=False,
                                 input="GET / HTTP/1.0\r\n\r\n")
        return asked.stdout.startswith("HTTP/")

    def _stop(self):
        if self._mock:
            self._mock.kill()
            self._mock.wait()
