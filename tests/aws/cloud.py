"""EC2 as the proxy makes it of moto: tokens, instances that are young, limits, injected faults.

What a call says and meets is one record, which goes to the log: action, client, region, zone, type,
market, parameters, tags (of what it is to change, before), violations, warnings, fault, ids (of
instances), status, code.
"""

import base64
import binascii
import json
import re
import threading
import time
import uuid
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from xml.sax.saxutils import escape

from .faults import Faults
from .judge import Judge
from .upstream import SPACE, named

USER_DATA_LIMIT = 16384
SETTINGS = {"hidden_looks": 0, "pending_looks": 1, "page": 0, "are_requests_open": False}
STATE_CODES = {"pending": "0", "running": "16", "terminated": "48"}
# Filters that moto fails at, by the element that they compare.
LACKING_FILTERS = {"client-token": "clientToken", "instance-lifecycle": "instanceLifecycle"}
OWN_ID = re.compile(r"(?:Instance|Volume|SpotInstanceRequest)Id(?:\.\d+)?")
NOT_OF_THE_REQUEST = ("Action", "Version", "ClientToken")


class Refusal(Exception):
    def __init__(self, code, message, status=400):
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status

    def text(self):
        return (f'<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>'
                f'{escape(self.code)}</Code><Message>{escape(self.message)}</Message></Error>'
                f'</Errors><RequestID>{uuid.uuid4()}</RequestID></Response>').encode()


class Cut(Exception):
    """The connection ends without an answer."""


def print_xml(root):
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)


def code_of(body):
    """The error's code in an answer of moto, whatever its form."""
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        return "Unreadable"
    return next((item.text for item in root.iter() if item.tag.endswith("Code")), "Unnamed")


