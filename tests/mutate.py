"""Change one operator of a deciding module at a time; some unit test must fail each time.

    python3 tests/mutate.py [MODULE...]       (make mutants)

Prints the mutants that no test noticed, and ends with 1 if there were any. Each one is a row that
a table lacks, or code that decides nothing. Those that truly change nothing are named in EQUAL.
"""

import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TREE = Path(__file__).resolve().parents[1]
BUILD = TREE / "build" / "debug"
FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-I.", "-O1", "-w", "-fsanitize=address,undefined"]
TESTS = {  # the module -> the unit tests that must notice
    "reaper/plan.c": ["plan", "plan_stock", "plan_end", "plan_spare"],
    "reaper/plan_end.c": ["plan_end", "plan_spare", "plan"],
    "reaper/plan_launch.c": ["plan_launch", "plan_money", "plan", "plan_stock", "plan_seats"],
    "reaper/plan_mark.c": ["plan_end", "plan_repair", "plan"],
    "reaper/plan_money.c": ["plan_money"], "reaper/plan_repair.c": ["plan_repair"],
    "reaper/plan_spare.c": ["plan_spare"],
    "reaper/plan_stock.c": ["plan_stock", "plan_launch", "plan_money", "plan", "plan_seats"],
    "reaper/plan_why.c": ["plan_stock", "plan_launch", "plan_money", "plan"],
    "reaper/doom.c": ["plan", "plan_end", "plan_spare", "plan_stock", "plan_seats", "plan_launch"],
    "reaper/slots.c": ["slots", "plan_stock"],
    "reaper/offering.c": ["offerings"], "reaper/offerings.c": ["offerings"],
    "reaper/open_attempt.c": ["open_attempt", "plan_stock"],
    "reaper/breaker.c": ["breaker"], "reaper/money/money.c": ["money"],
    "reaper/demand.c": ["demand", "plan", "plan_seats", "plan_launch"],
    "common/verdict.c": ["verdict"],
    "common/phase.c": ["phase"], "common/idle.c": ["idle"],
    "common/settle.c": ["settle"],
    "bootstrap/docker_words.c": ["docker_words", "docker_policy"],
    "bootstrap/docker_policy.c": ["docker_policy", "docker_policy_check"],
    "bootstrap/docker_policy_check.c": ["docker_policy_check"],
}
PLAIN = ["common/buf.c", "common/error.c", "common/json.c", "common/json_build.c",
         "common/json_print.c", "common/json_scan.c", "common/secret.c", "common/reason.c",
         "tests/unit/support/plan_world.c"]
SWAPS = [(r" && ", " || "), (r" \|\| ", " && "), (r" == ", " != "), (r" != ", " == "),
         (r" <= ", " < "), (r" >= ", " > "), (r" < ", " <= "), (r" > ", " >= "),
         (r" \+ ", " - "), (r" - ", " + "), (r"\+\+;", "--;"), (r"(?<=[(!= ])!(?=[a-z(])", ""),
         (r"\btrue\b", "false"), (r"\bfalse\b", "true"), (r" \+= ", " -= "), (r" -= ", " += "),
         (r"\|= ", "= ")]
EQUAL = TREE / "tests" / "mutants_equal.txt"


def mutants(text):
    """(line number, the line before, the line after, the whole text after)."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if line.lstrip().startswith(("/*", "*", "#")):
            continue
        code = line.split("/*")[0]
        for pattern, other in SWAPS:
            for match in re.finditer(pattern, code):
                after = line[:match.start()] + other + line[match.end():]
                yield (number + 1, line.strip(), after.strip(),
                       "\n".join(lines[:number] + [after] + lines[number + 1:]))


def objects_without(module):
    """What a deciding module and its test are linked with: the other ones, and plain memory."""
    names = {*TESTS, *PLAIN} - {module}
    return [str(BUILD / name.replace(".c", ".o")) for name in sorted(names)]


def is_noticed(module, text, folder):
    """Does a test fail, or the compiler refuse?"""
    source = Path(folder) / "mutant.c"
    source.write_text(text)
    built = Path(folder) / "mutant.o"
    if subprocess.run(["gcc", *FLAGS, "-c", source, "-o", built], cwd=TREE, check=False,
                      capture_output=True).returncode:
        return True
    for test in TESTS[module]:
        program = Path(folder) / test
        subprocess.run(["gcc", BUILD / f"tests/unit/test_{test}.o", built,
                        *objects_without(module), "-lcmocka", "-lcjson", "-lsodium", "-lm",
                        "-fsanitize=address,undefined", "-o", program],
                       cwd=TREE, check=True)
        try:
            if subprocess.run([program], capture_output=True, check=False,
                              timeout=30).returncode:
                return True
        except subprocess.TimeoutExpired:
            return True  # it turns in circles: noticed
    return False


def survivors(module):
    """The mutants of one module that lived."""
    equal = EQUAL.read_text().splitlines() if EQUAL.exists() else []

    def judge(mutant):
        number, before, after, text = mutant
        if f"{module}: {before} -> {after}" in equal:
            return None
        with tempfile.TemporaryDirectory() as folder:
            return None if is_noticed(module, text, folder) else (number, before, after)

    found = list(mutants((TREE / module).read_text()))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        alive = [mutant for mutant in pool.map(judge, found) if mutant]
    print(f"{module}: {len(found)} mutants, {len(alive)} lived", flush=True)
    for number, before, after in alive:
        print(f"  {module}:{number}: {before} -> {after}", flush=True)
    return alive


def main():
    modules = sys.argv[1:] or TESTS
    unknown = [module for module in modules if module not in TESTS]
    if unknown:
        sys.exit(f"no such deciding module: {', '.join(unknown)}")
    return 1 if sum(len(survivors(module)) for module in modules) else 0


if __name__ == "__main__":
    sys.exit(main())
