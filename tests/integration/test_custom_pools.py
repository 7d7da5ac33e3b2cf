"""Pools that the configuration describes: exact counts of home_pool, which knows its own, and the presets on real services,
against a count by bpftrace and against what must hold of them."""

import contextlib
import json
import os
import re
import signal
import subprocess
import unittest
from pathlib import Path

import harness
import miss_curves
import services
from harness import POOLSCOPE, TARGETS, attach, collector, http_get, only_target, patched_bytes, poolscope, running, temporary_folder, \
    wait_for, wait_until_unprobed

HOME_POOL_YAML = Path(__file__).resolve().parents[1] / "targets" / "home_pool.yaml"
EVENTS = {"gets": "gets", "puts": "puts", "misses": "misses", "grows": "regrowths"}  # home_pool's word: the report's
NGINX = {
    "nginx pools": {"gets": ["ngx_create_pool"], "puts": ["ngx_destroy_pool"]},
    "nginx allocations": {"gets": ["ngx_palloc", "ngx_pnalloc", "ngx_pmemalign"], "puts": ["ngx_pfree"]},
}
POSTGRESQL = {
    "postgresql allocations": {
        "gets": ["palloc", "palloc0", "palloc_extended", "MemoryContextAlloc", "MemoryContextAllocZero",
                 "MemoryContextAllocZeroAligned", "MemoryContextAllocExtended", "MemoryContextAllocHuge"],
        "puts": ["pfree"],
    },
    # Every kind of context ends up in this one function, which the preset does not name: a count of its own.
    "postgresql contexts": {"gets": ["MemoryContextCreate"], "puts": ["MemoryContextDelete"]},
}


def pools_called(found, name):
    """The pools of one entry of the configuration; told apart by address, there are several."""
    return [pool for pool in found.get("pools", []) if pool["kind"] == "custom" and pool["name"].startswith(name)]


def only_pool(found, name):
    pools = pools_called(found, name)
    if len(pools) != 1:
        raise AssertionError(f"expected one pool {name}, got {[p['name'] for p in found.get('pools', [])]}")
    return pools[0]


def events(own):
    return tuple(own[event] for event in EVENTS)


def counted_events(pool):
    return tuple(pool["counted"][event] for event in EVENTS.values())


class HomePool(unittest.TestCase):
    """`run --exact` counts what home_pool says it did."""

    def run_exact(self, *arguments, yaml=HOME_POOL_YAML.read_text()):
        with temporary_folder() as folder:
            (folder / "pools.yaml").write_text(yaml)
            report = folder / "report.json"
            result = poolscope("run", "--exact", "--json", "-o", report, "--config.file", folder / "pools.yaml", "--",
                               TARGETS / "home_pool", *arguments)
            return json.loads(result.stdout), only_target(json.loads(report.read_text()))

    def assert_counted(self, own, found):
        pools = pools_called(found, "home pool")
        self.assertEqual(sorted(map(events, own.values())), sorted(map(counted_events, pools)))
        self.assertFalse(found["cost"].get("dropped"), "exact means that nothing was dropped")
        for pool in pools:
            counted = pool["counted"]
            self.assertAlmostEqual(1 - counted["misses"] / counted["gets"], pool["hit_ratio"]["value"], places=6)

    def test_gets_puts_misses_and_regrowths_of_both_pools(self):
        self.assert_counted(*self.run_exact())

    def test_one_thread(self):
        self.assert_counted(*self.run_exact("--threads", "1", "--rounds", "5000"))

    def test_many_threads(self):
        self.assert_counted(*self.run_exact("--threads", "16", "--rounds", "1000"))

    def test_a_pool_that_never_has_anything(self):
        own, found = self.run_exact("--idle", "0", "--rounds", "200")
        self.assert_counted(own, found)
        for pool in pools_called(found, "home pool"):
            self.assertEqual(0, pool["hit_ratio"]["value"])

    def run_logged(self, *arguments):
        """Events of both pools as home_pool logged them, and the pools as found; matched by their number of gets."""
        with temporary_folder() as folder:
            own, found = self.run_exact("--log", folder / "events", *arguments)
            events = (folder / "events").read_text().split()
        pools = sorted(pools_called(found, "home pool"), key=lambda pool: pool["counted"]["gets"])
        return list(zip(sorted(events, key=lambda log: log.count("g")), pools, strict=True))

    def test_miss_curve_is_that_of_a_replay(self):
        for events, pool in self.run_logged("--threads", "1", "--rounds", "3000"):
            miss_curves.assert_played(self, events, pool)

    def test_miss_curve_at_the_real_cap_is_the_real_miss_ratio(self):
        for events, pool in self.run_logged("--threads", "1", "--rounds", "3000", "--idle", "4"):
            real = pool["counted"]["misses"] / pool["counted"]["gets"]
            self.assertAlmostEqual(real, dict(pool["miss_curve"])[4], delta=0.001)

    def test_miss_curve_of_several_threads_is_near_that_of_a_replay(self):
        """Calls are seen where they begin, before the lock: a little out of order."""
        for events, pool in self.run_logged("--threads", "4", "--rounds", "1000"):
            miss_curves.assert_played(self, events, pool, delta=0.02, in_order=False)

    def test_sizes_are_those_asked_for(self):
        own, found = self.run_exact("--rounds", "5000")
        for pool in pools_called(found, "home pool"):
            self.assertAlmostEqual(1, sum(share for _, share in pool["needed_bytes"]["buckets"]))
            self.assertAlmostEqual(4104, pool["needed_bytes"]["p50"], delta=4104 / 8)  # evenly from 16 to 8192

    def test_pools_without_an_address_are_one(self):
        own, found = self.run_exact(yaml=HOME_POOL_YAML.read_text().replace(", pool: 1", ""))
        together = tuple(map(sum, zip(*map(events, own.values()))))
        self.assertEqual(together, counted_events(only_pool(found, "home pool")))

    def test_without_a_miss_function_misses_are_unknown_and_not_zero(self):
        yaml = re.sub(r"    miss:\n.*\n", "", HOME_POOL_YAML.read_text())
        _, found = self.run_exact(yaml=yaml)
        for pool in pools_called(found, "home pool"):
            self.assertNotIn("misses", pool["counted"])
            self.assertNotIn("hit_ratio", pool)

    def test_a_missing_function_is_named_with_its_neighbour(self):
        _, found = self.run_exact(yaml=HOME_POOL_YAML.read_text().replace("my_pool_get", "my_pool_gte"))
        pools = collector(found, "custom_pools")
        self.assertEqual("unavailable", pools["state"])
        self.assertIn("no function `my_pool_gte` in home_pool; near: my_pool_get", pools["detail"])


