"""mayfly-reaper's keygen, seal, unseal and ticket: the built program, and the tools age and
minisign beside it, which must read what it writes and write what it reads.
"""

import base64
import hashlib
import io
import json
import os
import pty
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REAPER = Path(os.environ.get("MAYFLY_BUILD", ROOT / "build/debug")) / "mayfly-reaper"
SECRETS = ["clear-secret-7", "git-token-7", "variable-value-7"]
BUNDLE = {
    "prefix": "lab",
    "clearml": {"access_key": "KEYNAME", "secret_key": SECRETS[0]},
    "git": {"user": "robot", "token": SECRETS[1], "host": "git.example.org"},
    "environment": {"TOKEN_OF_TASKS": SECRETS[2]},
}
pytestmark = pytest.mark.skipif(not (shutil.which("age") and shutil.which("minisign")),
                                reason="age and minisign are not installed (make setup)")


def run(*argv, given=None, program=REAPER, **more):
    how = {"input": given} if given is not None else {"stdin": subprocess.DEVNULL}
    return subprocess.run([program, *argv], capture_output=True, timeout=60, check=False,
                          env={"PATH": os.environ["PATH"], "SECRET": "s"}, **how, **more)


def must(*argv, **more):
    done = run(*argv, **more)
    assert done.returncode == 0, done
    assert not any(secret.encode() in done.stdout + done.stderr for secret in SECRETS), done
    return done.stdout.decode()


def tool(name, *argv, **more):
    done = run(*argv, program=name, **more)
    assert done.returncode == 0, done
    return done.stdout


def refused(*argv, status=2, **more):
    """The one line that it ends with; nothing on standard output."""
    done = run(*argv, **more)
    assert done.returncode == status, done
    assert done.stdout == b"", done
    assert not any(secret.encode() in done.stderr for secret in SECRETS), done
    text = done.stderr.decode()
    assert text.startswith("mayfly-reaper: ") and text.count("\n") == 1, text
    return text.removeprefix("mayfly-reaper: ").rstrip("\n")


class Place:
    """An installation in a folder: keys, a configuration, a bundle, nothing sealed yet."""

    def __init__(self, folder):
        self.folder = folder
        told = must("keygen", "--folder", folder)
        self.recipient = re.search(r"age1[a-z0-9]{58}", told).group()
        self.config = self.path("c.json")
        self.bundle = self.path("bundle.json")
        self.sealed = self.path("bundle.age")
        self.write_bundle(BUNDLE)
        self.write_config()

    def path(self, name):
        return self.folder / name

    def write_bundle(self, bundle, mode=0o600):
        self.bundle.write_text(json.dumps(bundle))
        self.bundle.chmod(mode)

    def write_config(self, **more):
        self.config.write_text(json.dumps({
            "prefix": "lab", "signing_key": {"file": "signing.key"},
            "recipients": [self.recipient],
            "clearml": {"api_server": "http://127.0.0.1:9", "access_key": "A",
                        "secret_key": {"env": "SECRET"}},
            "defaults": {"bundle": {"file": "bundle.age"}, "agent": {"command": ["true"]},
                         "local": {"bootstrap": "/bin/true"}, "queues": ["cpu"],
                         "max_instances": 2},
            "resources": [{"name": "cpu"}, {"name": "far", "bundle": {
                "source": "https://files.example.org/b-1.age"}}], **more}))

    def seal(self, *more, **how):
        return must("seal", "--config", self.config, "--in", self.bundle, *more, **how)

    def unseal(self, *more):
        return must("unseal", "--config", self.config, "--check", self.sealed,
                    "--identity", self.path("image.key"), *more)


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "here")


def verify(sealed, trusted):
    """What minisign says of FILE's signature: its trusted comment."""
    return tool("minisign", "-V", "-Q", "-p", trusted, "-m", sealed).decode().strip()


