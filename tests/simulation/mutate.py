"""Change one line of what decides at a time; the simulator must find a world that breaks by it.

    python3 tests/simulation/mutate.py [NAME...]       (make mutants-simulation; SEEDS=1000)

Each mutant is a bug that somebody has shipped somewhere, or could. Prints which named case or
seed caught it; ends with 1 when one was not caught, or when its line is not there any more.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median_low

TREE = Path(__file__).resolve().parents[2]
BUILD = TREE / "build" / "debug"
SEEDS = os.environ.get("SEEDS", "1000")
FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-I.", "-O1", "-w"]

# Name, file, what stands there, what stands there instead.
MUTANTS = [
    ("drop the slot check", "reaper/slots.c",
     "\t\tslot->is_taken = true;\n\telse if", "\t\t;\n\telse if"),
    ("a machine that stops holds no slot", "reaper/slots.c",
     "if (instance->state != INSTANCE_TERMINATED)", "if (instance->state < INSTANCE_STOPPED)"),
    ("forget the generation", "reaper/slots.c",
     "slot->generation = instance->generation + 1;", "slot->generation = 0;"),
    ("the generation stays that of the dead", "reaper/slots.c",
     "slot->generation = instance->generation + 1;", "slot->generation = instance->generation;"),
    ("an open attempt holds no slot", "reaper/slots.c",
     "\tif (slot)\n\t\tslot->is_taken = true;", "\tif (0)\n\t\tslot->is_taken = true;"),
    ("no slot in the launch key", "reaper/slots.c",
     "out->parts[2] = number_text(slot, out->slot);",
     "out->parts[2] = number_text(0, out->slot);"),
    ("no generation in the launch key", "reaper/slots.c",
     "out->parts[3] = number_text(generation, out->generation);",
     "out->parts[3] = number_text(0, out->generation);"),
    ("forget open attempts", "reaper/observe_join.c",
     "\t\tif (!is_answered(&sights[at], &ledger->attempts[i]))\n", "\t\tif (0)\n"),
    ("open attempts are for ever", "reaper/observe_join.c",
     "\t\tif (!is_answered(&sights[at], &ledger->attempts[i]))\n", "\t\tif (1)\n"),
    ("an unanswered launch is never over", "reaper/open_attempt.c",
     "return !seen->is_clock_known || !seen", "return 1 || !seen"),
    ("an attempt is no capacity", "reaper/plan_stock.c",
     "\tplanned->booting_seats += resource->ticket.seats;\n", ""),
    ("an attempt is no instance", "reaper/plan_stock.c",
     "\tplanner->alive++;\n\tplanner->rate = plan_sum(planner->rate, price);\n",
     "\tplanner->rate = plan_sum(planner->rate, price);\n"),
    ("trust partial lists", "reaper/plan_stock.c",
     "planner->seen->workers_known && planner->seen->queues_known &&\n"
     "\t       planner->seen->resources[resource].is_listed",
     "planner->seen->workers_known && planner->seen->queues_known"),
    ("launch without the records", "reaper/plan_stock.c",
     "planner->seen->workers_known && planner->seen->queues_known &&",
     "planner->seen->queues_known &&"),
    ("what no list shows can be terminated", "reaper/doom.c",
     "if (!machine->is_listed || machine->place == RESOURCE_NONE ||",
     "if (machine->place == RESOURCE_NONE && machine->is_listed ||"),
    ("silence without the records", "reaper/doom.c",
     "\tif (!are_records_known)\n\t\treturn DOOM_NONE;\n", ""),
    ("count draining as capacity", "reaper/doom.c",
     "\t\tif (!strcmp(record->phase, \"serve\") && !record->is_draining &&\n"
     "\t\t    is_welcome(machine, seen, resource))\n\t\t\tseats.free = record->free_seats;",
     "\t\tif (record->is_draining)\n\t\t\tseats.free = record->seats;\n"
     "\t\telse\n\t\t\tseats.free = record->free_seats;"),
    ("booting is no capacity", "reaper/doom.c",
     "seats.booting = machine->has_record ? record->seats : resource->ticket.seats;",
     "seats.booting = 0;"),
    ("a young machine must be listed", "reaper/doom.c",
     " ||\n\t       !is_past_boot(machine, seen, resource);", ";"),
    ("a silent busy machine is a silent one", "reaper/doom.c",
     "int64_t limit_s = may_work ? settings->silent_busy_s : settings->silent_idle_s;",
     "int64_t limit_s = settings->silent_idle_s;"),
    ("idle, said without the tasks", "reaper/doom.c",
     "bool may_work = machine->was_busy || !seen->tasks_known;",
     "bool may_work = machine->was_busy;"),
    ("never came up, at once", "reaper/doom.c",
     "\tif (!is_past_boot(machine, seen,\n"
     "\t\t\t  resource ? resource : &settings->resources[machine->place]))\n"
     "\t\treturn DOOM_NONE;\n", ""),
    ("a lost ledger forgets who hangs", "reaper/doom.c",
     "return seen->now_ms / 1000 - seen->ledger_since_s > settings->silent_busy_s ?",
     "return 0 ?"),
    ("lost memory is believed for ever", "reaper/plan.c",
     "mark_again(planner, \"memory\", \"lost\") <= planner->settings->silent_idle_s",
     "1"),
    ("one look is enough", "reaper/plan_end.c",
     "mark_again(planner, doom_text(doom), id) >= wait_s",
     "mark_again(planner, doom_text(doom), id) >= 0"),
    ("terminate instead of drain", "reaper/doom.c",
     "return doom >= DOOM_OVERDUE;", "return 0;"),
    ("told to drain is drained", "reaper/doom.c",
     "return machine->has_record && is_leaving(record) && !record->task_count;",
     "return machine->has_record;"),
    ("one launch too many", "reaper/plan_launch.c",
     "while (planner->demand.seats[r] < waiting &&",
     "while (planner->demand.seats[r] <= waiting &&"),
    ("ClearML's overshoot: each resource for all", "reaper/plan_launch.c",
     "planned->launched_for += demand_match(demand, queue);\n\tplanned->unserved",
     "planned->launched_for += 0;\n\tplanned->unserved"),
    ("no limit over all", "reaper/plan_launch.c",
     "settings->max_instances && planner->alive >= settings->max_instances", "0"),
    ("a breaker that never opens", "reaper/breaker.c",
     "if (!facts->limit || facts->failures < facts->limit)", "if (1)"),
    ("a breaker that never closes", "reaper/breaker.c",
     "if (facts->now_s >= probe_at_s)", "if (0)"),
    ("throttled is no capacity", "reaper/offerings.c",
     "if (failure->class != ERROR_CAPACITY && failure->class != ERROR_QUOTA)", "if (0)"),
    ("what is dry stays dry", "reaper/offerings.c",
     "state->until_s = now_s + cooldown(settings, state->failures);",
     "state->until_s = now_s + 1000000000;"),
    ("a dead one's name on a task is somebody's", "common/verdict.c",
     "if (facts->has_owner && !facts->is_owner_stale)", "if (facts->has_owner)"),
    ("what the watchdog stopped stays stopped", "reaper/observe_lost.c",
     "strcmp(task->status_reason, VERDICT_FORCED_STOP) != 0;", "1;"),
    ("NotFound is gone at once", "reaper/observe_lost.c",
     "if (machine->is_listed && machine->instance.state == INSTANCE_TERMINATED) {",
     "if (!machine->has_record) {"),
    ("never look for lost tasks", "reaper/observe_join.c",
     "if (ledger->passes % OBSERVE_SWEEP_EVERY == 0)\n\t\treturn true;", "return false;"),
    ("popped by nobody stays lost", "reaper/observe_lost.c",
     "\tif (task->status != TASK_QUEUED || has(&index->queued, task->id) ||\n"
     "\t    has(&index->reported, task->id))\n\t\treturn false;", "\treturn false;"),
    ("verdict: in progress stands", "common/verdict.c",
     "case TASK_IN_PROGRESS:\n\t\treturn again(facts);",
     "case TASK_IN_PROGRESS:\n\t\treturn VERDICT_STANDS;"),
    ("verdict: what a person stopped is put back", "common/verdict.c",
     "return is_stopped_by_signal(facts) || is_stopped_by_watchdog(facts) ?",
     "return 1 ?"),
    ("verdict: what completed is put back", "common/verdict.c",
     "\tcase TASK_COMPLETED:\n", "\tcase TASK_COMPLETED:\n\t\treturn again(facts);\n"),
    ("verdict: attempts without end", "common/verdict.c",
     "bool is_last = facts->attempt >= facts->max_attempts;", "bool is_last = 0;"),
    ("settle without a second look", "common/settle.c",
     "\tif (is_waiting)\n\t\treturn SETTLE_WAIT;\n", ""),
    ("settle: the elder does not matter", "common/settle.c",
     "return rival->claim == CLAIM_SERVES && is_elder(rival, self) ? SETTLE_LEAVE :",
     "return 0 ? SETTLE_LEAVE :"),
    ("settle: the dead hold their slots", "common/settle.c",
     "return LIVENESS_DEAD;", "return LIVENESS_ALIVE;"),
    ("idle for ever", "common/idle.c",
     ".is_over = !facts->is_busy && facts->now_ms >= leave_ms,", ".is_over = 0,"),
    ("leave although busy", "common/idle.c",
     ".is_over = !facts->is_busy && facts->now_ms >= leave_ms,",
     ".is_over = facts->now_ms >= facts->since_ms + facts->timeout_ms,"),
    ("phase: drain is leave", "common/phase.c",
     "return next == PHASE_DRAIN && !is_busy ? PHASE_LEAVE : next;",
     "return next == PHASE_DRAIN ? PHASE_LEAVE : next;"),
    ("budgets of a day and a month hold nothing back", "reaper/money/money.c",
     "price > limit->most - limit->spent : limit->spent >= limit->most;",
     "price > limit->most - limit->spent : 0;"),
    ("budgets of an hour: one more is always allowed", "reaper/money/money.c",
     "return limit->is_rate ? price > limit->most - limit->spent :",
     "return limit->is_rate ? limit->spent >= limit->most :"),
    ("a user's budget bars nothing", "reaper/money/spend_runs.c",
     "\t\tif (is_past(settings, seen, u))\n\t\t\tleft[u] = NOTHING_LEFT;\n\t\telse\n",
     ""),
    ("a queue's budget holds nothing back", "reaper/plan_money.c",
     "\tadd_queue(planner, queue, out);\n", ""),
    ("a price that is not known yet is nothing", "reaper/money/money_accrue.c",
     "\t    is_price_to_come(accrual->seen, machine) ||\n", ""),
    ("schedules by UTC", "reaper/settings/schedule.c",
     "int64_t offset = zone_offset(&zone, at_s, &next_s);",
     "int64_t offset = 0 * zone_offset(&zone, at_s, &next_s);"),
    ("schedules know no summer time", "reaper/settings/schedule.c",
     "int64_t offset = zone_offset(&zone, at_s, &next_s);",
     "int64_t offset = zone_offset(&zone, at_s, &next_s);\n"
     "\t\tint64_t ignored;\n\t\toffset = zone_offset(&zone, 1796083200, &ignored);"),
    ("a window keeps no minimum", "reaper/settings/schedule.c",
     "minimum = schedule->min_instances;", "minimum += 0;"),
    ("a window holds no slot", "reaper/settings/schedule.c",
     "if (slot < resource->schedules[i].min_instances)", "if (0)"),
    ("a task that runs is no sign of life", "reaper/observe_lost.c",
     "\tmachine->was_busy |= !machine->has_record;\n", ""),
]


def link_words(module):
    """All that the simulator is linked with, but for one module."""
    words = (BUILD / "tests/simulation/simulate.link").read_text().split()
    return [word for word in words if not word.endswith("/" + module.replace(".c", ".o"))]


def build(module, text, folder):
    """The simulator with this text in the module's place; None when the compiler refuses."""
    source, built, program = (Path(folder) / name for name in ("m.c", "m.o", "simulate"))
    source.write_text(text)
    if subprocess.run(["gcc", *FLAGS, "-c", source, "-o", built], cwd=TREE, check=False,
                      capture_output=True).returncode:
        return None
    subprocess.run(["gcc", built, *link_words(module), "-o", program],
                   cwd=TREE, check=True)
    return program