# --- an independent count ------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def calls_counted_by_bpftrace(pid, functions):
    """A dict that has, after the block, how often the process entered each function."""
    program = os.readlink(f"/proc/{pid}/exe")
    script = 'BEGIN { printf("ready\\n"); } ' + " ".join(
        f'uprobe:{program}:{function} /pid == {pid}/ {{ @calls["{function}"] = count(); }}' for function in functions)
    calls = dict.fromkeys(functions, 0)
    with running([services.need_program("bpftrace"), "-e", script]) as tracer:
        wait_for(lambda: tracer.assert_running() and "ready" in tracer.output(), 60, "bpftrace")
        yield calls
        tracer.process.send_signal(signal.SIGINT)
        tracer.wait(60)
        calls.update({name: int(count) for name, count in re.findall(r"@calls\[(\w+)\]: (\d+)", tracer.output())})


def wait_until_probed(pid):
    """Until breakpoints are in the process and no more come."""
    seen = [0, -1]
    def look():
        seen.append(patched_bytes(pid))
        return seen[-1] > 0 and seen[-1] == seen[-2]
    wait_for(look, 30, f"probes in process {pid}", interval_seconds=0.5)


@contextlib.contextmanager
def preset(name, budget="{}"):
    with temporary_folder() as folder:
        (folder / "preset.yaml").write_text(f"budget: {budget}\ncustom_pools: [{{preset: {name}}}]\n")
        yield folder / "preset.yaml"


def exact_while(pid, preset_name, work):
    """The target as `attach --exact` reports it when work() was all that the process did meanwhile."""
    with preset(preset_name) as config, \
            running([POOLSCOPE, "attach", f"pid:{pid}", "--exact", "--for", "120s", "--json", "--config.file", config]) as look:
        wait_for(lambda: look.assert_running() and patched_bytes(pid) > 0, 30, "probes")
        wait_until_probed(pid)
        work()
        look.process.send_signal(signal.SIGINT)
        if look.wait(60) != 0:
            raise AssertionError(look.errors())
        found = only_target(json.loads(look.output()))
    return found


class PresetPromises:
    """What is promised of every preset: `expected` names the functions whose calls are its events."""

    def assert_exact(self, pid, name, expected, work):
        functions = sorted({f for kinds in expected.values() for names in kinds.values() for f in names})
        calls = {}

        def counted_work():
            with calls_counted_by_bpftrace(pid, functions) as counted:
                work()
            calls.update(counted)
        found = exact_while(pid, name, counted_work)
        wait_until_unprobed(pid)
        for pool, kinds in expected.items():
            counted = only_pool(found, pool)["counted"]
            for kind, names in kinds.items():
                with self.subTest(pool=pool, kind=kind):
                    self.assertEqual(sum(calls[f] for f in names), counted[kind], calls)
        return found


