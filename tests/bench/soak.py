#!/usr/bin/env python3
"""Many targets at once for minutes: what the agent itself takes, and whether its recording says what it said.

Watches 50 programs, each with a little to do, by one agent at its default budget that records. Told are the agent's CPU time as a share of one
core, its memory, how much it records, and of a range of time what the agent said beside what the recording says. CPU time is that of the
agent alone, so it holds on a machine with other work, too. The budget is that of docs/explanation/probing.md#what-the-agent-itself-takes.
Raw data: build/bench/soak.json.
"""

import argparse
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("POOLSCOPE_BUILD_DIR", ROOT / "build" / "release"))
os.environ["POOLSCOPE_BUILD_DIR"] = str(BUILD)
sys.path.insert(0, str(ROOT / "tests" / "integration"))
import harness  # noqa: E402: found through the path above
import services  # noqa: E402: found through the path above
from go_services import go_pools  # noqa: E402: found through the path above
from harness import cpu_seconds, poolscope, running, target, wait_for  # noqa: E402: found through the path above

GOAL_CPU_RATIO = 0.01
GOAL_MEMORY_MIB = 500      # windows fill for five minutes, with many targets for fifteen
RANGE_SECONDS = 240        # the agent keeps 300
PYTHON_LOAD = """
import json, time
while True:
    json.loads(json.dumps({str(i): [i] * 20 for i in range(50)}))
    time.sleep(0.02)
"""


# --- targets -----------------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def busy_redis():
    with services.redis() as redis, running(["redis-cli", "-p", redis.port, "-r", "-1", "-i", "0.01", "set", "key", "x" * 100]):
        yield redis


@contextlib.contextmanager
def busy_go_pools():
    with go_pools("go_pools", "-rate", 20, "-goroutines", 2) as service:
        service.start_rounds()
        yield service


KINDS = {  # so many of ten
    "churn_cpp": (4, lambda: target("churn_cpp", "--rate", "200")),
    "python3": (1, lambda: running([sys.executable, "-c", PYTHON_LOAD])),
    "redis": (1, busy_redis),
    "go_pools": (2, busy_go_pools),
    "go_growth": (1, lambda: target("go_growth", "-round-time", "100ms")),
    "pool_service": (1, lambda: target("pool_service")),
}


def start_targets(stack, count):
    kinds = [kind for kind, (share, _) in KINDS.items() for _ in range(share)]
    return [(kinds[i % len(kinds)], stack.enter_context(KINDS[kinds[i % len(kinds)]][1]())) for i in range(count)]


# --- what the agent takes ----------------------------------------------------------------------------------------------

