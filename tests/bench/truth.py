#!/usr/bin/env python3
"""Estimates of poolscope beside the truth, for programs under loads whose rate is steady, bursty, in phase with our strata, or switching.

Each case is one process, watched by `poolscope attach` for --seconds at the default budget, while tests/truth/event_recorder.c
writes down every call of its malloc family. The truth is counted from that file: the same process, the same time. The recorder changes what
is observed in one way that truth and estimate share: each event takes some nanoseconds longer (printed); poolscope finds the same
allocators and takes the same traps as without it. The last column is what that comes to, of the CPU time of the process.

Half-width is that of the interval, over the value. A case passes when the truth lies inside the interval and the half-width is at most 15 %; of
quantiles of sizes the interval is that of their buckets. Raw data: build/bench/truth.json.
"""

import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("POOLSCOPE_BUILD_DIR", ROOT / "build" / "release"))
os.environ["POOLSCOPE_BUILD_DIR"] = str(BUILD)
sys.path.insert(0, str(ROOT / "tests" / "integration"))
sys.path.insert(0, str(ROOT / "tests" / "truth"))
import harness  # noqa: E402: found through the path above
from harness import TARGETS, cpu_seconds  # noqa: E402: found through the path above
from truth_loads import PROGRAMS, SHAPES, Driver  # noqa: E402: found through the path above

TRUTH_OF = BUILD / "bench" / "truth_of"
EVENT_FILE_BYTES = 4 << 30
WARM_UP_SECONDS = 2
AFTER_SECONDS = 0.1  # so long lives are followed after the range
MOST_HALF_WIDTH = 0.15

# name of the truth: (words, where the estimate is)
FIGURES = {
    "per_second": ("allocations/s", lambda a: a.get("per_second")),
    "bytes_per_second": ("bytes/s", lambda a: a.get("bytes_per_second")),
    "frees_per_second": ("frees/s", lambda a: a.get("frees_per_second")),
    "p50": ("p50 size", lambda a: quantile(a, "p50")),
    "p95": ("p95 size", lambda a: quantile(a, "p95")),
    "p99": ("p99 size", lambda a: quantile(a, "p99")),
    "below_1ms": ("F(1 ms)", lambda a: a.get("lifetime_seconds", {}).get("below", {}).get("0.001")),
    "below_10ms": ("F(10 ms)", lambda a: a.get("lifetime_seconds", {}).get("below", {}).get("0.01")),
    "churn_ratio": ("churn", lambda a: a.get("churn_ratio") if a.get("churn_age_seconds") == 0.01 else None),
}


def quantile(allocations, name):
    sizes = allocations.get("size_bytes")
    if not sizes:
        return None
    return {"value": sizes[name], **sizes.get(f"{name}_limits", {})}


def observe(program, shape, options):
    """The report's target, the truth of the same time, and the load's rate."""
    start, per_second = PROGRAMS[program]
    with tempfile.TemporaryDirectory(prefix="poolscope-truth.", dir="/dev/shm", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o777)
        prefix = pathlib.Path(folder) / "events"
        environment = {**os.environ, "LD_PRELOAD": str(TARGETS / "event_recorder.so"), "POOLSCOPE_EVENT_FILE": str(prefix),
                       "POOLSCOPE_EVENT_BYTES": str(EVENT_FILE_BYTES)}
        with start(environment) as observed, Driver(observed.send, per_second * options.rate, shape) as driver:
            time.sleep(WARM_UP_SECONDS)
            found, (begin_ns, end_ns), cpu_ratio = watch(observed.pid, options.seconds)
            time.sleep(AFTER_SECONDS)
            truth = json.loads(subprocess.run([str(TRUTH_OF), str(begin_ns), str(end_ns), f"{prefix}.{observed.pid}"], check=True,
                                              capture_output=True, text=True).stdout)
        if truth["dropped_events"]:
            sys.exit(f"{program}: the event file was too small, {truth['dropped_events']} events are missing")
        truth["cpu_ratio"] = cpu_ratio
        truth["recorder_cpu_ratio"] = truth["events"] * truth["recorder_ns_per_event"] / (end_ns - begin_ns) / max(cpu_ratio, 1e-9)
        return found, truth, driver.requests


