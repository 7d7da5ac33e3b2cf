#!/usr/bin/env python3
"""What others reported of their pools, beside the same kinds of work here: tests/case_studies.

Every row of a report is a ratio of what an operation cost without a pool and with one, like with like: time with time, bytes with bytes,
allocations with allocations. Here both are measured in one process that takes turns between them; medians over the rounds, with half the range
between the quartiles of the ratio as spread. Bytes and allocations are counted exactly, in a run of their own (C++: a preloaded counter, where a realloc
counts as an allocation of its new size; Go: what the runtime counts). Where the report improved and we are not as good, the reason stands in the
next line. Then what poolscope says that watched the same program as a service. Raw data: build/bench/case_studies.json.
"""

import argparse
import json
import math
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("POOLSCOPE_BUILD_DIR", ROOT / "build" / "release"))
os.environ["POOLSCOPE_BUILD_DIR"] = str(BUILD)
STUDIES = ROOT / "tests" / "case_studies"
sys.path.insert(0, str(ROOT / "tests" / "integration"))
import harness  # noqa: E402: found through the path above
import preload_counts  # noqa: E402: found through the path above

QUANTITIES = {"ns": "ns", "bytes": "bytes", "allocations": "allocations", "figure": ""}
PROGRAMS = {"cpp": "C++", "go": "Go", "python": "Python"}
SIDES = ("baseline", "pooled")
# Reports round to three digits.
ROUNDING = 0.01
# What a ratio needs to be called an improvement.
IMPROVED = 1.02
# As good within the spread.
CLOSE = "close"
GO_LINE = re.compile(r"Benchmark(?P<row>\S+)/(?P<side>baseline|pooled)-?\d*\s+\d+\s+(?P<values>.*)")


# ---- measuring -----------------------------------------------------------------------------------------------------------


def output_of(command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, timeout=1800, **options)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def measure_cpp(study, options):
    """ROW -> SIDE -> quantity -> values; figures are rows, too."""
    program = harness.TARGETS / f"case_{study}"
    measured = json.loads(output_of([program, "--measure", options.seconds, options.rounds]))
    with tempfile.TemporaryDirectory(prefix="poolscope-bench.") as folder:
        environment = preload_counts.environment(harness.TARGETS / "counter_preload.so", pathlib.Path(folder) / "counts")
        counted = json.loads(output_of([program, "--count"], env=environment))
    rows = {name: {side: dict(values) for side, values in sides.items()} for name, sides in (measured["rows"] or {}).items()}
    for name, sides in (counted["rows"] or {}).items():
        for side, values in sides.items():
            rows[name][side] |= {quantity: [value] for quantity, value in values.items()}
    for name, sides in measured["figures"].items():
        rows[name] = {side: {"figure": [value]} for side, value in sides.items()}
    return rows


def measure_go(study, options):
    """The lines of `go test -bench`, which tests/case_studies/go prints in its rounds."""
    units = {"ns/op": "ns", "B/op": "bytes", "allocs/op": "allocations"}
    rows = {}
    text = output_of([harness.TARGETS / "case_studies_go", study, "--bench", options.seconds, options.rounds])
    for found in map(GO_LINE.fullmatch, text.splitlines()):
        if found is None:
            continue
        side = rows.setdefault(found["row"], {}).setdefault(found["side"], {})
        words = found["values"].split()
        for value, unit in zip(words[::2], words[1::2]):
            side.setdefault(units.get(unit, unit), []).append(float(value))
    return rows


SERVE = {"cpp": lambda study: [harness.TARGETS / f"case_{study}", "--serve"],
         "go": lambda study: [harness.TARGETS / "case_studies_go", study, "--serve"],
         "python": lambda study: [sys.executable, python_of(study), "--serve"]}


def watch(study, program, seconds, report, *words):
    """The target as poolscope sees it that watches the program as a service."""
    with harness.running([*SERVE[program](study), *words]) as service:
        harness.poolscope("attach", f"pid:{service.pid}", "--for", f"{seconds}s", "-o", report, seconds=seconds + 45)
    return json.loads(report.read_text())["targets"][0]


def found_at(path, report):
    """None where poolscope does not tell it."""
    for key in path.split("."):
        report = (report or {}).get(key)
    return report


def add_watched(measured, name, rows, seconds):
    """Rows with `watched`, a path into the report of poolscope: of the service without its pools and with them. Gives back those that it tells nothing of."""
    with harness.temporary_folder() as folder:
        for program in measured:
            wanted = [row for row in rows if row.get("watched", {}).get(program)]
            for side, word in zip(SIDES, ("heap", "pool")) if wanted else ():
                report = watch(name, program, seconds, folder / "report.json", word)
                for row in wanted:
                    value = found_at(row["watched"][program], report)
                    if value is not None:
                        measured[program].setdefault(row["name"], {})[side] = {"figure": [value * row.get("times", 1)]}
    return [row for row in rows if "watched" in row and not any(row["name"] in found for found in measured.values())]