def resident_bytes(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def recorded_bytes(path):
    return sum(file.stat().st_size for file in path.parent.glob(path.name + "*"))


def watch(agent, path, minutes):
    """One row per minute: seconds, CPU seconds, resident bytes and bytes recorded so far."""
    rows, begin = [], time.monotonic()
    for minute in range(minutes + 1):
        wait_for(lambda: agent.service.assert_running() and time.monotonic() >= begin + 60 * minute, 90, "the next minute", 0.1)
        rows.append({"seconds": time.monotonic() - begin, "cpu_seconds": cpu_seconds(agent.pid),
                     "resident_bytes": resident_bytes(agent.pid), "recorded_bytes": recorded_bytes(path)})
        if minute > 0:
            print(f"  {minute:>6}{cpu_ratio(rows[-2], rows[-1]):>12.2%}{rows[-1]['resident_bytes'] / 2**20:>12.1f}"
                  f"{(rows[-1]['recorded_bytes'] - rows[-2]['recorded_bytes']) / 2**10:>16.0f}", flush=True)
    return rows


def cpu_ratio(earlier, later):
    return (later["cpu_seconds"] - earlier["cpu_seconds"]) / (later["seconds"] - earlier["seconds"])


# --- what it said and what the recording says --------------------------------------------------------------------------

def numbers(value, path=()):
    """Every number, by where it stands."""
    if isinstance(value, dict):
        return {k: v for name, part in value.items() for k, v in numbers(part, (*path, name)).items()}
    if isinstance(value, list):
        return {k: v for i, part in enumerate(value) for k, v in numbers(part, (*path, i)).items()}
    return {path: value} if isinstance(value, (int, float)) else {}


def measured(target):
    """Without advice, which a report of a recording does not have."""
    return {name: value for name, value in target.items() if name not in ("advice", "advice_outcomes")}


def compare(live, read):
    """Of each target: whether all is the same, and else the rate's distance."""
    result = []
    for said, found in zip(live["targets"], read["targets"], strict=True):
        a, b = numbers(measured(said)), numbers(measured(found))
        differing = sorted(".".join(map(str, k)) for k in a.keys() | b.keys() if a.get(k) != b.get(k))
        result.append({"target": said["name"], "differing": differing})
    return result


def report(source, *options):
    return json.loads(poolscope("report", source, "--json", *options, seconds=300).stdout)


def last_minutes(agent, path, folder):
    """The same range from the agent and, when it has ended, from the recording; and the latter's time to be read as a whole."""
    last = agent.snapshot()["time_unix_ns"]
    span = ("--from", f"{last / 1e9 - RANGE_SECONDS:.3f}", "--to", f"{last // 10**9}.{last % 10**9:09}")
    live = report(agent.url, *span)
    agent.service.process.terminate()
    if agent.service.wait() != 0:
        sys.exit(f"the agent failed: {agent.service.errors()}")
    read = report(path, *span)
    begin = time.monotonic()
    whole = report(path)
    return compare(live, read), whole, time.monotonic() - begin


def goal(words, is_met):
    print(f"  {'met   ' if is_met else 'MISSED'}  {words}")


def tell(rows, compared, whole, open_seconds):
    ratio, resident_mib = cpu_ratio(rows[0], rows[-1]), max(row["resident_bytes"] for row in rows) / 2**20
    hours = (rows[-1]["seconds"] - rows[0]["seconds"]) / 3600
    bursts = sum(each["cost"]["bursts"].get("taken", 0) for each in whole["targets"])
    same = sum(not each["differing"] for each in compared)
    print(f"\n  recorded {rows[-1]['recorded_bytes'] / 2**20 / hours:.1f} MiB an hour, {bursts / hours / 3600:.1f} bursts a second; "
          f"a report of all of it takes {open_seconds:.2f} s")
    for each in compared:
        if each["differing"]:
            print(f"  {each['target']}: the recording differs in {', '.join(each['differing'][:5])}")
    goal(f"agent's CPU time {ratio:.2%} of a core, {GOAL_CPU_RATIO:.0%} at most", ratio <= GOAL_CPU_RATIO)
    goal(f"its memory {resident_mib:.0f} MiB, {GOAL_MEMORY_MIB} at most", resident_mib <= GOAL_MEMORY_MIB)
    goal(f"{same} of {len(compared)} targets: the recording says what the agent said, all of them", same == len(compared))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--targets", type=int, default=50)
    options = parser.parse_args()
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    print(f"./dev bench soak   commit {commit}   {os.cpu_count()} cpus   kernel {os.uname().release}   {options.targets} targets")
    if os.getloadavg()[0] > 0.5 * os.cpu_count():
        print(f"WARNING: others use the machine (load {os.getloadavg()[0]:.1f})")
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(harness.temporary_folder())
        path = folder / "soak.poolscope"
        watched = start_targets(stack, options.targets)
        specs = [part for _, service in watched for part in ("--target", f"pid:{service.pid}")]
        agent = stack.enter_context(harness.agent("--record", path, *specs))
        wait_for(lambda: len(agent.snapshot()["targets"]) == options.targets, 60, "all targets")
        print(f"\n  {'minute':>6}{'CPU':>12}{'RSS MiB':>12}{'recorded KiB':>16}")
        rows = watch(agent, path, options.minutes)
        busy = statistics.fmean(cpu_seconds(service.pid) for _, service in watched)
        compared, whole, open_seconds = last_minutes(agent, path, folder)
        tell(rows, compared, whole, open_seconds)
    raw = ROOT / "build" / "bench"
    raw.mkdir(parents=True, exist_ok=True)
    (raw / "soak.json").write_text(json.dumps({"commit": commit, "targets": [kind for kind, _ in watched], "minutes": rows,
                                               "compared": compared, "mean_cpu_seconds_of_targets": busy}))
    print(f"\nraw: {raw / 'soak.json'}")


if __name__ == "__main__":
    main()
