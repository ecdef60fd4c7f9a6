"""At the end of the run: how many published vectors passed, and why the others were skipped."""

from collections import Counter

# What is counted: the name it gets, and how the tests' names begin.
COUNTED = {
    "age vectors": "test_age.py::test_a_vector[",
    "age, both ways": "test_age.py::test_both_ways[",
    "AWS signature vectors": "test_aws_sign.py::test_a_vector[",
    "minisign, both ways": "test_minisign.py::test_both_ways[",
    "minisign, same verdict": "test_minisign.py::test_the_verdict_is_that_of_minisign[",
    "envelopes by other tools": "test_envelope.py::test_found[",
}


def of(reports, start):
    return [report for report in reports if report.nodeid.rpartition("/")[2].startswith(start)]


def reason(report):
    return report.longrepr[2].removeprefix("Skipped: ")


def pytest_terminal_summary(terminalreporter):
    stats = terminalreporter.stats
    for name, start in COUNTED.items():
        passed, failed = (len(of(stats.get(kind, []), start)) for kind in ("passed", "failed"))
        reasons = Counter(reason(each) for each in of(stats.get("skipped", []), start))
        if not passed + failed + reasons.total():
            continue
        line = f"{name}: {passed} passed"
        if failed:
            line += f", {failed} FAILED"
        if reasons:
            why = ", ".join(f"{count} {text}" for text, count in sorted(reasons.items()))
            line += f", {reasons.total()} skipped ({why})"
        terminalreporter.write_line(line)
