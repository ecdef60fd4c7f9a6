"""common/envelope and common/user_data held to the tools whose formats they speak: tar, gzip,
base64, minisign, and what Python's email library (with which cloud-init's own tool writes user
data) makes of parts. Ours is behind tests/vectors/envelope_calls.c.
"""

import base64
import gzip
import hashlib
import io
import json
import random
import re
import shutil
import subprocess
import tarfile
from email import charset
from email.mime.application import MIMEApplication
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from driven import ROOT, Driven

MINISIGN = shutil.which("minisign")
pytestmark = pytest.mark.skipif(not MINISIGN, reason="minisign is not installed (make setup)")

FILES = ["ticket.json", "ticket.json.minisig", "bundle.age", "bundle.age.minisig"]
ENVELOPE_BYTES = (2048, 4096)  # a usual one, with a sealed bundle of a kilobyte


def sh(command, folder):
    done = subprocess.run(["bash", "-c", "set -o pipefail; " + command], cwd=folder, timeout=60,
                          capture_output=True, check=False)
    assert done.returncode == 0, done
    return done.stdout


@pytest.fixture(scope="module", name="ours")
def _ours():
    driven = Driven("envelope_calls")
    yield driven
    driven.close()


@pytest.fixture(scope="module", name="made")
def _made(tmp_path_factory, ours):
    """The four files, signed by minisign, the pair of keys, and our text block of them."""
    folder = tmp_path_factory.mktemp("made")
    sh("minisign -G -W -p key.pub -s key", folder)
    sealed = random.Random(1).randbytes(1024)
    ticket = json.loads((ROOT / "tests/unit/golden/ticket.host.json").read_bytes())
    ticket["bundle"] = {"source": "inline", "digest": hashlib.sha256(sealed).hexdigest()}
    (folder / "ticket.json").write_text(json.dumps(ticket, indent=2, ensure_ascii=False))
    (folder / "bundle.age").write_bytes(sealed)
    sh("minisign -S -s key -m ticket.json -t 'mayfly ticket for p' && "
       "minisign -S -s key -m bundle.age -t 'mayfly bundle for p'", folder)
    assert ours("print", folder, folder / "block")["ok"]
    return folder


def same_files(folder, made):
    return all((folder / name).read_bytes() == (made / name).read_bytes() for name in FILES)


# ---- by hand

def by_hand():
    """The command that the header tells."""
    header = (ROOT / "common/envelope.h").read_text()
    told = re.search(r"By hand.*?:\n(.*?)\*/", header, re.DOTALL)[1]
    return " ".join(line.strip(" *\t") for line in told.split("\n"))


def test_it_is_read_by_hand(made, tmp_path):
    text = b"#cloud-config\n" + (made / "block").read_bytes() + b"packages: [jq]\n"
    (tmp_path / "data").write_bytes(text.replace(b"\n", b"\r\n"))
    sh(by_hand().replace("FILE", "data"), tmp_path)
    assert same_files(tmp_path, made)
    for name, said in (("ticket.json", "mayfly ticket for p"),
                       ("bundle.age", "mayfly bundle for p")):
        assert sh(f"minisign -V -Q -p {made}/key.pub -m {name}",
                  tmp_path).decode() == said + "\n"


def test_the_archive_is_plain_ustar(made, tmp_path):
    (tmp_path / "data").write_bytes((made / "block").read_bytes())
    packed = sh(by_hand().replace("FILE", "data").replace("tar xz", "cat"), tmp_path)
    assert packed[4:8] == b"\0\0\0\0"  # no time in it
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        members = archive.getmembers()
    assert [member.name for member in members] == FILES
    for member in members:
        assert member.isreg() and member.mode == 0o600
        assert member.uid == member.gid == member.mtime == 0
        assert member.size == (made / member.name).stat().st_size


def test_the_same_envelope_is_the_same_text(made, ours, tmp_path):
    again = Driven("envelope_calls")
    assert again("print", made, tmp_path / "again")["ok"]
    again.close()
    assert (tmp_path / "again").read_bytes() == (made / "block").read_bytes()
    assert ours("find", made / "block", tmp_path)["ok"]
    assert same_files(tmp_path, made)


def test_it_is_small(made):
    least, most = ENVELOPE_BYTES
    assert least < (made / "block").stat().st_size < most