def has_go(study):
    return (STUDIES / "go" / f"{study}.go").exists()


def python_of(study):
    return STUDIES / study / f"{study}.py"


def measure_python(study, options):
    measured = json.loads(output_of([sys.executable, python_of(study), "--measure", options.seconds, options.rounds]))
    return measured["rows"] | {name: {side: {"figure": [value]} for side, value in sides.items()}
                               for name, sides in measured["figures"].items()}


def measure(study, options):
    measured = {"cpp": measure_cpp(study, options)}
    if has_go(study):
        measured["go"] = measure_go(study, options)
    if python_of(study).exists():
        measured["python"] = measure_python(study, options)
    return measured


# ---- comparing -----------------------------------------------------------------------------------------------------------


def ratio(one, other):
    """1 when neither costs anything, without end when only `one` does."""
    if other == 0:
        return 1.0 if one == 0 else math.inf
    return one / other


def spread(values):
    if len(values) < 3:
        return 0.0
    quartiles = statistics.quantiles(values, n=4)
    return (quartiles[2] - quartiles[0]) / 2


def compared(rows, row, quantity):
    """{"baseline", "pooled", "ratio", "spread"} of what was measured, as far as it was and the report has both."""
    sides = rows.get(row["name"], {})
    wanted = SIDES if isinstance(row[quantity], list) else SIDES[1:]
    values = {side: sides[side][quantity] for side in wanted if quantity in sides.get(side, {})}
    found = {side: statistics.median(of_side) for side, of_side in values.items()}
    if len(found) == 2:
        found["ratio"] = ratio(found["baseline"], found["pooled"])
        found["spread"] = spread([ratio(*both) for both in zip(values["baseline"], values["pooled"])])
    elif "per" in row and found:
        found["ratio"] = ratio(found["pooled"], statistics.median(rows[row["per"]]["pooled"][quantity]))
    return found


def single(value):
    return value[1] if isinstance(value, list) else value


def reported(row, quantity, rows):
    value = row[quantity]
    if value == []:
        return {}
    if isinstance(value, list):
        return {"baseline": value[0], "pooled": value[1], "ratio": ratio(*value)}
    found = {"pooled": value}
    if "per" in row:
        of_other = next(other[quantity] for other in rows if other["name"] == row["per"] and quantity in other)
        found["ratio"] = ratio(value, single(of_other))
    return found


def judge(row, theirs, ours):
    """True, False, or CLOSE; None where there is nothing to be as good as."""
    if "pooled" in ours and "at_least" in row:
        return ours["pooled"] >= row["at_least"]
    if "pooled" in ours and "at_most" in row:
        return ours["pooled"] <= row["at_most"]
    improved = len(set(SIDES) & set(theirs)) == 2 and theirs["ratio"] >= IMPROVED
    if not improved or "ratio" not in ours:
        return None
    wanted = theirs["ratio"] * (1 - ROUNDING)
    if ours["ratio"] < wanted <= ours["ratio"] + ours["spread"]:
        return CLOSE
    return ours["ratio"] >= wanted


def reason(row, program, quantity):
    why = row.get("why", {})
    return why.get(f"{program}_{quantity}") or why.get(program) or why.get("all")


def compare(study, measured):
    """One line per row and quantity of the report."""
    lines = []
    for row in study["rows"]:
        for quantity in filter(row.__contains__, QUANTITIES):
            line = {"row": row["name"], "label": row["label"], "quantity": row.get("unit", QUANTITIES[quantity]),
                    "reported": reported(row, quantity, study["rows"])}
            for program, rows in measured.items():
                ours = compared(rows, row, quantity)
                good = judge(row, line["reported"], ours)
                why = reason(row, program, quantity)
                line[program] = ours | {"as_good": good, "reason": why if good is False or not ours else None}
            lines.append(line)
    return lines


# ---- telling -------------------------------------------------------------------------------------------------------------


def number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def cell(figures):
    if not figures or not set(SIDES) & set(figures):
        return "-"
    both = " → ".join(number(figures[side]) for side in SIDES if side in figures)
    if "ratio" not in figures:
        return both
    times = "∞" if math.isinf(figures["ratio"]) else f"{figures['ratio']:.2f}" if figures["ratio"] >= 0.1 else f"{figures['ratio']:.2g}"
    margin = f" ±{figures['spread']:.2f}" if figures.get("spread", 0) >= 0.005 and not math.isinf(figures["spread"]) else ""
    return f"{both}  {times}x{margin}"


def mark(figures):
    return {None: " ", True: "+", CLOSE: "~", False: "!"}[figures.get("as_good")]


