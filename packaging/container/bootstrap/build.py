#!/usr/bin/env python3
"""Builds the image of mayfly-bootstrap alone: from scratch, for one or several architectures.

    build.py --binary mayfly-bootstrap-x86_64 --binary mayfly-bootstrap-aarch64 \\
        --tag mayfly/bootstrap:0.1.0 --output bootstrap-image.tar

Inside is the program, the list of certificate authorities, and the folders that it uses; no shell,
no package, nothing else. Nothing is pulled and no engine takes part; root is not needed. The same
files give the same bytes: no time, no name and no order of this machine is in the archive.

The archive is both an OCI image layout with an index over all architectures
(`skopeo copy --all oci-archive:FILE docker://...`, `ctr image import`, `podman load`) and one that
`docker load` reads; an engine that loads it so knows no index, and there the image of each
architecture bears its name: TAG-amd64, TAG-arm64. With one binary it is TAG alone.

A binary must be a static one (the image has no libraries); what it is for, its ELF header says.
"""

import argparse
import hashlib
import io
import json
import struct
import sys
import tarfile
from pathlib import Path

ARCHITECTURES = {62: "amd64", 183: "arm64"}  # e_machine: EM_X86_64, EM_AARCH64
PROGRAM_INTERPRETER = 3  # p_type: the segment that names a dynamic linker
EPOCH = "1970-01-01T00:00:00Z"
# The package's own, not those that an administrator added to /etc/ssl on this machine.
CERTIFICATES = Path("/usr/share/ca-certificates/mozilla")
PROGRAM = "usr/bin/mayfly-bootstrap"
FOLDERS = {"etc": 0o755, "etc/mayfly": 0o755, "etc/ssl": 0o755, "etc/ssl/certs": 0o755,
           "run": 0o755, "tmp": 0o1777, "usr": 0o755, "usr/bin": 0o755, "var": 0o755,
           "var/lib": 0o755, "var/lib/mayfly": 0o700}
FILES = {"etc/passwd": b"root:x:0:0:root:/:/sbin/nologin\n"
                       b"nobody:x:65534:65534:nobody:/:/sbin/nologin\n",
         "etc/group": b"root:x:0:\nnogroup:x:65534:\n"}
OCI = "application/vnd.oci.image."


def refuse(text):
    raise SystemExit(f"bootstrap image: {text}")


def architecture_of(path, content):
    """The word by which images name it; refuses what cannot run in an empty image."""
    if content[:6] != b"\x7fELF\x02\x01":
        refuse(f"{path}: expected a 64-bit little-endian ELF program")
    machine, = struct.unpack_from("<H", content, 18)
    table, = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    if machine not in ARCHITECTURES:
        refuse(f"{path}: is for machine {machine} of ELF's list, expected one of"
               f" {sorted(ARCHITECTURES)} ({', '.join(ARCHITECTURES.values())})")
    kinds = [struct.unpack_from("<I", content, table + i * size)[0] for i in range(count)]
    if PROGRAM_INTERPRETER in kinds:
        refuse(f"{path}: needs shared libraries, which the image does not have: give the static"
               " program (make static)")
    return ARCHITECTURES[machine]


def certificates(path):
    """One file of all authorities: the given one, or that of the package ca-certificates."""
    if path:
        content = Path(path).read_bytes()
    else:
        found = sorted(CERTIFICATES.glob("*.crt"))
        content = b"".join(one.read_bytes().rstrip(b"\n") + b"\n" for one in found)
    if b"-----BEGIN CERTIFICATE-----" not in content:
        refuse(f"no certificates in {path or CERTIFICATES}: install the package ca-certificates,"
               " or name a file with --ca-bundle")
    return content


