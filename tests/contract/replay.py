"""Replays recorded requests of a real server to the stand-in, and compares the answers.

Ids, times and tokens differ from run to run: ids are mapped (where the recording answered one,
the stand-in's answer at the same place gives ours), times must only be times of the same form.
Everything else in an answer must be equal: status, codes, message, keys, values, list lengths.
"""

import gzip
import json
import re
from pathlib import Path

from standin.client import wait_for
from standin.contract import Contract, check

FOLDER = Path(__file__).resolve().parent / "exchanges"
ID = re.compile(r"\b[0-9a-f]{32}\b")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)")
YEAR_2001_S = 10 ** 9
DEADLINE_S = 60

# Answers may differ from the recording here. (file or None for all, path in the answer): why.
ALLOWED = {
    ("users.get_current_user.json", "/data/user/name"):
        "the recorded server's fixed user had another display name",
    ("users.get_current_user.json", "/data/user/given_name"):
        "the recorded server's fixed user had another display name",
    (None, "/meta/error_stack"):
        "a traceback names the program's own lines: only null, empty or traceback is compared",
}
# Requests that are changed before they are sent, so that no test waits or races. title: why.
CHANGED = {
    "last_seen 1": ({"last_seen": 60}, "a slow computer replays more than a second later"),
    "register, timeout 5": ({"timeout": 1}, "it is waited for"),
    "register again, timeout 5": ({"timeout": 1}, "it is waited for"),
    "login for 2 s": ({"expiration_sec": 3}, "it is used, by whole seconds, then waited for"),
}
WRONG_BASIC = {"wrong secret", "unknown key", "wrong secret on an ordinary endpoint"}
BY_SECOND = {
    "second user", "second user again", "ANOTHER user reports the same worker id",
    "the second user unregisters its own", "logout of the second user",
    "another user, same id",
    "second user pops the first user's task", "second user starts it",
}
BY_SHORT_TOKEN = {"expired token", "auth.login with an expired token", "use it at once",
                  "use it after it expired", "renew with the expired token"}


def read(name):
    """The exchanges of a recording, in their order."""
    return [json.loads(line) for line in (FOLDER / name).read_text().splitlines()]


def label(row):
    return f"{row['file'].rsplit('.', 1)[0]}: {row['title']}"