def print_study(name, study, lines, programs):
    print(f"\n{name}: {study['what']}\n")
    widths = {"label": max(len(line["label"]) for line in lines), "quantity": 12, "reported": 28, "program": 34}
    print(f"  {'':{widths['label']}} {'':{widths['quantity']}} {'reported':{widths['reported']}} "
          + " ".join(f"  {PROGRAMS[program]:{widths['program']}}" for program in programs))
    last = None
    for line in lines:
        label = line["label"] if line["label"] != last else ""
        last = line["label"]
        print(f"  {label:{widths['label']}} {line['quantity']:{widths['quantity']}} {cell(line['reported']):{widths['reported']}} "
              + " ".join(f"{mark(line[program])} {cell(line[program]):{widths['program']}}" for program in programs).rstrip())
        for program in programs:
            if line[program]["reason"]:
                print(f"      {PROGRAMS[program]}: {line[program]['reason']}")


def verdict(study, program, options):
    """What `poolscope advise` says of the program that runs as a service."""
    with harness.temporary_folder() as folder:
        found = watch(study, program, options.watch, folder / "report.json")
        return {"text": harness.poolscope("advise", folder / "report.json").stdout, "advice": found["advice"]}


def print_summary(results):
    judged = [line[program] for result in results.values() for line in result["lines"]
              for program in PROGRAMS if program in line and line[program]["as_good"] is not None]
    good, close, worse = (sum(figures["as_good"] is how for figures in judged) for how in (True, CLOSE, False))
    unexplained = [f"{name}: {line['label']}, {line['quantity']}, {PROGRAMS[program]}" for name, result in results.items()
                   for line in result["lines"] for program in PROGRAMS
                   if program in line and line[program]["as_good"] is False and not line[program]["reason"]]
    print(f"\nof {len(judged)} figures that pooling improved: + {good} at least as good here; ~ {close} within the spread of it; "
          f"! {worse} not as good, {len(unexplained)} of them without a reason")
    for line in unexplained:
        print(f"  no reason is given: {line}")
    return not unexplained


def environment():
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return {"commit": commit.stdout.strip(), "processors": os.cpu_count(), "load": os.getloadavg()[0]}


def choose(parser):
    known = sorted(path.parent.name for path in STUDIES.glob("*/reported.toml"))
    parser.add_argument("studies", nargs="*", metavar="STUDY", help=f"of {', '.join(known)}; default: all")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.05, help="least duration of one side in one round")
    parser.add_argument("--watch", type=int, default=25, help="seconds that poolscope watches each program; 0: not at all")
    parser.add_argument("--quick", action="store_true", help="whether all of it runs: figures mean nothing")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds, options.watch = 1, 0.0005, 0
    unknown = sorted(set(options.studies) - set(known))
    if unknown:
        parser.error(f"there is no case study {', '.join(unknown)}; there are: {', '.join(known)}")
    options.studies = options.studies or known
    return options


def check_all_measured(name, lines):
    """A row of a report that no program has is a mistake of ours, whatever the figures are."""
    missing = [line["row"] for line in lines
               if not any(set(SIDES) & set(line[program]) for program in PROGRAMS if program in line)]
    if missing:
        sys.exit(f"{name}: nothing was measured for the rows {', '.join(sorted(set(missing)))} of reported.toml")


def main():
    options = choose(argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter))
    where = environment()
    print(f"./dev bench case-studies   commit {where['commit']}   {where['processors']} processors   {options.rounds} rounds")
    if where["load"] > 0.5:
        print(f"WARNING: the load average is {where['load']:.1f}: figures are worse than on an idle machine")
    if options.watch and (why := harness.why_no_bpf()):
        print(f"WARNING: no verdicts: {why}")
        options.watch = 0
    results = {}
    for name in options.studies:
        study = tomllib.loads((STUDIES / name / "reported.toml").read_text(encoding="utf-8"))
        if not options.watch:
            study["rows"] = [row for row in study["rows"] if "watched" not in row]
        measured = measure(name, options)
        untold = add_watched(measured, name, study["rows"], options.watch)
        study["rows"] = [row for row in study["rows"] if row not in untold]
        lines = compare(study, measured)
        check_all_measured(name, lines)
        print_study(name, study, lines, list(measured))
        for row in untold:
            print(f"  not told by poolscope: {row['label']}")
        results[name] = {"lines": lines, "measured": measured}
        if options.watch:
            results[name]["verdicts"] = {program: verdict(name, program, options) for program in measured}
            for program, said in results[name]["verdicts"].items():
                print(f"\n  poolscope, after watching the {PROGRAMS[program]} program for {options.watch} s:\n\n{said['text']}")
    raw = ROOT / "build" / "bench" / "case_studies.json"
    raw.parent.mkdir(parents=True, exist_ok=True)
    raw.write_text(json.dumps({**where, "studies": results}, indent=1) + "\n", encoding="utf-8")
    print(f"raw: {raw}")
    sys.exit(0 if options.quick or print_summary(results) else 1)


if __name__ == "__main__":
    main()
