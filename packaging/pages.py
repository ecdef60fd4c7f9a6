"""Writes what follows from the tables: the synopsis, commands and options of the manuals of section
8, the list of all settings in that of section 5, and the completion of bash and zsh.

    packaging/pages.py BUILD_FOLDER [--check]

The tables are those of the programs in BUILD_FOLDER (`help --table`) and the configuration's JSON
Schema. The results are in git, so that `make install` needs no Python; with --check nothing is
written, and what would change is named, status 1 (tests/gates.sh).

In a manual the sections SYNOPSIS, COMMANDS, OPTIONS and ALL SETTINGS are written here, all but what
stands between `.\\" more NAME` and `.\\" end`: prose about that command or option, kept as it is.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "templates" / "mayfly-reaper.schema.json"
MAN = ROOT / "packaging" / "man"
COMPLETION = ROOT / "packaging" / "completion"
PROGRAMS = ("mayfly-bootstrap", "mayfly-reaper")
# What may follow an option: files, folders, or one of these words. Other arguments are free text.
FILES, FOLDERS = "FILE", "DIR"
WORDS = {
    ("--log-level", "LEVEL"): "debug info warn error",
    ("--by", "WHAT"): "task queue day resource user",
    ("--format", "FORMAT"): "text csv json",
    ("--arrival", "TIME"): "started created",
    ("--provider", "NAME"): "local",
}
OPERAND_FILES = ("CONFIG", "TRACE", "FILE")


class Option:
    def __init__(self, name, argument, summary):
        self.name, self.summary = name, summary
        self.repeats = argument.endswith("...")
        self.argument = argument.removesuffix("...")

    @property
    def is_operand(self):
        return not self.name.startswith("-")

    @property
    def words(self):
        return WORDS.get((self.name, self.argument), "")

    @property
    def takes(self):
        """FILES, FOLDERS or neither: what its value is completed with."""
        return FILES if self.name in OPERAND_FILES else self.argument


class Command:
    def __init__(self, name, summary):
        self.name, self.summary, self.options = name, summary, []

    @property
    def switches(self):
        return [option for option in self.options if not option.is_operand]

    @property
    def operands(self):
        return [option for option in self.options if option.is_operand]

    @property
    def form(self):
        return [(option.name, option.argument) for option in self.options]


def read_table(program):
    told = subprocess.run([str(program), "help", "--table"], capture_output=True, text=True,
                          check=True)
    commands = []
    for line in told.stdout.splitlines():
        command, option, argument, summary = line.split("\t")
        if option:
            commands[-1].options.append(Option(option, argument, summary))
        else:
            commands.append(Command(command, summary))
    return commands


# ---- manuals

def roff(text):
    return text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")


def sentence(text):
    """A paragraph of its own, with a capital and a full stop, lines of at most 100 columns."""
    lines, line = [], ""
    if text.split()[0].isalpha():  # else it is a name or a value
        text = text[0].upper() + text[1:]
    text += "" if text.endswith(".") else "."
    for word in roff(text).split():
        if len(line) + len(word) >= 100:
            lines.append(line)
            line = ""
        line += (" " if line else "") + word
    lines.append(line)
    return [f"\\&{line}" if line[0] in ".'" else line for line in lines]


def synopsis(program, commands):
    lines, seen = [], []
    for command in commands:
        if command.form in seen:
            continue
        seen.append(command.form)
        names = [other.name for other in commands if other.form == command.form]
        if lines:
            lines.append(".br")
        lines.append(f'.BR "{roff(program)} {names[0]}"'
                     + "".join(f" | {name}" for name in names[1:]))
        for option in command.switches + command.operands:
            lines += synopsis_of(option)
    return lines


def synopsis_of(option):
    name = roff(option.name)
    if option.is_operand:
        return [f".RI [ {name} ]..." if option.repeats else f".I {name}"]
    if not option.argument:
        return [f".RB [ {name} ]"]
    return [f".RB [ {name}", f".IR {option.argument} ]{'...' if option.repeats else ''}"]


def commands_section(commands, more):
    lines = []
    for command in commands:
        lines += [".TP", f".B {roff(command.name)}", *sentence(command.summary)]
        lines += more.take(command.name)
    return lines


def options_section(commands, more):
    lines, named = [], dict.fromkeys(option.name for command in commands
                                     for option in command.options)
    for name in named:
        uses = [(command.name, option) for command in commands for option in command.options
                if option.name == name]
        lines += [".TP", heading(uses[0][1]), *summaries(uses), *more.take(name)]
    return lines + [".TP", ".B \\-\\-help", "Show the command's options."]


def heading(option):
    if option.is_operand:
        return f".I {roff(option.name)}"
    if option.argument:
        return f'.BI {roff(option.name)} " {option.argument}"'
    return f".B {roff(option.name)}"


def summaries(uses):
    """Once, where all commands mean the same by it; else each with the commands that mean it."""
    texts = dict.fromkeys(option.summary for _, option in uses)
    if len(texts) == 1:
        return sentence(uses[0][1].summary)
    lines = []
    for text in texts:
        names = ", ".join(command for command, option in uses if option.summary == text)
        lines += ([".br"] if lines else []) + [f'.RB ( "{roff(names)}" )', *sentence(text)]
    return lines


class More:
    """The prose of a page that is kept, by the name of what it is about."""

    def __init__(self, path, text):
        self.path = path
        self.blocks = dict(re.findall(r'(?ms)^\.\\" more (\S+)\n(.*?)^\.\\" end$', text))

    def take(self, name):
        prose = self.blocks.pop(name, None)
        if prose is None:
            return []
        return [f'.\\" more {name}', *prose.splitlines(), '.\\" end']

    def finish(self):
        if self.blocks:
            raise SystemExit(f"{self.path}: prose about {', '.join(self.blocks)}, which the "
                             "program does not have (any more): delete it or name it right")


def replace_section(text, name, lines):
    begin = re.search(f"(?m)^\\.SH {name}\n", text)
    if not begin:
        raise SystemExit(f"a manual has no section {name}")
    end = re.compile(r"(?m)^\.SH ").search(text, begin.end())
    return text[:begin.end()] + "\n".join(lines) + "\n" + text[end.start():]


def manual(program, commands):
    path = MAN / f"{program}.8"
    text = path.read_text()
    more = More(path, text)
    text = replace_section(text, "SYNOPSIS", synopsis(program, commands))
    text = replace_section(text, "COMMANDS", commands_section(commands, more))
    text = replace_section(text, "OPTIONS", options_section(commands, more))
    more.finish()
    return path, text


# ---- all settings

def settings_of(schema, node, path=""):
    """Each path of the configuration, with the schema of what stands there."""
    for key, child in node.get("properties", {}).items():
        if key == "$schema":
            continue
        child = resolved(schema, child)
        here = f"{path}.{key}" if path else key
        yield here, child
        if is_reference(child):
            continue
        yield from settings_of(schema, child, here)
        if "items" in child:
            yield from settings_of(schema, resolved(schema, child["items"]), f"{here}[]")


def resolved(schema, node):
    if "$ref" not in node:
        return node
    name = node["$ref"].rpartition("/")[2]
    return {**resolved(schema, schema["$defs"][name]),
            **({"x-expected": name} if name == "duration" else {}),
            **{key: value for key, value in node.items() if key != "$ref"}}


def is_reference(node):
    """{"env": NAME} or {"file": PATH}"""
    return set(node.get("properties", {})) in ({"env", "file"}, {"file"}, {"env"})


def kind_of(node):
    if "enum" in node:
        return "one of " + ", ".join(map(str, node["enum"]))
    if is_reference(node):
        return "reference"
    kinds = node.get("type", "any")
    words = [kinds] if isinstance(kinds, str) else kinds
    if "items" in node:
        return "list"
    return node.get("x-expected") or " or ".join(words) + bounds_of(node)


def bounds_of(node):
    least, most = node.get("minimum"), node.get("maximum")
    if least is None and most is None:
        return ""
    if most is None:
        return f", {least} or more"
    return f", {0 if least is None else least} to {most}"


def settings_section():
    schema = json.loads(SCHEMA.read_text())
    lines = ["Every setting by its path, as the schema knows it; what is said of",
             ".B resources[]", "may stand in", ".B defaults", "too."]
    for path, node in settings_of(schema, schema):
        if path.startswith("defaults."):
            continue
        default = f"; default {json.dumps(node['default'])}" if "default" in node else ""
        lines += [".TP", f".B {roff(path)}", *sentence(node.get("description", "See below")),
                  *[roff(f"({kind_of(node)}{default})")]]
    return lines


def settings_manual():
    path = MAN / "mayfly-reaper.json.5"
    return path, replace_section(path.read_text(), "ALL SETTINGS", settings_section())


# ---- completion

BASH = """\
# bash completion of {program}: written by packaging/pages.py, do not edit

