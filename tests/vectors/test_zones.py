"""reaper/settings/zone and schedule held to Python's zoneinfo: offsets and weekly windows.

Ours is behind tests/vectors/zone_calls.c; both read the system's zone database. zoneinfo is asked
minute by minute what the clock on the wall shows, which is what opens a window.
"""

import random
from datetime import datetime, timezone
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
from driven import Driven

DATABASE = Path("/usr/share/zoneinfo")
pytestmark = pytest.mark.skipif(not DATABASE.is_dir(), reason="there is no tzdata (make setup)")

# Summer time on both halves of the globe, half an hour of it, backwards, by the old days of
# Ramadan, at midnight, a day that never was, and none at all.
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Europe/Dublin",
         "Africa/Casablanca", "Asia/Beirut", "America/Santiago", "Pacific/Apia", "Asia/Kathmandu",
         "America/Nuuk", "Asia/Gaza", "UTC"]
WINDOWS_EACH = 500
DAY = 86400


@pytest.fixture(scope="module", name="ours")
def _ours():
    driven = Driven("zone_calls")
    yield driven
    driven.close()


def all_zones():
    return sorted(name for name in available_timezones() if (DATABASE / name).is_file())


def offset(zone, second):
    local = datetime.fromtimestamp(second, timezone.utc).astimezone(zone)
    return int(local.utcoffset().total_seconds())


def changes(zone, first, last):
    """The seconds at which the offset becomes another one."""
    found = []
    for start in range(first, last, DAY):
        low, high = start, start + DAY
        if offset(zone, low) == offset(zone, high):
            continue
        while high - low > 1:
            middle = (low + high) // 2
            if offset(zone, middle) == offset(zone, low):
                low = middle
            else:
                high = middle
        found.append(high)
    return found


def test_every_zone_has_the_offsets_of_zoneinfo(ours):
    chance = random.Random(7)
    checked = 0
    for name in all_zones():
        zone = ZoneInfo(name)
        times = [chance.randrange(-3 * 10**9, 7 * 10**9) for _ in range(40)]
        times += [second + beside for second in changes(zone, 1770000000, 1833000000)
                  for beside in (-1, 0, 1)]
        for second in times:
            answer = ours("offset", name, second)
            assert answer["ok"], (name, answer)
            assert answer["offset"] == offset(zone, second), (name, second)
            assert answer["is_later"], (name, second)
            checked += 1
    print(f"{checked} offsets in {len(all_zones())} zones")
    assert checked > 20000


def is_open(zone, days, window, second):
    local = datetime.fromtimestamp(second, zone)
    minute = local.hour * 60 + local.minute
    begin, end = window
    today = (local.weekday() + 1) % 7  # 0: Sunday
    is_on = [days >> day & 1 for day in range(7)]
    if begin < end:
        return bool(is_on[today]) and begin <= minute < end
    return bool(is_on[today] and minute >= begin) or bool(is_on[(today - 1) % 7] and minute < end)


def seconds_to_look_at(zone, spans, first, last, chance):
    """Each end of a span from both sides, each change of the clock, and some between."""
    ends = [second for second in [*spans, *changes(zone, first, last)] if first < second < last]
    beside = [second + step for second in ends for step in (-1, 0)]
    return [*beside, *(chance.randrange(first, last) for _ in range(60))]


@pytest.mark.parametrize("name", ZONES)
def test_windows_are_open_when_the_clock_says_so(ours, name):
    chance = random.Random(name)
    zone = ZoneInfo(name)
    turns = changes(zone, 1577836800, 1900000000) or [1770000000]
    for _ in range(WINDOWS_EACH):
        first = chance.choice(turns) - chance.randrange(3 * DAY)
        last = first + chance.randrange(DAY, 8 * DAY)
        days = chance.randrange(1, 128)
        window = (chance.randrange(1440), chance.randrange(1, 1441))
        answer = ours("window", name, days, *window, first, last)
        assert answer["ok"], answer
        flat = answer["spans"]
        spans = list(zip(flat[::2], flat[1::2]))
        assert all(first <= begin < end <= last for begin, end in spans)
        assert all(spans[i][1] < spans[i + 1][0] for i in range(len(spans) - 1))
        for second in seconds_to_look_at(zone, flat, first, last, chance):
            expected = is_open(zone, days, window, second)
            got = any(begin <= second < end for begin, end in spans)
            assert got == expected, (name, days, window, first, last, second)


@pytest.mark.parametrize("name", ["Europe/Berln", "Europe", "../etc/passwd", "/etc/localtime",
                                  "Europe/../Europe/Berlin", "zone.tab", "", "right/UTC"])
def test_what_is_no_zone_is_refused(ours, name):
    answer = ours("offset", name, 0)
    assert not answer["ok"]
    assert answer["class"] in ("configuration", "malformed"), answer
