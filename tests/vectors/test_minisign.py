"""common/minisign held to the real `minisign`: keys, signatures, and what is made of altered ones.

Ours is behind tests/vectors/minisign_calls.c. A verdict is minisign's exit status: 0 good, 1 not
what was signed or by whom, 2 no signature file. Where we refuse what minisign takes, STRICTER
says so; we never take what minisign refuses.
"""

import random
import re
import shutil
import subprocess

import pytest
from driven import Driven

MINISIGN = shutil.which("minisign")
pytestmark = pytest.mark.skipif(not MINISIGN, reason="minisign is not installed (make setup)")

SIZES = [0, 1, 63, 64, 65, 127, 128, 129, 4096, 65535, 65536, 65537, 1 << 20]
STATUS = {"denied": 1, "malformed": 2}
MESSAGE = b"what is signed\n"
COMMENT = "mayfly ticket for lab"


def minisign(*argv, given="", status=0):
    done = subprocess.run([MINISIGN, *map(str, argv)], input=given, text=True, timeout=60,
                          capture_output=True, check=False, errors="replace")
    assert status is None or done.returncode == status, done
    return done


class Keys:
    """One pair of minisign's, one of ours, and one that nobody trusts."""

    def __init__(self, folder, ours):
        self.folder = folder
        for name in ("theirs", "strange"):
            minisign("-G", "-W", "-p", self.public(name), "-s", self.secret(name))
        assert ours("new", self.secret("ours"), self.public("ours"))["ok"]

    def public(self, name):
        return self.folder / f"{name}.pub"

    def secret(self, name):
        return self.folder / f"{name}.key"


@pytest.fixture(scope="module", name="ours")
def _ours():
    driven = Driven("minisign_calls")
    yield driven
    driven.close()


@pytest.fixture(scope="module", name="keys")
def _keys(tmp_path_factory, ours):
    return Keys(tmp_path_factory.mktemp("keys"), ours)


def text_of(verdict):
    return bytes.fromhex(verdict["comment"]).decode()


# ---- both ways

@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("key", ["theirs", "ours"])
@pytest.mark.parametrize("signer", ["minisign", "mayfly", "minisign -l"])
def test_both_ways(signer, key, size, keys, ours, tmp_path):
    message, signature = tmp_path / "m", tmp_path / "m.minisig"
    message.write_bytes(random.Random(size).randbytes(size))
    if signer == "mayfly":
        assert ours("sign", keys.secret(key), message, signature, COMMENT)["ok"]
    else:
        minisign("-S", *signer.split()[1:], "-s", keys.secret(key), "-m", message, "-t", COMMENT)
    said = minisign("-V", "-Q", "-p", keys.public(key), "-m", message).stdout
    assert said == COMMENT + "\n"
    verdict = ours("verify", keys.public(key), message, signature)
    assert verdict["ok"], verdict
    assert text_of(verdict) == COMMENT
    assert verdict["is_legacy"] == (signer == "minisign -l")
    assert verdict["signer"] == keys.public(key).read_text().split("\n")[1]
    message.write_bytes(message.read_bytes() + b"x")
    assert minisign("-V", "-p", keys.public(key), "-m", message, status=None).returncode == 1
    assert ours("verify", keys.public(key), message, signature)["class"] == "denied"


@pytest.mark.parametrize("size", SIZES)
def test_signatures_are_the_same_bytes(size, keys, ours, tmp_path):
    message = tmp_path / "m"
    message.write_bytes(random.Random(size).randbytes(size))
    assert ours("sign", keys.secret("theirs"), message, tmp_path / "ours", COMMENT)["ok"]
    minisign("-S", "-s", keys.secret("theirs"), "-m", message, "-x", tmp_path / "theirs",
             "-t", COMMENT)
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()


# ---- keys

def test_a_public_key_is_told_from_a_secret_one(keys, ours, tmp_path):
    for name in ("theirs", "ours"):
        assert ours("public", keys.secret(name), tmp_path / "ours.pub")["ok"]
        minisign("-R", "-f", "-s", keys.secret(name), "-p", tmp_path / "theirs.pub")
        want = keys.public(name).read_bytes()
        assert (tmp_path / "ours.pub").read_bytes() == want
        assert (tmp_path / "theirs.pub").read_bytes() == want


def test_a_key_with_a_password_is_refused_until_it_has_none(ours, tmp_path):
    secret, public = tmp_path / "s", tmp_path / "p"
    minisign("-G", "-p", public, "-s", secret, given="word\nword\n")
    refused = ours("public", secret, tmp_path / "ours.pub")
    assert refused["class"] == "configuration" and "minisign -C -W" in refused["message"]
    minisign("-C", "-W", "-s", secret, given="word\n")
    assert ours("public", secret, tmp_path / "ours.pub")["ok"]
    assert (tmp_path / "ours.pub").read_bytes() == public.read_bytes()


