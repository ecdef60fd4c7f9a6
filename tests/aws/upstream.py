"""moto as the proxy sees it: a request passed on as it came, and questions of the proxy's own."""

import http.client
import xml.etree.ElementTree as ElementTree
from urllib.parse import urlencode, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from .moto import OWNER

SPACE = "http://ec2.amazonaws.com/doc/2016-11-15"
VERSION = "2016-11-15"
PATIENCE_S = 120
ElementTree.register_namespace("", SPACE)


def named(path):
    """An XPath of EC2's names."""
    return "/".join(f"{{{SPACE}}}{name}" for name in path.split("/"))


class Upstream:
    def __init__(self, url):
        self.url = url
        self._host = urlsplit(url).netloc
        self.forget()

    def forget(self):
        self.keys = OWNER
        self._zones = {}  # of subnets

    def forward(self, method, path, headers, body):
        """(status, headers, body) of the same request there. The Host stays: it is signed."""
        connection = http.client.HTTPConnection(self._host, timeout=PATIENCE_S)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                if name.lower() not in ("connection", "content-length", "transfer-encoding"):
                    connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def ask(self, region, action, **more):
        """The root of what EC2 answers the proxy itself."""
        body = urlencode({"Action": action, "Version": VERSION, **more})
        request = AWSRequest(method="POST", url=self.url + "/", data=body, headers={
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "Host": self._host})
        SigV4Auth(Credentials(self.keys.access_key, self.keys.secret_key), "ec2",
                  region).add_auth(request)
        status, _, text = self.forward("POST", "/", list(request.headers.items()), body.encode())
        if status != 200:
            raise AssertionError(f"moto refused the proxy's own {action}: {status} {text[:500]!r}")
        return ElementTree.fromstring(text)

    def zone_of(self, region, subnet):
        """"" of a subnet that is not there."""
        if subnet not in self._zones:
            answer = self.ask(region, "DescribeSubnets")
            for item in answer.iterfind(named("subnetSet/item")):
                self._zones[item.findtext(named("subnetId"))] = item.findtext(
                    named("availabilityZone"))
        return self._zones.get(subnet, "")

    def tags_of(self, region, resource):
        answer = self.ask(region, "DescribeTags", **{"Filter.1.Name": "resource-id",
                                                     "Filter.1.Value.1": resource})
        return {item.findtext(named("key")): item.findtext(named("value"))
                for item in answer.iterfind(named("tagSet/item"))}

    def reservations(self, region):
        """The reservation items of everything in that region."""
        answer = self.ask(region, "DescribeInstances", MaxResults=1000)
        return answer.findall(named("reservationSet/item"))

    def terminate(self, region, instance):
        self.ask(region, "TerminateInstances", **{"InstanceId.1": instance})
