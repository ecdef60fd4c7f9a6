#!/usr/bin/env python3
"""Builds the agent image: clearml-agent and the docker CLI, and what these two need.

    build.py --agent 3.0.3 --tag mayfly/clearml-agent:3.0.3 --output agent.tar
    docker load --input agent.tar

Nothing is pulled from a registry of images and no docker engine takes part: the distribution's
packages are unpacked (mmdebstrap, from this machine's own package sources, which do not end up in
the image), clearml-agent comes from PyPI with pinned hashes (tests/requirements/agent*.txt), and
the archive is written here. The same packages give the same bytes. Root is not needed.

There is no git and no pip inside: in docker mode the agent in the task's container fetches code and
packages, this one starts that container and watches it.

The docker CLI is the distribution's. Engines from 29 on refuse clients older than API 1.44, and
Debian 12's speaks 1.41: there give a newer one, --docker-cli FILE (one that needs no libraries).
"""

import argparse
import hashlib
import importlib.util
import io
import json
import marshal
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

TREE = Path(__file__).resolve().parents[3]
PINS = [TREE / "tests/requirements" / name for name in ("agent.txt", "agent-1.9.txt")]
SOURCES = [Path("/etc/apt") / name for name in (
    "sources.list.d/debian.sources", "sources.list.d/ubuntu.sources", "sources.list")]
PACKAGES = ["python3", "bash", "coreutils"]

# What tells of this machine, and what nobody reads in a container. The copyright files stay.
UNUSED = re.compile(r"""
    etc/(apt(/|$)|hostname$|resolv\.conf$|hosts$|fstab$)
    | (dev|proc|sys|run|boot|media|mnt|srv)/.
    | var/(cache|log|lib/apt|lib/dpkg)/.
    | usr/share/(man|info|locale|lintian|bug|doc-base|bash-completion|pixmaps|applications|menu
                 |binfmts|debianutils|perl5|polkit-1|dpkg)(/|$)
    | usr/share/doc/.*/(?!copyright$)[^/]*$
    | usr/lib/[^/]*-linux-gnu[^/]*/(gconv|perl-base)(/|$)
    | (usr/)?lib/[^/]*-linux-gnu[^/]*/(libmvec|libnss_(compat|hesiod)|libdb-|libtirpc|libnsl)
    | usr/(s?bin)/(dpkg|update-alternatives|start-stop-daemon)
    | (usr/)?lib/systemd/. | etc/(cron|logrotate|dpkg|init)[^/]*(/|$) | usr/lib/dpkg/.
    | (.*/)?__pycache__(/|$)
""", re.VERBOSE)

# What the packages' scripts would have written.
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\n"
                  "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
}
FOLDER_MODES = {"tmp": 0o1777, "var/tmp": 0o1777, "root": 0o700}
LINKS = {"bin/sh": "bash", "usr/bin/python3": "python{version}"}
PROGRAM = """#!/usr/bin/python3
import sys
from clearml_agent.__main__ import main
sys.exit(main())
"""
FETCH_DOCKER = """set -e
cd "$1"
export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
apt="apt-get -qq -o APT::Sandbox::User=root download"
$apt docker-cli 2> /dev/null || $apt docker.io
dpkg-deb --fsys-tarfile docker*.deb | tar -xf - ./usr/bin/docker
rm docker*.deb
"""


