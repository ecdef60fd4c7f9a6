"""NVIDIA's container hook without NVIDIA: leaves out the device, the driver and all libraries, so a
container gets no GPU; it knows which there would be, refuses others, and writes down each call.
Where the real one makes the device /dev/nvidia0, this one makes a plain, empty file of that name:
one for each device that the container is to see, by its place in the list.

    gpus = FakeGpus(folder, devices=("0", "1"))
    with Engine(folder / "engine", path_prefix=gpus.path) as engine:
        engine.docker("run", "--rm", "--gpus", '"device=0,1"', engine.import_tiny(), "env")
    gpus.calls()[0]["visible"]      # "0,1"

Docker looks for `nvidia-container-runtime-hook` in its PATH, once, when it starts. Where there is
one it accepts device requests with the capability `gpu`: it appends NVIDIA_VISIBLE_DEVICES to the
environment of the container and has the hook called by runc before the container's own program
starts, as `nvidia-container-runtime-hook prestart`, with the container's state on standard input.
All of that is docker's and runc's own; the hook is the only thing here that is not real.
"""

import json
import sys
from pathlib import Path

NAME = "nvidia-container-runtime-hook"
HOOK = '''#!{python} -I
import json, pathlib, subprocess, sys
folder = pathlib.Path(__file__).parent
call = {{"arguments": sys.argv[1:], "state": json.load(sys.stdin)}}
config = json.loads((pathlib.Path(call["state"]["bundle"]) / "config.json").read_text())
call["environment"] = config["process"]["env"]
# Named twice, the last one counts: docker appends its own.
call["visible"] = dict(word.split("=", 1) for word in call["environment"]).get(
    "NVIDIA_VISIBLE_DEVICES")
known = json.loads((folder / "devices.json").read_text())
wanted = (call["visible"] or "void").split(",")
unknown = [name for name in wanted if name not in known + ["all", "none", "void"]]
call["refused"] = unknown[0] if unknown else None
with open(folder / "calls.jsonl", "a") as log:
    log.write(json.dumps(call) + "\\n")
if unknown:
    sys.exit(f"nvidia-container-cli: device error: {{unknown[0]}}: unknown device")
seen = known if wanted == ["all"] else [name for name in known if name in wanted]
if seen:  # its /dev is a mount that only its own namespace has
    root = pathlib.Path(call["state"]["bundle"], config["root"]["path"])
    subprocess.run(["nsenter", "--mount=/proc/{{}}/ns/mnt".format(call["state"]["pid"]), "touch",
                    *(str(root / f"dev/nvidia{{known.index(name)}}") for name in seen)],
                   check=True)
'''


class FakeGpus:
    """See the module's first lines. A device has the name it is asked for by: index or UUID."""

    def __init__(self, folder, devices=("0",)):
        self.path = Path(folder) / "gpus"
        self.path.mkdir(parents=True)
        self._calls = self.path / "calls.jsonl"
        self._calls.touch()
        (self.path / "devices.json").write_text(json.dumps(list(devices)))
        hook = self.path / NAME
        hook.write_text(HOOK.format(python=sys.executable))
        hook.chmod(0o755)

    def calls(self):
        """Of each call, in order: `arguments`, `state` (the container's `id`, `pid`, `bundle`, ..),
        `environment` (NAME=value of its program), `visible` (what NVIDIA_VISIBLE_DEVICES says
        there, or None) and `refused` (the first device that there is not, or None)."""
        return [json.loads(line) for line in self._calls.read_text().splitlines()]
