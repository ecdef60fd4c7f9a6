"""Makes the traces that are shipped in templates/traces: python3 make_traces.py FOLDER

The same seed gives the same bytes. What the numbers are like is told in each file's first lines.
"""

import random
import sys
from pathlib import Path

SEED = 20260105
MINUTE, HOUR, DAY = 60, 3600, 86400


def length(chance, median, spread, least, most):
    """Of a task: log-normal, as run times mostly are."""
    return int(min(most, max(least, chance.lognormvariate(0, spread) * median)))


def sweep(chance):
    """Bursts of hyper-parameter trials: a few times a day somebody enqueues dozens at once."""
    rows = []
    for day in range(5):
        for _ in range(chance.randint(2, 4)):
            begin = day * DAY + chance.randint(8 * HOUR, 21 * HOUR)
            user = chance.choice(["ann", "bob", "eve"])
            median = chance.choice([8, 15, 30]) * MINUTE
            for trial in range(chance.randint(12, 60)):
                rows.append((begin + trial * chance.randint(0, 3), "gpu",
                             length(chance, median, 0.5, MINUTE, 3 * HOUR), user))
    return rows


def arrivals(chance, until, rate):
    """Moments of a Poisson process whose rate (an hour) is a function of time; thinned."""
    now, most = 0.0, max(rate(t) for t in range(0, until, 600))
    while True:
        now += chance.expovariate(most) * HOUR
        if now >= until:
            return
        if chance.random() * most < rate(now):
            yield int(now)


def office(chance):
    """Office hours: people try things by day, little at night, nearly nothing at the weekend."""
    def rate(now):
        day, hour = int(now // DAY) % 7, now % DAY / HOUR
        if day >= 5:
            return 0.2
        if 9 <= hour < 12 or 13 <= hour < 18:
            return 14
        return 5 if 8 <= hour < 20 else 0.4

    return [(at, "gpu", length(chance, 12 * MINUTE, 1.1, 20, 6 * HOUR),
             chance.choice(["ann", "bob", "eve", "joe", "kim"]))
            for at in arrivals(chance, 7 * DAY, rate)]


def steady(chance):
    """A steady mix: short CPU jobs (data, tests) all day long, and longer GPU trainings."""
    cpu = [(at, "cpu", length(chance, 6 * MINUTE, 0.8, 15, HOUR), "pipeline")
           for at in arrivals(chance, 3 * DAY, lambda now: 9)]
    gpu = [(at, "gpu", length(chance, 70 * MINUTE, 0.7, 5 * MINUTE, 8 * HOUR),
            chance.choice(["ann", "bob"])) for at in arrivals(chance, 3 * DAY, lambda now: 2.2)]
    return cpu + gpu


def main():
    folder = Path(sys.argv[1])
    for make in (sweep, office, steady):
        rows = sorted(make(random.Random(f"{SEED} {make.__name__}")))
        with open(folder / f"{make.__name__}.csv", "w", encoding="ascii", newline="\n") as out:
            out.write(f"# {make.__doc__}\n# Made up by tests/bench/make_traces.py; seconds from a "
                      "Monday, 00:00 UTC.\narrival,queue,duration,user\n")
            for row in rows:
                out.write(",".join(map(str, row)) + "\n")


if __name__ == "__main__":
    main()
