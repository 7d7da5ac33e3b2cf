#!/usr/bin/env python3
"""What probes cost a target: nanoseconds per malloc/free pair and redis throughput, beside bpftrace in the same run.

Every round runs every case once (interleaved), so that a slow moment of the machine hits all of them; figures are
medians over the rounds with half the range between the quartiles as spread. Raw data: build/bench/probes.json.
"""

import argparse
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("POOLSCOPE_BUILD_DIR", ROOT / "build" / "release"))
os.environ["POOLSCOPE_BUILD_DIR"] = str(BUILD)
sys.path.insert(0, str(ROOT / "tests" / "integration"))
import services  # noqa: E402: found through the path above
from harness import TARGETS, wait_for  # noqa: E402: found through the path above

CASES = {
    "none": "no probe",
    "chosen": "every malloc and free counted, chosen points",
    "entry": "the same, probes at +0",
    "lives": "full cohort: lifetimes, sites; chosen points",
    "lives_at_entry": "the same, probes at +0",
    "bpftrace": "bpftrace counting malloc and free",
}


def library_of(pid):
    """Path of the allocator that bpftrace must be told; poolscope finds it itself."""
    for name in ("libjemalloc", "libc.so"):
        with open(f"/proc/{pid}/maps") as maps:
            for line in maps:
                if name in line:
                    return line.split(None, 5)[5].strip()
    sys.exit(f"no allocator among the maps of {pid}")


@contextlib.contextmanager
def probed(case, pid):
    if case == "none":
        yield
        return
    if case == "bpftrace":
        library = library_of(pid)
        script = (f'BEGIN {{ printf("ready\\n"); }} uprobe:{library}:malloc {{ @a = count(); }} '
                  f"uprobe:{library}:free {{ @f = count(); }}")
        command = ["bpftrace", "-p", str(pid), "-e", script]
    else:
        command = [BUILD / "bench" / "probe_load", str(pid), case]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stdout:
        if "ready" in line:
            break
    else:
        sys.exit(f"{case}: {process.stderr.read()}")
    try:
        yield
    finally:
        if case == "bpftrace":
            process.terminate()
        process.communicate()


def pair_ns(case, seconds):
    """CPU nanoseconds that one malloc/free pair takes in a loop that does nothing else."""
    loop = subprocess.Popen([TARGETS / "alloc_loop", "--live", "16"], stdout=subprocess.PIPE, text=True)

    def cpu_ns():
        stats = pathlib.Path(f"/proc/{loop.pid}/task").glob("*/schedstat")
        return sum(int(stat.read_text().split()[0]) for stat in stats)

    try:
        wait_for(lambda: cpu_ns() > 20e6, what="the loop to run")
        with probed(case, loop.pid):
            before = pairs_so_far(loop.pid)
            cpu_before = cpu_ns()
            wait_for(lambda: cpu_ns() - cpu_before > seconds * 1e9, seconds=60 + 10 * seconds, what="CPU time")
            pairs, cpu = pairs_so_far(loop.pid) - before, cpu_ns() - cpu_before
    finally:
        loop.terminate()
        output = loop.communicate()[0]
    if "ok" not in output:
        sys.exit(f"{case}: the target's own check failed: {output}")
    return cpu / max(pairs, 1)


def pairs_so_far(pid):
    """The loop publishes its progress in a symbol; read it from its memory, so that asking costs it nothing."""
    symbol = subprocess.run(["nm", TARGETS / "alloc_loop"], capture_output=True, text=True, check=True).stdout
    address = next(int(line.split()[0], 16) for line in symbol.splitlines() if line.endswith(" pairs_done"))
    with open(f"/proc/{pid}/maps") as maps:
        base = int(maps.readline().split("-")[0], 16)
    with open(f"/proc/{pid}/mem", "rb") as memory:
        memory.seek(base + address)
        return int.from_bytes(memory.read(8), "little")


def redis_per_second(case, port, pid, requests):
    with probed(case, pid):
        command = services.redis_benchmark(port, "-t", "set", "-n", str(requests), "--csv")
        result = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True).stdout
    return float(result.splitlines()[-1].split(",")[1].strip('"'))


def spread(values):
    quartiles = statistics.quantiles(values, n=4) if len(values) > 2 else [min(values), 0, max(values)]
    return (quartiles[2] - quartiles[0]) / 2


def table(title, unit, results, better_is_less):
    base = statistics.median(results["none"])
    print(f"\n{title}")
    print(f"  {'case':<52}{unit:>12}{'spread':>10}{'vs none':>10}{'vs bpftrace':>13}")
    for case, words in CASES.items():
        if case not in results:
            continue
        middle = statistics.median(results[case])
        peer = statistics.median(results["bpftrace"])
        ratio = peer / middle if better_is_less else middle / peer
        print(f"  {words:<52}{middle:>12,.0f}{spread(results[case]) / middle:>9.1%} {middle / base:>8.2f}x{ratio:>12.1f}x")


def verdict(text, value, limit, good):
    print(f"  {'ok ' if good else 'NO '} {text}: {value:.2f} (goal {limit})")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="CPU time of the loop per case and round")
    parser.add_argument("--requests", type=int, default=60000, help="redis requests per case and round")
    options = parser.parse_args()
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    print(f"./dev bench probes   commit {commit}   {os.cpu_count()} cpus   kernel {os.uname().release}   {options.rounds} rounds")
    if os.getloadavg()[0] > 0.5 * os.cpu_count():
        print(f"WARNING: the machine is busy (load {os.getloadavg()[0]:.1f}), do not compare these numbers")

    loop = {case: [] for case in CASES}
    for _ in range(options.rounds):
        for case in CASES:
            loop[case].append(pair_ns(case, options.seconds))
    table("one thread, malloc(64..1087) and free in a loop, 16 blocks live", "ns/pair", loop, True)

    requests = {case: [] for case in ("none", "chosen", "lives", "bpftrace")}
    with services.redis() as redis:
        for _ in range(options.rounds):
            for case in requests:
                requests[case].append(redis_per_second(case, redis.port, redis.pid, options.requests))
    table("redis-server, redis-benchmark SET 256 bytes, every call probed all the time", "SET/s", requests, False)

    median = statistics.median
    added = {case: median(loop[case]) - median(loop["none"]) for case in CASES}
    print("\ngoals")
    faster = median(requests["chosen"]) / median(requests["bpftrace"])
    verdict("redis throughput with every malloc and free counted, over that under bpftrace", faster, ">= 5", faster >= 5)
    part = added["lives"] / added["lives_at_entry"]
    verdict("cost of the full cohort burst over entry+return+free probes at +0", part, "<= 0.33", part <= 1 / 3)
    raw = ROOT / "build" / "bench"
    raw.mkdir(parents=True, exist_ok=True)
    (raw / "probes.json").write_text(json.dumps({"commit": commit, "loop_ns_per_pair": loop, "redis_set_per_second": requests}))
    print(f"raw: {raw / 'probes.json'}")


if __name__ == "__main__":
    main()