class NginxPreset(PresetPromises, unittest.TestCase):
    REQUESTS = 500

    def load(self, nginx):
        """One connection for each request, and no other."""
        for _ in range(self.REQUESTS):
            http_get(f"http://{services.LOOPBACK}:{nginx.port}/")

    def test_counts_every_event_once(self):
        with services.nginx() as nginx:
            found = self.assert_exact(worker(nginx), "nginx", NGINX, lambda: self.load(nginx))
        pools = only_pool(found, "nginx pools")["counted"]
        self.assertEqual(2 * self.REQUESTS, pools["gets"], "a pool for the connection and one for the request")
        self.assertEqual(pools["gets"], pools["puts"])

    @harness.needs_quiet
    def test_under_load(self):
        with services.nginx() as nginx, preset("nginx") as config, services.http_load(nginx.port) as load:
            found = attach(f"pid:{nginx.pid}", "--config.file", config, seconds=12)
            load.assert_running()
            wait_until_unprobed(worker(nginx))
        pools, allocations = only_pool(found, "nginx pools"), only_pool(found, "nginx allocations")
        self.assertGreater(pools["gets_per_second"]["value"], 0)
        self.assertAlmostEqual(1, pools["puts_per_second"]["value"] / pools["gets_per_second"]["value"], delta=0.15)
        self.assertGreater(allocations["gets_per_second"]["value"], 5 * pools["gets_per_second"]["value"])
        self.assertNotIn("hit_ratio", pools, "nothing tells the misses")
        harness.assert_within_budget(self, found)


class PostgresqlPreset(PresetPromises, unittest.TestCase):
    QUERIES = 50

    @contextlib.contextmanager
    def session(self, service):
        """A function that runs a query in one and the same backend, and the pid of that."""
        with subprocess.Popen([services.POSTGRES_BIN / "psql", "-h", services.LOOPBACK, "-p", str(service.port), "-U", "postgres",
                               "-qAt", "postgres"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
            def run(query):
                client.stdin.write(query + ";\n")
                client.stdin.flush()
                return client.stdout.readline().strip()
            try:
                yield run, int(run("select pg_backend_pid()"))
            finally:
                client.stdin.close()
                client.wait(timeout=10)

    def test_counts_every_event_once(self):
        query = "select count(*), string_agg(a.filler, '') is null from pgbench_accounts a join pgbench_branches using (bid) " \
                "where aid < 200"
        with services.postgresql() as postgresql, self.session(postgresql) as (run, backend):
            run(query)
            self.assert_exact(backend, "postgresql", POSTGRESQL, lambda: [run(query) for _ in range(self.QUERIES)])

    @harness.needs_quiet
    def test_under_pgbench(self):
        # palloc() is so frequent that a burst of the default budget is a millisecond and sees five contexts.
        budget = "{cpu_ratio: 0.05, burst_max_ms: 50}"
        with services.postgresql() as postgresql, preset("postgresql", budget) as config, services.pgbench_load(postgresql) as load:
            wait_for(lambda: len(children(postgresql.pid)) >= 7, 10, "backends")
            found = attach(f"pid:{postgresql.pid}", "--config.file", config, seconds=12)
            load.assert_running()
        allocations, contexts = (only_pool(found, f"postgresql {n}") for n in ("allocations", "contexts"))
        self.assertGreater(allocations["gets_per_second"]["value"], allocations["puts_per_second"]["value"])
        self.assertAlmostEqual(1, contexts["puts_per_second"]["value"] / contexts["gets_per_second"]["value"], delta=0.15)
        self.assertGreater(allocations["needed_bytes"]["p99"], allocations["needed_bytes"]["p50"])
        harness.assert_within_budget(self, found, 0.05)


class Doctor(unittest.TestCase):
    """`doctor --pid` finds every function of a preset in Debian's program."""

    def assert_all_found(self, pid, name, expected):
        text = poolscope("doctor", "--preset", name, "--pid", pid).stdout
        self.assertNotIn("MISSING", text)
        self.assertEqual(0, patched_bytes(pid), "nothing is probed")
        for pool in expected:
            self.assertRegex(text, rf"\n{pool}\n(  .*\n)*  measured: gets, puts")

    def test_nginx(self):
        with services.nginx() as nginx:
            self.assert_all_found(worker(nginx), "nginx", NGINX)

    def test_postgresql(self):
        with services.postgresql() as postgresql:
            self.assert_all_found(int(children(postgresql.pid)[0]), "postgresql", POSTGRESQL)

    def test_home_pool(self):
        with running([TARGETS / "home_pool", "--rounds", "0"]) as home:
            text = poolscope("doctor", "--config.file", HOME_POOL_YAML, "--pid", home.pid).stdout
        self.assertIn("  measured: gets, puts, misses, regrowths\n", text)


def children(pid):
    return subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()


def worker(nginx):
    return int(wait_for(lambda: children(nginx.pid), 10, "nginx's worker")[0])


if __name__ == "__main__":
    assert TARGETS.exists(), f"{TARGETS} was not built"
    harness.main()
