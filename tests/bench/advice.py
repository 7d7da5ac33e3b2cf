#!/usr/bin/env python3
"""What advice captures of what could be saved, by replay.

Settings are chosen on the first half of a trace and paid for on the second, use by use, at the prices of this machine. Captured: what a setting saves
over the default (buffers of 4096 bytes, 64 idle ones), of what the best fixed setting saves, which is known only afterwards. Traces: every malloc and
free of real programs, by a preloaded recorder (tests/truth), and made ones. Raw data: build/bench/advice.json.
"""

import argparse
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("POOLSCOPE_BUILD_DIR", ROOT / "build" / "release"))
sys.path.insert(0, str(ROOT / "tests" / "integration"))
os.environ.setdefault("POOLSCOPE_BUILD_DIR", str(BUILD))

import services  # noqa: E402: found through the path above

RECORDER = BUILD / "targets" / "event_recorder.so"
# A setting that has less to save than this share of the default's cost tells nothing about advice.
LEAST_TO_SAVE = 0.02
JSON_ROWS = 20_000
EVENT_FILE_BYTES = 256 << 20
LOAD_SECONDS = 2
QUESTIONS = {
    "capacity": "capacity",
    "idle buffers": "idle buffers, blocks are warm",
    "idle buffers, fresh pages": "idle buffers, the pages of a miss come from the kernel",
}


def recording(path):
    return {**os.environ, "LD_PRELOAD": str(RECORDER), "POOLSCOPE_EVENT_FILE": str(path), "POOLSCOPE_EVENT_BYTES": str(EVENT_FILE_BYTES)}


def recorded(folder, name):
    """Each process writes a file of its own: that of the busiest."""
    def claimed_chunks(path):
        with path.open("rb") as file:
            return int.from_bytes(file.read(48)[40:48], "little")
    return max(folder.glob(f"{name}.*"), key=claimed_chunks)


def record_command(path, command, stdin=None):
    subprocess.run(command, input=stdin, stdout=subprocess.DEVNULL, check=True, timeout=300, env=recording(path))


def record_batch_programs(folder):
    """Programs that run to their end."""
    rows = "\n".join(json.dumps({"id": i, "name": f"row {i}", "tags": ["a"] * (i % 7), "price": i * 1.25}) for i in range(JSON_ROWS))
    record_command(folder / "jq", ["jq", "-c", "{id, n: (.name | length), tags: (.tags + [\"x\"])}"], rows.encode())
    statements = "CREATE TABLE t(a INTEGER, b TEXT);" + "".join(
        f"INSERT INTO t VALUES({i}, '{'x' * (i % 300)}');" for i in range(JSON_ROWS)) + "SELECT b, count(*) FROM t GROUP BY b ORDER BY 2;"
    record_command(folder / "sqlite3", ["sqlite3", ":memory:"], statements.encode())
    program = "import json\nfor i in range(20000): json.loads(json.dumps({'id': i, 'rows': list(range(i % 200)), 'text': 'x' * (i % 5000)}))"
    record_command(folder / "python3", ["python3", "-c", program])
    return ["jq", "sqlite3", "python3"]


def record_services(folder):
    """Services under load."""
    with services.redis(env=recording(folder / "redis")) as redis:
        load = services.redis_benchmark(redis.port, "-t", "set,get,lpush,lpop", "-n", "100000")
        subprocess.run([str(word) for word in load], check=True, timeout=300, stdout=subprocess.DEVNULL)
    with services.nginx(env=recording(folder / "nginx")) as nginx:
        load = ["wrk", "-t", "1", "-c", "8", "-d", f"{LOAD_SECONDS}s", f"http://127.0.0.1:{nginx.port}/"]
        subprocess.run(load, check=True, timeout=300, stdout=subprocess.DEVNULL)
    with services.memcached(env=recording(folder / "memcached")) as memcached:
        load = [BUILD / "bench" / "memcached_load", memcached.port, 8, LOAD_SECONDS]
        subprocess.run([str(word) for word in load], check=True, timeout=300, stdout=subprocess.DEVNULL)
    return ["redis", "nginx", "memcached"]


