#!/usr/bin/env python3
"""How long a recording takes to open: a report of all of it, and of its last five minutes, of simulated recordings of one hour and of ten.

One target under a steady load, a burst each three seconds. Times are those of `poolscope report`, start of the program included: medians.
Raw data: build/bench/recording.json.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("POOLSCOPE_BUILD_DIR", ROOT / "build" / "release"))
HOURS = (1, 10)
RANGES = {"all": (), "last 5 min": ("--from", "-5m")}
GOAL_SECONDS = 1  # for all of an hour: a viewer opens it


def seconds_of_report(path, options, repeats):
    """Of each run; the report must hold the target."""
    taken = []
    for _ in range(repeats):
        begin = time.monotonic()
        result = subprocess.run([BUILD / "bin" / "poolscope", "report", path, "--json", *options], capture_output=True, text=True, check=True)
        taken.append(time.monotonic() - begin)
        if json.loads(result.stdout)["targets"][0]["name"] != "service":
            sys.exit("the report is of something else")
    return taken


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    print(f"./dev bench recording   commit {commit}   {os.cpu_count()} cpus   {options.repeats} repeats")
    if os.getloadavg()[0] > 0.5 * os.cpu_count():
        print(f"WARNING: the machine is busy (load {os.getloadavg()[0]:.1f}), do not compare these numbers")
    print(f"\n  {'recording':<12}{'KiB':>8}{'report of':>14}{'seconds':>10}")
    rows = []
    with tempfile.TemporaryDirectory(prefix="poolscope-bench.") as folder:
        for hours in HOURS:
            path = pathlib.Path(folder) / f"{hours}h.poolscope"
            subprocess.run([BUILD / "bench" / "simulated_recording", path, str(hours)], check=True)
            for name, span in RANGES.items():
                taken = seconds_of_report(path, span, options.repeats)
                rows.append({"hours": hours, "bytes": path.stat().st_size, "range": name, "seconds": taken})
                print(f"  {f'{hours} h':<12}{path.stat().st_size >> 10:>8}{name:>14}{statistics.median(taken):>10.3f}")
    hour = statistics.median(rows[0]["seconds"])
    print(f"\n  {'met   ' if hour <= GOAL_SECONDS else 'MISSED'}  an hour opens in {hour:.2f} s, {GOAL_SECONDS} s at most")
    raw = ROOT / "build" / "bench"
    raw.mkdir(parents=True, exist_ok=True)
    (raw / "recording.json").write_text(json.dumps({"commit": commit, "rows": rows}))
    print(f"\nraw: {raw / 'recording.json'}")


if __name__ == "__main__":
    main()