class Replay:
    """One server that is taken through recordings, and what differed on the way."""

    def __init__(self, server):
        self.server = server
        self.ids = {}
        self.contract = Contract()
        self.clients = {user: server.client(user) for user in ("tests", "second")}
        self.tokens = {user: client.call("auth.login")["token"]
                       for user, client in self.clients.items()}
        self.short_token = None

    # -- sending ------------------------------------------------------------------------------

    def _basic(self, row):
        client = self.clients["second" if row["title"] in BY_SECOND else "tests"]
        if row["title"] in WRONG_BASIC:
            return "Basic V1JPTkc6V1JPTkc="
        return client.authorization

    def _bearer(self, row):
        title = row["title"]
        if title == "token with a bad signature":
            head, _, signature = self.tokens["tests"].rpartition(".")
            return f"Bearer {head}.{signature[::-1]}"
        if title in BY_SHORT_TOKEN:
            return f"Bearer {self._short_token(title)}"
        if title == "revoked token (after auth.logout)":
            return f"Bearer {self.tokens['second']}"
        if title in BY_SECOND:
            self.tokens["second"] = self.clients["second"].call("auth.login")["token"]
        return f"Bearer {self.tokens['second' if title in BY_SECOND else 'tests']}"

    def _short_token(self, title):
        if title != "use it at once":
            if self.short_token is None:
                self.short_token = self.clients["tests"].call(
                    "auth.login", expiration_sec=1)["token"]
            wait_for(self._short_token_expired, DEADLINE_S, "the token expires")
        return self.short_token

    def _short_token_expired(self):
        headers = {"Authorization": f"Bearer {self.short_token}"}
        status, _, _ = self.clients["tests"].exchange("POST", "/users.get_current_user", b"{}",
                                                      headers)
        return status == 401

    def _headers(self, row):
        headers = dict(row["headers"])
        recorded = headers.get("Authorization")
        if recorded in ("Basic BASIC", "Basic ..."):
            headers["Authorization"] = self._basic(row)
        elif recorded in ("Bearer TOKEN", "Bearer ..."):
            headers["Authorization"] = self._bearer(row)
        return headers

    def _body(self, row):
        if row["title"] in CHANGED:
            return json.dumps({**json.loads(self.mapped(row["sent"])), **CHANGED[row["title"]][0]})
        return self.mapped(row["sent"])

    def mapped(self, text):
        """The text with the recording's ids replaced by ours."""
        return ID.sub(lambda match: self.ids.get(match[0], match[0]), text)

    def play(self, row):
        """Send a recorded request; the differences of the answer from the recorded one."""
        status, headers, raw = self.clients["tests"].exchange(
            row["method"], row["path"], self._body(row).encode(), self._headers(row))
        if headers.get("Content-Encoding") == "gzip":
            raw = gzip.decompress(raw)
        found = [] if status == row["status"] else [f"status {status}, recorded {row['status']}"]
        names = sorted({name.lower() for name in headers.keys()})
        if row["answer_headers"] and names != row["answer_headers"]:
            found.append(f"headers {names}, recorded {row['answer_headers']}")
        if "answer" in row:
            found += self._envelope_differences(row, json.loads(raw))
        elif row["answer_text"] and raw.decode() != row["answer_text"]:
            found.append(f"text {raw!r}, recorded {row['answer_text']!r}")
        return found

    # -- comparing ----------------------------------------------------------------------------

    def _envelope_differences(self, row, answer):
        if row["title"] == "login for 2 s":
            self.short_token = answer["data"]["token"]
        self._learn(row["answer"]["data"], answer["data"])
        for name in ("id", "trx"):
            if not ID.fullmatch(answer["meta"][name]):
                return [f"/meta/{name} is {answer['meta'][name]!r}"]
            answer["meta"][name] = row["answer"]["meta"][name]
        found = [f"{path}: {text}" for path, text in
                 self._differences("", row["answer"], answer) if not _allowed(row, path)]
        if bool(row["answer"]["meta"]["error_stack"]) != bool(answer["meta"]["error_stack"]):
            found.append(f"error_stack {answer['meta']['error_stack']!r}")
        return found + self._schema_problems(row, answer)

    def _schema_problems(self, row, answer):
        """What goes against the contract's response and did not in the recording."""
        entry = self.contract.endpoints.get(answer["meta"]["endpoint"]["name"])
        if not entry or answer["meta"]["result_code"] != 200:
            return []
        known = check(row["answer"]["data"], entry["response"], strict=False)
        return [problem for problem in check(answer["data"], entry["response"], strict=False)
                if problem not in known]

    def _learn(self, recorded, ours):
        """Where both have an id at the same place, theirs stands for ours from now on."""
        if isinstance(recorded, dict) and isinstance(ours, dict):
            for key in recorded.keys() & ours.keys():
                self._learn(recorded[key], ours[key])
        elif isinstance(recorded, list) and isinstance(ours, list):
            for theirs, own in zip(recorded, ours):
                self._learn(theirs, own)
        elif isinstance(recorded, str) and isinstance(ours, str):
            if ID.fullmatch(recorded) and ID.fullmatch(ours) and recorded not in self.ids:
                self.ids[recorded] = ours

    def _differences(self, path, recorded, ours):
        """(path, text) of each difference."""
        if isinstance(recorded, dict) and isinstance(ours, dict):
            return self._dict_differences(path, recorded, ours)
        if isinstance(recorded, list) and isinstance(ours, list):
            if len(recorded) != len(ours):
                return [(path, f"{len(ours)} elements, recorded {len(recorded)}")]
            pairs = zip(_sorted(path, recorded), _sorted(path, ours))
            return [found for index, (theirs, own) in enumerate(pairs)
                    for found in self._differences(f"{path}/{index}", theirs, own)]
        if self._same(path, recorded, ours):
            return []
        return [(path, f"{ours!r}, recorded {recorded!r}")]

    def _dict_differences(self, path, recorded, ours):
        recorded = {self.mapped(key): value for key, value in recorded.items()}
        found = [(f"{path}/{key}", "missing") for key in recorded.keys() - ours.keys()]
        found += [(f"{path}/{key}", "not recorded") for key in ours.keys() - recorded.keys()]
        for key in recorded.keys() & ours.keys():
            found += self._differences(f"{path}/{key}", recorded[key], ours[key])
        return found

    def _same(self, path, recorded, ours):
        if isinstance(recorded, str) and isinstance(ours, str):
            if path.endswith("/token"):
                return bool(ours)
            if TIME.fullmatch(recorded):
                return bool(TIME.fullmatch(ours))
            return self.mapped(recorded) == ours
        if isinstance(recorded, int) and recorded > YEAR_2001_S:
            return isinstance(ours, int) and ours > YEAR_2001_S
        return type(recorded) is type(ours) and recorded == ours


def _allowed(row, path):
    return (row["file"], path) in ALLOWED or (None, path) in ALLOWED


def _sorted(path, items):
    """Workers come in the order of the real server's key store, which is none."""
    if path.endswith("/workers"):
        return sorted(items, key=lambda worker: worker["key"])
    return items
