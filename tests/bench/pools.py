#!/usr/bin/env python3
"""What a get and a put of libpoolscope cost, beside the pools and allocators that a service would use instead.

Every round measures each case once, so that drift of the machine hits all alike. Figures are medians over the rounds of CPU time per get+put
pair, with half the range between the quartiles as spread; ratios and differences are of the medians. `+counters`: the peer with one relaxed
atomic counter per get and one per put, which is less than ours tells. Raw data: build/bench/pools.json.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("POOLSCOPE_BUILD_DIR", ROOT / "build" / "release"))
LIBRARIES = pathlib.Path("/usr/lib/x86_64-linux-gnu")
ALLOCATORS = {"jemalloc": "libjemalloc.so.2", "tcmalloc": "libtcmalloc_minimal.so.4", "mimalloc": "libmimalloc.so.2"}
MALLOCS = ["malloc_glibc", *(f"malloc_{name}" for name in ALLOCATORS)]
PATTERNS = {
    "pair/1": "one thread: get, put",
    "pair/2": "2 threads: get, put",
    "pair/8": "8 threads on 2 processors: get, put",
    "handover/2": "producer and consumer: one thread gets, another puts",
    "borrowed_64/1": "64 borrowed at once, one thread",
    "random_sizes/1": "64 bytes to 64 KiB, 16 borrowed at once, one thread",
    "hosted/1": "from memory that processes share, one thread",
}
OURS = ["lease", "handle", "object_pool", "buffer_pool", "pool_resource", "hosted_pool"]
CASE = re.compile(r"(?P<pattern>\w+)/(?P<pool>.+?)(/iterations:\d+)?(/process_time)?(/real_time)?(/threads:(?P<threads>\d+))?")


class Results:
    """ns per pair of each round: pattern ("pair/2") -> pool -> [ns]"""

    def __init__(self):
        self.ns = {pattern: {} for pattern in PATTERNS}
        self.left_out = {}
        self.processors = []  # that two threads without anything in common got, in each round

    def add(self, name, ns, rename=None):
        case = CASE.fullmatch(name)
        pattern, pool = case["pattern"], case["pool"]
        threads = case["threads"] or ("2" if pattern == "handover" else "1")
        self.ns[f"{pattern}/{threads}"].setdefault(pool.replace(*rename) if rename else pool, []).append(ns)

    def median(self, pattern, pool):
        return statistics.median(self.ns[pattern][pool])

    def compare(self, pattern, pool, other, how, other_pattern=None):
        """`how` of the two medians; None without figures."""
        one, two = self.ns[pattern].get(pool), self.ns[other_pattern or pattern].get(other)
        return how(statistics.median(one), statistics.median(two)) if one and two else None

    def best_peer(self, pattern, among=None):
        peers = {pool: self.median(pattern, pool) for pool in self.ns[pattern]
                 if is_peer(pool) and (among is None or pool in among)}
        return min(peers, key=peers.get) if peers else None


def is_peer(pool):
    return pool.split("/")[0] not in OURS and pool != "floor" and not pool.endswith("+counters")


def ratio(one, other):
    return one / other


def difference(one, other):
    return one - other


# ---- measuring -----------------------------------------------------------------------------------------------------------


def run(program, seconds, only=".", **variables):
    environment = dict(os.environ, **{name: str(value) for name, value in variables.items() if value})
    command = [BUILD / "bench" / program, f"--benchmark_filter={only}", f"--benchmark_min_time={seconds}", "--benchmark_format=json"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=300)
    cases = json.loads(result.stdout[result.stdout.index("{\n"):])["benchmarks"]  # iceoryx writes a line before
    for one in cases:
        if one.get("error_occurred"):
            raise RuntimeError(f"{one['name']}: {one['error_message']}")
    return [(one["name"], one["cpu_time"], one["real_time"]) for one in cases]


@contextlib.contextmanager
def roudi():
    """The daemon of iceoryx. It must be ready before a client starts."""
    daemon = subprocess.Popen(["iox-roudi"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        lines = iter(daemon.stdout.readline, "")
        if not any("RouDi is ready for clients" in line for line in lines):
            raise RuntimeError("iox-roudi ended before it was ready: is there another one?")
        yield
    finally:
        daemon.terminate()
        daemon.communicate(timeout=30)


@contextlib.contextmanager
def host():
    """`poolscope pools serve` of a pool "bench"; its socket."""
    with tempfile.TemporaryDirectory(prefix="poolscope-bench-") as folder:
        file, socket = pathlib.Path(folder) / "pools.yaml", pathlib.Path(folder) / "pools.sock"
        file.write_text("pools:\n  - name: bench\n    buffer_bytes: 4096\n    buffers: 64\n", encoding="ascii")
        poolscope = [BUILD / "bin" / "poolscope", "pools"]
        errors = pathlib.Path(folder) / "errors"
        with open(errors, "w", encoding="utf-8") as stderr:
            serving = subprocess.Popen([*poolscope, "serve", file, "--socket", socket], stdout=subprocess.DEVNULL, stderr=stderr)
        try:
            while subprocess.run([*poolscope, "list", "--socket", socket], capture_output=True, check=False, timeout=30).returncode:
                if serving.poll() is not None:
                    raise RuntimeError("poolscope pools serve ended before it listened: " + errors.read_text(encoding="utf-8"))
            yield socket
        finally:
            serving.terminate()
            serving.wait(timeout=30)


def measure_round(results, seconds):
    for name, ns, wall_ns in run("pools_bench", seconds, "-/malloc"):
        results.add(name, ns)
        if name == "pair/floor/real_time/threads:2":
            results.processors.append(ns / wall_ns)
    for name, ns, _ in run("pools_bench_uncounted", seconds):
        results.add(name, ns)
    for allocator, library in {"glibc": None, **ALLOCATORS}.items():
        if library and not (LIBRARIES / library).exists():
            results.left_out[f"malloc_{allocator}"] = f"there is no {LIBRARIES / library}"
            continue
        for name, ns, _ in run("pools_bench", seconds, "/malloc", LD_PRELOAD=library and LIBRARIES / library):
            results.add(name, ns, ("malloc", f"malloc_{allocator}"))
    go = subprocess.run([BUILD / "targets" / "go_pool_bench", str(seconds)], capture_output=True, text=True, check=True, timeout=300)
    for line in go.stdout.splitlines():
        one = json.loads(line)
        results.add(one["name"], one["cpu_time"])
    measure_hosted(results, seconds)


def measure_hosted(results, seconds):
    if not shutil.which("iox-roudi"):
        results.left_out["iceoryx"] = "iox-roudi is not installed"
        return
    has_hosted = (ROOT / "pools" / "include" / "poolscope" / "hosted_pool.h").exists()
    if not has_hosted:
        results.left_out["hosted_pool"] = "this tree has none"
    with roudi(), host() if has_hosted else contextlib.nullcontext() as socket:
        for name, ns, _ in run("hosted_bench", seconds, POOLSCOPE_BENCH_SOCKET=socket):
            results.add(name, ns)


# ---- telling -------------------------------------------------------------------------------------------------------------


def number(value, form=".2f", unit=""):
    return "-" if value is None else f"{value:{form}}{unit}"


def print_pattern(results, pattern):
    pools = [pool for pool in results.ns[pattern] if not pool.endswith("+counters")]
    if not pools:
        return
    best = results.best_peer(pattern)
    print(f"\n{PATTERNS[pattern]}" + (f"   (best peer: {best})" if best else ""))
    print(f"  {'':26} {'ns per pair':>12} {'spread':>7} {'x floor':>8} {'x best peer':>12} {'+counters':>10}")
    for pool in sorted(pools, key=lambda pool: (is_peer(pool), results.median(pattern, pool))):
        times = results.ns[pattern][pool]
        quartiles = statistics.quantiles(times, n=4) if len(times) > 1 else [times[0]] * 3
        counted = results.ns[pattern].get(f"{pool}+counters")
        print(f"  {pool:26} {results.median(pattern, pool):12.2f} {(quartiles[2] - quartiles[0]) / 2:7.2f} "
              f"{number(results.compare(pattern, pool, 'floor', ratio)):>8} {number(results.compare(pattern, pool, best, ratio)):>12} "
              f"{number(statistics.median(counted) if counted else None):>10}")


def goals(results):
    """(what, figure, at most, unit)"""
    malloc = results.best_peer("pair/1", MALLOCS)
    for pool in ("lease", "buffer_pool", "pool_resource"):
        yield f"{pool}, one thread, to {malloc}", results.compare("pair/1", pool, malloc, ratio), 0.5, "x"
    yield "lease, one thread, to Go's sync.Pool", results.compare("pair/1", "lease", "go_sync_pool", ratio), 0.25, "x"
    yield "lease, one thread, to the floor", results.compare("pair/1", "lease", "floor", ratio), 1.6, "x"
    yield "lease, two threads to one", results.compare("pair/2", "lease", "lease", ratio, "pair/1"), 1.2, "x"
    for pattern, pool in (("pair/8", "lease"), ("handover/2", "object_pool"), ("borrowed_64/1", "object_pool")):
        best = results.best_peer(pattern)
        yield f"{pool}, {PATTERNS[pattern].split(':')[0].split(',')[0]}, to {best}", results.compare(pattern, pool, best, ratio), 1.0, "x"
    for pool in ("lease", "handle"):
        yield (f"{pool}: counters", results.compare("pair/1", f"{pool}/unsampled", f"{pool}/without_counts", difference), 0.1, " ns")
    for pool in ("lease", "buffer_pool", "pool_resource"):
        yield f"{pool}: samples of one put in 128", results.compare("pair/1", pool, f"{pool}/unsampled", difference), 0.3, " ns"
    yield "hosted pool to a lease", results.compare("hosted/1", "hosted_pool", "lease", ratio, "pair/1"), 3.0, "x"
    yield "hosted pool to iceoryx", results.compare("hosted/1", "hosted_pool", "iceoryx", ratio), 0.1, "x"


def print_doubts(results):
    got = statistics.median(results.processors)
    print(f"\ntwo threads ran on {got:.1f} processors at a time")
    if got < 1.5:
        print("WARNING: threads took turns instead of meeting: figures of several threads are better than on an idle machine")


def print_goals(results):
    print(f"\n{'goals':60} {'measured':>10} {'at most':>10}")
    for what, figure, limit, unit in goals(results):
        verdict = "not measured" if figure is None else "met" if figure <= limit else "NOT MET"
        print(f"  {what:58} {number(figure, '.2f', unit):>10} {number(limit, '.2f', unit):>10}   {verdict}")


def environment():
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    model = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text(encoding="ascii"))
    return {"commit": commit.stdout.strip(), "processors": os.cpu_count(), "model": model[1] if model else "", "load": os.getloadavg()[0]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.03, help="least duration of one case in one round")
    parser.add_argument("--quick", action="store_true", help="3 rounds: about a minute")
    arguments = parser.parse_args()
    where = environment()
    print(f"commit {where['commit']}, {where['processors']} processors ({where['model']}), 4 KiB unless told otherwise, -O2")
    if where["load"] > 0.5:
        print(f"WARNING: the load average is {where['load']:.1f}: figures are worse than on an idle machine")
    results = Results()
    for _ in range(3 if arguments.quick else arguments.rounds):
        measure_round(results, arguments.seconds)
    for pattern in PATTERNS:
        print_pattern(results, pattern)
    print_doubts(results)
    print_goals(results)
    for peer, reason in results.left_out.items():
        print(f"left out: {peer}: {reason}")
    raw = ROOT / "build" / "bench" / "pools.json"
    raw.parent.mkdir(parents=True, exist_ok=True)
    raw.write_text(json.dumps({**where, "ns": results.ns}, indent=1), encoding="utf-8")
    print(f"raw: {raw}")


if __name__ == "__main__":
    main()
