#!/usr/bin/env python3
"""What being watched costs a service: its throughput, p99 and p99.9 with the agent at its default budget, in the same run beside
bpftrace counting malloc and free, heaptrack, and jemalloc's own profiler.

Every round measures each case between two measurements without it, whose mean it is compared with (a machine drifts). What attaches is compared on the
same process; what a program has to be started with runs in a second instance, and the one that is not measured is stopped. Figures are medians of the
ratios over the rounds, with half the range between the quartiles as spread. heaptrack's own process is left out: the program writes to /dev/null.
Raw data: build/bench/overhead.json.
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
sys.path[:0] = [str(ROOT / "tests" / "integration"), str(ROOT / "tests" / "bench")]
import harness  # noqa: E402: found through the path above
from harness import patched_bytes, running, wait_for  # noqa: E402: found through the path above
from overhead_loads import SERVICES  # noqa: E402: found through the path above
from probes import library_of  # noqa: E402: found through the path above

BURSTS_OF_THE_BEGINNING = 12  # as docs/explanation/probing.md says
SLOWDOWN_CAP = 1.5  # budget.burst_slowdown
LEAST_THROUGHPUT, LEAST_LOOP_SPEED = 0.985, 0.99
HEAPTRACK = pathlib.Path("/usr/lib/heaptrack/libheaptrack_preload.so")
JEMALLOC = pathlib.Path("/usr/lib/x86_64-linux-gnu/libjemalloc.so.2")
CASES = {
    "agent": "poolscope agent, default budget",
    "bpftrace": "bpftrace counting malloc and free",
    "heaptrack": "heaptrack",
    "jemalloc_prof": "jemalloc, prof:true (512 KiB)",
}


# --- what attaches to a process that runs ------------------------------------------------------------------------------------

def is_past_the_beginning(found):
    """Bursts are as rare as they stay, or refused."""
    if any(collector["reason"] == "too_hot" for collector in found["collectors"]):
        return True
    return found["cost"].get("bursts", {}).get("taken", 0) >= BURSTS_OF_THE_BEGINNING


@contextlib.contextmanager
def watched_by_agent(service):
    with harness.agent("--target", service.spec) as agent:
        with service.load():
            agent.wait_for_target(is_past_the_beginning, 90, f"the beginning of {service.name}")
        yield
        service.last_seen = agent.target()


@contextlib.contextmanager
def watched_by_bpftrace(service):
    library = library_of(service.probed_pid)
    script = f"uprobe:{library}:malloc {{ @a = count(); }} uprobe:{library}:free {{ @f = count(); }}"
    with running(["bpftrace", "-p", service.probed_pid, "-e", script]) as bpftrace:
        wait_for(lambda: bpftrace.assert_running() and patched_bytes(service.probed_pid) > 0, 30, "probes of bpftrace")
        yield


ATTACHED = {"agent": watched_by_agent, "bpftrace": watched_by_bpftrace}


# --- what a program is started with --------------------------------------------------------------------------------------------

def environments(case, uses_jemalloc):
    """Of the instance without and of the one with."""
    if case == "heaptrack":
        return {}, {"LD_PRELOAD": str(HEAPTRACK), "DUMP_HEAPTRACK_OUTPUT": "/dev/null"}
    preload = {} if uses_jemalloc else {"LD_PRELOAD": str(JEMALLOC)}
    return preload, preload | {"MALLOC_CONF": "prof:true,prof_active:true,lg_prof_sample:19"}


@contextlib.contextmanager
def only(service, others):
    """The others stand still."""
    for other in others:
        os.kill(other.pid, signal.SIGSTOP)
    try:
        yield service
    finally:
        for other in others:
            os.kill(other.pid, signal.SIGCONT)


# --- measuring ------------------------------------------------------------------------------------------------------------------

def mean_of(first, second):
    return {key: (first[key] + second[key]) / 2 for key in first}


def attached_pair(case, service, seconds):
    before = service.measure(seconds / 2)
    with ATTACHED[case](service):
        watched = service.measure(seconds)
    harness.wait_until_unprobed(service.pid)
    return mean_of(before, service.measure(seconds / 2)), watched


def started_pair(plain, other, seconds):
    with only(plain, [other]):
        before = plain.measure(seconds / 2)
    with only(other, [plain]):
        watched = other.measure(seconds)
    with only(plain, [other]):
        return mean_of(before, plain.measure(seconds / 2)), watched


def pairs_of(name, cases, options):
    """Case to a list of (without, with), and what the agent told of the target at the end."""
    kind = SERVICES[name]
    pairs = {case: [] for case in cases}
    with contextlib.ExitStack() as stack:
        service = stack.enter_context(kind.started())
        instances = [service]
        started = {}
        for case in cases:
            if case in ATTACHED:
                continue
            started[case] = [stack.enter_context(kind.started(env=dict(os.environ, **environment)))
                             for environment in environments(case, name == "redis")]
            instances += started[case]
        for instance in instances:
            with only(instance, [other for other in instances if other is not instance]):
                instance.measure(1)  # warm
        for _ in range(options.rounds):
            for case in cases:
                taking_part = started.get(case, [service])
                with contextlib.ExitStack() as standing:
                    standing.enter_context(only(None, [other for other in instances if other not in taking_part]))
                    pairs[case].append(attached_pair(case, service, options.seconds) if case in ATTACHED
                                       else started_pair(*taking_part, options.seconds))
        return pairs, service.last_seen


# --- telling --------------------------------------------------------------------------------------------------------------------

def spread(values):
    if len(values) < 3:
        return (max(values) - min(values)) / 2
    quartiles = statistics.quantiles(values, n=4)
    return (quartiles[2] - quartiles[0]) / 2


def ratios(both, key):
    return [watched[key] / without[key] for without, watched in both if key in without]


def cell(values):
    return f"{statistics.median(values):>9.3f}x{spread(values):>7.3f}" if values else f"{'-':>17}"


def table(kind, pairs):
    alone = [without for both in pairs.values() for without, _ in both]
    told = f"{statistics.median(one['per_second'] for one in alone):,.0f} per second"
    if "p99_9_seconds" in alone[0]:
        told += "".join(f", {words} {statistics.median(one[key] for one in alone) * 1e3:.2f} ms"
                        for key, words in (("p99_seconds", "p99"), ("p99_9_seconds", "p99.9")))
    print(f"\n{kind.name}: {kind.__doc__}\n  alone: {told}")
    print(f"  {'over alone':<36}{'throughput':>10}{'spread':>7}{'p99':>10}{'spread':>7}{'p99.9':>10}{'spread':>7}")
    for case, both in pairs.items():
        print(f"  {CASES[case]:<36}" + "".join(cell(ratios(both, key)) for key in ("per_second", "p99_seconds", "p99_9_seconds")))


def goals(results):
    print("\ngoals")
    for name, (pairs, _) in results.items():
        least = LEAST_LOOP_SPEED if name == "loop" else LEAST_THROUGHPUT
        kept = statistics.median(ratios(pairs["agent"], "per_second"))
        print(f"  {'ok ' if kept >= least else 'NO '} {name}: throughput with the agent {kept:.3f} (goal >= {least})")
        if tail := ratios(pairs["agent"], "p99_9_seconds"):
            worse = statistics.median(tail)
            print(f"  {'ok ' if worse <= SLOWDOWN_CAP else 'NO '} {name}: p99.9 with the agent {worse:.2f} of alone (goal <= {SLOWDOWN_CAP})")
    if "loop" in results:
        said = harness.collector(results["loop"][1], "alloc_bursts")
        refused = said["detail"].startswith("L2 refused")
        print(f"  {'ok ' if refused else 'NO '} loop: {said['detail'] or said['state']}")


def cases_of(name, options):
    if options.agent_only:
        return ["agent"]
    attach = ["agent"] if name in ("postgresql", "go") else ["agent", "bpftrace"]  # bpftrace -p takes one process; Go has no malloc
    started = [case for case, library in (("heaptrack", HEAPTRACK), ("jemalloc_prof", JEMALLOC)) if library.exists()]
    return attach + (started if name in ("redis", "loop") else [])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=8, help="per measurement; the agent takes a burst every three seconds")
    parser.add_argument("--quick", action="store_true", help="one round of 4 s: whether it works, no figures to believe")
    parser.add_argument("--agent-only", action="store_true", help="no peers")
    parser.add_argument("services", nargs="*", metavar="SERVICE", help=f"of {', '.join(SERVICES)}; default: all")
    options = parser.parse_args()
    if unknown := set(options.services) - set(SERVICES):
        parser.error(f"no such service: {', '.join(sorted(unknown))}")
    if options.quick:
        options.rounds, options.seconds = 1, 4
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    print(f"./dev bench overhead   commit {commit}   {os.cpu_count()} cpus   kernel {os.uname().release}   {options.rounds} rounds")
    if os.getloadavg()[0] > 0.5 * os.cpu_count():
        print(f"WARNING: the machine is busy (load {os.getloadavg()[0]:.1f}), do not compare these numbers")
    results = {}
    for name in options.services or SERVICES:
        results[name] = pairs_of(name, cases_of(name, options), options)
        table(SERVICES[name], results[name][0])
    goals(results)
    raw = ROOT / "build" / "bench"
    raw.mkdir(parents=True, exist_ok=True)
    (raw / "overhead.json").write_text(json.dumps({"commit": commit, "rounds": options.rounds, "seconds": options.seconds,
                                                   "pairs_without_and_with": {name: pairs for name, (pairs, _) in results.items()}}))
    print(f"\nraw: {raw / 'overhead.json'}")


if __name__ == "__main__":
    main()
