#!/usr/bin/env python3
"""Advice that is followed: what it saves, beside what it promised.

poolscope watches each program and one piece of its advice is followed, by the option that sets just that limit or in the way the program does its work. Then the
program runs as it was and as advised, in turns, and tells how often it did its work; CPU time is that of the whole process, as the kernel counts it.
Realised: 1 - CPU time per operation as advised / as it was, the median of the turns with its range. Raw data: build/bench/advice_applied.json.
"""

import argparse
import contextlib
import json
import os
import pathlib
import resource
import signal
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("POOLSCOPE_BUILD_DIR", ROOT / "build" / "release"))
os.environ["POOLSCOPE_BUILD_DIR"] = str(BUILD)
sys.path.insert(0, str(ROOT / "tests" / "integration"))
import harness  # noqa: E402: found through the path above

# Name -> words that start it, the advice that is followed, words that start it as advised, what it tells its operations by.
PROGRAMS = {
    "C++, a pool that keeps too few": {
        "words": ["batch_service", "--max-idle", 4], "kind": "max_idle_buffers", "subject": "batch.blocks",
        "advised": lambda value: ["batch_service", "--max-idle", value], "operations": "gets"},
    "C++, a pool of buffers too small": {
        "words": ["batch_service", "--max-idle", 4, "--buffer-bytes", 1024, "--pieces", 64], "kind": "buffer_bytes", "subject": "batch.blocks",
        "advised": lambda value: ["batch_service", "--max-idle", 4, "--buffer-bytes", value, "--pieces", 64], "operations": "gets"},
    "C++, JSON in a new buffer each time": {
        "words": ["case_json_buffer", "--serve", "fresh"], "kind": "reserve",
        "advised": lambda value: ["case_json_buffer", "--serve", "fresh", value], "operations": "operations"},
    "Go, JSON in a new slice each time": {
        "words": ["case_studies_go", "json_buffer", "--serve", "fresh"], "kind": "reserve", "subject": "main.answerFresh|main.appendRow",
        "advised": lambda value: ["case_studies_go", "json_buffer", "--serve", "fresh", value], "operations": "operations"},
    "Go, slices of bytes that append makes grow": {
        "words": ["go_growth", "-round-time", "50us"], "kind": "reserve", "subject": "main.growBytes",
        "advised": lambda value: ["go_growth", "-round-time", "50us", "-first-bytes", value], "operations": "operations"},
}


@contextlib.contextmanager
def running(words):
    """Works until SIGTERM, or until its input ends."""
    process = subprocess.Popen([str(harness.TARGETS / words[0]), *map(str, words[1:])], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def look(words, seconds):
    """What poolscope says of the program."""
    with harness.temporary_folder() as folder, running(words) as process:
        report = folder / "report.json"
        harness.poolscope("attach", f"pid:{process.pid}", "--for", f"{seconds}s", "-o", report, seconds=seconds + 45)
        return json.loads(report.read_text())["targets"][0]


def chosen(found, program):
    """The advice to follow: of its kind and subject, what saves most; None when there is none."""
    subjects = program.get("subject", "").split("|")
    fitting = [advice for advice in found.get("advice", []) if advice["kind"] == program["kind"] and "recommended" in advice
               and (subjects == [""] or advice["subject"] in subjects)]
    return max(fitting, key=lambda advice: advice["expected"]["saved_cpu_ratio"]["value"], default=None)


def cpu_ns_per_operation(program, words, seconds):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with running(words) as process:
        time.sleep(seconds)  # that is how long it works
        if words[0] != "batch_service":
            process.send_signal(signal.SIGTERM)
        told, _ = process.communicate(timeout=20)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_seconds = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    return 1e9 * cpu_seconds / json.loads(told)[program["operations"]]


def realised(program, value, options):
    turns = []
    for _ in range(options.turns):
        as_it_was, as_advised = (cpu_ns_per_operation(program, words, options.seconds)
                                 for words in (program["words"], program["advised"](value)))
        turns.append(1 - as_advised / as_it_was)
    return {"median": statistics.median(turns), "least": min(turns), "most": max(turns)}


def try_program(name, program, options):
    found = look(program["words"], options.watch)
    advice = chosen(found, program)
    if advice is None:
        said = ", ".join(sorted({f"{one['kind']} of {one['subject']}" for one in found.get("advice", [])})) or "nothing"
        print(f"  NO  {name}: no advice of kind {program['kind']}; said was {said}")
        return {"program": name, "said": found.get("advice", []), "is_inside": False}
    predicted, got = advice["expected"]["saved_cpu_ratio"], realised(program, advice["recommended"], options)
    is_inside = predicted["low"] <= got["median"] <= predicted["high"]
    print(f"  {'ok' if is_inside else 'NO'}  {name}: {advice['kind']} {advice.get('current', '-')} -> {advice['recommended']}: predicted "
          f"{predicted['value']:.1%} ({predicted['low']:.1%} to {predicted['high']:.1%}), realised {got['median']:.1%} "
          f"({got['least']:.1%} to {got['most']:.1%})", flush=True)
    return {"program": name, "advice": advice, "realised": got, "is_inside": is_inside}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--watch", type=int, default=60, help="seconds that poolscope looks at each program (default %(default)s)")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3, help="of one run (default %(default)s)")
    options = parser.parse_args()
    if why := harness.why_no_bpf():
        sys.exit(f"cannot be measured here: {why}")
    print(f"./dev bench advice_applied   {os.cpu_count()} cpus   load {os.getloadavg()[0]:.1f}   {options.turns} turns\n")
    results = [try_program(name, program, options) for name, program in PROGRAMS.items()]
    target = ROOT / "build" / "bench" / "advice_applied.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(results, indent=1) + "\n")
    print(f"\nraw: {target}")
    sys.exit(0 if all(result["is_inside"] for result in results) else 1)


if __name__ == "__main__":
    main()