def last_words(text, pattern):
    """The first line of the text that the pattern finds."""
    lines = [line for line in text.splitlines() if re.search(pattern, line)]
    return lines[0].strip()[:150] if lines else ""


def who_catches(program):
    """The case or the seed that fails; "" when none does."""
    try:
        cases = subprocess.run([program, "--cases"], capture_output=True, text=True, check=False,
                               timeout=300)
        if cases.returncode:
            return last_words(cases.stdout, "^FAILED") or "a crash in the cases"
        worlds = subprocess.run([program, "--stop", "--seeds", SEEDS], capture_output=True,
                                text=True, check=False, timeout=900)
    except subprocess.TimeoutExpired:
        return "it turns in circles"
    if worlds.returncode:
        return last_words(worlds.stderr, "^seed") or "a crash"
    return ""


def judge(name, module, before, after):
    """Who caught the mutant; "" when nobody did."""
    text = (TREE / module).read_text()
    if text.count(before) < 1:
        print(f"GONE    {name}: {module} has no such line any more", flush=True)
        return ""
    with tempfile.TemporaryDirectory() as folder:
        program = build(module, text.replace(before, after, 1), folder)
        if program is None:
            print(f"BROKEN  {name}: it does not compile", flush=True)
            return ""
        caught = who_catches(program)
    print(f"{'caught ' if caught else 'LIVED  '} {name}: {caught}", flush=True)
    return caught


def main():
    wanted = sys.argv[1:]
    chosen = [mutant for mutant in MUTANTS if not wanted or mutant[0] in wanted]
    if not chosen:
        sys.exit(f"no such mutant: {', '.join(wanted)}")
    caught = [who for who in [judge(*mutant) for mutant in chosen] if who]
    seeds = [int(who.split()[1].rstrip(":")) for who in caught if who.startswith("seed ")]
    print(f"{len(chosen)} mutants, {len(caught)} caught: {len(caught) - len(seeds)} by the cases, "
          f"{len(seeds)} by seeds" + (f" (median: seed {median_low(seeds)}, "
                                      f"last: seed {max(seeds)})" if seeds else ""), flush=True)
    return 0 if len(caught) == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
