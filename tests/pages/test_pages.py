"""The manuals render without a warning, --help fits a screen, completion works in the shells."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("MAYFLY_BUILD", ROOT / "build" / "debug"))
MANUALS = sorted((ROOT / "packaging" / "man").glob("*.[58]"))
COMPLETION = ROOT / "packaging" / "completion"
PROGRAMS = ("mayfly-bootstrap", "mayfly-reaper")
SCREEN_LINES, SCREEN_COLUMNS = 24, 80


def told(*words, **options):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True,
                          check=True, timeout=60, **options)


def table(program):
    lines = told(BUILD / program, "help", "--table").stdout.splitlines()
    return [line.split("\t") for line in lines]


def commands_of(program):
    return list(dict.fromkeys(row[0] for row in table(program)))


@pytest.mark.parametrize("manual", MANUALS, ids=lambda path: path.name)
def test_a_manual_renders_without_a_warning(manual):
    done = told("groff", "-t", "-man", "-ww", "-Tutf8", "-P-c", "-P-b", "-P-u", manual)
    assert done.stderr == ""
    assert "SEE ALSO" in done.stdout and "NAME" in done.stdout


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_fits_a_screen(program):
    for words in [("--help",), *((command, "--help") for command in commands_of(program))]:
        lines = told(BUILD / program, *words).stdout.splitlines()
        assert len(lines) <= SCREEN_LINES, words
        assert [line for line in lines if len(line) > SCREEN_COLUMNS] == [], words


def completed(program, *words, folder):
    """What bash offers for the last of these words."""
    script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
              '"_${1//-/_}"; printf "%s\\n" "${COMPREPLY[@]}"')
    done = told("bash", "--norc", "-uc", script, "bash", COMPLETION / program, program, *words,
                cwd=folder)
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.parametrize("program", PROGRAMS)
def test_bash_offers_every_command_and_option(program, tmp_path):
    assert completed(program, "", folder=tmp_path) == {*commands_of(program), "help"}
    for command in commands_of(program):
        options = {row[1] for row in table(program) if row[0] == command and row[1][:1] == "-"}
        offered = completed(program, command, "-", folder=tmp_path)
        assert offered == options | {"--help"}, command


BASH_CASES = [
    ("a command begins", "mayfly-reaper", ("wa",), {"watch"}),
    ("words are known", "mayfly-reaper", ("run", "--log-level", ""),
     {"debug", "info", "warn", "error"}),
    ("a value is joined", "mayfly-reaper", ("run", "--log-level", "=", "w"), {"warn"}),
    ("a joined value has not begun", "mayfly-reaper", ("report", "--format", "="),
     {"text", "csv", "json"}),
    ("a file is meant", "mayfly-reaper", ("run", "--config", ""), {"a.json", "folder"}),
    ("a folder is meant", "mayfly-bootstrap", ("run", "--folder", ""), {"folder"}),
    ("an operand is a file", "mayfly-reaper", ("simulate", "a"), {"a.json"}),
    ("text is free", "mayfly-bootstrap", ("keep", "--for", ""), set()),
    ("the command is unknown", "mayfly-reaper", ("nonsense", ""), set()),
    ("help is asked about a command", "mayfly-reaper", ("help", "unse"), {"unseal"}),
]


@pytest.mark.parametrize("when, program, words, offered", BASH_CASES,
                         ids=[case[0] for case in BASH_CASES])
def test_bash_completes(when, program, words, offered, tmp_path):
    (tmp_path / "a.json").touch()
    (tmp_path / "folder").mkdir()
    assert completed(program, *words, folder=tmp_path) == offered, when


# zsh completes on a terminal only: it gets one (zpty), and Tab is pressed.
ZSH = """
zmodload zsh/zpty
zpty -b shell "TERM=dumb PS1=PROMPT PATH=/usr/bin:/bin zsh -f"
await() {
    local text seen= deadline=$((SECONDS + 30))
    while ((SECONDS < deadline)); do
        if zpty -r -t shell text; then seen+=$text; else sleep 0.02; fi
        [[ $seen == *$1* ]] && { print -r -- "$seen"; return; }
    done
    print -r -- "NOT SEEN: $1 IN $seen"
}
zpty -w shell "fpath=($1 \\$fpath); autoload -U compinit; compinit -u -D; print re''ady"
await ready > /dev/null
zpty -w -n shell "$2"$'\\t'
await "$3"
zpty -d shell
"""


@pytest.mark.parametrize("line, seen", [
    ("mayfly-reaper unse", "mayfly-reaper unseal"),
    ("mayfly-reaper report --form", "--format"),
    ("mayfly-reaper run --log-level=de", "--log-level=debug"),
    ("mayfly-bootstrap sta", "mayfly-bootstrap status"),
])
def test_zsh_completes(line, seen, tmp_path):
    script = tmp_path / "press_tab.zsh"
    script.write_text(ZSH)
    done = told("zsh", "-f", script, COMPLETION, line, seen, cwd=tmp_path)
    assert "NOT SEEN" not in done.stdout, done.stdout
