#!/usr/bin/env python3
"""How well estimates do when the same stretch of a program is observed a thousand times, each time at other random moments.

Real programs are recorded under a steady load (tests/truth/event_recorder.c: every call of the malloc family); other streams are made up. The
sampling design is replayed on each by a simulated kernel: bursts planned by agent/budget, slowed by what probes take, at a price that is 20 % off
(one standard deviation), and the records go through agent/estimate as a live agent's do. Printed per stream and figure: bias (mean of the estimates over
the truth, of shares minus the truth), coverage (how often the 95 % interval holds the truth) and the median half-width.

Goals: bias below 2 % (quantiles of sizes: the 12.5 % of a bucket), coverage 94-97 % in the mean, no stationary stream below 90 %.
Cells with fewer than half of the replays giving an interval are marked and left out of the mean. Raw data: build/bench/truth_simulation.json.
"""

import argparse
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
from truth_loads import PROGRAMS, Driver  # noqa: E402: found through the path above

MADE = ["made:steady", "made:steady:calls", "made:switching", "made:periodic", "made:periodic:calls", "made:bursty", "made:bursty:calls",
        "made:saturated"]
NOT_STATIONARY = ("switching", "periodic", "bursty")
MOST_BIAS, BUCKET = 0.02, 0.125
LEAST_COVERAGE, MEAN_COVERAGE = 0.90, (0.94, 0.97)
WARM_UP_SECONDS = 1


def record(program, seconds, folder):
    """The file of a program's events under a steady load; nothing when the program is not installed."""
    start, per_second = PROGRAMS[program]
    prefix = pathlib.Path(folder) / program
    environment = {**os.environ, "LD_PRELOAD": str(BUILD / "targets" / "event_recorder.so"), "POOLSCOPE_EVENT_FILE": str(prefix),
                   "POOLSCOPE_EVENT_BYTES": str(4 << 30)}
    with start(environment) as observed, Driver(observed.send, per_second, "steady"):
        time.sleep(WARM_UP_SECONDS + seconds)
        return f"{prefix}.{observed.pid}"


def simulate(stream, options):
    command = [BUILD / "bench" / "simulate", "--replays", str(options.replays), "--skip-seconds",
               "0" if stream.startswith("made:") else str(WARM_UP_SECONDS), stream]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def judge(name, cell, replays):
    """What is said of a cell: nothing, or the goal that it misses."""
    if cell["intervals"] < replays / 2:
        return f"{cell['intervals']} intervals"
    missed = []
    most_bias = MOST_BIAS + (BUCKET if cell["figure"].endswith("size") else 0)
    if abs(cell["bias"]) > most_bias:
        missed.append("BIAS")
    if cell["coverage"] < LEAST_COVERAGE:
        missed.append("coverage" if name.startswith("made:") and any(load in name for load in NOT_STATIONARY) else "COVERAGE")
    return " ".join(missed)


def print_stream(name, result, replays):
    print(f"\n{name}: {result['events']:,} events in {result['seconds']:.0f} s\n"
          f"  {'figure':<16}{'truth':>14}{'bias':>9}{'coverage':>10}{'half-width':>12}", flush=True)
    for cell in result["cells"]:
        cell["remark"] = judge(name, cell, replays)
        print(f"  {cell['figure']:<16}{cell['truth']:>14,.4g}{cell['bias']:>+9.1%}{cell['coverage']:>10.1%}{cell['half_width']:>12.1%}"
              f"  {cell['remark']}", flush=True)


def summary(results, replays):
    cells = [cell for result in results.values() for cell in result["cells"] if cell["intervals"] >= replays / 2]
    if not cells:
        return
    mean = sum(cell["coverage"] for cell in cells) / len(cells)
    low, high = MEAN_COVERAGE
    biased = sum("BIAS" in cell["remark"] for cell in cells)
    uncovered = sum("COVERAGE" in cell["remark"] for cell in cells)
    print(f"\n{len(cells)} cells with intervals: mean coverage {mean:.1%} (goal {low:.0%}-{high:.0%}), {biased} with a bias above 2 %, "
          f"{uncovered} stationary ones below 90 %")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replays", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=30, help="how long programs are recorded")
    parser.add_argument("--programs", help="some of " + ",".join(PROGRAMS) + "; none: made streams only")
    parser.add_argument("--quick", action="store_true", help="20 replays of one made stream")
    options = parser.parse_args()
    if options.quick:
        options.replays, options.programs = 20, ""
    programs = list(PROGRAMS) if options.programs is None else [name for name in options.programs.split(",") if name]
    if unknown := [name for name in programs if name not in PROGRAMS]:
        sys.exit(f"truth_simulation: no {unknown[0]}; there are {', '.join(PROGRAMS)}")
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    print(f"./dev bench truth_simulation   commit {commit}   {options.replays} replays")
    results = {}
    for name in MADE[:1] if options.quick else MADE:
        results[name] = simulate(name, options)
        print_stream(name, results[name], options.replays)
    with tempfile.TemporaryDirectory(prefix="poolscope-streams.", dir="/dev/shm", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o777)
        for program in programs:
            path = record(program, options.seconds, folder)
            results[program] = simulate(path, options)
            print_stream(program, results[program], options.replays)
            os.unlink(path)
    summary(results, options.replays)
    raw = ROOT / "build" / "bench"
    raw.mkdir(parents=True, exist_ok=True)
    (raw / "truth_simulation.json").write_text(json.dumps({"commit": commit, "replays": options.replays, "streams": results}, indent=1))
    print(f"\nraw: {raw / 'truth_simulation.json'}")


if __name__ == "__main__":
    main()