def archive(files, folders=()):
    """The bytes of a tar: `files` maps a path to (mode, content), `folders` a path to its mode."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, mode in sorted(dict(folders).items()):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            tar.addfile(entry)
        for name, (mode, content) in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.mode, entry.size = mode, len(content)
            tar.addfile(entry, io.BytesIO(content))
    return output.getvalue()


class Blobs:
    """Contents under their digests, as an image layout keeps them."""

    def __init__(self):
        self.files = {}

    def add(self, kind, content, **more):
        """The descriptor that others point to this content with."""
        digest = hashlib.sha256(content).hexdigest()
        self.files[f"blobs/sha256/{digest}"] = (0o644, content)
        return {"mediaType": OCI + kind, "digest": f"sha256:{digest}", "size": len(content), **more}

    def add_json(self, kind, document, **more):
        return self.add(kind, json.dumps(document, sort_keys=True).encode(), **more)


def path_of(descriptor):
    return "blobs/" + descriptor["digest"].replace(":", "/")


def add_image(blobs, architecture, program, authorities, version):
    """One architecture's image: (descriptor of its manifest, of its configuration, its layers)."""
    files = {name: (0o644, content) for name, content in FILES.items()}
    files["etc/ssl/certs/ca-certificates.crt"] = (0o644, authorities)
    base = blobs.add("layer.v1.tar", archive(files, FOLDERS))
    top = blobs.add("layer.v1.tar", archive({PROGRAM: (0o755, program)}))
    config = blobs.add_json("config.v1+json", {
        "architecture": architecture, "os": "linux", "created": EPOCH,
        "config": {"Entrypoint": [f"/{PROGRAM}"], "Cmd": ["--help"], "Env": ["PATH=/usr/bin"],
                   "Labels": {"org.opencontainers.image.title": "mayfly-bootstrap",
                              "org.opencontainers.image.version": version,
                              "org.opencontainers.image.licenses": "Apache-2.0"}},
        "rootfs": {"type": "layers", "diff_ids": [base["digest"], top["digest"]]},
        "history": [{"created": EPOCH, "created_by": "packaging/container/bootstrap/build.py"}] * 2,
    })
    manifest = blobs.add_json("manifest.v1+json", {
        "schemaVersion": 2, "mediaType": OCI + "manifest.v1+json", "config": config,
        "layers": [base, top]}, platform={"architecture": architecture, "os": "linux"})
    return manifest, config, [base, top]


def image_archive(programs, authorities, tag):
    """The archive's bytes; `programs` maps an architecture to the program's content."""
    blobs, manifests, loaded = Blobs(), [], []
    version = tag.rpartition(":")[2]
    for architecture, program in sorted(programs.items()):
        manifest, config, layers = add_image(blobs, architecture, program, authorities, version)
        name = tag if len(programs) == 1 else f"{tag}-{architecture}"
        manifests.append(manifest)
        loaded.append({"Config": path_of(config), "RepoTags": [name],
                       "Layers": [path_of(layer) for layer in layers]})
    index = blobs.add_json("index.v1+json", {
        "schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": manifests},
        annotations={"org.opencontainers.image.ref.name": version, "io.containerd.image.name": tag})
    top = {"oci-layout": {"imageLayoutVersion": "1.0.0"},
           "index.json": {"schemaVersion": 2, "mediaType": OCI + "index.v1+json",
                          "manifests": [index]},
           "manifest.json": loaded}
    files = {name: (0o644, json.dumps(document, sort_keys=True).encode())
             for name, document in top.items()}
    return archive({**blobs.files, **files})


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--binary", action="append", required=True,
                        help="a static mayfly-bootstrap; once for each architecture")
    parser.add_argument("--tag", required=True, help="name of the image, as mayfly/bootstrap:0.1.0")
    parser.add_argument("--ca-bundle", help="certificate authorities to trust, one PEM file"
                        " (those of the package ca-certificates)")
    parser.add_argument("--output", required=True, help="the archive to write")
    options = parser.parse_args()
    if ":" not in options.tag.rpartition("/")[2]:
        refuse(f"--tag {options.tag}: expected a name with a version, as mayfly/bootstrap:0.1.0")
    programs = {}
    for path in options.binary:
        content = Path(path).read_bytes()
        architecture = architecture_of(path, content)
        if architecture in programs:
            refuse(f"{path}: a second binary for {architecture}")
        programs[architecture] = content
    content = image_archive(programs, certificates(options.ca_bundle), options.tag)
    partial = Path(f"{options.output}.partial")
    partial.write_bytes(content)
    partial.replace(options.output)
    print(f"bootstrap image: {options.tag} for {', '.join(sorted(programs))},"
          f" {len(content) / 1e6:.1f} MB, sha256 {hashlib.sha256(content).hexdigest()}",
          file=sys.stderr)


if __name__ == "__main__":
    main()
