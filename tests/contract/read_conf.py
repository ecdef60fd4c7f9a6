"""Reads clearml.conf as clearml-agent does, with its own code: run by the agent's python.

Each line of standard input is a JSON object {"conf": text} and gets one line of JSON:
  file     what its parser makes of the file
  whole    that laid over the agent's defaults: what the agent works with
  again    the same of the copy that the agent writes for the process or container of a task
  shown    what the agent prints of its configuration before a task
or {"failure": ...}. With "home" (a folder) the sections environment and files are applied as the
agent does it there, and "environment" has the variables. {"parts": [text, ...]} is answered with
{"file": ...}: what its own merging makes of the parts, each parsed alone.
"""

import contextlib
import copy
import io
import json
import logging
import os
import sys
import tempfile
import types
from pathlib import Path

with contextlib.redirect_stdout(io.StringIO()):
    from clearml_agent import session as agent_session
    from clearml_agent.backend_api.config import load
    from clearml_agent.backend_config.config import Config
    from clearml_agent.backend_config.utils import apply_environment, apply_files
    from clearml_agent.commands.worker import Worker
    from clearml_agent.external.pyhocon import ConfigFactory, ConfigTree
    from clearml_agent.external.pyhocon.config_tree import NoneValue

    os.environ["CLEARML_CONFIG_FILE"] = "/dev/null"
    DEFAULTS = load(agent_session.__file__)._config


def plain(value):
    assert isinstance(value, NoneValue), repr(value)  # how it reads a null inside a list


def over_defaults(path):
    """As Config._reload() does it, without reading the defaults each time."""
    config = Config(verbose=False)
    config.replace(ConfigTree.merge_configs(
        copy.deepcopy(DEFAULTS), Config._read_single_file(path, verbose=False), copy_trees=True))
    return config


def shown(config):
    session = types.SimpleNamespace(config=config, log=logging.getLogger("shown"), version="",
                                    _config_file="")
    with contextlib.redirect_stdout(io.StringIO()) as text:
        agent_session.Session.print_configuration(session)
    return text.getvalue()


def apply(config, home):
    os.environ["HOME"] = home
    names = apply_environment(config)
    apply_files(config)
    return {name: os.environ.pop(name) for name in names}


def answer(line, folder):
    if "parts" in line:
        trees = [ConfigFactory.parse_string(part) for part in line["parts"]]
        for tree in trees[1:]:
            ConfigTree.merge_configs(trees[0], tree, copy_trees=True)
        return {"file": trees[0].as_plain_ordered_dict()}
    first, second = str(folder / "clearml.conf"), str(folder / "copy.conf")
    Path(first).write_text(line["conf"])
    config = over_defaults(first)
    worker = types.SimpleNamespace(_session=types.SimpleNamespace(config=config))
    assert Worker.dump_config(worker, second), "the agent cannot write its copy"
    read = {"file": Config._read_single_file(first, verbose=False).as_plain_ordered_dict(),
            "whole": config.to_dict(), "again": over_defaults(second).to_dict(),
            "shown": shown(config)}
    if "home" in line:
        read["environment"] = apply(over_defaults(second), line["home"])
    return read


with tempfile.TemporaryDirectory() as name:
    for text in sys.stdin:
        try:
            with contextlib.redirect_stdout(sys.stderr):
                read = answer(json.loads(text), Path(name))
            print(json.dumps(read, default=plain))
        except Exception as error:  # whatever the agent's code may raise
            print(json.dumps({"failure": repr(error)}))