_{name}() {{
\tlocal word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}}
\tlocal command=${{COMP_WORDS[1]}}
\tCOMPREPLY=()
\tif ((COMP_CWORD == 1)); then
\t\tmapfile -t COMPREPLY < <(compgen -W '{commands} help' -- "$word")
\t\treturn
\tfi
\t# "--name=value" comes as three words
\tif [[ $word == "=" ]]; then
\t\tword=
\telif [[ $before == "=" ]]; then
\t\tbefore=${{COMP_WORDS[COMP_CWORD - 2]}}
\tfi
\tcase "$command $before" in
{values}
\tesac
\tcase $command in
{options}
\thelp) ((COMP_CWORD > 2)) || mapfile -t COMPREPLY < <(compgen -W '{commands}' -- "$word") ;;
\tesac
}}
complete -F _{name} {program}
"""


def bash_values(commands):
    """What may follow an option, each answer once, with all places where it applies."""
    answers = {}
    for command in commands:
        for option in command.switches:
            if option.argument:
                place = f"'{command.name} {option.name}'"
                answers.setdefault(bash_answer(option), []).append(place)
    return [f"\t{wrapped(' | '.join(places))})\n\t\t{answer}\n\t\treturn\n\t\t;;"
            for answer, places in answers.items()]


def wrapped(text):
    """Alternatives of a case, at most three a line."""
    parts = text.split(" | ")
    return " | \\\n\t\t".join(" | ".join(parts[i:i + 3]) for i in range(0, len(parts), 3))


def bash_answer(option):
    if option.words:
        return f"mapfile -t COMPREPLY < <(compgen -W '{option.words}' -- \"$word\")"
    if option.takes in (FILES, FOLDERS):
        flag = "-f" if option.takes == FILES else "-d"
        return (f"mapfile -t COMPREPLY < <(compgen {flag} -- \"$word\")\n"
                "\t\tcompopt -o filenames 2> /dev/null")
    return ":"


def bash_options(command):
    names = " ".join([option.name for option in command.switches] + ["--help"])
    line = f"mapfile -t COMPREPLY < <(compgen -W '{names}' -- \"$word\")"
    if any(option.takes == FILES for option in command.operands):
        return (f"\t{command.name})\n\t\tif [[ $word == -* ]]; then\n\t\t\t{line}\n\t\telse\n"
                "\t\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
                "\t\t\tcompopt -o filenames 2> /dev/null\n\t\tfi\n\t\t;;")
    return f"\t{command.name})\n\t\t{line}\n\t\t;;"


def bash_completion(program, commands):
    text = BASH.format(program=program, name=program.replace("-", "_"),
                       commands=" ".join(command.name for command in commands),
                       values="\n".join(bash_values(commands)),
                       options="\n".join(map(bash_options, commands)))
    return COMPLETION / program, text


ZSH = """\
#compdef {program}
# zsh completion of {program}: written by packaging/pages.py, do not edit

