"""HTTP as the real server speaks it: one answer a connection, everything in the envelope.

Order of checks: path (400), endpoint (404), authorization (401), body (400/500), fields (400).
"""

import gzip
import json
import re
import time
import traceback
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from . import controls
from .contract import version_of
from .errors import MALFORMED_BODY, ApiError, Unexpected
from .events import parse_lines
from .fields import validate
from .registry import ENDPOINTS, Call
from .store import new_id

PATH = re.compile(r"/(?:v(\d+\.?\d+)/)?([A-Za-z_]+\.[A-Za-z_]+)/?")
SMALLEST_COMPRESSED = 500
BATCH_TYPES = ("application/json-lines", "application/x-ndjson")
STRICT_CLIENT = "mayfly"


class Request:
    """What came over the wire."""

    def __init__(self, method, target, headers, body, peer):
        parts = urlsplit(target)
        self.method = method
        self.path = parts.path
        self.query = dict(parse_qsl(parts.query))
        self.headers = headers
        self.body = body
        self.peer = headers.get("X-Forwarded-For") or headers.get("X-Real-IP") or peer
        self.client = (headers.get("X-Clearml-Client") or headers.get("X-ClearML-Agent")
                       or headers.get("User-Agent") or "")
        self.worker = headers.get("X-Clearml-Worker") or headers.get("X-Trains-Worker") or ""
        self.endpoint = ""
        self.version = ""


class Answer:
    """What goes back."""

    def __init__(self, status, body, headers=None):
        self.status = status
        self.body = body
        self.headers = {"Content-Type": "application/json", **(headers or {})}


def _envelope(request, actual, code, subcode, message, data, stack=""):
    versions = [request.version, actual]
    if request.version.startswith("1."):  # the first generation's callers want numbers
        versions = [version and float(version) for version in versions]
    endpoint = {"name": request.endpoint, "requested_version": versions[0],
                "actual_version": versions[1]}
    trx = request.headers.get("X-Clearml-Trx")
    call_id = new_id()
    meta = {"id": call_id, "trx": trx or call_id, "endpoint": endpoint, "result_code": code,
            "result_subcode": subcode, "result_msg": message, "error_stack": stack,
            "error_data": {}}
    return {"meta": meta, "data": data}


def _from_query(text):
    """Query arguments come as text: numbers and booleans are recognised."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return json.loads(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else text
    except ValueError:
        return text


def _parsed_body(request):
    if request.headers.get("Content-Type") in BATCH_TYPES:
        return {"lines": parse_lines(request.body.decode("utf-8", "replace"))}
    try:
        data = json.loads(request.body) if request.body else {}
    except ValueError:
        raise ApiError(400, 0, MALFORMED_BODY) from None
    if not isinstance(data, dict):
        raise ApiError(500, 0, "Data should be a dict")
    return {**data, **{key: _from_query(text) for key, text in request.query.items()}}


class Dispatcher:
    """From a request to its answer; holds no state of its own."""

    def __init__(self, server):
        self.server = server
        self.newest = server.options.max_version

    def answer(self, request):
        """The envelope, its HTTP status and a token for the cookie."""
        actual = None
        try:
            actual = self._resolve(request)
            self._check_contract(request)
            data, cookie = self._run(request)
            hidden = self.server.contract.too_new(request.endpoint, "response", self.newest)
            data = {name: value for name, value in data.items() if name not in hidden}
            return 200, _envelope(request, actual, 200, 0, "OK", data), cookie
        except ApiError as problem:
            stack = traceback.format_exc() if isinstance(problem, Unexpected) else None
            if not PATH.fullmatch(request.path):
                stack = ""
            return problem.code, _envelope(request, actual, problem.code, problem.subcode,
                                           problem.message, {}, stack), None
        except Exception as problem:  # the real server wraps its own bugs just so
            return 500, _envelope(request, actual, 500, 0, str(problem), {},
                                  traceback.format_exc()), None

    def _resolve(self, request):
        match = PATH.fullmatch(request.path)
        if not match:
            request.endpoint, request.version = "", "1.0"
            self._record_if_ours(request, [f"path {request.path} is no service.action"])
            raise ApiError(400, 0, f"Invalid request path {request.path}")
        request.version = match[1] or self.newest
        request.endpoint = match[2]
        actual = self.server.contract.implementation(
            request.endpoint, request.version, self.newest)
        if actual is None or request.endpoint not in ENDPOINTS:
            if actual or not self._is_too_old_for(request):
                self._record_if_ours(request, [f"{request.endpoint} of version "
                                               f"{request.version} is no endpoint known here"])
            raise ApiError(404, 0, f"Unable to find endpoint for name {request.endpoint} "
                                   f"and version {request.version}")
        return actual

    def _is_too_old_for(self, request):
        """This server lacks what the contract has: no fault of the caller's."""
        entry = self.server.contract.endpoints.get(request.endpoint)
        return entry and version_of(entry["x-min-version"]) > version_of(self.newest)

    def _record_if_ours(self, request, found):
        if request.client.lower().startswith(STRICT_CLIENT):
            with self.server.store.transaction():
                self.server.store.note("violation", {
                    "time": time.time(), "client": request.client, "path": request.path,
                    "violations": found})
            return True
        return False

    def _check_contract(self, request):
        if not request.client.lower().startswith(STRICT_CLIENT):
            return
        found = self.server.contract.violations(request.endpoint, request)
        if found and self._record_if_ours(request, found):
            raise ApiError(400, 0, "against the contract: " + "; ".join(found))

    def _run(self, request):
        entry = ENDPOINTS[request.endpoint]
        with self.server.store.transaction(commit_on=ApiError):
            call = Call(self.server, request, {})
            if not entry.open_to_all:
                call.user, call.session = self.server.gate.admit(
                    request.headers.get("Authorization"))
            call.data = self._fields(request, entry)
            return entry.function(call), call.cookie

    def _fields(self, request, entry):
        data = _parsed_body(request)
        contract = self.server.contract
        unknown = contract.too_new(request.endpoint, "request", self.newest)
        data = {name: value for name, value in data.items() if name not in unknown}
        if not entry.checked or "lines" in data:
            return data
        return validate(data, contract.endpoints[request.endpoint]["request"])


