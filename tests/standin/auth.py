"""Who calls: Basic and Bearer authorization, and the tokens (JWT, HS256)."""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time

from .errors import fail
from .store import new_id

COMPANY = {"id": "d1bd92a3b039400cbafc60a7a5b1e52b", "name": "clearml"}
DEFAULT_TOKEN_SECONDS = 30 * 24 * 3600
LONGEST_TOKEN_SECONDS = 365 * 24 * 3600


class User:
    """A user of the server with its one pair of keys."""

    def __init__(self, name, access_key, secret_key):
        self.id = f"__{name}__"
        self.name = name
        self.access_key = access_key
        self.secret_key = secret_key


def _encode(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Gate:
    """Decides who the caller is; makes and revokes tokens."""

    def __init__(self, store, users, version):
        self._store = store
        self._users = users
        self._version = version
        self._key = store.setting("token_key", lambda: secrets.token_hex(32)).encode()

    def admit(self, header):
        """The user of an Authorization header, and the token's session; raises 401."""
        if not header:
            fail("no_credentials")
        scheme, _, value = header.partition(" ")
        if scheme == "Basic":
            return self._by_keys(value), None
        if scheme == "Bearer":
            return self._by_token(value.strip())
        return fail("auth_type")

    def issue(self, user, seconds):
        """A token for that user that lives that many seconds."""
        now = int(time.time())
        claims = {
            "exp": now + seconds, "iat": now, "auth_type": "Bearer", "session_id": new_id(),
            "identity": {"user": user.id, "user_name": user.name, "role": "user",
                         "company": COMPANY["id"], "company_name": COMPANY["name"]},
            "env": "<unknown>", "api_version": self._version, "server_version": "2.0.0",
            "server_build": "", "feature_set": "basic",
        }
        head = _encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        signed = f"{head}.{_encode(json.dumps(claims).encode())}"
        return f"{signed}.{_encode(self._sign(signed))}"

    def revoke(self, session):
        if session:
            self._store.put("revoked", session, {"session": session})

    def _sign(self, text):
        return hmac.new(self._key, text.encode(), hashlib.sha256).digest()

    def _by_keys(self, value):
        try:
            pair = base64.b64decode(value.encode(), validate=False).decode("latin-1")
        except (binascii.Error, ValueError) as problem:
            fail("malformed_credentials", str(problem))
        access_key, colon, secret_key = pair.partition(":")
        if not colon:
            fail("malformed_credentials", "not enough values to unpack (expected 2, got 1)")
        for user in self._users:
            if user.access_key == access_key and hmac.compare_digest(
                    user.secret_key.encode(), secret_key.encode()):
                return user
        return fail("wrong_credentials", "failed to locate provided credentials")

    def _by_token(self, token):
        claims = self._verified_claims(token)
        if self._store.get("revoked", claims["session_id"]):
            fail("token", "revoked token")
        if claims["exp"] <= time.time():
            _bad_token("Signature has expired")
        for user in self._users:
            if user.id == claims["identity"]["user"]:
                return user, claims["session_id"]
        return _bad_token("unknown user")

    def _verified_claims(self, token):
        parts = token.split(".")
        if len(parts) != 3:
            _bad_token("Not enough segments")
        try:
            signature = _decode(parts[2])
            claims = json.loads(_decode(parts[1]))
        except (ValueError, binascii.Error):
            _bad_token("Invalid payload padding")
        if not hmac.compare_digest(signature, self._sign(f"{parts[0]}.{parts[1]}")):
            _bad_token("Signature verification failed")
        return claims


def _bad_token(reason):
    """401/30; the real server says «Invalid token (invalid jwt token): reason=...»."""
    fail("token", "invalid jwt token", reason=reason)