def record_case_studies(folder):
    """As they are without pools: what advice would be asked of."""
    modes = {"file_cache": ["heap"], "json_buffer": ["fresh"], "object_pools": ["heap"]}
    for study, mode in modes.items():
        command = [BUILD / "targets" / f"case_{study}", "--serve", *mode]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=recording(folder / study)) as program:
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.wait(LOAD_SECONDS)
            program.terminate()
        if program.returncode != 0:
            raise RuntimeError(f"{command} ended with {program.returncode}")
    return list(modes)


def rows_of(folder, names, controls):
    arguments = [f"{name}={recorded(folder, name)}" for name in names]
    done = subprocess.run([BUILD / "bench" / "advice_sweep", "--controls", str(controls), *arguments], check=True, timeout=1800,
                          capture_output=True, text=True)
    return json.loads(done.stdout)


def captured(settings, name):
    """1: as good as the best, 0: as the default, below: worse. None: nothing can be saved."""
    default, oracle = settings["default"]["cost_ns"], settings["oracle"]["cost_ns"]
    if default - oracle < LEAST_TO_SAVE * default:
        return None
    return (default - settings[name]["cost_ns"]) / (default - oracle)


def worse_than_default(settings, name):
    return settings[name]["cost_ns"] / settings["default"]["cost_ns"] - 1


def print_rows(result, question):
    rows = [row for row in result["rows"] if row["question"] == question]
    names = ["poolscope", *(name for name in rows[0]["settings"] if name not in ("default", "oracle", "poolscope"))]
    print(f"\n{QUESTIONS[question]}: captured of the possible saving\n")
    print(f"{'trace':34} {'best':>9} {'to save':>8} " + " ".join(f"{name:>18}" for name in names))
    for row in rows:
        settings = row["settings"]
        cells = []
        for name in names:
            share = captured(settings, name)
            value = settings[name]["value"]
            cells.append(f"{value:>9} {'      –' if share is None else f'{100 * share:6.1f}%'} ")
        possible = 1 - settings["oracle"]["cost_ns"] / settings["default"]["cost_ns"]
        print(f"{row['trace']:34} {settings['oracle']['value']:>9} {100 * possible:7.1f}% " + " ".join(f"{cell:>18}" for cell in cells))
    print_summary(rows)


def print_summary(rows):
    for name in (name for name in rows[0]["settings"] if name not in ("default", "oracle")):
        shares = [share for row in rows if (share := captured(row["settings"], name)) is not None]
        worst = max(worse_than_default(row["settings"], name) for row in rows)
        print(f"  {name:20} median {100 * statistics.median(shares):7.1f}% of {len(shares)} traces, worst trace costs {100 * worst:+.1f}% of the default")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--made", action="store_true", help="made traces only: no recording, some seconds")
    parser.add_argument("--controls", type=int, default=400, help="traces for which no pool pays (default %(default)s)")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        names = [] if options.made else record_batch_programs(folder) + record_services(folder) + record_case_studies(folder)
        result = rows_of(folder, names, options.controls)
    for question in QUESTIONS:
        print_rows(result, question)
    print("\nidle buffers, both: which of them it is, advice has to find out")
    print_summary([row for row in result["rows"] if row["question"] != "capacity"])
    share = statistics.median(share for row in result["rows"] if (share := captured(row["settings"], "poolscope")) is not None)
    print(f"\nall questions and traces: poolscope captures {100 * share:.1f}% in the median")
    controls = result["controls"]
    print(f"\nno pool pays: {controls['traces']} traces, worth it was said of {controls['said_worth_it']}, wrongly of {controls['wrongly']} "
          f"({100 * controls['wrongly'] / controls['traces']:.1f}%)")
    target = BUILD / "bench" / "advice.json"
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(f"\n{target}")


if __name__ == "__main__":
    main()
