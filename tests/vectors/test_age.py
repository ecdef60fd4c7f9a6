"""common/age held to the published vectors of the format, and to the real `age`.

Ours is behind tests/vectors/age_calls.c. A vector is refused in one piece: where the reference
hands out what it had decrypted before a bad chunk, we hand out nothing.
"""

import hashlib
import os
import random
import shutil
import subprocess
import zlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CALLS = Path(os.environ.get("MAYFLY_BUILD", ROOT / "build/debug")) / "tests/vectors/age_calls"
VECTORS = ROOT / "tests/vectors/age"
NAMES = sorted(path.name for path in VECTORS.iterdir() if path.name != "ORIGIN.md")

# The key of most vectors that expect "no match".
OTHER_KEY = "AGE-SECRET-KEY-143WN7DCXU4G8R5AXQSSYD9AEPYDNT3HXSLWSPK36CDU6E8M59SSSAGZ3KG"
PASSPHRASE = "sealed with a passphrase (scrypt)"
HYBRID = "sealed for a post-quantum hybrid key"
# Given with a hybrid key alone, but sealed for this one, too.
ALSO_FOR = {"hybrid_and_x25519": OTHER_KEY}
SKIPPED = {
    **dict.fromkeys("""armor_scrypt scrypt scrypt_bad_tag scrypt_double scrypt_extra_argument
        scrypt_long_file_key scrypt_no_match scrypt_not_canonical_body scrypt_not_canonical_salt
        scrypt_salt_long scrypt_salt_missing scrypt_salt_short scrypt_uppercase
        scrypt_work_factor_23 scrypt_work_factor_hex scrypt_work_factor_leading_garbage
        scrypt_work_factor_leading_plus scrypt_work_factor_leading_zero_decimal
        scrypt_work_factor_leading_zero_octal scrypt_work_factor_missing
        scrypt_work_factor_negative scrypt_work_factor_overflow
        scrypt_work_factor_trailing_garbage scrypt_work_factor_wrong
        scrypt_work_factor_zero""".split(), PASSPHRASE),
    **dict.fromkeys("""armor_hybrid hybrid hybrid_bad_tag hybrid_currupted_enc_mlkem
        hybrid_currupted_enc_x25519 hybrid_extra_argument hybrid_grease
        hybrid_identity hybrid_long_file_key hybrid_long_share hybrid_low_order
        hybrid_multiple_recipients hybrid_no_match hybrid_not_canonical_body
        hybrid_not_canonical_enc hybrid_short_share hybrid_uppercase""".split(), HYBRID),
}
# Class, and words of the message that tell the one kind of failure from the others.
REFUSALS = {
    "header failure": ("malformed", ["of the header", "of its header", "the header has",
                                     "does not begin with the line", "cut short after"]),
    "armor failure": ("malformed", ["armor", "does not begin with the line"]),
    "HMAC failure": ("malformed", ["its MAC is wrong"]),
    "payload failure": ("malformed", ["chunk", "cut short after"]),
    "no match": ("denied", ["none of our"]),
}


class Vector:
    def __init__(self, name):
        head, _, self.sealed = (VECTORS / name).read_bytes().partition(b"\n\n")
        lines = [line.split(": ", 1) for line in head.decode().split("\n")]
        self.fields = dict(lines)
        if self.fields.get("compressed") == "zlib":
            self.sealed = zlib.decompress(self.sealed)
        identities = [value for key, value in lines if key == "identity"]
        self.keys = [key for key in identities if key.startswith("AGE-SECRET-KEY-1")]
        if name in ALSO_FOR:
            self.keys = [ALSO_FOR[name]]
        # None: we are to open it, or to refuse it for what it says. Two have no key at all.
        self.not_ours = None
        if not self.keys and (identities or "passphrase" in self.fields):
            self.not_ours = HYBRID if identities else PASSPHRASE
        self.keys = self.keys or [OTHER_KEY]


def call(*argv, given=b""):
    return subprocess.run([CALLS, *argv], input=given, capture_output=True, timeout=60,
                          check=False)


def refusal(done):
    """Class and message; nothing may have come out."""
    assert done.returncode == 1 and done.stdout == b"", done
    kind, _, message = done.stderr.decode().strip().partition(": ")
    assert "\n" not in message
    return kind, message


def write_keys(path, keys):
    path.write_text("# a comment\n\n" + "".join(f"{key}\n" for key in keys))
    return path


@pytest.mark.parametrize("name", NAMES)
def test_a_vector(name, tmp_path):
    vector = Vector(name)
    if vector.not_ours:
        pytest.skip(vector.not_ours)
    done = call("unseal", write_keys(tmp_path / "keys", vector.keys), given=vector.sealed)
    if vector.fields["expect"] == "success":
        assert done.returncode == 0, done.stderr
        assert hashlib.sha256(done.stdout).hexdigest() == vector.fields["payload"]
        return
    kind, message = refusal(done)
    expected, words = REFUSALS[vector.fields["expect"]]
    assert kind == expected, message
    assert any(word in message for word in words), message