class Layer:
    """Files by their path; a directory, a link or a file with its content."""

    def __init__(self):
        self.entries = {}

    def add(self, name, content=None, *, mode=None, link=None, like=None):
        """`like` is the TarInfo of another archive. Owner and time are the same for all."""
        entry = tarfile.TarInfo(name)
        entry.type = like.type if like else (
            tarfile.SYMTYPE if link else tarfile.DIRTYPE if content is None else tarfile.REGTYPE)
        entry.mode = mode or (like.mode if like and not like.isdir() else
                              FOLDER_MODES.get(name, 0o755) if content is None else 0o644)
        entry.linkname = link or (like.linkname if like else "")
        entry.size = len(content or b"")
        self.entries[name] = (entry, content)

    def add_archive(self, path):
        with tarfile.open(path) as archive:
            for entry in archive:
                name = entry.name.removeprefix("./").rstrip("/")
                if name in ("", ".") or UNUSED.match(name):
                    continue
                content = archive.extractfile(entry).read() if entry.isreg() else None
                if entry.islnk():
                    entry.linkname = entry.linkname.removeprefix("./")
                self.add(name, content, like=entry)

    def add_folder(self, folder, at):
        for path in sorted(Path(folder).rglob("*")):
            if path.is_dir():
                self.add(f"{at}/{path.relative_to(folder)}")
            else:
                self.add(f"{at}/{path.relative_to(folder)}", path.read_bytes(),
                         mode=0o755 if os.access(path, os.X_OK) else 0o644)

    def add_compiled(self, other, folder):
        """Byte code for the modules that the other layer (or this one) has below the folder: made
        once, here, and not at each start in a container that forgets it."""
        tag = f".{sys.implementation.cache_tag}.pyc"
        modules = {name: source for name, (entry, source) in other.entries.items()
                   if entry.isreg() and name.startswith(f"{folder}/") and name.endswith(".py")}
        for name, source in modules.items():
            try:
                code = compile(source, f"/{name}", "exec", dont_inherit=True, optimize=0)
            except (SyntaxError, ValueError):  # a template, or a test of the parser
                continue
            self.add(f"{os.path.dirname(name)}/__pycache__/{os.path.basename(name)[:-3]}{tag}",
                     importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little")
                     + importlib.util.source_hash(source) + marshal.dumps(code))

    def take(self, *names):
        """Another layer with these files, which leave this one."""
        taken = Layer()
        for name in names:
            taken.entries[name] = self.entries.pop(name)
        return taken

    def without(self, other):
        """What this one has and the other has not."""
        rest = Layer()
        rest.entries = {name: (entry, content) for name, (entry, content) in self.entries.items()
                        if name not in other.entries or content != other.entries[name][1]}
        return rest

    def size(self):
        return sum(entry.size for entry, _ in self.entries.values())

    def archive(self):
        """The bytes of the layer: sorted, a hard link behind all that it can point to."""
        output = io.BytesIO()
        with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for _, (entry, content) in sorted(
                    self.entries.items(), key=lambda item: (item[1][0].islnk(), item[0])):
                archive.addfile(entry, io.BytesIO(content) if content else None)
        return output.getvalue()


def say(text):
    print(f"agent image: {text}", file=sys.stderr, flush=True)


def pins_of(agent):
    """The file that pins this version of the agent and all it depends on."""
    for path in PINS:
        if f"clearml-agent=={agent} " in path.read_text():
            return path
    known = re.findall(r"clearml-agent==(\S+)", "".join(path.read_text() for path in PINS))
    raise SystemExit(f"agent image: no pins for clearml-agent {agent}, only for {known}")


def own_sources():
    """This machine's; an error where they lie elsewhere, since others may name other archives."""
    found = [path for path in SOURCES if path.exists() and path.stat().st_size]
    if not found:
        places = ", ".join(map(str, SOURCES))
        raise SystemExit(f"agent image: no package sources in {places}: say --sources FILE")
    return found


def unpack(packages, sources, with_docker):
    """The packages and what they depend on, as a Layer."""
    sources = sources or own_sources()
    with tempfile.TemporaryDirectory(prefix="agent-image-") as folder:
        archive, hook = Path(folder) / "packages.tar", Path(folder) / "hook"
        hook.write_text(FETCH_DOCKER)
        os.chmod(folder, 0o755)
        argv = ["mmdebstrap", "--quiet", "--mode=chrootless", "--variant=extract", "--format=tar",
                f"--include={','.join(packages)}", "--aptopt=Apt::Install-Recommends \"false\""]
        if with_docker:
            argv.append(f"--extract-hook=sh {hook} \"$1\"")
        subprocess.run([*argv, "", str(archive), *map(str, sources)], check=True,
                       stdin=subprocess.DEVNULL, stdout=sys.stderr)
        layer = Layer()
        layer.add_archive(archive)
    return layer


