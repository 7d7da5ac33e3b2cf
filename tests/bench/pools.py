#!/usr/bin/env python3
"""What a get and a put of libpoolscope cost, beside a bare array of the thread, a mutex around a vector, and malloc of several allocators.

Every case runs --repeats times; figures are the medians of CPU time per get+put pair, with half the range between the quartiles as
spread, because CPU time is what a busy machine changes least. Raw data: build/bench/pools.json.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("POOLSCOPE_BUILD_DIR", ROOT / "build" / "release"))
ALLOCATORS = {
    "glibc": None,
    "jemalloc": "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
    "tcmalloc": "/usr/lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4",
    "mimalloc": "/usr/lib/x86_64-linux-gnu/libmimalloc.so.2",
}


def run(arguments, pattern, preload=None):
    """{case: [nanoseconds of each repetition]}"""
    environment = dict(os.environ, **({"LD_PRELOAD": preload} if preload else {}))
    command = [BUILD / "bench" / "pools_bench", f"--benchmark_filter={pattern}", f"--benchmark_min_time={arguments.seconds}",
               f"--benchmark_repetitions={arguments.repeats}", "--benchmark_format=json"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=600)
    cases = {}
    for one in json.loads(result.stdout)["benchmarks"]:
        if one["run_type"] == "iteration":
            name = one["name"].replace("/process_time", "").replace("/real_time", "")
            cases.setdefault(name, []).append(one["cpu_time"])
    return cases


def measure(arguments):
    cases = run(arguments, "-/malloc/")
    for allocator, library in ALLOCATORS.items():
        if library and not os.path.exists(library):
            continue
        for name, times in run(arguments, "/malloc/", library).items():
            cases[name.replace("malloc", f"malloc_{allocator}")] = times
    return cases


def baseline(name, medians):
    """The best malloc of the same load and number of threads."""
    load, _, rest = name.split("/", 2) if name.count("/") == 2 else (*name.split("/"), "threads:1")
    return min((ns for other, ns in medians.items() if other.startswith(f"{load}/malloc_") and other.endswith(rest)), default=None)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.1, help="least duration of one repetition")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"WARNING: the load average is {load:.1f}: figures are worse than on an idle machine")
    cases = measure(arguments)
    medians = {name: statistics.median(times) for name, times in cases.items()}
    print(f"{'case':42} {'ns per pair':>12} {'spread':>8} {'vs best malloc':>15}")
    for name, times in cases.items():
        quartiles = statistics.quantiles(times, n=4) if len(times) > 1 else [times[0]] * 3
        best = baseline(name, medians)
        ratio = f"{medians[name] / best:.2f}x" if best else "-"
        print(f"{name:42} {medians[name]:12.2f} {(quartiles[2] - quartiles[0]) / 2:8.2f} {ratio:>15}")
    raw = ROOT / "build" / "bench" / "pools.json"
    raw.parent.mkdir(parents=True, exist_ok=True)
    raw.write_text(json.dumps({"load": load, "ns": cases}, indent=1), encoding="utf-8")
    print(f"raw: {raw}")


if __name__ == "__main__":
    main()
