"""The files themselves: they need nothing of the system, and are hardened."""

import re
import subprocess

import pytest
from conftest import ARCH, BUILD, NAMES, TREE, emulator

MACHINES = {"x86_64": "Advanced Micro Devices X86-64", "aarch64": "AArch64"}


def readelf(option, path):
    return subprocess.run(["readelf", "-W", option, path], check=True, capture_output=True,
                          text=True).stdout


@pytest.fixture(params=NAMES)
def program(request):
    return BUILD / request.param


def test_it_is_for_this_machine_and_can_be_placed_anywhere(program):
    header = readelf("-h", program)
    assert MACHINES[ARCH] in header
    assert re.search(r"Type: +DYN ", header)
    assert re.search(r"\(FLAGS_1\) .*\bPIE\b", readelf("-d", program))


def test_it_needs_no_loader_and_no_library(program):
    assert "INTERP" not in readelf("-l", program)
    assert "(NEEDED)" not in readelf("-d", program)


def test_what_is_written_is_not_executed(program):
    segments = [line.split(None, 1) for line in readelf("-l", program).splitlines()
                if re.match(r" +(LOAD|GNU_STACK) ", line)]
    assert len(segments) >= 3
    flags = [re.search(r"0x\w+ ((?:[RWE] ?)+)\s+0x\w+$", rest)[1].replace(" ", "")
             for _, rest in segments]
    assert all(not {"W", "E"} <= set(one) for one in flags), flags
    assert "GNU_STACK" in {name for name, _ in segments}


def test_its_tables_are_read_only_once_it_runs(program):
    assert "GNU_RELRO" in readelf("-l", program)
    assert re.search(r"\(FLAGS\) +.*BIND_NOW", readelf("-d", program))


def test_the_stack_is_protected_in_ours_and_in_the_libraries(program):
    """A stripped program has no names left: the link map has, and so have the objects."""
    drawn_in = program.with_name(program.name + ".map").read_text()
    assert re.search(r"libc\.a\(__stack_chk_fail\.l?o\)", drawn_in)
    libraries = BUILD.parents[1] / "libraries" / ARCH / "root" / "lib"
    for what in [BUILD / "common" / "ticket.o", *(
            libraries / f"lib{name}.a"
            for name in ("curl", "mbedtls", "mbedcrypto", "sodium", "sqlite3", "cjson", "expat",
                         "yaml"))]:
        names = subprocess.run(["nm", "-u", what], check=True, capture_output=True, text=True)
        assert "__stack_chk_fail" in names.stdout, what


def test_no_path_of_the_builder_is_in_it(program):
    content = program.read_bytes()
    for path in (TREE, "/libraries/", "/source/"):
        assert str(path).encode() not in content, path


def test_it_is_stripped(program):
    assert ".symtab" not in readelf("-S", program)


def test_it_says_its_version(program):
    ran = subprocess.run([*emulator(), program, "version"], check=True, capture_output=True,
                         text=True)
    assert re.fullmatch(program.name + r" \d+\.\d+\.\d+\n", ran.stdout)