def base(sources, docker_cli):
    """(layer with Python and a shell, layer with the docker CLI, Python's version)."""
    layer = unpack(PACKAGES, sources, not docker_cli)
    version = python_version(layer)
    for name, text in FILES.items():
        layer.add(name, text.encode())
    for name, target in LINKS.items():
        if name not in layer.entries:
            layer.add(name, link=target.format(version=version))
    if docker_cli:
        docker = Layer()
        docker.add("usr/bin/docker", Path(docker_cli).read_bytes(), mode=0o755)
    else:
        docker = layer.take("usr/bin/docker")
    return layer, docker, version


def python_version(layer):
    """Of the image, as in 3.11."""
    found = [match[1] for match in map(re.compile(r"usr/lib/python(3\.\d+)/os\.py$").match,
                                       layer.entries) if match]
    return max(found, key=lambda version: int(version.partition(".")[2]))


def install(pins, version):
    """The pinned Python packages, as a Layer for Debian's Python of that version."""
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    foreign = [] if version == own else ["--python-version", version, "--implementation", "cp"]
    layer = Layer()
    with tempfile.TemporaryDirectory(prefix="agent-image-") as folder:
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps",
                        "--disable-pip-version-check", "--require-hashes", "--no-compile",
                        "--only-binary", ":all:", "--target", folder, *foreign,
                        "--requirement", str(pins)], check=True, stdout=sys.stderr)
        at = f"usr/local/lib/python{version}/dist-packages"
        shutil.rmtree(Path(folder) / "bin")  # its programs begin with this Python's own path
        for record in Path(folder).glob("*/RECORD"):
            record.write_text("".join(line for line in record.read_text().splitlines(True)
                                      if "bin/" not in line.partition(",")[0]))
        layer.add_folder(folder, at)
    layer.add("usr/local/bin/clearml-agent", PROGRAM.encode(), mode=0o755)
    if not foreign:
        layer.add_compiled(layer, at)
    return layer


def write_image(output, tag, layers, labels, environment=()):
    """An archive that `docker load` reads: the layers, a configuration, a list of both."""
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine,
                                                              os.uname().machine)
    blobs = [layer.archive() for layer in layers]
    digests = [hashlib.sha256(blob).hexdigest() for blob in blobs]
    config = json.dumps({
        "architecture": architecture, "os": "linux", "created": "1970-01-01T00:00:00Z",
        "config": {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                           "PYTHONUNBUFFERED=1", *environment],
                   "Cmd": ["clearml-agent", "--help"], "Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
        "history": [{"created_by": "packaging/container/agent/build.py"} for _ in layers],
    }).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = json.dumps([{"Config": name, "RepoTags": [tag],
                            "Layers": [f"{digest}/layer.tar" for digest in digests]}]).encode()
    content = Layer()
    content.add(name, config)
    content.add("manifest.json", manifest)
    for digest, blob in zip(digests, blobs):
        content.add(f"{digest}/layer.tar", blob)
    partial = Path(f"{output}.partial")
    partial.write_bytes(content.archive())
    partial.replace(output)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--agent", required=True, help="version of clearml-agent")
    parser.add_argument("--tag", required=True, help="name of the image")
    parser.add_argument("--output", required=True, help="the archive to write")
    parser.add_argument("--sources", action="append", default=[],
                        help="package sources, a file as in /etc/apt (this machine's)")
    parser.add_argument("--docker-cli", help="a docker CLI other than the distribution's")
    options = parser.parse_args()
    python, docker, version = base(options.sources, options.docker_cli)
    agent = install(pins_of(options.agent), version)
    write_image(options.output, options.tag, [python, agent, docker],
                {"org.opencontainers.image.title": "clearml-agent with the docker CLI",
                 "org.opencontainers.image.version": options.agent})
    for name, layer in (("python and shell", python), ("clearml-agent", agent),
                        ("docker CLI", docker)):
        say(f"{layer.size() / 1e6:6.1f} MB  {name}")


if __name__ == "__main__":
    main()
