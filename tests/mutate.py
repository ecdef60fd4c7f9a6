"""Change one operator of a deciding module at a time; some unit test must fail each time.

    python3 tests/mutate.py [MODULE...]       (make mutants)

Prints the mutants that no test noticed, and ends with 1 if there were any. Each one is a row that
a table lacks, or code that decides nothing. Those that truly change nothing are named in EQUAL.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TREE = Path(__file__).resolve().parents[1]
BUILD = TREE / "build" / "debug"
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-I.", "-O0", "-w", *SANITIZE]
LINK = ["gcc", *SANITIZE, *(["-fuse-ld=gold"] if shutil.which("ld.gold") else [])]
LIBRARIES = ["-lcurl", "-lcjson", "-lsodium", "-lz", "-lsqlite3", "-lexpat",
             "-lyaml", "-lm", "-lcmocka"]
TESTS = {  # the module -> the unit tests that must notice
    "reaper/plan.c": ["plan", "plan_stock", "plan_end", "plan_spare"],
    "reaper/plan_end.c": ["plan_end", "plan_spare", "plan"],
    "reaper/plan_launch.c": ["plan_launch", "plan_money", "plan", "plan_stock", "plan_seats",
                             "plan_repeat"],
    "reaper/plan_mark.c": ["plan_end", "plan_repair", "plan"],
    "reaper/plan_money.c": ["plan_money"], "reaper/plan_repair.c": ["plan_repair"],
    "reaper/plan_spare.c": ["plan_spare"],
    "reaper/plan_repeat.c": ["plan_repeat", "plan_stock", "plan_money"],
    "reaper/plan_stock.c": ["plan_stock", "plan_launch", "plan_money", "plan", "plan_seats",
                            "plan_repeat"],
    "reaper/plan_why.c": ["plan_stock", "plan_launch", "plan_money", "plan"],
    "reaper/doom.c": ["plan", "plan_end", "plan_spare", "plan_stock", "plan_seats", "plan_launch"],
    "reaper/slots.c": ["slots", "plan_stock"], "reaper/leftover.c": ["leftover"],
    "reaper/offering.c": ["offerings"], "reaper/offerings.c": ["offerings"],
    "reaper/open_attempt.c": ["open_attempt", "plan_stock"],
    "reaper/breaker.c": ["breaker"], "reaper/money/money.c": ["money"],
    "reaper/money/money_accrue.c": ["money_accrue"],
    "reaper/money/money_worst.c": ["money", "money_accrue"],
    "reaper/money/spend_runs.c": ["spend_runs", "spend"],
    "reaper/bucket.c": ["bucket"],
    "reaper/demand.c": ["demand", "plan", "plan_seats", "plan_launch"],
    "reaper/observe_join.c": ["observe", "observe_lists", "observe_lost", "observe_judge",
                              "observe_workers"],
    "reaper/observe_lost.c": ["observe_lost", "observe_judge", "observe"],
    "reaper/observe_workers.c": ["observe_workers", "observe"],
    "reaper/observe_remember.c": ["observe_remember", "observe"],
    "reaper/settings/schedule.c": ["schedule"], "reaper/settings/zone_rule.c": ["zone"],
    "reaper/settings/settings_look.c": ["settings_look"], "common/verdict.c": ["verdict"],
    "common/phase.c": ["phase"], "common/idle.c": ["idle"],
    "common/settle.c": ["settle"],
    "bootstrap/docker_words.c": ["docker_words", "docker_policy"],
    "bootstrap/docker_policy.c": ["docker_policy", "docker_policy_check"],
    "bootstrap/docker_policy_check.c": ["docker_policy_check"],
}
OBJECTS = ["common", "bootstrap", "reaper", "templates"]
# Sanitized too: they read what a loop hands on without a look of its own.
READERS = ["reaper/text_index.c", "reaper/money/user_names.c"]
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


def compile_sanitized(source, built):
    """False: the compiler refuses."""
    return subprocess.run(["gcc", *FLAGS, "-c", source, "-o", built], cwd=TREE, check=False,
                          capture_output=True).returncode == 0


def prepare(wanted, folder):
    """The tests, sanitized: a step past the end of their lists is noticed. All modules in one
    archive: the linker takes the others from it, the mutant comes first."""
    support = sorted((TREE / "tests/unit/support").glob("*.c"))
    tests = sorted({TREE / f"tests/unit/test_{test}.c" for module in wanted
                    for test in TESTS[module]})
    readers = [TREE / reader for reader in READERS]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        built = pool.map(lambda source: compile_sanitized(source, folder / f"{source.stem}.o"),
                         support + readers + tests)
        if not all(built):
            sys.exit("a test does not compile: run make unit-programs")
    objects = [found for room in OBJECTS for found in sorted((BUILD / room).rglob("*.o"))
               if has_source(found) and str(source_of(found)) not in READERS]
    subprocess.run(["ar", "rcs", folder / "modules.a", *objects,
                    *(folder / f"{source.stem}.o" for source in support + readers)], check=True)


def source_of(found):
    """Where the source of an object is, within the tree or the build folder."""
    return found.relative_to(BUILD).with_suffix(".c")


def has_source(found):
    """A file that was moved may have left its object behind."""
    source = source_of(found)
    return (TREE / source).exists() or (BUILD / source).exists()


def is_noticed(module, text, folder, prepared):
    """Does a test fail, or the compiler refuse?"""
    source = Path(folder) / "mutant.c"
    source.write_text(text)
    built = Path(folder) / "mutant.o"
    if not compile_sanitized(source, built):
        return True
    for test in TESTS[module]:
        program = Path(folder) / test
        subprocess.run([*LINK, built, prepared / f"test_{test}.o", prepared / "modules.a",
                        *LIBRARIES, "-o", program], cwd=TREE, check=True)
        try:
            if subprocess.run([program], cwd=TREE, capture_output=True, check=False,
                              timeout=30).returncode:
                return True
        except subprocess.TimeoutExpired:
            return True  # it turns in circles: noticed
    return False


def survivors(module, prepared):
    """The mutants of one module that lived, and how many there were."""
    equal = EQUAL.read_text().splitlines() if EQUAL.exists() else []

    def judge(mutant):
        number, before, after, text = mutant
        if f"{module}: {before} -> {after}" in equal:
            return None
        with tempfile.TemporaryDirectory() as folder:
            return None if is_noticed(module, text, folder, prepared) else (number, before, after)

    whole = (TREE / module).read_text()
    with tempfile.TemporaryDirectory() as folder:
        if is_noticed(module, whole, folder, prepared):
            sys.exit(f"{module}: its tests fail without a mutant")
    found = list(mutants(whole))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        alive = [mutant for mutant in pool.map(judge, found) if mutant]
    print(f"{module}: {len(found)} mutants, {len(alive)} lived", flush=True)
    for number, before, after in alive:
        print(f"  {module}:{number}: {before} -> {after}", flush=True)
    return len(found), len(alive)


def main():
    wanted = sys.argv[1:] or TESTS
    unknown = [module for module in wanted if module not in TESTS]
    if unknown:
        sys.exit(f"no such deciding module: {', '.join(unknown)}")
    with tempfile.TemporaryDirectory() as folder:
        prepare(wanted, Path(folder))
        counts = [survivors(module, Path(folder)) for module in wanted]
    tried, lived = map(sum, zip(*counts))
    print(f"{len(counts)} modules, {tried} mutants, {lived} lived")
    return 1 if lived else 0


if __name__ == "__main__":
    sys.exit(main())