def test_keys_are_files_of_age_and_minisign(tmp_path):
    folder = tmp_path / "new" / "keys"
    told = must("keygen", "--folder", folder)
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert modes == {"image.key": 0o600, "signing.key": 0o600, "trusted.pub": 0o644}
    assert folder.stat().st_mode & 0o777 == 0o700
    recipient = tool("age-keygen", "-y", folder / "image.key").decode().strip()
    assert f'"recipients": ["{recipient}"],' in told
    assert f'"signing_key": {{"file": "{folder}/signing.key"}},' in told
    assert "AGE-SECRET-KEY" not in told
    trusted = re.search(r"\((RW[A-Za-z0-9+/]{54})\)", told).group(1)
    assert (folder / "trusted.pub").read_text().splitlines()[1] == trusted

    thing = tmp_path / "thing"
    thing.write_bytes(b"any bytes")
    tool("minisign", "-S", "-s", folder / "signing.key", "-t", "a comment", "-m", thing)
    assert verify(thing, folder / "trusted.pub") == "a comment"
    assert tool("age", "-d", "-i", folder / "image.key",
                given=tool("age", "-r", recipient, given=b"any bytes")) == b"any bytes"


@pytest.mark.parametrize("there", ["image.key", "signing.key", "trusted.pub"])
def test_no_key_is_overwritten_and_nothing_is_half_made(tmp_path, there):
    (tmp_path / there).write_text("mine")
    assert refused("keygen", "--folder", tmp_path) == (
        f"{tmp_path}/{there} is there already, and no key is overwritten: give another "
        "--folder, or --name with --image or --signing")
    assert [path.name for path in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_text() == "mine"


def test_of_many_at_once_one_makes_keys(tmp_path):
    """No pair is put together from two runs."""
    runs = [subprocess.Popen([REAPER, "keygen", "--folder", tmp_path], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE) for _ in range(8)]
    ends = [(*one.communicate(timeout=60), one.returncode) for one in runs]
    told = [out.decode() for out, _, status in ends if status == 0]
    assert len(told) == 1 and sorted(end[2] for end in ends) == [0] + 7 * [2], ends
    assert sorted(path.name for path in tmp_path.iterdir()) == \
        ["image.key", "signing.key", "trusted.pub"]
    assert tool("age-keygen", "-y", tmp_path / "image.key").decode().strip() in told[0]
    thing = tmp_path / "thing"
    thing.write_bytes(b"any bytes")
    tool("minisign", "-S", "-s", tmp_path / "signing.key", "-t", "a comment", "-m", thing)
    assert verify(thing, tmp_path / "trusted.pub") == "a comment"


def test_keys_for_rotation(tmp_path):
    must("keygen", "--folder", tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    told = must("keygen", "--folder", tmp_path, "--image", "--name", "image-2.key")
    assert re.search(r"age1[a-z0-9]{58}", told).group() == \
        tool("age-keygen", "-y", tmp_path / "image-2.key").decode().strip()
    must("keygen", "--folder", tmp_path, "--signing", "--name", "signing-2.key")
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(after) - set(before) == {"image-2.key", "signing-2.key", "signing-2.pub"}
    assert all(after[name] == content for name, content in before.items())


@pytest.mark.parametrize("argv, want", [
    ([], "--folder is missing: where shall the keys lie?"),
    (["--name", "x.key", "--folder", "."],
     "--name is for one pair: give --image or --signing with it"),
    (["--image", "--signing", "--name", "x.key", "--folder", "."],
     "--name is for one pair: give --image or --signing with it"),
    (["--image", "--name", "../x.key", "--folder", "."],
     "--name: expected the name of a file in the folder, such as image-2.key"),
    (["--image", "--name", "a b", "--folder", "."],
     "--name: expected the name of a file in the folder, such as image-2.key"),
])
def test_keygen_is_called_wrongly(tmp_path, argv, want):
    assert refused("keygen", *argv, cwd=tmp_path) == want
    assert list(tmp_path.iterdir()) == []


def test_what_is_sealed_opens_with_age_and_verifies_with_minisign(place):
    told = place.seal()
    assert place.sealed.stat().st_mode & 0o777 == 0o644
    assert tool("age", "-d", "-i", place.path("image.key"), place.sealed) == \
        place.bundle.read_bytes()
    assert verify(place.sealed, place.path("trusted.pub")) == "mayfly bundle for lab"
    digest = hashlib.sha256(place.sealed.read_bytes()).hexdigest()
    for line in ["prefix       lab", "clearml      access key KEYNAME",
                 "git          1: robot at git.example.org",
                 "environment  1: TOKEN_OF_TASKS", f"sealed to    {place.recipient}",
                 f"sha256       {digest}",
                 f"written      {place.sealed} ({place.sealed.stat().st_size} bytes), "
                 f"{place.sealed}.minisig"]:
        assert line in told.splitlines(), told
    assert told.endswith("\nA `mayfly-reaper watch` that runs hands out what it began with: start "
                         "it again.\n")
    summary = told[:told.index("sealed to")]
    assert place.unseal() == summary + (
        f"{place.sealed} is signed by our key for this prefix, {place.path('image.key')} opens "
        "it, and machines can work with it.\n")


@pytest.mark.parametrize("how", ["as text", "from a pipe", "from a pipe that is named",
                                 "elsewhere"])
def test_ways_to_seal(place, how):
    argv = ["seal", "--config", place.config]
    plain = place.bundle.read_bytes()
    out = place.sealed
    if how == "as text":
        must(*argv, "--in", place.bundle, "--armor")
        assert out.read_bytes().startswith(b"-----BEGIN AGE ENCRYPTED FILE-----\n")
    elif how == "from a pipe":
        must(*argv, given=plain)
    elif how == "from a pipe that is named":
        must(*argv, "--in", "-", given=plain)
    else:
        out = place.path("other.age")
        must(*argv, "--in", place.bundle, "--out", out)
        assert not place.sealed.exists()
    assert tool("age", "-d", "-i", place.path("image.key"), out) == plain
    assert verify(out, place.path("trusted.pub")) == "mayfly bundle for lab"


def test_several_recipients_and_trusted_keys_while_keys_change(place):
    """The old image opens what is sealed to both; who trusts both keys takes either signature."""
    told = must("keygen", "--folder", place.folder, "--image", "--name", "image-2.key")
    second = re.search(r"age1[a-z0-9]{58}", told).group()
    must("keygen", "--folder", place.folder, "--signing", "--name", "signing-2.key")
    place.write_config(recipients=[place.recipient, second])
    told = place.seal()
    assert f"sealed to    {place.recipient}" in told and f"sealed to    {second}" in told
    for key in ["image.key", "image-2.key"]:
        assert tool("age", "-d", "-i", place.path(key), place.sealed) == \
            place.bundle.read_bytes()
    # Only the new one from now on.
    place.seal("--recipient", second)
    assert run("-d", "-i", place.path("image.key"), place.sealed,
               program="age").returncode == 1
    assert refused("unseal", "--config", place.config, "--check", place.sealed, "--identity",
                   place.path("image.key"), status=1).startswith(
                       f"{place.sealed}: with {place.path('image.key')}: ")
    place.write_config(signing_key={"file": "signing-2.key"})
    # Sealed under the old key: told before a machine meets it.
    assert "only a bundle that our signing_key signed" in refused(
        "ticket", "--config", place.config, "--resource", "cpu")
    place.seal()
    assert verify(place.sealed, place.path("signing-2.pub")) == "mayfly bundle for lab"


def test_it_may_be_done_with_age_and_minisign_alone(tmp_path):
    place = Place(tmp_path / "here")
    for name in ["image.key", "signing.key", "trusted.pub"]:
        place.path(name).unlink()
    made = subprocess.run(["age-keygen", "-o", place.path("image.key")], capture_output=True,
                          check=True, timeout=60)
    place.path("image.key").chmod(0o600)
    place.recipient = re.search(r"age1[a-z0-9]{58}", made.stderr.decode()).group()
    tool("minisign", "-G", "-W", "-s", place.path("signing.key"), "-p",
         place.path("trusted.pub"))
    place.path("signing.key").chmod(0o600)
    tool("age", "-r", place.recipient, "-o", place.sealed, place.bundle)
    tool("minisign", "-S", "-s", place.path("signing.key"), "-t", "mayfly bundle for lab", "-m",
         place.sealed)
    place.write_config()
    assert "machines can work with it" in place.unseal()
    must("ticket", "--config", place.config, "--resource", "cpu")


BAD_BUNDLES = [
    ("it is not there", None, 0o600, "cannot open {bundle}: No such file or directory"),
    ("others may read it", BUNDLE, 0o644,
     "{bundle} has mode 0644 and holds secrets: chmod 600 it"),
    ("it is for another installation", {**BUNDLE, "prefix": "other"}, 0o600,
     '{bundle}: its prefix is "other", and that of {config} is "lab": a bundle is for one '
     "installation"),
    ("it does not say for which", {"clearml": BUNDLE["clearml"]}, 0o600,
     "{bundle}:1: prefix: missing, expected a text"),
    ("a word is misspelt", {**BUNDLE, "registrys": []}, 0o600,
     "{bundle}:1: registrys: unknown, did you mean registries?"),
    ("a secret is a number", {**BUNDLE, "clearml": {"access_key": "A", "secret_key": 7}}, 0o600,
     "{bundle}:1: clearml.secret_key: expected a text, got a number"),
]


@pytest.mark.parametrize("when, bundle, mode, want", BAD_BUNDLES,
                         ids=[row[0] for row in BAD_BUNDLES])
def test_a_bundle_that_is_not_sealed(place, when, bundle, mode, want):
    if bundle is None:
        place.bundle.unlink()
    else:
        place.write_bundle(bundle, mode)
    assert refused("seal", "--config", place.config, "--in", place.bundle) == \
        want.format(bundle=place.bundle, config=place.config)
    assert not place.sealed.exists() and not place.path("bundle.age.minisig").exists()


BAD_SEALS = [
    ("nobody is named", {"recipients": None}, [],
     '{config}: recipients is missing: whom shall the bundle be sealed to? Write "recipients": '
     '["age1..."], which `mayfly-reaper keygen` prints, or give --recipient'),
    ("there is no signing key", {"signing_key": None}, [],
     "{config}: signing_key is missing: `mayfly-reaper keygen --folder {folder}` makes one, then "
     'write "signing_key": {{"file": "signing.key"}}'),
    ("it would replace the plain one", {}, ["--out", "{bundle}"],
     "--out is the plain bundle itself: give another name"),
    ("it has nowhere to go", {}, ["--out", "{folder}/none/b.age"],
     "cannot open the folder of {folder}/none/b.age.minisig.sealing: No such file or directory"),
    ("it would replace the plain one by another of its names", {},
     ["--out", "{folder}/./{bundle.name}"],
     "--out: {folder}/./{bundle.name} is there, and is no sealed bundle: remove it, or give "
     "another name"),
    ("it would replace a key", {}, ["--out", "{folder}/signing.key"],
     "--out: {folder}/signing.key is there, and is no sealed bundle: remove it, or give another "
     "name"),
    ("it would replace what is no file", {}, ["--out", "{folder}/link"],
     "--out: {folder}/link is there, and is no sealed bundle: remove it, or give another name"),
]


@pytest.mark.parametrize("when, config, argv, want", BAD_SEALS, ids=[row[0] for row in BAD_SEALS])
def test_a_seal_that_is_called_wrongly(place, when, config, argv, want):
    place.write_config(**config)
    document = json.loads(place.config.read_text())
    place.config.write_text(json.dumps({k: v for k, v in document.items() if v is not None}))
    names = {"config": place.config, "folder": place.folder, "bundle": place.bundle}
    plain, key = place.bundle.read_bytes(), place.path("signing.key").read_bytes()
    place.path("link").symlink_to("/dev/null")
    status = 1 if "nowhere" in when else 2
    assert refused("seal", "--config", place.config, "--in", place.bundle,
                   *[word.format(**names) for word in argv],
                   status=status) == want.format(**names)
    assert place.bundle.read_bytes() == plain and not place.sealed.exists()
    assert place.path("signing.key").read_bytes() == key and place.path("link").is_symlink()


def test_a_seal_that_cannot_be_written_leaves_the_old_one(place):
    place.seal()
    sealed, signature = place.sealed.read_bytes(), place.path("bundle.age.minisig")
    signature.unlink()
    signature.mkdir()
    assert refused("seal", "--config", place.config, "--in", place.bundle, status=1) == \
        f"cannot write {signature}: Is a directory"
    assert place.sealed.read_bytes() == sealed
    assert not [path for path in place.folder.iterdir() if path.name.endswith(".sealing")]


def test_nobody_types_a_bundle_into_a_terminal(place):
    far, near = pty.openpty()
    try:
        done = subprocess.run([REAPER, "seal", "--config", place.config], stdin=near,
                              capture_output=True, timeout=60, check=False)
    finally:
        os.close(far)
        os.close(near)
    assert (done.returncode, done.stdout, done.stderr.decode()) == (
        2, b"", "mayfly-reaper: --in is missing: the bundle, or - for standard input\n")


@pytest.mark.parametrize("keys, want", [
    ("{good},,{good}", "--recipient: number 2: "), ("age1x", "--recipient: number 1: "),
    (",", "--recipient: number 1: "),
    ("{good},{good}x", "--recipient: number 2: "),
])
def test_recipients_that_are_none(place, keys, want):
    got = refused("seal", "--config", place.config, "--in", place.bundle, "--recipient",
                  keys.format(good=place.recipient))
    assert got.startswith(want) and len(got) > len(want)


def test_a_bundle_that_machines_would_refuse(place, tmp_path):
    other = Place(tmp_path / "other")
    other.seal()
    place.seal()
    sealed, signature = place.sealed.read_bytes(), place.path("bundle.age.minisig").read_bytes()
    argv = ["unseal", "--config", place.config, "--check", place.sealed, "--identity"]

    # With another image's key.
    assert refused(*argv, other.path("image.key"), status=1).startswith(
        f"{place.sealed}: with {other.path('image.key')}: ")
    # Signed by somebody else.
    place.sealed.write_bytes(other.sealed.read_bytes())
    place.path("bundle.age.minisig").write_bytes(other.path("bundle.age.minisig").read_bytes())
    assert refused(*argv, other.path("image.key"), status=1).startswith(
        f"{place.sealed}.minisig: ")
    # Altered.
    place.sealed.write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    place.path("bundle.age.minisig").write_bytes(signature)
    assert refused(*argv, place.path("image.key"), status=1).startswith(
        f"{place.sealed}.minisig: ")
    # Not signed.
    place.path("bundle.age.minisig").unlink()
    assert refused(*argv, place.path("image.key"), status=1) == \
        f"cannot open {place.sealed}.minisig: No such file or directory"
    assert refused("unseal", "--config", place.config) == "--check is missing: which sealed bundle?"
    assert refused("unseal", "--config", place.config, "--check", place.sealed) == \
        "--identity is missing: the key of the machines' image (image.key)"


def unpack(user_data):
    """By hand: the lines between the markers without their '# ', base64, gzip, tar."""
    lines = user_data.splitlines()
    begin = lines.index("# -----BEGIN MAYFLY TICKET-----")
    end = lines.index("# -----END MAYFLY TICKET-----")
    packed = base64.b64decode("".join(line.removeprefix("# ") for line in lines[begin + 1:end]))
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}


def test_a_ticket_is_what_a_person_can_take_apart(place, tmp_path):
    place.seal()
    argv = ["ticket", "--config", place.config, "--resource"]
    given = ["--slot", "1", "--generation", "7", "--day", "2026-11-24"]
    files = unpack(must(*argv, "cpu", *given))
    assert set(files) == {"ticket.json", "ticket.json.minisig", "bundle.age",
                          "bundle.age.minisig"}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    trusted = place.path("trusted.pub")
    assert verify(tmp_path / "ticket.json", trusted) == "mayfly ticket for lab"
    assert verify(tmp_path / "bundle.age", trusted) == "mayfly bundle for lab"
    assert tool("age", "-d", "-i", place.path("image.key"), tmp_path / "bundle.age") == \
        place.bundle.read_bytes()
    ticket = json.loads(files["ticket.json"])
    assert (ticket["prefix"], ticket["resource"], ticket["slot"], ticket["generation"],
            ticket["day"]) == ("lab", "cpu", 1, 7, "2026-11-24")
    digest = hashlib.sha256(files["bundle.age"]).hexdigest()
    assert ticket["bundle"] == {"source": "inline", "digest": digest}

    files = unpack(must(*argv, "far", *given))
    assert set(files) == {"ticket.json", "ticket.json.minisig", "bundle.age.minisig"}
    assert json.loads(files["ticket.json"])["bundle"] == {
        "source": "https://files.example.org/b-1.age", "digest": digest}


def test_the_same_ticket_has_the_same_bytes(place):
    place.seal()
    argv = ["ticket", "--config", place.config, "--resource", "cpu"]
    first = must(*argv, "--day", "2026-11-24")
    assert must(*argv, "--day", "2026-11-24", "--slot", "0", "--generation", "0") == first
    others = [must(*argv, "--day", "2026-11-24", *more) for more in
              (["--slot", "1"], ["--generation", "1"])]
    others.append(must(*argv, "--day", "2026-11-25"))
    place.seal()
    others.append(must(*argv, "--day", "2026-11-24"))
    assert len({first, *others}) == 5


def table_row(text, name):
    return [int(word) for word in
            re.search(rf"^{re.escape(name)} +(\d+)(?: +(\d+))?\s*$", text, re.M).groups() if word]


def test_a_dry_run_says_how_large_it_is(place):
    place.seal()
    argv = ["ticket", "--config", place.config, "--resource", "cpu", "--day", "2026-11-24"]
    user_data = must(*argv)
    files = unpack(user_data)
    told = must(*argv, "--dry-run")
    assert json.loads(told[:told.index("\nFILE")]) == json.loads(files["ticket.json"])
    for name, content in files.items():
        assert table_row(told, name) == [len(content)]
    lines = [line[2:] for line in user_data.splitlines() if "-----" not in line]
    assert table_row(told, "these as tar.gz") == [len(base64.b64decode("".join(lines)))]
    assert table_row(told, "that as user data") == [len(user_data)]
    parts = told[told.index("PART"):]
    assert table_row(parts, "bundle")[0] == len(files["bundle.age"])
    assert told.endswith(f"\n{len(user_data)} of 16384 bytes that clouds take: "
                         f"{len(user_data) * 100 // 16384}%\n")


def test_more_than_clouds_take_is_an_error_that_says_what_to_move(place):
    noise = hashlib.shake_256(b"noise").hexdigest(12000)
    place.seal()
    place.write_config(resources=[{"name": "cpu", "init": {"script": "# " + noise}}])
    argv = ["ticket", "--config", place.config, "--resource", "cpu", "--day", "2026-11-24"]
    got = refused(*argv)
    size = int(re.match(r"resource cpu: its user data have (\d+) bytes, of 16384 that clouds take; "
                        r"move out what is large: init\.script \d+ \(put it into the image, or "
                        r"let a short one fetch it\); bundle \d+ \(publish it", got).group(1))
    dry = run(*argv, "--dry-run")
    assert dry.returncode == 2 and got in dry.stderr.decode()
    assert f"\n{size} of 16384 bytes that clouds take: {size * 100 // 16384}%\n" in \
        dry.stdout.decode()


BAD_TICKETS = [
    ([], "--resource is missing: of which resource? The first one is cpu"),
    (["--resource", "cpus"], "--resource: {config} has none of this name, did you mean cpu?"),
    (["--resource", "cpu", "--slot", "x"], "--slot: expected a whole number from 0 to 99999"),
    (["--resource", "cpu", "--slot", "100000"], "--slot: expected a whole number from 0 to 99999"),
    (["--resource", "cpu", "--generation", "-1"],
     "--generation: expected a whole number from 0 to 2000000000"),
    (["--resource", "cpu", "--generation", "99999999999999999999"],
     "--generation: expected a whole number from 0 to 2000000000"),
    (["--resource", "cpu", "--day", "2026-02-30"], "--day: expected a date such as 2026-11-24"),
    (["--resource", "cpu", "--day", "today"], "--day: expected a date such as 2026-11-24"),
    (["--resource", "cpu", "--day", "1999-01-01"], "--day: expected a date such as 2026-11-24"),
]


@pytest.mark.parametrize("argv, want", BAD_TICKETS)
def test_a_ticket_that_is_ordered_wrongly(place, argv, want):
    place.seal()
    want = want.format(config=place.config)
    assert refused("ticket", "--config", place.config, *argv) == want


@pytest.mark.parametrize("argv", [
    ["seal", "--in", "bundle.json"], ["ticket", "--resource", "cpu"],
    ["unseal", "--check", "bundle.age", "--identity", "image.key"],
], ids=lambda argv: argv[0])
def test_a_configuration_that_is_not_there(place, argv):
    assert refused(*argv, "--config", "none.json", cwd=place.folder) == (
        "read the configuration: cannot open none.json: No such file or directory")


def test_check_proves_the_keys_of_machines_on_this_computer(place, tmp_path):
    """ClearML is not there, which is the only fault at first; its line stands among the others."""
    place.seal()
    other = Place(tmp_path / "other")
    local = {"bootstrap": "/bin/true", "image_key": "image.key", "trusted_keys": "trusted.pub"}
    resource = {"name": "cpu", "queues": ["cpu"], "max_instances": 2,
                "bundle": {"file": "bundle.age"}, "agent": {"command": ["true"]}}
    place.write_config(defaults={}, resources=[
        {**resource, "local": local},
        {**resource, "name": "deaf", "local": {**local, "trusted_keys":
                                               str(other.path("trusted.pub"))}},
        {**resource, "name": "blind", "local": {**local, "image_key":
                                                str(other.path("image.key"))}},
        {**resource, "name": "bare", "local": {**local, "image_key": "none.key"}},
        {**resource, "name": "open", "local": {**local, "trusted_keys": "open.pub"}}])
    place.path("open.pub").write_bytes(place.path("trusted.pub").read_bytes())
    place.path("open.pub").chmod(0o666)
    config = place.path("driving \x1b[2J.json")
    place.config.rename(config)
    done = run("check", "--config", config)
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 1
    assert f"ok      {place.sealed}: it is sealed, and signed by our key for our prefix" in lines
    assert ("ok      keys of cpu: its machines trust our signature and can open their bundle"
            in lines)
    assert re.search(r"^ok      ticket of cpu: \d+ of 16384 bytes$", "\n".join(lines), re.M)
    assert (f"FAILED  keys of deaf: {other.path('trusted.pub')} does not hold the public half of "
            "signing_key: its machines would take no ticket of ours") in lines
    assert any(line.startswith(f"FAILED  keys of blind: {place.sealed}: with "
                               f"{other.path('image.key')}: ") for line in lines)
    assert (f"FAILED  keys of bare: {place.sealed}: cannot open {place.path('none.key')}: No such "
            "file or directory") in lines
    assert (f"FAILED  keys of open: {place.path('open.pub')} has mode 0666, so others may change "
            "what is trusted: chmod 644 it") in lines
    assert b"\x1b" not in done.stdout + done.stderr and "driving ?[2J.json" in lines[0]


def test_check_tries_the_folders_that_a_pass_writes(place):
    """One that is there, one that can be made, a file, and one in which not even root can."""
    place.seal()
    resource = {"queues": ["cpu"], "max_instances": 2, "bundle": {"file": "bundle.age"},
                "agent": {"command": ["true"]}}
    folders = {"there": place.folder, "new": place.path("new/machines"),
               "file": place.path("trusted.pub"), "never": "/proc/nope"}
    place.write_config(defaults={}, state_folder="/proc/nope", resources=[
        {**resource, "name": name, "local": {"bootstrap": "/bin/true", "machines": str(folder)}}
        for name, folder in folders.items()])
    done = run("check", "--config", place.config)
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 1
    assert ("FAILED  state_folder: cannot make anything in /proc: No such file or directory"
            in lines)
    assert f"ok      machines of there: {place.folder} can be written" in lines
    assert (f"ok      machines of new: {folders['new']} is not there yet, and can be made"
            in lines)
    assert f"FAILED  machines of file: {folders['file']} is no folder" in lines
    assert ("FAILED  machines of never: cannot make anything in /proc: No such file or directory"
            in lines)
    assert not place.path("new").exists()


def test_check_warns_of_budgets_that_may_hold_nothing_back(place):
    place.seal()
    place.write_config(budgets={"total": {"day": 5}, "users": {"a\x1b[2J": {"day": 5}}})
    done = run("check", "--config", place.config)
    warnings = [line for line in done.stdout.decode().splitlines()
                if line.startswith("warning ")]
    assert [line.split(": ")[0] for line in warnings] == [
        "warning budget of total", "warning budget of user a?[2J"]
    assert all("costs 0 $/h" in warning for warning in warnings)


def test_check_warns_of_a_state_folder_that_others_may_change(place):
    place.seal()
    state = place.path("open")
    state.mkdir()
    state.chmod(0o777)
    place.write_config(state_folder=str(state))
    lines = run("check", "--config", place.config).stdout.decode().splitlines()
    assert (f"warning state_folder: {state} has mode 0777, so others may change what is spent and "
            "decided: chmod 700 it") in lines


def test_a_configuration_without_its_bundle_says_what_to_do(place):
    argv = ["ticket", "--config", place.config, "--resource", "cpu"]
    assert refused(*argv) == (
        f"{place.config}:1: defaults.bundle.file: {place.sealed} is not there: `mayfly-reaper "
        f"seal --in bundle.json --out {place.sealed}` makes it")
    place.sealed.write_bytes(place.bundle.read_bytes())
    assert refused(*argv) == (
        f"{place.config}:1: defaults.bundle.file: {place.sealed} is not sealed: `mayfly-reaper "
        f"seal --in {place.sealed} --out bundle.age` seals it; give bundle.age here")