local -a commands
commands=(
{commands}
\t'help:show what a command takes'
)
if ((CURRENT == 2)); then
\t_describe command commands
\treturn
fi
local command=$words[2]
shift words
((CURRENT--))
case $command in
{options}
help) _describe command commands ;;
esac
"""


def zsh_text(text):
    """Inside '...' and [...]."""
    return re.sub(r"([\[\]:\\])", r"\\\1", text).replace("'", "'\\''")


def zsh_action(option):
    if option.words:
        return f"({option.words})"
    return {FILES: "_files", FOLDERS: "_files -/"}.get(option.takes, " ")


def zsh_option(option):
    if option.is_operand:
        many = "*" if option.repeats else ""
        return f"'{many}:{zsh_text(option.summary)}:{zsh_action(option)}'"
    many = "*" if option.repeats else ""
    if not option.argument:
        return f"'{many}{option.name}[{zsh_text(option.summary)}]'"
    return (f"'{many}{option.name}=[{zsh_text(option.summary)}]:{option.argument}:"
            f"{zsh_action(option)}'")


def zsh_options(command):
    lines = [f"{command.name})", "\t_arguments \\"]
    lines += [f"\t\t{zsh_option(option)} \\" for option in command.switches + command.operands]
    return "\n".join([*lines, "\t\t'--help[show what it takes]'", "\t;;"])


def zsh_completion(program, commands):
    listed = "\n".join(f"\t'{zsh_text(command.name)}:{zsh_text(command.summary)}'"
                       for command in commands)
    text = ZSH.format(program=program, commands=listed,
                      options="\n".join(map(zsh_options, commands)))
    return COMPLETION / f"_{program}", text


# ---- all of it

def results(build):
    for program in PROGRAMS:
        commands = read_table(build / program)
        yield manual(program, commands)
        yield bash_completion(program, commands)
        yield zsh_completion(program, commands)
    yield settings_manual()


def main(words):
    if not words or words[1:] not in ([], ["--check"]):
        raise SystemExit(__doc__)
    stale = [(path, text) for path, text in results(Path(words[0]).resolve())
             if not path.exists() or path.read_text() != text]
    for path, text in stale:
        if len(words) > 1:
            print(f"{path.relative_to(ROOT)} is not what the tables say: make write-pages")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return 1 if stale and len(words) > 1 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