class Cloud:
    def __init__(self, upstream, memory):
        self.upstream, self.memory = upstream, memory
        self.judge, self.faults = Judge(), Faults()
        self.settings = dict(SETTINGS)
        self._locks = defaultdict(threading.Lock)  # one for each scope and token
        self._locks_lock = threading.Lock()

    def forget(self):
        """As new: moto was reset."""
        self.upstream.forget()
        self.memory.forget()
        self.faults.clear()
        self.settings = dict(SETTINGS)

    # -- what every call goes through ----------------------------------------------------------

    def read(self, region, pairs):
        """The record of a call."""
        said = dict(pairs)
        subnet = said.get("SubnetId", said.get("NetworkInterface.1.SubnetId"))
        zone = said.get("Placement.AvailabilityZone", "")
        if not zone and subnet:
            zone = self.upstream.zone_of(region, subnet)
        violations, warnings = self.judge(pairs)
        return {"action": said.get("Action", ""), "region": region, "zone": zone,
                "type": said.get("InstanceType", ""),
                "market": said.get("InstanceMarketOptions.MarketType", "on-demand"),
                "parameters": said, "tags": self._tags(region, said), "violations": violations,
                "warnings": warnings, "fault": {}, "ids": [], "status": 0, "code": ""}

    def _tags(self, region, said):
        """{id: {key: value}}"""
        if said.get("Action", "").startswith(("Describe", "RunInstances")):
            return {}
        return {value: self.upstream.tags_of(region, value) for name, value in said.items()
                if OWN_ID.fullmatch(name)}

    def answer(self, call, request):
        """(status, body). Raises Refusal or Cut; request is (method, path, headers, body)."""
        if call["violations"]:
            raise Refusal(*call["violations"][0])
        fault = call["fault"] = self.faults.take(call)
        time.sleep(fault.get("delay_s", 0))
        if fault.get("drop") == "before":
            raise Cut
        if "code" in fault:
            raise Refusal(fault["code"], fault.get("message", "said by a fault"),
                          fault.get("status", 400))
        verb = getattr(self, f"_{call['action']}", self._pass_on)
        status, body = verb(call, request)
        if "dies" in fault and status == 200:
            for instance in call["ids"]:
                self.end(call["region"], instance, **fault["dies"])
        time.sleep(fault.get("delay_after_s", 0))
        if fault.get("drop") == "after":
            raise Cut
        return status, body

    def _pass_on(self, call, request):
        status, _, body = self.upstream.forward(*request)
        if status != 200:
            call["code"] = code_of(body)
        if status == 500 and b"<html" in body[:500].lower():
            raise AssertionError(f"moto cannot {call['action']}: {call['parameters']}")
        return status, body

    def end(self, region, instance, code, message):
        """The cloud ends an instance, for this reason."""
        self.memory.end(instance, code, message)
        self.upstream.terminate(region, instance)

    def _is_hidden(self, instance):
        looks = self.memory.looks(instance)
        return looks is not None and looks < self.settings["hidden_looks"]

    def _refuse_hidden(self, call):
        for name, instance in call["parameters"].items():
            if not name.startswith("InstanceId"):
                continue
            if not instance.startswith("i-"):
                raise Refusal("InvalidInstanceID.Malformed", f'Invalid id: "{instance}"')
            if self._is_hidden(instance):
                raise Refusal("InvalidInstanceID.NotFound",
                              f"The instance ID '{instance}' does not exist")

    # -- RunInstances --------------------------------------------------------------------------

    def _RunInstances(self, call, request):
        said = call["parameters"]
        self._check_counts(int(said["MinCount"]), int(said["MaxCount"]))
        self._check_user_data(said.get("UserData", ""))
        if not said.get("ClientToken"):
            return self._launch(call, request)
        scope = call["zone"] or call["region"]
        with self._locks_lock:
            lock = self._locks[scope, said["ClientToken"]]
        with lock:
            return self._launch_once(call, request, scope, said["ClientToken"])

    @staticmethod
    def _check_counts(least, most):
        if least < 1 or most < least:
            raise Refusal("InvalidParameterValue", f"MinCount {least} and MaxCount {most}")
        if most > least:
            raise Refusal("Unsupported", "the proxy passes on no MaxCount beyond MinCount")

    @staticmethod
    def _check_user_data(text):
        try:
            count = len(base64.b64decode(text, validate=True))
        except binascii.Error:
            raise Refusal("InvalidUserData.Malformed",
                          "Invalid BASE64 encoding of user data.") from None
        if count > USER_DATA_LIMIT:
            raise Refusal("InvalidParameterValue",
                          f"User data is limited to {USER_DATA_LIMIT} bytes")

    def _launch(self, call, request):
        status, body = self._pass_on(call, request)
        if status == 200:
            for item in ElementTree.fromstring(body).iterfind(named("instancesSet/item")):
                call["ids"].append(item.findtext(named("instanceId")))
                self.memory.made(call["ids"][-1])
        elif call["code"] == "NoSuchEntity":  # IAM's word, which EC2 does not pass on
            raise Refusal("InvalidParameterValue", "Value for parameter iamInstanceProfile.name"
                          " is invalid. Invalid IAM Instance Profile name")
        return status, body

    def _launch_once(self, call, request, scope, token):
        parameters = json.dumps(sorted(pair for pair in call["parameters"].items()
                                       if pair[0] not in NOT_OF_THE_REQUEST))
        known = self.memory.token(scope, token)
        if known and known[1] is None:
            known = self._recover(call, scope, token, known[0])
        if known:
            return self._repeat(call, token, parameters, *known)
        self.memory.open_token(scope, token, parameters)
        try:
            status, body = self._launch(call, request)
        except Refusal:
            self.memory.drop_token(scope, token)
            raise
        if status == 200:
            self.memory.close_token(scope, token, call["ids"])
        else:
            self.memory.drop_token(scope, token)
        return status, body

    def _recover(self, call, scope, token, parameters):
        """A launch that was asked for before the proxy was killed: done, or not?"""
        ids = [item.findtext(named("instanceId"))
               for reservation in self.upstream.reservations(call["region"])
               for item in reservation.iterfind(named("instancesSet/item"))
               if item.findtext(named("clientToken")) == token
               and scope in (item.findtext(named("placement/availabilityZone")), call["region"])]
        if not ids:
            self.memory.drop_token(scope, token)
            return None
        for instance in ids:
            self.memory.made(instance)
        self.memory.close_token(scope, token, ids)
        return parameters, ids

    def _repeat(self, call, token, parameters, first_parameters, ids):
        if parameters != first_parameters:
            call["differs"] = sorted({name for name, _ in set(map(tuple, json.loads(parameters)))
                                      ^ set(map(tuple, json.loads(first_parameters)))})
            raise Refusal("IdempotentParameterMismatch",
                          f"The client token {token} was used with other parameters")
        for reservation in self.upstream.reservations(call["region"]):
            found = {item.findtext(named("instanceId")):
                     item.findtext(named("instanceState/name"))
                     for item in reservation.iterfind(named("instancesSet/item"))}
            if not set(ids) <= set(found):
                continue
            if any(found[one] in ("shutting-down", "terminated") for one in ids):
                raise Refusal("IdempotentInstanceTerminated",
                              f"The instance of the client token {token} has been terminated")
            call["ids"] = ids
            root = ElementTree.Element(f"{{{SPACE}}}RunInstancesResponse")
            ElementTree.SubElement(root, f"{{{SPACE}}}requestId").text = str(uuid.uuid4())
            root.extend(reservation)
            return 200, print_xml(root)
        raise AssertionError(f"moto has lost {ids}")

    # -- DescribeInstances ---------------------------------------------------------------------

    def _DescribeInstances(self, call, request):
        self._refuse_hidden(call)
        wanted, request = self._take_filters(call, self._cut_page(request))
        status, body = self._pass_on(call, request)
        if status != 200:
            return status, body
        root = ElementTree.fromstring(body)
        reservations = root.find(named("reservationSet"))
        for reservation in list(reservations if reservations is not None else ()):
            instances = reservation.find(named("instancesSet"))
            for item in list(instances):
                if not self._show(item) or not self._fits(item, wanted):
                    instances.remove(item)
                else:
                    call["ids"].append(item.findtext(named("instanceId")))
            if not len(instances):
                reservations.remove(reservation)
        return status, print_xml(root)

    def _cut_page(self, request):
        """EC2 may give fewer at a time than it was asked for."""
        if not self.settings["page"]:
            return request
        method, path, headers, body = request
        return method, path, headers, re.sub(rb"(?<=&MaxResults=)\d+",
                                             b"%d" % self.settings["page"], body)

    @staticmethod
    def _take_filters(call, request):
        """What moto must not see of the filters, and the request without."""
        said = call["parameters"]
        wanted, dropped = {}, []
        for name, word in said.items():
            way = name.split(".")
            if way[0] != "Filter" or way[2] != "Name":
                continue
            values = {value for key, value in said.items()
                      if key.startswith(f"Filter.{way[1]}.Value.")}
            if word in LACKING_FILTERS:
                wanted[LACKING_FILTERS[word]] = values
                dropped.append(f"Filter.{way[1]}.")
            elif word == "instance-state-name":
                wanted["instanceState/name"] = values
        if dropped:
            method, path, headers, body = request
            body = "&".join(pair for pair in body.decode().split("&")
                            if not pair.startswith(tuple(dropped))).encode()
            request = method, path, headers, body
        return wanted, request

    def _show(self, item):
        """Makes of an instance what its age and its end make of it; False: not to be seen yet."""
        instance = item.findtext(named("instanceId"))
        ended, looks = self.memory.ended(instance), self.memory.look(instance)
        hidden = self.settings["hidden_looks"]
        state = item.find(named("instanceState"))
        if looks is not None and looks < hidden:
            return False
        if ended:
            self._say_end(item, *ended)
            self._say_state(state, "terminated")
        elif (looks is not None and looks < hidden + self.settings["pending_looks"]
              and state.findtext(named("name")) == "running"):
            self._say_state(state, "pending")
        return True

    @staticmethod
    def _say_state(state, name):
        state.find(named("name")).text = name
        state.find(named("code")).text = STATE_CODES[name]

    @staticmethod
    def _say_end(item, code, message):
        reason = item.find(named("stateReason"))
        if reason is None:
            reason = ElementTree.SubElement(item, f"{{{SPACE}}}stateReason")
        reason.clear()
        ElementTree.SubElement(reason, f"{{{SPACE}}}code").text = code
        ElementTree.SubElement(reason, f"{{{SPACE}}}message").text = f"{code}: {message}"

    @staticmethod
    def _fits(item, wanted):
        return all((item.findtext(named(way)) or "") in values for way, values in wanted.items())

    # -- what is left ----------------------------------------------------------------------------

    def _DescribeVolumes(self, call, request):
        return self._page_of("volumeSet", call, *self._pass_on(call, request))

    def _DescribeSpotInstanceRequests(self, call, request):
        """moto fulfills each at once; here they are open as long as a test wants."""
        status, body = self._pass_on(call, request)
        if status == 200 and self.settings["are_requests_open"]:
            root = ElementTree.fromstring(body)
            for item in root.iterfind(named("spotInstanceRequestSet/item")):
                item.find(named("state")).text = "open"
                item.remove(item.find(named("instanceId")))
            body = print_xml(root)
        return self._page_of("spotInstanceRequestSet", call, status, body)

    def _page_of(self, name, call, status, body):
        """moto gives all of these at once."""
        page = self.settings["page"]
        if status != 200 or not page:
            return status, body
        first = int(call["parameters"].get("NextToken", 0))
        root = ElementTree.fromstring(body)
        items = root.find(named(name))
        if len(items) > first + page:
            ElementTree.SubElement(root, f"{{{SPACE}}}nextToken").text = str(first + page)
        items[:] = items[first:first + page]
        return status, print_xml(root)

    # -- TerminateInstances --------------------------------------------------------------------

    def _TerminateInstances(self, call, request):
        self._refuse_hidden(call)
        call["ids"] = [value for name, value in call["parameters"].items()
                       if name.startswith("InstanceId.")]
        status, body = self._pass_on(call, request)
        # moto fails at a second time where an interface was in the launch; EC2 does not.
        if call["code"] == "InvalidNetworkInterfaceID.NotFound":
            call["code"] = ""
            return 200, self._terminated_again(call["ids"])
        return status, body

    @staticmethod
    def _terminated_again(ids):
        root = ElementTree.Element(f"{{{SPACE}}}TerminateInstancesResponse")
        ElementTree.SubElement(root, f"{{{SPACE}}}requestId").text = str(uuid.uuid4())
        instances = ElementTree.SubElement(root, f"{{{SPACE}}}instancesSet")
        for one in ids:
            item = ElementTree.SubElement(instances, f"{{{SPACE}}}item")
            ElementTree.SubElement(item, f"{{{SPACE}}}instanceId").text = one
            for when in ("currentState", "previousState"):
                state = ElementTree.SubElement(item, f"{{{SPACE}}}{when}")
                ElementTree.SubElement(state, f"{{{SPACE}}}code").text = "48"
                ElementTree.SubElement(state, f"{{{SPACE}}}name").text = "terminated"
        return print_xml(root)