PUBLIC_KEYS = {
    "as it is": lambda lines: lines,
    "with \\r\\n": lambda lines: [line + b"\r" for line in lines],
    "without the last line's end": lambda lines: lines,
    "with another comment": lambda lines: [b"untrusted comment: mine", lines[1]],
    "cut": lambda lines: [lines[0], lines[1][:-1]],
    "longer": lambda lines: [lines[0], lines[1] + b"A"],
    "of another kind": lambda lines: [lines[0], b"RU" + lines[1][2:]],
    "without its key": lambda lines: lines[:1],
    "of nothing": lambda lines: [],
}


@pytest.mark.parametrize("when", PUBLIC_KEYS)
def test_a_public_key_is_read_as_minisign_reads_it(when, keys, ours, tmp_path):
    public, message = tmp_path / "p", tmp_path / "m"
    message.write_bytes(MESSAGE)
    minisign("-S", "-s", keys.secret("theirs"), "-m", message)
    lines = PUBLIC_KEYS[when](keys.public("theirs").read_bytes().split(b"\n")[:2])
    end = b"" if "without the last" in when or not lines else b"\n"
    public.write_bytes(b"\n".join(lines) + end)
    status = minisign("-V", "-p", public, "-m", message, status=None).returncode
    verdict = ours("verify", public, message, f"{message}.minisig")
    assert (0 if verdict["ok"] else STATUS[verdict["class"]]) == status, verdict


# ---- altered signatures

def stricter(text):
    """Why we refuse what minisign takes; None: there is no reason to."""
    lines = (text + b"\n").split(b"\n")[:4]
    if any(b"\0" in line for line in lines):
        return "a NUL, where minisign's line ends"
    if any(b"\r" in line[:-1] or line.endswith(b"\r\r") for line in lines):
        return "a carriage return inside a line, where minisign's line ends"
    if len(lines) > 2 and len(lines[2]) > len(b"trusted comment: ") + 511:
        return "a trusted comment of more than 511 bytes"
    if any(spare_bits(line.rstrip(b"\r")) for line in lines[1::2]):
        return "base64 with bits that belong to no byte"
    return None


def spare_bits(line):
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    found = re.fullmatch(rb"[A-Za-z0-9+/]*([A-Za-z0-9+/])(={1,2})", line)
    return found and letters.index(found[1]) & (3 if len(found[2]) == 1 else 15)


def lines_changed(change):
    """Each of the four lines changed in turn."""
    def variants(text):
        for place in range(4):
            lines = text.split(b"\n")
            lines[place:place + 1] = change(lines[place])
            yield b"\n".join(lines)
    return variants


def flipped(text, bits):
    for place, bit in bits:
        yield text[:place] + bytes([text[place] ^ 1 << bit]) + text[place + 1:]


def edges(text):
    """Places within three bytes of a line's ends."""
    ends = [place for place in range(len(text)) if text[place] == 10]
    starts = [0] + [end + 1 for end in ends[:-1]]
    near = {place + step for place in ends for step in range(-3, 1)}
    near |= {place + step for place in starts for step in range(3)}
    return sorted(near)


def swapped(text):
    for place in range(3):
        lines = text.split(b"\n")
        lines[place], lines[place + 1] = lines[place + 1], lines[place]
        yield b"\n".join(lines)


ALTERED = {
    "nothing": lambda text: [text],
    "a line is left out": lines_changed(lambda line: []),
    "a line is empty": lines_changed(lambda line: [b""]),
    "a line is there twice": lines_changed(lambda line: [line, line]),
    "an empty line comes first": lines_changed(lambda line: [b"", line]),
    "two lines change places": swapped,
    "a line has a letter more": lines_changed(lambda line: [line + b"A"]),
    "a line has a letter less": lines_changed(lambda line: [line[:-1]]),
    "a line begins with another letter": lines_changed(lambda line: [b"A" + line[1:]]),
    "a line begins with a blank": lines_changed(lambda line: [b" " + line]),
    "a line ends with a blank": lines_changed(lambda line: [line + b" "]),
    "a line ends with a tab": lines_changed(lambda line: [line + b"\t"]),
    "a line ends with \\r\\n": lines_changed(lambda line: [line + b"\r"]),
    "a line ends with \\r\\r\\n": lines_changed(lambda line: [line + b"\r\r"]),
    "a line has a \\r inside": lines_changed(lambda line: [line[:9] + b"\r" + line[9:]]),
    "something follows a \\r": lines_changed(lambda line: [line + b"\rx"]),
    "a line has a NUL inside": lines_changed(lambda line: [line[:9] + b"\0" + line[9:]]),
    "something follows a NUL": lines_changed(lambda line: [line + b"\0x"]),
    "a line is in upper case": lines_changed(lambda line: [line.upper()]),
    "all lines end with \\r\\n": lambda text: [text.replace(b"\n", b"\r\n")],
    "no line ends": lambda text: [text.replace(b"\n", b"")],
    "the last line's end is missing": lambda text: [text[:-1]],
    "lines follow": lambda text: [text + b"\n", text + b"more\n", text + b"\0\xff", text + text],
    "it was cut": lambda text: [text[:len(text) - size] for size in range(1, len(text), 7)],
    "the first line is another": lambda text: [
        b"untrusted comment: " + words + text[text.index(b"\n"):]
        for words in (b"", b"\xff\x1b[2J", b"c" * 1003, b"c" * 1004, b"c" * 5000)],
    "a bit of each byte is flipped": lambda text: flipped(
        text, [(place, place % 8) for place in range(len(text))]),
    "all bits at the ends of lines are flipped": lambda text: flipped(
        text, [(place, bit) for place in edges(text) for bit in range(8)]),
    "it is of another kind": lambda text: [text.replace(b"\nRU", b"\nRW"),
                                           text.replace(b"\nRW", b"\nRU"),
                                           text.replace(b"\nR", b"\nS")],
}
KINDS = {"prehashed": [], "legacy": ["-l"]}