def watch(pid, seconds):
    """The report, the time it is about (it ends when the watching ends), and the CPU time per second of the process."""
    cpu = cpu_seconds(pid)
    with subprocess.Popen([str(harness.POOLSCOPE), "attach", f"pid:{pid}", "--for", f"{seconds}s", "--json"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        text, errors = process.communicate(timeout=seconds + 60)
    end_ns = time.monotonic_ns()
    if process.returncode != 0:
        sys.exit(f"poolscope attach ended with {process.returncode}: {errors}")
    found = harness.only_target(json.loads(text))
    begin_ns = end_ns - int(found["cost"]["observed_seconds"] * 1e9)
    return found, (begin_ns, end_ns), (cpu_seconds(pid) - cpu) / ((end_ns - begin_ns) * 1e-9)


def compare(figure, found, truth):
    """One line of the table, as numbers."""
    words, pick = FIGURES[figure]
    estimate = pick(found["allocations"])
    line = {"figure": figure, "words": words, "truth": truth[figure]}
    if estimate is None:
        return {**line, "outcome": "absent"}
    line.update(estimate)
    if "low" not in estimate or "high" not in estimate:
        return {**line, "outcome": "no interval"}
    line["half_width"] = (estimate["high"] - estimate["low"]) / 2 / estimate["value"] if estimate["value"] else 0.0
    inside = estimate["low"] <= truth[figure] <= estimate["high"]
    line["outcome"] = "ok" if inside and line["half_width"] <= MOST_HALF_WIDTH else "wide" if inside else "OUTSIDE"
    return line


def number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.4g}"


HEADING = (f"  {'figure':<16}{'truth':>14}{'estimate':>14}{'low':>14}{'high':>14}{'off by':>9}{'half-width':>12}  outcome")


def print_case(program, shape, lines, found, truth, requests):
    bursts = found["cost"]["bursts"].get("taken", 0)
    print(f"\n{program}, {shape} load: {requests:,} requests, {truth['cpu_ratio']:.0%} of a CPU, {bursts} bursts in "
          f"{found['cost']['observed_seconds']:.0f} s, charged {found['cost'].get('charged_cpu_ratio', 0):.2%}, recorder "
          f"{truth['recorder_ns_per_event']:.0f} ns per event, {truth['recorder_cpu_ratio']:.1%}\n{HEADING}")
    for line in lines:
        off = f"{line['value'] / line['truth'] - 1:+.1%}" if line.get("value") is not None and line["truth"] else ""
        half = f"{line['half_width']:.1%}" if "half_width" in line else ""
        print(f"  {line['words']:<16}{number(line['truth']):>14}{number(line.get('value')):>14}{number(line.get('low')):>14}"
              f"{number(line.get('high')):>14}{off:>9}{half:>12}  {line['outcome']}", flush=True)


def summary(cases):
    print(f"\n  {'figure':<16}{'cases':>7}{'truth inside':>14}{'and half-width <= 15 %':>24}{'no interval':>13}{'absent':>8}")
    for figure, (words, _) in FIGURES.items():
        outcomes = [line["outcome"] for case in cases for line in case["lines"] if line["figure"] == figure]
        known = [o for o in outcomes if o in ("ok", "wide", "OUTSIDE")]
        print(f"  {words:<16}{len(outcomes):>7}{len(known) - known.count('OUTSIDE'):>14}{known.count('ok'):>24}"
              f"{outcomes.count('no interval'):>13}{outcomes.count('absent'):>8}")


def names(text, known):
    chosen = text.split(",") if text else list(known)
    for name in chosen:
        if name not in known:
            sys.exit(f"truth: no {name}; there are {', '.join(known)}")
    return chosen


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="how long each case is observed")
    parser.add_argument("--programs", help="some of " + ",".join(PROGRAMS))
    parser.add_argument("--loads", help="some of " + ",".join(SHAPES))
    parser.add_argument("--rate", type=float, default=1, help="factor on the requests per second of all programs")
    parser.add_argument("--quick", action="store_true", help="redis under steady load for 15 s")
    options = parser.parse_args()
    if options.quick:
        options.programs, options.loads, options.seconds = "redis", "steady", 15
    if reason := harness.why_no_bpf():
        sys.exit(f"truth: {reason}")
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    print(f"./dev bench truth   commit {commit}   {os.cpu_count()} cpus   kernel {os.uname().release}   {options.seconds:g} s per case")
    cases = []
    with contextlib.suppress(KeyboardInterrupt):
        for program in names(options.programs, PROGRAMS):
            for shape in names(options.loads, SHAPES):
                found, truth, requests = observe(program, shape, options)
                lines = [compare(figure, found, truth) for figure in FIGURES]
                print_case(program, shape, lines, found, truth, requests)
                cases.append({"program": program, "load": shape, "lines": lines, "truth": truth, "cost": found["cost"]})
    summary(cases)
    raw = ROOT / "build" / "bench"
    raw.mkdir(parents=True, exist_ok=True)
    (raw / "truth.json").write_text(json.dumps({"commit": commit, "seconds": options.seconds, "cases": cases}, indent=1))
    print(f"\nraw: {raw / 'truth.json'}")


if __name__ == "__main__":
    main()
