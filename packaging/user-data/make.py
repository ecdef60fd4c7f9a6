#!/usr/bin/env python3
"""Writes user data for instances of a stock image: they fetch mayfly-bootstrap at their first boot.

    make.py --binary mayfly-bootstrap --url https://files.example.org/mayfly-bootstrap-0.1.0 \\
        --release-key release.pub --trusted-keys trusted.pub --ticket ticket > user-data

It is a #cloud-config document: bootstrap's units and the script first-boot as files, and the
ticket behind them, as a comment that bootstrap reads from the metadata service itself
(`mayfly-reaper ticket` prints one). No secret is in it: the ticket's bundle is sealed.

What the machine trusts. The SHA-256 in the user data is the anchor: the machine takes that one
file and no other, wherever it comes from. The signature is checked here, before: a program cannot
vouch for itself, stock images have no minisign, and a tool fetched beside the program would be
trusted no better. So FILE.minisig must fit FILE and the release key, or --unsigned says that
whoever runs this has other reasons to trust the file (built it, say).

The image key, which opens the bundle, is no part of user data. An image has it in
/etc/mayfly/image.key, or --image-key-command names a shell command that prints it on the machine,
from a store that the instance's role may read.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
UNITS = HERE.parent / "systemd"
INSTALLED = ("mayfly-bootstrap.service", "mayfly-boot-guard.service", "mayfly-boot-guard.timer")
LIMIT = 16384  # bytes, the clouds': common/envelope.h
# On each boot, and before anything else of this document: a machine that does not get as far as
# mayfly-boot-guard.timer is switched off all the same.
GUARD = ["systemd-run", "--no-block", "--on-boot=60min", "--unit=mayfly-first-boot-guard", "sh",
         "-c", "test -s /run/mayfly-boot-guard || systemctl --force poweroff"]


def refuse(text):
    raise SystemExit(f"make.py: {text}")


def read(path):
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError) as problem:
        refuse(f"{path}: {problem}")


def sha256_of(options):
    """Of the binary, once it is known whose it is."""
    if not options.unsigned:
        if not options.release_key:
            refuse("whose is the binary? Name the release's public key with --release-key,"
                   " or say --unsigned")
        command = ["minisign", "-V", "-q", "-p", options.release_key, "-m", options.binary]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            refuse("needs minisign to check the binary's signature (package minisign)")
        if done.returncode != 0:
            refuse(f"{options.binary} is not signed by {options.release_key}:"
                   f" {(done.stderr or done.stdout).strip()}")
    try:
        return hashlib.sha256(Path(options.binary).read_bytes()).hexdigest()
    except OSError as problem:
        refuse(f"--binary: {problem}")


def trusted_keys(path):
    """Public keys of minisign, and nothing else: this goes where many may read it."""
    text = read(path)
    lines = [line for line in text.splitlines()
             if line and not line.startswith("untrusted comment: ")]
    if not lines or any(len(line) != 56 or not line.startswith("RW") for line in lines):
        refuse(f"{path}: expected public keys of minisign, RW..., as in trusted.pub"
               " (signing.key must never be in user data)")
    return text


def ticket(path):
    """The block between the markers; what stands around it is not needed here."""
    lines = (sys.stdin.read() if path == "-" else read(path)).splitlines()
    begins = [i for i, line in enumerate(lines) if "-----BEGIN MAYFLY TICKET-----" in line]
    ends = [i for i, line in enumerate(lines) if "-----END MAYFLY TICKET-----" in line]
    if len(begins) != 1 or len(ends) != 1 or begins > ends:
        refuse(f"{path}: expected what mayfly-reaper ticket prints")
    block = lines[begins[0]:ends[0] + 1]
    if not all(line.startswith("#") for line in block):
        refuse(f"{path}: expected each line of the ticket to begin with #")
    return "\n".join(block) + "\n"


def file_entry(path, text, mode):
    """An entry of write_files; a literal block keeps the text as it is, for people to read."""
    body = "".join(f"      {line}\n" if line else "\n" for line in text.rstrip("\n").split("\n"))
    return f"  - path: {path}\n    permissions: '{mode}'\n    content: |\n{body}"


def files(options):
    units = Path(options.units)
    yield "/usr/lib/mayfly/boot-guard", read(units / "boot-guard"), "0755"
    yield "/usr/lib/mayfly/first-boot", read(HERE / "first-boot"), "0755"
    if options.image_key_command:
        yield ("/usr/lib/mayfly/image-key-command",
               f"#!/bin/sh\n{options.image_key_command}\n", "0700")
    yield "/etc/mayfly/trusted.pub", trusted_keys(options.trusted_keys), "0644"
    if options.provider:
        yield ("/etc/default/mayfly-bootstrap",
               f"MAYFLY_BOOTSTRAP_OPTIONS=--provider {options.provider} --power-off\n", "0644")
    for name in INSTALLED:
        yield f"/etc/systemd/system/{name}", read(units / name), "0644"


def user_data(options):
    sha256 = sha256_of(options)
    words = ["sh", "/usr/lib/mayfly/first-boot", options.url, sha256]
    # JSON is YAML, and quotes whatever is in there.
    parts = ["#cloud-config\n", f"bootcmd:\n  - {json.dumps(GUARD)}\n"]
    if options.package:
        parts.append(f"package_update: true\npackages: {json.dumps(options.package)}\n")
    parts += ["write_files:\n", *(file_entry(*entry) for entry in files(options)),
              f"runcmd:\n  - {json.dumps(words)}\n"]
    if options.ticket:
        parts.append(ticket(options.ticket))
    return "".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--binary", required=True, help="the static mayfly-bootstrap, here")
    parser.add_argument("--url", required=True, help="where machines get the same file")
    parser.add_argument("--release-key", help="the public key of minisign that signed it")
    parser.add_argument("--unsigned", action="store_true", help="do not ask for a signature")
    parser.add_argument("--trusted-keys", required=True, help="trusted.pub (docs/keys.md)")
    parser.add_argument("--image-key-command", help="prints image.key, on the machine")
    parser.add_argument("--provider", choices=["aws", "gcp"], help="who launches the machine")
    parser.add_argument("--units", default=UNITS, help="their folder (packaging/systemd)")
    parser.add_argument("--package", action="append", default=[],
                        help="of the image's distribution, installed before (docker.io)")
    parser.add_argument("--ticket", help="what mayfly-reaper ticket printed; - for stdin")
    options = parser.parse_args()
    if not re.fullmatch(r"https?://[!-~]+", options.url):
        refuse(f"--url {options.url}: expected http://... or https://...")
    text = user_data(options)
    if len(text.encode()) > LIMIT:
        refuse(f"{len(text.encode())} bytes, more than the clouds' {LIMIT}: let the ticket name"
               " its bundle by reference (docs/keys.md)")
    sys.stdout.write(text)
    print(f"make.py: {len(text.encode())} of {LIMIT} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