@pytest.fixture(scope="module", name="signed")
def _signed(keys, tmp_path_factory):
    """The message, and by kind the text of its signature."""
    folder = tmp_path_factory.mktemp("signed")
    message = folder / "m"
    message.write_bytes(MESSAGE)
    texts = {}
    for kind, options in KINDS.items():
        minisign("-S", *options, "-s", keys.secret("theirs"), "-m", message, "-t", COMMENT)
        texts[kind] = (folder / "m.minisig").read_bytes()
    return message, texts


def compare(ours, public, message, signature):
    """Both verdicts on a signature file; True where minisign takes it."""
    status = minisign("-V", "-q", "-p", public, "-m", message, "-x", signature,
                      status=None).returncode
    verdict = ours("verify", public, message, signature)
    got = 0 if verdict["ok"] else STATUS[verdict["class"]]
    reason = stricter(signature.read_bytes())
    if reason and got == 2:
        return status == 0
    assert got == status, (reason, verdict, signature.read_bytes())
    return status == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", ALTERED)
def test_the_verdict_is_that_of_minisign(what, kind, signed, keys, ours, tmp_path):
    message, texts = signed
    signature = tmp_path / "sig"
    count = 0
    for text in ALTERED[what](texts[kind]):
        signature.write_bytes(text)
        compare(ours, keys.public("theirs"), message, signature)
        count += 1
    assert count


TRUSTED_COMMENTS = [b"", b"a", b"tab\there", b"c" * 511, b"c" * 512, b"c" * 4000,
                    "öä! 火".encode(), b"\xff\xfe", b"\x1b[2J", b"a\rb"]


@pytest.mark.parametrize("comment", TRUSTED_COMMENTS, ids=lambda comment: str(comment[:9]))
def test_any_trusted_comment_of_minisign_is_judged_as_it_does(comment, keys, ours, tmp_path):
    message, signature = tmp_path / "m", tmp_path / "m.minisig"
    message.write_bytes(MESSAGE)
    done = subprocess.run([MINISIGN, "-S", "-s", keys.secret("theirs"), "-m", message, "-t",
                           comment], capture_output=True, timeout=60, check=False)
    if b"\r" in comment:
        assert done.returncode != 0  # it asserts that there is none
        return
    assert done.returncode == 0
    is_taken = compare(ours, keys.public("theirs"), message, signature)
    assert is_taken
    verdict = ours("verify", keys.public("theirs"), message, signature)
    if len(comment) > 511:
        assert verdict["class"] == "malformed"
    elif comment:
        assert bytes.fromhex(verdict["comment"]) == comment


def test_another_key_is_refused_with_its_name(keys, ours, tmp_path):
    message, signature = tmp_path / "m", tmp_path / "m.minisig"
    message.write_bytes(MESSAGE)
    minisign("-S", "-s", keys.secret("strange"), "-m", message)
    assert not compare(ours, keys.public("theirs"), message, signature)
    told = ours("verify", keys.public("theirs"), message, signature)["message"]
    name = keys.public("strange").read_text().split("\n")[0].split()[-1]
    assert f"the key {name}, which is not trusted" in told


def test_any_of_several_keys_may_have_signed(keys, ours, tmp_path):
    message, several = tmp_path / "m", tmp_path / "keys"
    message.write_bytes(MESSAGE)
    several.write_text("# ours\n" + "".join(keys.public(name).read_text()
                                           for name in ("ours", "theirs")))
    for name, is_good in (("ours", True), ("theirs", True), ("strange", False)):
        minisign("-S", "-s", keys.secret(name), "-m", message)
        assert ours("verify", several, message, f"{message}.minisig")["ok"] == is_good