TARS = {
    "tar --format=ustar": ("tar --format=ustar -cz FILES", None),
    "tar and gzip -9": ("tar --format=ustar -c FILES | gzip -9n", None),
    "tar of GNU's form": ("tar --format=gnu -cz FILES", "--format=ustar"),
    "tar with pax headers": ("tar --format=posix --pax-option=comment=x -cz FILES",
                             "a pax header"),
    "tar of a folder": ("tar --format=ustar -cz ../folder", "a folder"),
    "tar of a link": ("ln -s ticket.json l; tar --format=ustar -cz l", "a link"),
    "tar of a path": ("tar --format=ustar -cz ./ticket.json", "a folder in a name"),
    "tar of another file": ("echo > x; tar --format=ustar -cz x", "does not belong there: x"),
    "tar without gzip": ("tar --format=ustar -c FILES", "a damaged gzip file"),
    "gzip of nothing": ("gzip < /dev/null", "was cut"),
    "two gzip files": ("{ gzip < ticket.json; gzip < bundle.age; }", "bytes after its end"),
}


@pytest.mark.parametrize("how", TARS)
def test_made_by_hand(how, made, ours, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in FILES:
        shutil.copy(made / name, folder)
    command, refusal = TARS[how]
    packed = sh(command.replace("FILES", " ".join(FILES)) + " | base64", folder)
    (tmp_path / "data").write_bytes(b"-----BEGIN MAYFLY TICKET-----\n" + packed +
                                    b"-----END MAYFLY TICKET-----\n")
    (tmp_path / "out").mkdir()
    answer = ours("find", tmp_path / "data", tmp_path / "out")
    if refusal:
        assert answer["class"] == "malformed" and refusal in answer["message"], answer
        assert answer["message"].startswith("user data: the mayfly ticket is damaged: ")
    else:
        assert answer["ok"], answer
        assert same_files(tmp_path / "out", made)


# ---- in documents

CONFIG = "#cloud-config\npackages: [jq]\n"


def multipart(*parts, subtype="mixed"):
    whole = MIMEMultipart(subtype)
    for part in parts:
        whole.attach(part)
    return whole


def text_part(text, coding="us-ascii", subtype="cloud-config"):
    part = MIMEText(text, subtype, coding)
    part.add_header("Content-Disposition", 'attachment; filename="a;b.txt"')
    return part


def indented(block, by="      "):
    return "".join(by + line + "\n" for line in block.splitlines())


def nested(block):
    inner = multipart(text_part("#!/bin/sh\n", "utf-8", "x-shellscript"),
                      text_part(CONFIG + block, "utf-8"))
    return multipart(text_part("ü", "utf-8"), inner).as_bytes()


def binary_part(block):
    part = MIMEBase("application", "octet-stream")
    part.add_header("Content-Transfer-Encoding", "binary")
    head = multipart(text_part("x")).as_bytes()
    boundary = re.search(rb'boundary="(.*?)"', head)[1]
    return (head.replace(b"\n--" + boundary + b"--", b"") + b"\n--" + boundary + b"\n" +
            part.as_bytes() + gzip.compress(block.encode()) + b"\n--" + boundary + b"--\n")


DOCUMENTS = {
    "plain": lambda block: block.encode(),
    "cloud-config": lambda block: (CONFIG + block).encode(),
    "script": lambda block: ("#!/bin/sh\n" + block + "exec x\n").encode(),
    "write_files": lambda block: (
        CONFIG + "write_files:\n  - path: /x\n    content: |\n" + indented(block)).encode(),
    "\\r\\n": lambda block: (CONFIG + block).replace("\n", "\r\n").encode(),
    "gzip": lambda block: gzip.compress((CONFIG + block).encode()),
    "base64": lambda block: base64.b64encode((CONFIG + block).encode()),
    "base64 in lines": lambda block: base64.encodebytes((CONFIG + block).encode()),
    "base64 of gzip": lambda block: base64.b64encode(gzip.compress(block.encode())),
    "gzip of base64": lambda block: gzip.compress(base64.encodebytes(block.encode())),
    "part, 7bit": lambda block: multipart(text_part(block)).as_bytes(),
    "part, base64": lambda block: multipart(text_part(block + "# ü\n", "utf-8")).as_bytes(),
    "part with \\r\\n": lambda block: multipart(
        text_part(block + "# ü\n", "utf-8")).as_bytes().replace(b"\n", b"\r\n"),
    "second part of three": lambda block: multipart(
        text_part("a"), text_part(block, "utf-8"), text_part("b", "utf-8")).as_bytes(),
    "part, gzip in base64": lambda block: multipart(
        MIMEApplication(gzip.compress(block.encode()), "x-gzip")).as_bytes(),
    "part, gzip as it is": binary_part,
    "parts in parts": nested,
    "gzip of parts": lambda block: gzip.compress(multipart(text_part(block, "utf-8")).as_bytes()),
    "base64 of gzip of parts of gzip": lambda block: base64.encodebytes(gzip.compress(multipart(
        MIMEApplication(gzip.compress(block.encode()), "x-gzip")).as_bytes())),
    "a mail's envelope line": lambda block: multipart(
        text_part(block, "utf-8")).as_bytes(unixfrom=True),
    "twice": lambda block: (block + block).encode(),
    "in two parts, each its way": lambda block: multipart(
        text_part(block), text_part(block, "utf-8")).as_bytes(),
}


@pytest.mark.parametrize("where", DOCUMENTS)
def test_found(where, made, ours, tmp_path):
    data = tmp_path / "data"
    data.write_bytes(DOCUMENTS[where]((made / "block").read_text()))
    answer = ours("find", data, tmp_path)
    assert answer["ok"], answer
    assert same_files(tmp_path, made)
    assert ours("check", data, made / "key.pub") == {"ok": True, "prefix": "p"}


def quoted_printable(block):
    charset.add_charset("iso-8859-1", charset.QP, charset.QP)
    return multipart(text_part(block + "# ü\n", "iso-8859-1")).as_bytes()


LOST = {
    "nothing": (lambda block: b"", "not_found"),
    "a script": (lambda block: b"#!/bin/sh\n", "not_found"),
    "parts without it": (lambda block: nested(""), "not_found"),
    "quoted-printable": (quoted_printable, "malformed"),
    "gzip, cut": (lambda block: gzip.compress(block.encode())[:-9], "malformed"),
    "cut in the middle": (lambda block: block.encode()[:1000], "malformed"),
    "two that differ": (lambda block: (block + block.replace("H4sI", "H4sJ")).encode(),
                        "malformed"),
    "a bomb": (lambda block: gzip.compress(bytes(64 << 20)), "malformed"),
}


@pytest.mark.parametrize("why", LOST)
def test_not_found(why, made, ours, tmp_path):
    make, want = LOST[why]
    (tmp_path / "data").write_bytes(make((made / "block").read_text()))
    answer = ours("find", tmp_path / "data", tmp_path)
    assert answer.get("class") == want, answer
    assert answer["message"].startswith("user data: ")


# ---- signatures of minisign

SIGNED = {
    "as it should be": ("-t 'mayfly ticket for p'", None),
    "in the legacy form": ("-l -t 'mayfly ticket for p'", "signed in the legacy form"),
    "for another prefix": ("-t 'mayfly ticket for q'", "is for something else"),
    "as a bundle": ("-t 'mayfly bundle for p'", "is for something else"),
    "with minisign's own comment": ("", "is for something else"),
    "with another key": ("-t 'mayfly ticket for p' -s other", "which is not trusted"),
}


@pytest.mark.parametrize("how", SIGNED)
def test_a_ticket_signed(how, made, ours, tmp_path):
    shutil.copytree(made, tmp_path / "x")
    folder = tmp_path / "x"
    options, refusal = SIGNED[how]
    sh("minisign -G -W -p other.pub -s other", folder)
    key = "" if "-s" in options else "-s key"
    sh(f"minisign -S -m ticket.json {key} {options}", folder)
    assert ours("print", folder, folder / "block")["ok"]
    answer = ours("check", folder / "block", folder / "key.pub")
    if refusal:
        assert answer["class"] == "denied" and refusal in answer["message"], answer
    else:
        assert answer["ok"], answer


def test_an_altered_bundle_is_refused(made, ours, tmp_path):
    shutil.copytree(made, tmp_path / "x")
    folder = tmp_path / "x"
    (folder / "bundle.age").write_bytes(bytes(1024))
    assert ours("print", folder, folder / "block")["ok"]
    answer = ours("check", folder / "block", folder / "key.pub")
    assert answer["class"] == "denied" and "not the one that the ticket names" in answer["message"]
    sh("minisign -S -s key -m bundle.age -t 'mayfly bundle for p'", folder)
    assert ours("print", folder, folder / "block")["ok"]
    answer = ours("check", folder / "block", folder / "key.pub")
    assert answer["class"] == "denied" and "not the one that the ticket names" in answer["message"]
