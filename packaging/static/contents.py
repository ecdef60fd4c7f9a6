#!/usr/bin/env python3
"""What is in the static programs, by their link maps: sizes per library, SBOM (SPDX 2.3), licences.

    contents.py size PROGRAM...
    contents.py sbom VERSION SECONDS PROGRAM...     SECONDS: its date, as seconds since 1970
    contents.py copyright PROGRAM   Debian's copyright file: our licence, and each library's

PROGRAM.map lies beside each program. Libraries are those of third_party/sources.lock.
"""

import collections
import datetime
import hashlib
import json
import re
import sys
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
ARCHIVES = {"libc.a": "musl", "libz.a": "zlib", "libcjson.a": "cjson", "libsodium.a": "libsodium",
            "libmbedtls.a": "mbedtls", "libmbedx509.a": "mbedtls", "libmbedcrypto.a": "mbedtls",
            "libsqlite3.a": "sqlite", "libexpat.a": "expat", "libyaml.a": "libyaml",
            "libcurl.a": "curl"}
OURS = "mayfly"
LICENCE_FILES = ("LICENSE", "LICENSE.md", "License", "COPYING", "COPYRIGHT")
# Licences that Debian has on every system.
COMMON_LICENCES = {"Apache-2.0": "/usr/share/common-licenses/Apache-2.0"}
# Whose they are; the years stand in their licences.
HOLDERS = {"musl": "Rich Felker and others, named below",
           "curl": "Daniel Stenberg and many contributors",
           "zlib": "Jean-loup Gailly and Mark Adler", "cjson": "Dave Gamble and cJSON contributors",
           "libsodium": "Frank Denis", "mbedtls": "The Mbed TLS Contributors",
           "expat": "Thai Open Source Software Center Ltd and the Expat maintainers",
           "libyaml": "Ingy döt Net and Kirill Simonov",
           "sqlite": "none, its authors gave it to the public domain"}
# One input section that was kept: its address, its size, the file that it is from.
PLACED = re.compile(r"^ \.\S+\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S+)$", re.M)


def owner(file):
    path = file.split("(")[0]
    if Path(path).name in ARCHIVES:
        return ARCHIVES[Path(path).name]
    return "(linker)" if re.search(r"\.a$|/[rS]?crt\w*\.o$", path) else OURS


def sizes(program):
    """Bytes in the file by library, as the linker placed them; padding and tables are not in it."""
    kept = Path(f"{program}.map").read_text().split("Linker script and memory map", 1)[1]
    found = collections.Counter()
    for address, size, file in PLACED.findall(kept):
        if int(address, 16):
            found[owner(file)] += int(size, 16)
    return found


def show_sizes(programs):
    for program in programs:
        print(f"{program}: {program.stat().st_size} bytes")
        for name, size in sizes(program).most_common():
            print(f"  {name:<10} {size:>9}")


def sources():
    """The lines of the lock by name: version, licence, hash, places."""
    lines = (TREE / "third_party" / "sources.lock").read_text().splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    return {row[0]: (*row[1:4], row[4:]) for row in rows}


def patches(name):
    series = TREE / "third_party" / "patches" / name / "series"
    return series.read_text().split() if series.exists() else []


def library_package(name):
    version, licence, digest, places = sources()[name]
    urls = [place for place in places if "://" in place]
    applied = ", ".join(patches(name)) or "none"
    return {"name": name, "SPDXID": f"SPDXRef-{name}", "versionInfo": version,
            "downloadLocation": urls[0] if urls else "NOASSERTION", "filesAnalyzed": False,
            "licenseConcluded": licence, "licenseDeclared": licence,
            "copyrightText": "NOASSERTION",
            "checksums": [{"algorithm": "SHA256", "checksumValue": digest}],
            "sourceInfo": f"patches applied: {applied}; places: {' '.join(places)}"}


def program_package(program, version):
    digest = hashlib.sha256(program.read_bytes()).hexdigest()
    return {"name": program.name, "SPDXID": f"SPDXRef-{program.name}", "versionInfo": version,
            "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
            "licenseConcluded": "Apache-2.0", "licenseDeclared": "Apache-2.0",
            "copyrightText": "NOASSERTION", "packageFileName": program.name,
            "checksums": [{"algorithm": "SHA256", "checksumValue": digest}]}


def relation(of, kind, to):
    return {"spdxElementId": of, "relationshipType": kind, "relatedSpdxElement": to}


def sbom(version, seconds, programs):
    linked = {program: sorted(set(sizes(program)) & set(sources())) for program in programs}
    names = sorted({name for each in linked.values() for name in each})
    digest = hashlib.sha256(b"".join(program.read_bytes() for program in programs)).hexdigest()
    created = datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc)
    document = {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"mayfly-{version}-{programs[0].parent.name}",
        "documentNamespace": f"https://mayfly.invalid/spdx/{version}/{digest}",
        "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
                         "creators": [f"Tool: mayfly-contents-{version}"]},
        "packages": [*(program_package(program, version) for program in programs),
                     *map(library_package, names)],
        "relationships": [
            *(relation("SPDXRef-DOCUMENT", "DESCRIBES", f"SPDXRef-{program.name}")
              for program in programs),
            *(relation(f"SPDXRef-{program.name}", "STATIC_LINK", f"SPDXRef-{name}")
              for program, each in linked.items() for name in each)]}
    print(json.dumps(document, indent=2))


def licence_text(program, name):
    """As the library's source has it, which lies where it was built."""
    source = TREE / "build" / "libraries" / program.parent.name / name / "source"
    found = [path.read_text(encoding="utf-8") for path in map(source.joinpath, LICENCE_FILES)
             if path.exists()]
    if not found:
        sys.exit(f"contents.py: no licence of {name} in {source}")
    return "\n".join(found).expandtabs()


def paragraph(files, holder, licence, text):
    """One of Debian's copyright-format 1.0."""
    if licence in COMMON_LICENCES:
        text = f"See {COMMON_LICENCES[licence]}, where Debian keeps it."
    lines = [line.rstrip() or "." for line in text.strip().splitlines()]
    return "\n".join([f"Files: {files}", f"Copyright: {holder}", f"License: {licence}",
                      *(f" {line}" for line in lines)])


def show_copyright(program):
    """The libraries are in no source package of Debian's: each has a folder here as if it were."""
    print("Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"
          "Upstream-Name: mayfly\n"
          f"Comment: {program.name} is linked with the libraries below, and with nothing else.\n")
    print(paragraph("*", "The mayfly authors", "Apache-2.0", ""))
    for name in sorted(set(sizes(program)) & set(sources())):
        version, licence = sources()[name][:2]
        text = licence_text(program, name)
        print("\n" + paragraph(f"{name}-{version}/*", HOLDERS[name], licence, text))


def main(argv):
    if len(argv) >= 2 and argv[0] == "size":
        show_sizes([Path(word) for word in argv[1:]])
    elif len(argv) >= 4 and argv[0] == "sbom":
        sbom(argv[1], argv[2], [Path(word) for word in argv[3:]])
    elif len(argv) == 2 and argv[0] == "copyright":
        show_copyright(Path(argv[1]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
