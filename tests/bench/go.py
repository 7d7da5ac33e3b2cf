#!/usr/bin/env python3
"""What watching sync.Pool costs a Go service: its throughput alone, with the agent at its default budget, and with bpftrace
counting the same functions. One more case is what bursts cost a process that they are not on: the kernel's grace periods.

Every round measures each case once between two measurements without probes, whose mean it is compared with (a machine drifts), in
one process that runs all the time; ratios are medians over the rounds. Figures are medians with half the range between the quartiles as spread.
Raw data: build/bench/go.json.
"""

import argparse
import contextlib
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("POOLSCOPE_BUILD_DIR", ROOT / "build" / "release"))
os.environ["POOLSCOPE_BUILD_DIR"] = str(BUILD)
sys.path.insert(0, str(ROOT / "tests" / "integration"))
import harness  # noqa: E402: found through the path above
from go_services import go_pools  # noqa: E402: found through the path above
from harness import TARGETS, collector, cpu_seconds, patched_bytes, running, wait_for  # noqa: E402: found through the path above

WORKLOADS = {
    "service": ("18 pools, buffers of 128 to 16384 bytes, JSON, fmt", [], ("agent", "neighbour", "bpftrace")),
    "one_pool": ("one pool of buffers of 128 to 1024 bytes", ["-pools", "byteSlicePool"], ("agent", "bpftrace")),
}
CASES = {
    "agent": "poolscope agent, default budget",
    "neighbour": "bursts each 0.4 s on another process",
    "bpftrace": "bpftrace counting Get and Put",
}

BURSTS_OF_THE_BEGINNING = 12  # as docs/explanation/probing.md says


@contextlib.contextmanager
def watched_by_agent(pid):
    def is_past_the_beginning(target):
        is_collecting = collector(target, "go_pools")["state"] == "collecting"
        return is_collecting and target["cost"]["bursts"].get("taken", 0) >= BURSTS_OF_THE_BEGINNING

    with harness.agent("--target", f"pid:{pid}") as agent:
        agent.wait_for_target(is_past_the_beginning, 60, "pools watched by the agent")
        yield agent


@contextlib.contextmanager
def watched_by_bpftrace(pid):
    program = TARGETS / "go_pools"
    probes = " ".join(f'uprobe:{program}:"sync.(*Pool).{name}" /pid == {pid}/ {{ @{name} = count(); }}'
                      for name in ("Get", "Put"))
    with running(["bpftrace", "-e", probes]) as bpftrace:
        wait_for(lambda: bpftrace.assert_running() and patched_bytes(pid) > 0, 30, "probes of bpftrace")
        yield bpftrace


@contextlib.contextmanager
def neighbour_watched(_pid):
    """`attach` takes a burst in each 0.4 s at first, here on a process that hardly runs."""
    with go_pools("go_pools", "-rate", 1, "-goroutines", 1) as other:
        other.start_rounds()
        with running([harness.POOLSCOPE, "attach", f"pid:{other.pid}", "--for", "600s"]) as attach:
            wait_for(lambda: attach.assert_running() and patched_bytes(other.pid) > 0, 30, "a burst on the other process")
            yield attach


WATCHED = {"agent": watched_by_agent, "neighbour": neighbour_watched, "bpftrace": watched_by_bpftrace}


def report(service):
    os.kill(service.pid, signal.SIGUSR1)
    return service.next_report()


def measure(service, seconds):
    """Gets per second, of wall time and of CPU time of the service."""
    first, cpu = report(service), cpu_seconds(service.pid)
    last = wait_for(lambda: (r := report(service))["open_ns"] - first["open_ns"] > seconds * 1e9 and r, 10 * seconds + 30,
                    "the measured time", interval_seconds=0.2)
    gets = sum(pool["gets"] for pool in last["pools"]) - sum(pool["gets"] for pool in first["pools"])
    return {"per_second": gets / (last["open_ns"] - first["open_ns"]) * 1e9,
            "per_cpu_second": gets / (cpu_seconds(service.pid) - cpu)}


def measure_pairs(arguments, cases, options):
    """Case to a list of (without, with)."""
    pairs = {case: [] for case in cases}
    with go_pools("go_pools", "-rate", 0, "-goroutines", options.goroutines, *arguments) as service:
        service.start_rounds()
        measure(service, 1)  # warm
        for _ in range(options.rounds):
            for case in cases:
                before = measure(service, options.seconds / 2)
                with WATCHED[case](service.pid):
                    watched = measure(service, options.seconds)
                harness.wait_until_unprobed(service.pid)
                after = measure(service, options.seconds / 2)
                pairs[case].append(({unit: (before[unit] + after[unit]) / 2 for unit in before}, watched))
        os.kill(service.pid, signal.SIGUSR2)
        if service.next_report()["faults"]:
            sys.exit("go_pools: its own checks failed")
        service.stop()
    return pairs


def spread(values):
    if len(values) < 3:
        return (max(values) - min(values)) / 2
    quartiles = statistics.quantiles(values, n=4)
    return (quartiles[2] - quartiles[0]) / 2


def line(words, values, ratios=None):
    middle = statistics.median(values)
    text = f"  {words:<38}{middle:>14,.0f}{spread(values) / middle:>9.1%}"
    return text + (f"{statistics.median(ratios):>12.3f}x{spread(ratios):>9.3f}" if ratios else "")


def table(title, pairs):
    for unit, words in {"per_second": "gets/s", "per_cpu_second": "gets/CPU s"}.items():
        print(f"\n{title}\n  {'case':<38}{words:>14}{'spread':>9}{'vs alone':>13}{'spread':>9}")
        print(line("alone", [without[unit] for both in pairs.values() for without, _ in both]))
        for case, both in pairs.items():
            print(line(CASES[case], [watched[unit] for _, watched in both],
                       [watched[unit] / without[unit] for without, watched in both]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=6, help="per measurement; the agent takes a burst every three seconds")
    parser.add_argument("--goroutines", type=int, default=1, help="one leaves a CPU to whoever watches")
    options = parser.parse_args()
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    print(f"./dev bench go   commit {commit}   {os.cpu_count()} cpus   kernel {os.uname().release}   {options.rounds} rounds")
    if os.getloadavg()[0] > 0.5 * os.cpu_count():
        print(f"WARNING: the machine is busy (load {os.getloadavg()[0]:.1f}), do not compare these numbers")
    results = {}
    for name, (title, arguments, cases) in WORKLOADS.items():
        results[name] = measure_pairs(arguments, cases, options)
        table(title, results[name])
    raw = ROOT / "build" / "bench"
    raw.mkdir(parents=True, exist_ok=True)
    (raw / "go.json").write_text(json.dumps({"commit": commit, "goroutines": options.goroutines,
                                             "pairs_without_and_with": results}))
    print(f"\nraw: {raw / 'go.json'}")


if __name__ == "__main__":
    main()
