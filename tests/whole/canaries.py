"""Secrets that are looked for: planted in a bundle, then searched wherever they must not be.

A canary is letters and digits only, so that no quoting hides it; it is also looked for as the
base64 of each of its three alignments, and as hexadecimal.
"""

import base64
import json
import os
import re
import secrets
import time
from pathlib import Path

CHUNK = 1 << 20
REALTIME_COARSE = 5  # linux/time.h: the clock that the kernel stamps files with


def plant():
    """A bundle's members beside ClearML's, each secret of which is a canary; and name -> canary."""
    made = {name: "Canary" + secrets.token_hex(12) for name in (
        "git", "git2", "s3", "s3token", "gcs", "azure", "environment", "file", "registry", "extra")}
    bundle = {
        "git": [{"host": "git.example.org", "user": "bot", "token": made["git"]},
                {"host": "other.example.org", "user": "bot", "token": made["git2"]}],
        "s3": [{"key": "AKEXAMPLE", "secret": made["s3"], "token": made["s3token"],
                "region": "eu-central-1"}],
        "gcs": [{"project": "p", "credentials": {
            "type": "service_account", "client_email": "bot@p.example.org",
            "private_key": made["gcs"], "token_uri": "https://token.example.org"}}],
        "azure": [{"account": "account", "key": made["azure"]}],
        "environment": {"CANARY": made["environment"]},
        "files": {"netfile": {"path": "~/.canary", "contents": made["file"], "mode": "0600"}},
        "registries": [{"server": "registry.example.org", "user": "bot",
                        "password": made["registry"]}],
        "extra_conf": f'sdk.development.canary = "{made["extra"]}"',
    }
    return bundle, made


def forms(canary):
    """What the canary may look like, as bytes."""
    raw = canary.encode()
    found = [raw, raw.hex().encode()]
    for shift in range(3):
        # Whole groups of three bytes only: the letters at both ends mix with what is beside.
        cut = raw[(3 - shift) % 3:]
        found.append(base64.b64encode(cut[:len(cut) // 3 * 3]))
    return found


class Search:
    """Over texts, files and processes, for all canaries at once; says what it found where."""

    def __init__(self, canaries):
        self.names = {form: name for name, canary in canaries.items() for form in forms(canary)}
        self.pattern = re.compile(b"|".join(map(re.escape, self.names)))
        self.overlap = max(map(len, self.names))
        self.files = self.bytes = 0

    def in_bytes(self, data):
        return {self.names[match.group()] for match in self.pattern.finditer(data)}

    def in_text(self, value):
        return self.in_bytes((value if isinstance(value, str) else json.dumps(value)).encode())

    def in_file(self, path):
        found, rest = set(), b""
        try:
            with open(path, "rb") as file:
                while chunk := file.read(CHUNK):
                    found |= self.in_bytes(rest + chunk)
                    rest = chunk[-self.overlap:]
                    self.bytes += len(chunk)
        except OSError:
            return set()  # gone meanwhile
        self.files += 1
        return found

    def on_disk(self, since, without, root="/"):
        """path -> canaries, of the files below root, on disks, that were changed since (by
        files_clock)."""
        skipped = {mount for mount, kind in mounts() if kind not in DISKS}
        skipped |= {str(path) for path in without}
        found = {}
        for folder, folders, names in os.walk(root):
            folders[:] = [name for name in folders if os.path.join(folder, name) not in skipped
                          and not os.path.islink(os.path.join(folder, name))]
            for path in (os.path.join(folder, name) for name in names):
                if path in skipped or not is_changed(path, since):
                    continue
                seen = self.in_file(path)
                if seen:
                    found[path] = seen
        return found

    def in_memory(self, pid):
        """(canary, how the kernel maps the place: flags of smaps) of a process."""
        found = []
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            for start, end, flags in mappings(pid):
                try:
                    memory.seek(start)
                    data = memory.read(end - start)
                except (OSError, ValueError, OverflowError):
                    continue  # of the kernel (vvar), or not readable (guard pages)
                found += [(self.names[match.group()], flags)
                          for match in self.pattern.finditer(data)]
        return found


DISKS = ("ext2", "ext3", "ext4", "xfs", "btrfs", "overlay", "fuse", "virtiofs", "9p", "zfs")


def mounts():
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, mount, kind, *_ = line.split()
        yield mount, kind


def files_clock():
    """Now, in ns, by the clock that stamps files: it ticks each few milliseconds, so that a file
    written after time.time() may bear an earlier time."""
    return time.clock_gettime_ns(REALTIME_COARSE)


def is_changed(path, since):
    try:
        seen = os.lstat(path)
    except OSError:
        return False
    return os.path.isfile(path) and not os.path.islink(path) and seen.st_ctime_ns >= since


def mappings(pid):
    """(start, end, set of VmFlags) of each mapping."""
    start = end = None
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if match := re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line):
            start, end = (int(word, 16) for word in match.groups())
        elif line.startswith("VmFlags:"):
            yield start, end, set(line.split()[1:])
