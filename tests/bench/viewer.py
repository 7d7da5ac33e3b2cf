#!/usr/bin/env python3
"""What the viewer takes: CPU time of a frame, CPU time while nothing happens, and how long an hour of recording takes to open.

Frames are those of tests/bench/viewer_frames.cc: 100 targets of 200 pools, 10 000 call sites, an hour of history; layout and draw lists, without the
driver that fills pixels. The window is a real one under Xvfb. Opening is told from the start of the program: until the report of all of it
is shown, and until the time line is complete; less what an empty window takes. Raw data: build/bench/viewer.json.
"""

import argparse
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
import viewer  # noqa: E402: found through the path above

KINDS = ("new data", "as it was", "scrubbing")
MOST_FRAME_MS = 8
IDLE_SECONDS = 10
MOST_OPEN_SECONDS = 1


def p99(values):
    return sorted(values)[round(0.99 * (len(values) - 1))]


def frames():
    """One row per view, milliseconds of CPU time of each frame by kind."""
    rows = json.loads(subprocess.run([BUILD / "bench" / "viewer_frames"], check=True, capture_output=True, text=True).stdout)
    print(f"\n  {'CPU ms of a frame':<20}" + "".join(f"{kind:>22}" for kind in KINDS) + f"\n  {'':<20}" + f"{'median':>12}{'p99':>10}" * len(KINDS))
    for row in rows:
        print(f"  {row['view']:<20}" + "".join(f"{statistics.median(row[kind]):>12.2f}{p99(row[kind]):>10.2f}" for kind in KINDS))
    return rows


def idle_cpu_ratio(screen, folder, report):
    with viewer.started(screen, folder, report) as window:
        def has_settled():
            before = harness.cpu_seconds(window.pid)
            time.sleep(1)
            return harness.cpu_seconds(window.pid) == before > 0
        harness.wait_for(has_settled, 30, "the window to be drawn")
        before = harness.cpu_seconds(window.pid)
        time.sleep(IDLE_SECONDS)
        return (harness.cpu_seconds(window.pid) - before) / IDLE_SECONDS


def seconds_of_script(screen, folder, script, repeats, *source):
    taken = []
    for _ in range(repeats):
        begin = time.monotonic()
        result = viewer.run(screen, folder, *source, script=script)
        taken.append(time.monotonic() - begin)
        if result.returncode != 0:
            sys.exit(f"viewer: {result.stderr}")
    return statistics.median(taken)


def window(repeats):
    """Idle CPU as a share of a core, and the seconds in which an hour of recording opens."""
    with viewer.display() as screen, harness.temporary_folder() as folder:
        recording, report = folder / "hour.poolscope", folder / "report.json"
        subprocess.run([BUILD / "bench" / "simulated_recording", recording, "1"], check=True)
        report.write_text(harness.poolscope("report", recording, "--json").stdout)
        empty = seconds_of_script(screen, folder, "wait connect.address\n", repeats)
        shown = seconds_of_script(screen, folder, "wait overview.headline\n", repeats, recording)
        complete = seconds_of_script(screen, folder, "timeout 60\nwait connect.status recording\n", repeats, recording)
        return {"idle_cpu_ratio": idle_cpu_ratio(screen, folder, report), "shown_seconds": shown - empty,
                "complete_seconds": complete - empty, "empty_seconds": empty}


def verdict(is_met, text):
    print(f"  {'met   ' if is_met else 'MISSED'}  {text}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    print(f"./dev bench viewer   commit {commit}   {os.cpu_count()} cpus   {options.repeats} repeats")
    if os.getloadavg()[0] > 0.5 * os.cpu_count():
        print(f"WARNING: the machine is busy (load {os.getloadavg()[0]:.1f}), do not compare these numbers")
    rows = frames()
    found = window(options.repeats)
    slowest = max(rows, key=lambda row: max(p99(row[kind]) for kind in KINDS))
    worst = max(p99(slowest[kind]) for kind in KINDS)
    print()
    verdict(worst <= MOST_FRAME_MS, f"{worst:.1f} ms of CPU time in the slowest frame (p99, {slowest['view']}), {MOST_FRAME_MS} ms at most")
    verdict(found["idle_cpu_ratio"] == 0, f"{found['idle_cpu_ratio']:.2%} of a core while nothing happens for {IDLE_SECONDS} s, 0 at most")
    verdict(found["shown_seconds"] <= MOST_OPEN_SECONDS,
            f"an hour of recording is shown after {found['shown_seconds']:.2f} s, {MOST_OPEN_SECONDS} s at most; its time line is complete after "
            f"{found['complete_seconds']:.2f} s (an empty window: {found['empty_seconds']:.2f} s)")
    raw = ROOT / "build" / "bench"
    raw.mkdir(parents=True, exist_ok=True)
    (raw / "viewer.json").write_text(json.dumps({"commit": commit, "frames": rows, **found}))
    print(f"\nraw: {raw / 'viewer.json'}")


if __name__ == "__main__":
    main()
