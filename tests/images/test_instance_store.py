"""packaging/systemd/instance-store: which disk docker's data goes to, and which are left alone.

Disks are files with real file systems; what is mounted where is a link instead, and what it hides
stands aside.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "packaging/systemd/instance-store"
OURS, EBS = "Amazon EC2 NVMe Instance Storage", "Amazon Elastic Block Store"
MOUNT = """#!/bin/sh
for target; do disk=$last; last=$target; done
echo "mount ${disk##*/}" >> "$LOG"
mkdir -p "$disk.files"
mv "$target" "$target.hidden"
ln -s "$disk.files" "$target"
"""
UMOUNT = """#!/bin/sh
rm "$1"
mv "$1.hidden" "$1"
"""
TOOLS = {"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
pytestmark = pytest.mark.skipif(
    not all(shutil.which(tool, path=TOOLS["PATH"])
            for tool in ("mkfs.ext4", "blkid", "e2label", "mountpoint")),
    reason="needs e2fsprogs and util-linux")


class Machine:
    def __init__(self, folder):
        self.folder = folder
        self.docker = folder / "docker"
        (self.docker / "overlay2").mkdir(parents=True)
        (self.docker / "overlay2/layer").write_text("baked")
        for name, text in (("mount", MOUNT), ("umount", UMOUNT)):
            (folder / "bin").mkdir(exist_ok=True)
            (folder / "bin" / name).write_text(text)
            (folder / "bin" / name).chmod(0o755)
        (folder / "dev").mkdir()

    def add(self, name, model=OURS, megabytes=16):
        block = self.folder / "sys/block" / name
        (block / "device").mkdir(parents=True)
        (block / "holders").mkdir()
        (block / "device/model").write_text(f"{model:<40}\n")  # padded, as NVMe has it
        (block / "size").write_text(f"{megabytes * 2048}\n")
        with open(self.folder / "dev" / name, "wb") as disk:
            disk.truncate(megabytes << 20)
        return self.folder / "dev" / name

    def boot(self):
        """Nothing is mounted yet."""
        if self.docker.is_symlink():
            self.docker.unlink()
            Path(f"{self.docker}.hidden").rename(self.docker)
        return subprocess.run(
            ["sh", SCRIPT, self.docker], capture_output=True, text=True, check=False,
            env={"PATH": f"{self.folder}/bin:{os.environ['PATH']}:/usr/sbin:/sbin",
                 "MAYFLY_SYS": str(self.folder / "sys"), "MAYFLY_DEV": str(self.folder / "dev"),
                 "MAYFLY_RUN": str(self.folder), "MAYFLY_LIB": str(self.folder / "lib"),
                 "LANG": "en_US.UTF-8", "LOG": str(self.folder / "log")})

    def disk_in_use(self):
        return Path(os.readlink(self.docker)).name.removesuffix(".files") if (
            self.docker.is_symlink()) else None


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def label_of(disk):
    return subprocess.run(["e2label", disk], capture_output=True, text=True, check=True,
                          env=TOOLS).stdout.strip()


def test_the_largest_is_taken_and_what_was_baked_is_there(machine):
    machine.add("nvme0n1", EBS, 64)
    machine.add("nvme1n1")
    disk = machine.add("nvme2n1", megabytes=32)
    machine.add("nvme3n1", megabytes=32)
    done = machine.boot()
    assert done.returncode == 0, done.stderr
    assert machine.disk_in_use() == "nvme2n1" and label_of(disk) == "mayfly-store"
    assert (machine.docker / "overlay2/layer").read_text() == "baked"


def test_after_a_reboot_it_is_as_it_was(machine):
    disk = machine.add("nvme1n1")
    machine.boot()
    (machine.docker / "later").write_text("pulled")
    before = disk.read_bytes()
    assert machine.boot().returncode == 0
    assert machine.disk_in_use() == "nvme1n1" and disk.read_bytes() == before
    assert (machine.docker / "later").read_text() == "pulled"


def test_one_that_was_not_filled_is_begun_anew(machine):
    disk = machine.add("nvme1n1")
    subprocess.run(["mkfs.ext4", "-q", "-L", "mayfly-begun", disk], check=True,
                   env=TOOLS)
    assert machine.boot().returncode == 0
    assert label_of(disk) == "mayfly-store"


def no_disk(machine):
    machine.add("nvme0n1", EBS)
    return 0


def foreign_data(machine):
    subprocess.run(["mkfs.ext4", "-q", "-L", "data", machine.add("nvme1n1")], check=True,
                   env=TOOLS)
    return 1


def partition_table(machine):
    with open(machine.add("nvme1n1"), "r+b") as disk:
        disk.write(bytes(446) + b"\0\x02\0\0\x83" + bytes(3) + b"\0\x08\0\0\0\x08\0\0" + bytes(48)
                   + b"\x55\xaa")
    return 1


def partition(machine):
    machine.add("nvme1n1")
    (machine.folder / "sys/block/nvme1n1/nvme1n1p1").mkdir()
    return 1


def held(machine):
    machine.add("nvme1n1")
    (machine.folder / "sys/block/nvme1n1/holders/dm-0").mkdir()
    return 1


def docker_runs(machine):
    machine.add("nvme1n1")
    (machine.folder / "docker.pid").touch()
    return 1


def no_known_data(machine):
    with open(machine.add("nvme1n1"), "r+b") as disk:
        disk.seek(4096)
        disk.write(b"a database of its own kind")
    return 1


def images_of_containerd(machine):
    """Docker's default since 29: what fills the disk lies elsewhere."""
    machine.add("nvme1n1")
    (machine.folder / "lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/1").mkdir(
        parents=True)
    return 1


def another_label(machine):
    """Whose name begins as ours does."""
    subprocess.run(["mkfs.ext4", "-q", "-L", "mayfly-store-2", machine.add("nvme1n1")],
                   check=True, env=TOOLS)
    return 1


@pytest.mark.parametrize("arrange", [no_disk, foreign_data, partition_table, partition, held,
                                     docker_runs, no_known_data, images_of_containerd,
                                     another_label])
def test_left_alone(machine, arrange):
    status = arrange(machine)
    disks = {disk: disk.read_bytes() for disk in (machine.folder / "dev").iterdir()}
    done = machine.boot()
    assert done.returncode == status, done.stdout + done.stderr
    assert machine.disk_in_use() is None and not (machine.folder / "log").exists()
    assert {disk: disk.read_bytes() for disk in disks} == disks


def test_what_cannot_be_copied_is_not_used(machine):
    """The disk is too small."""
    disk = machine.add("nvme1n1")
    copy = machine.folder / "bin/cp"
    copy.write_text("#!/bin/sh\nexit 1\n")
    copy.chmod(0o755)
    assert machine.boot().returncode == 1
    assert machine.disk_in_use() is None and (machine.docker / "overlay2/layer").exists()
    assert label_of(disk) == "mayfly-begun"
