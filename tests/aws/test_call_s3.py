"""common/aws.h against versitygw, which looks at what moto does not: region, clock, payload."""

import subprocess

import pytest

from .moto import Keys
from .signed import Signed
from .versitygw import KEYS, Gateway

ODD_KEYS = ["plain.json", "a b/ü+%&=~.json", "%41", "=;,:'()!*$@"]
# The wall clock, off by CLOCK_OFF_S seconds; of a program, as a wrong battery would have it.
SHIFTED_CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *out)
{
	int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
	int result = real(id, out);
	if (id == CLOCK_REALTIME)
		out->tv_sec += atol(getenv("CLOCK_OFF_S"));
	return result;
}
"""


@pytest.fixture(scope="module", name="gateway")
def _gateway(tmp_path_factory):
    with Gateway(tmp_path_factory.mktemp("versitygw")) as gateway:
        with signed(gateway, tmp_path_factory.mktemp("home")) as ours:
            made = ours.call("s3", method="PUT", path="/mayfly")
            assert made["status"] == 200, made
        yield gateway


def signed(gateway, home, keys=KEYS, **more):
    return Signed({"AWS_ENDPOINT_URL": gateway.url} | keys.environment() | more, home)


@pytest.mark.parametrize("key", ODD_KEYS)
def test_what_is_put_is_got(gateway, tmp_path, key):
    with signed(gateway, tmp_path) as ours:
        put = ours.call("s3", f"content of {key}", method="PUT", path=f"/mayfly/{key}")
        assert put["status"] == 200, put
        got = ours.call("s3", method="GET", path=f"/mayfly/{key}")
        assert (got["status"], got["body"]) == (200, f"content of {key}")


def test_a_list_has_a_query(gateway, tmp_path):
    with signed(gateway, tmp_path) as ours:
        ours.call("s3", "x", method="PUT", path="/mayfly/listed/one two")
        got = ours.call("s3", method="GET", path="/mayfly",
                        query="prefix=listed%2Fone%20&list-type=2&delimiter=%2F")
        assert got["status"] == 200 and "<Key>listed/one two</Key>" in got["body"], got


def test_another_region_is_refused(gateway, tmp_path):
    with signed(gateway, tmp_path) as ours:
        got = ours.call("s3", method="GET", path="/mayfly/x", region="eu-west-1")
        assert got["status"] == 400 and "AuthorizationHeaderMalformed" in got["body"], got


@pytest.mark.parametrize("keys, status, code", [
    (Keys(KEYS.access_key, "another"), 403, "SignatureDoesNotMatch"),
    (Keys("AKIANOBODY", KEYS.secret_key), 404, "XAdminUserNotFound"),  # its own way to say it
    (Keys(KEYS.access_key, KEYS.secret_key, "stray/token=="), 400, "InvalidToken"),
], ids=["another secret", "an unknown key", "a token of nobody's"])
def test_other_keys_are_refused(gateway, tmp_path, keys, status, code):
    with signed(gateway, tmp_path, keys) as ours:
        got = ours.call("s3", method="GET", path="/mayfly/x")
        assert got["status"] == status and f"<Code>{code}</Code>" in got["body"], got


@pytest.fixture(scope="module", name="shifted")
def _shifted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clock")
    (folder / "clock.c").write_text(SHIFTED_CLOCK)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", folder / "clock.so", folder / "clock.c",
                    "-ldl"], check=True)
    return folder / "clock.so"


@pytest.mark.parametrize("off_s", [-86400 * 400, -3600, 3600, 86400 * 400])
def test_a_wrong_clock_is_corrected(gateway, shifted, tmp_path, off_s):
    with signed(gateway, tmp_path, LD_PRELOAD=str(shifted), CLOCK_OFF_S=str(off_s)) as ours:
        for name in ("one", "two"):  # the second call needs no correction any more
            put = ours.call("s3", name, method="PUT", path=f"/mayfly/{name}")
            assert put["status"] == 200, put
