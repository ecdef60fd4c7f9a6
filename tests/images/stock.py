"""An image like a cloud's stock one, for what runs on an instance before mayfly does.

    name, archive = stock()      # bash, coreutils, curl, wget, cloud-init, ssh, the docker CLI

Made of packages like those of peers.images. It has no systemd: tests put programs of the names
systemctl and shutdown there, which write down how they were called.
"""

from pathlib import Path

from peers import images

NAME = "images/stock:1"
PACKAGES = ["bash", "coreutils", "curl", "wget", "ca-certificates", "gzip", "grep", "sed",
            "debianutils", "util-linux", "procps", "openssh-client", "dropbear-bin", "cloud-init"]
ACCOUNTS = {"etc/shells": b"/bin/sh\n/bin/bash\n", "etc/ssl/certs/.keep": b""}


def stock():
    """(name, archive); built when first asked for."""
    return NAME, images.cached("stock", [images.RECIPE, Path(__file__)], _build)


def _build(path):
    build = images.recipe()
    python, docker, _ = build.base([], None)
    tools = build.unpack([*build.PACKAGES, *PACKAGES], [], False).without(python)
    for name, content in ACCOUNTS.items():
        tools.add(name, content)
    build.write_image(path, NAME, [python, docker, tools], {})