def test_the_skipped_vectors_are_these():
    assert len(NAMES) == 143
    found = {name: Vector(name).not_ours for name in NAMES if Vector(name).not_ours}
    assert found == SKIPPED


@pytest.mark.parametrize("name", sorted(SKIPPED))
def test_what_is_sealed_otherwise_is_refused(name, tmp_path):
    """Whole or damaged, it is for no key of ours."""
    kind, _ = refusal(call("unseal", write_keys(tmp_path / "keys", [OTHER_KEY]),
                           given=Vector(name).sealed))
    assert kind in ("denied", "malformed")


def test_a_passphrase_is_named(tmp_path):
    kind, message = refusal(call("unseal", write_keys(tmp_path / "keys", [OTHER_KEY]),
                                 given=Vector("scrypt").sealed))
    assert kind == "denied" and "passphrase" in message


# --- With the real age.

SIZES = [0, 1, 100, 65535, 65536, 65537, 1 << 20, 10 << 20]


def tool(*argv, given=b""):
    if not shutil.which(argv[0]):
        pytest.skip(f"{argv[0]} is not installed: make setup")
    done = subprocess.run(argv, input=given, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def ours(*argv, given=b""):
    done = call(*argv, given=given)
    assert done.returncode == 0, done.stderr
    return done.stdout


def recipients_in(path):
    return [line.rpartition(" ")[2] for line in path.read_text().split("\n")
            if "public key" in line]


@pytest.fixture(scope="module", name="key_files")
def four_key_files(tmp_path_factory):
    """Two made by age-keygen, two by us, each with its recipient in a comment."""
    folder = tmp_path_factory.mktemp("keys")
    paths = [folder / name for name in ("theirs", "theirs_too", "ours", "ours_too")]
    for path in paths:
        path.write_bytes(tool("age-keygen") if "theirs" in path.name else ours("keygen"))
    return paths


def test_keys_are_read_as_age_keygen_reads_them(key_files, tmp_path):
    both = tmp_path / "both"
    both.write_text("".join(path.read_text() for path in key_files))
    for path in [*key_files, both]:
        printed = ours("recipients", path).decode().split()
        assert printed == recipients_in(path)
        assert printed == tool("age-keygen", "-y", str(path)).decode().split()
    assert len(set(recipients_in(both))) == 4


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("form", ["binary", "armored"])
def test_both_ways(size, form, key_files, tmp_path):
    plain = random.Random(size).randbytes(size)
    for path in key_files[1:3]:
        recipient = recipients_in(path)[0]
        sealed = ours("seal", form, recipient, given=plain)
        assert sealed.startswith(b"-----BEGIN" if form == "armored" else b"age-encryption.org/v1\n")
        assert tool("age", "-d", "-i", str(path), given=sealed) == plain
        armor = ["-a"] if form == "armored" else []
        output = tmp_path / "sealed"  # to a pipe age writes no empty file
        tool("age", *armor, "-r", recipient, "-o", str(output), given=plain)
        theirs = output.read_bytes()
        assert ours("unseal", path, given=theirs) == plain
        assert len(theirs) == len(sealed)


@pytest.mark.parametrize("form", ["binary", "armored"])
def test_several_recipients(form, key_files):
    plain = b"for each of the four"
    recipients = [recipient for path in key_files for recipient in recipients_in(path)]
    sealed = ours("seal", form, *recipients, given=plain)
    theirs = tool("age", *(["-a"] if form == "armored" else []),
                  *(word for recipient in recipients for word in ("-r", recipient)), given=plain)
    for path in key_files:
        assert tool("age", "-d", "-i", str(path), given=sealed) == plain
        assert ours("unseal", path, given=theirs) == plain
    assert len(theirs) == len(sealed)


def test_an_ssh_recipient_beside_ours_is_passed_over(key_files, tmp_path):
    if not shutil.which("ssh-keygen"):
        pytest.skip("ssh-keygen is not installed")
    tool("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "ssh"))
    sealed = tool("age", "-R", str(tmp_path / "ssh.pub"), "-r", recipients_in(key_files[2])[0],
                  given=b"for two")
    assert b"-> ssh-ed25519 " in sealed
    assert ours("unseal", key_files[2], given=sealed) == b"for two"
    kind, message = refusal(call("unseal", key_files[3], given=sealed))
    assert kind == "denied" and "1 X25519 recipients and" in message


def test_age_refuses_ours_for_another_key(key_files):
    sealed = ours("seal", "binary", recipients_in(key_files[0])[0], given=b"for one")
    tool("age", "-d", "-i", str(key_files[0]), given=sealed)
    done = subprocess.run(["age", "-d", "-i", key_files[1]], input=sealed, capture_output=True,
                          timeout=60, check=False)
    assert done.returncode == 1 and b"no identity matched" in done.stderr