class Handler(BaseHTTPRequestHandler):
    """One connection, one request, one answer."""

    protocol_version = "HTTP/1.1"
    timeout = 600

    def handle(self):
        """Exactly one answer a connection, even when keep-alive is asked for."""
        self.close_connection = True
        self.handle_one_request()

    def handle_expect_100(self):
        """The real server was seen to send this twice."""
        self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
        return True

    def log_message(self, *_args):
        """Silent: --log is the log."""

    def version_string(self):
        return "mayfly-standin"

    def _body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunks()
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunks(self):
        out = b""
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            out += self.rfile.read(size)
            self.rfile.readline()
            if size == 0:
                return out

    def _any_method(self):
        self.close_connection = True
        request = Request(self.command, self.path, self.headers, self._body(),
                          self.client_address[0])
        if request.path.startswith("/_standin/"):
            status, out = controls.answer(self.server.stand_in, request)
            self._send(Answer(status, json.dumps(out).encode()))
            return
        if request.headers.get("Content-Encoding"):
            text = f"Content encoding is not supported ({request.headers['Content-Encoding']})"
            self._send(Answer(415, text.encode(), {"Content-Type": "text/html; charset=utf-8"}))
            return
        self._play(request)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do_PATCH = _any_method

    def _play(self, request):
        """The request through the faults that wait for it."""
        stand_in = self.server.stand_in
        name = request.path.rsplit("/", 1)[-1]
        fault = stand_in.faults.take(name, request.client)
        if fault.get("delay_s"):
            time.sleep(fault["delay_s"])
        request.endpoint = name
        if fault.get("close"):
            stand_in.record(request, 0, "cut")
            return
        forged = _forged(fault)
        if forged and not fault.get("after"):
            stand_in.record(request, forged.status, "fault")
            self._send(forged)
            return
        status, envelope, cookie = stand_in.dispatcher.answer(request)
        stand_in.record(request, status, envelope["meta"]["result_subcode"])
        if fault.get("close_after"):
            return
        self._send(forged or _real(status, envelope, cookie, fault), fault.get("truncate"))

    def _send(self, answer, truncate=None):
        body = answer.body
        if self._wants_gzip() and len(body) >= SMALLEST_COMPRESSED:
            body = gzip.compress(body)
            answer.headers["Content-Encoding"] = "gzip"
        self.send_response(answer.status, _phrase(answer.status))
        answer.headers.setdefault("Content-Length", str(len(body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("server", "clearml")
        self.send_header("Vary", "Accept-Encoding")
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body if truncate is None else body[:truncate])

    def _wants_gzip(self):
        return "gzip" in self.headers.get("Accept-Encoding", "")


def _phrase(status):
    """As the real one writes it: in capitals."""
    try:
        return HTTPStatus(status).phrase.upper()
    except ValueError:
        return "UNKNOWN"


def _forged(fault):
    """The answer that a fault gives instead of the real one, if it gives one."""
    if "status" not in fault and "body" not in fault:
        return None
    return Answer(fault.get("status", 200), fault.get("body", "").encode(), fault.get("headers"))


def _real(status, envelope, cookie, fault):
    if "replace_data" in fault:
        envelope["data"] = fault["replace_data"]
    if "pad" in fault:
        envelope["data"]["padding"] = "x" * fault["pad"]
    headers = dict(fault.get("headers", {}))
    if cookie is not None:
        headers["Set-Cookie"] = (f"clearml_token_basic={cookie}; HttpOnly; Path=/; "
                                 "SameSite=Lax")
    body = json.dumps(envelope, separators=(",", ":"), ensure_ascii=False)
    return Answer(status, body.encode(), headers)


class HttpServer(ThreadingHTTPServer):
    """A thread a connection; a hundred callers at once are no reason to refuse one."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port, stand_in):
        super().__init__(("127.0.0.1", port), Handler)
        self.stand_in = stand_in

    def handle_error(self, request, client_address):
        """A caller that went away is its own affair."""

