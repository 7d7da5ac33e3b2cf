"""Pools of Go programs: poolscope and the program count the same.

go_pools counts its gets, misses and sizes itself and does a fixed number of rounds, which begin when poolscope watches and end
before it is asked. Debian's packaged programs, all stripped, are checked against a count by bpftrace.
"""

import contextlib
import json
import math
import signal
import time
import unittest

import go_services
import harness
from go_services import Requests, go_pools
from harness import POOLSCOPE, collector, only_target, patched_bytes, running, wait_for, wait_until_unprobed

ROUNDS_PER_SECOND = 500
LOAD_SECONDS = 12
# Each round computes for a moment: a program that only misses could not pay for watching all misses.
LOAD = ["-rate", ROUNDS_PER_SECOND, "-goroutines", 4, "-gc-every", "250ms", "-work", "1ms", "-hold"]
ENOUGH_PUTS = 200


def log_linear_index(value):
    """As in pools/include/poolscope/log_linear.h."""
    if value < 16:
        return value
    shift = value.bit_length() - 4
    return (shift << 3) + (value >> shift)


def quantile(counts, rank):
    """The smallest size that so large a part of all puts does not exceed; `counts` as go_pools prints them."""
    sizes = sorted((int(size), count) for size, count in counts.items())
    limit = min(max(rank, 0), 1) * sum(count for _, count in sizes)
    passed = 0
    for size, count in sizes:
        passed += count
        if passed >= limit:
            return size
    raise ValueError("no sizes")


def watched_misses(found):
    return sum(pool["counted"].get("watched_misses", 0) for pool in found.get("pools", []) if not pool.get("library"))


def wait_until_watched(service):
    """Nothing but the always-on probes of the pools is in a program that pauses."""
    wait_for(lambda: patched_bytes(service.pid) > 0, 30, "probes in the paused go_pools")


def own_misses(report):
    return sum(pool["misses"] for pool in report["pools"])


@contextlib.contextmanager
def agent_with_budget(cpu_ratio, *pids):
    with harness.temporary_folder() as folder:
        targets = ", ".join(f"{{match: {{pid: {pid}}}}}" for pid in pids)
        # Gets come in bunches here, one for each request. Where probes slow a program by more than burst_slowdown allows, bursts are
        # short and a rate is known late; on a busy machine that is so with the default.
        (folder / "poolscope.yaml").write_text(
            f"budget: {{cpu_ratio: {cpu_ratio}, burst_slowdown: 4}}\ntargets: [{targets}]\n")
        with harness.agent("--config.file", folder / "poolscope.yaml") as agent:
            yield agent


class Look:
    """One run of go_pools: what it says of itself (`own`), what poolscope says (`found`), and while it ran (`running`)."""

    # Pays for seeing nearly every get: half a percentage point of a pool that misses every second get is a matter of how many
    # were seen.
    CPU_RATIO = 0.3

    def __init__(self, build):
        with go_pools(build, *LOAD, "-rounds", ROUNDS_PER_SECOND * LOAD_SECONDS) as service:
            with agent_with_budget(self.CPU_RATIO, service.pid) as agent:
                wait_until_watched(service)
                service.start_rounds()
                self.running = agent.wait_for_target(lambda t: any("hit_ratio" in p for p in t.get("pools", [])),
                                                     LOAD_SECONDS, "a hit ratio while go_pools is busy")
                self.own = service.next_report(2 * LOAD_SECONDS)
                self.found = self.settled(agent)
            wait_until_unprobed(service.pid)
            self.end = service.stop()

    def settled(self, agent):
        """The target once every miss has arrived in the snapshot, or as it is after some seconds: then a test will tell."""
        with contextlib.suppress(AssertionError):
            agent.wait_for_target(lambda t: watched_misses(t) == own_misses(self.own), 8, "all misses")
        return agent.target()


@harness.needs_quiet
class GoPoolsPromises:
    """What is promised of every build of go_pools; ExactTrace compares the counts of two further ones."""

    build = None
    has_symbols = True

    @classmethod
    def setUpClass(cls):
        look = Look(cls.build)
        cls.own, cls.end, cls.running = look.own, look.end, look.running
        cls.found = look.found
        cls.pairs = cls.matched()

    # --- which pool is which -------------------------------------------------------------------------------------------

    @classmethod
    def matched(cls):
        """Pairs of what go_pools and poolscope say of a pool; None where it is missing."""
        free = [pool for pool in cls.found.get("pools", []) if not pool.get("library")]
        if cls.has_symbols:
            return [(own, next((p for p in free if cls.is_named(own, p["name"])), None)) for own in cls.own["pools"]]
        # Pools that share their New function differ by their misses alone.
        pairs = []
        for function in sorted({pool["new_function"] for pool in cls.own["pools"]}):
            owns = sorted((p for p in cls.own["pools"] if p["new_function"] == function), key=lambda p: p["misses"])
            theirs = sorted((p for p in free if p.get("new_function", "") == function),
                            key=lambda p: p["counted"].get("watched_misses", 0))
            pairs += zip(owns, theirs + [None] * (len(owns) - len(theirs)))
        return pairs

    @staticmethod
    def is_named(own, name):
        """A pool is named after the variable that holds it or points to it, with its path; one that none leads to after its New function."""
        if not own["variable"]:
            return own["new_function"] in name
        if not own["field"]:
            return name == own["variable"]
        return name == own["variable"] + ("->" if own["by_pointer"] else ".") + own["field"]

    def for_each_pool(self, check):
        """Calls check(own, found) for every pool, also after one that failed."""
        for own, found in self.pairs:
            with self.subTest(own["name"]):
                self.assertIsNotNone(found, f"missing; there are {sorted(p['name'] for p in self.found.get('pools', []))}")
                check(own, found)

    # --- promises --------------------------------------------------------------------------------------------------------

    def test_names_the_runtime_and_collects(self):
        self.assertEqual("go", self.found["runtime"])
        self.assertEqual("collecting", collector(self.running, "go_pools")["state"], self.running["collectors"])

    def test_every_pool_is_there_once(self):
        self.for_each_pool(lambda own, found: self.assertEqual("go_sync_pool", found["kind"]))
        names = [pool["name"] for pool in self.found["pools"]]
        self.assertEqual(len(set(names)), len(names), names)
        self.assertEqual(len(self.pairs), len([pool for pool in self.found["pools"] if not pool.get("library")]), names)

    def test_names_follow_the_variable_or_the_new_function(self):
        def check(own, found):
            if self.has_symbols:
                self.assertTrue(self.is_named(own, found["name"]), found["name"])
            else:
                self.assertIn(own["new_function"] or own["element"], found["name"])
        self.for_each_pool(check)

    def test_new_functions(self):
        self.for_each_pool(lambda own, found: self.assertEqual(own["new_function"], found.get("new_function", "")))

    def test_element_types(self):
        self.for_each_pool(lambda own, found: self.assertEqual(own["element"], found.get("element", "")))

    def test_watched_misses_are_exact(self):
        self.for_each_pool(lambda own, found: self.assertEqual(own["misses"], found["counted"].get("watched_misses")))

    def test_hit_ratio_is_within_half_a_percentage_point_and_the_sampling_error(self):
        """burstPool is left out: it is used in a few bunches, of which a sample may miss one. ExactTrace has it."""
        def check(own, found):
            if own["name"] == "burstPool":
                return
            truth, seen = own["hits"] / own["gets"], found["counted"]["gets"]
            unseen = max(0, 1 - seen / own["gets"])
            error = math.sqrt(truth * (1 - truth) / seen * unseen)
            self.assertAlmostEqual(truth, found["hit_ratio"]["value"], delta=0.005 + 2.6 * error, msg=found["hit_ratio"])
            self.assertGreater(seen, own["gets"] / 2)
        worst = max((abs(own["hits"] / own["gets"] - found["hit_ratio"]["value"]) for own, found in self.pairs
                     if found and "hit_ratio" in found and own["name"] != "burstPool"), default=math.nan)
        print(f"\n  {self.build}: hit ratios differ by at most {100 * worst:.2f} percentage points")
        self.for_each_pool(check)

    def test_gets_per_second_add_up_to_the_gets(self):
        gets = sum(own["gets"] for own, _ in self.pairs)
        rate = sum(found["gets_per_second"]["value"] for _, found in self.pairs if found)
        reported = rate * self.found["cost"]["observed_seconds"]
        print(f"\n  {self.build}: {gets} gets, reported {reported:,.0f}, {reported / gets - 1:+.1%}")
        self.assertAlmostEqual(1, reported / gets, delta=0.15)

    def test_library_pools_are_marked(self):
        for library in self.own["libraries"]:
            with self.subTest(library["pool"]):
                # nothing but its element type tells whose a pool without variable and New is, and that has no path
                names = {library["library"]} if self.has_symbols else {library["library"], library["library"].split("/")[-1]}
                theirs = [p for p in self.found["pools"] if p.get("library") in names]
                self.assertTrue(theirs, [(p["name"], p.get("library")) for p in self.found["pools"]])
                busiest = max(theirs, key=lambda p: p["gets_per_second"]["value"])
                if self.has_symbols:
                    self.assertEqual(library["pool"], busiest["name"])
                reported = busiest["gets_per_second"]["value"] * self.found["cost"]["observed_seconds"]
                self.assertAlmostEqual(1, reported / library["gets"], delta=0.25)

    # --- sizes -----------------------------------------------------------------------------------------------------------

    def assert_quantiles(self, truth, found, rank_errors):
        """Within one bucket of a truth whose rank is as uncertain as a sample makes it."""
        for rank, error in zip((0.50, 0.95), rank_errors):
            low, high = (log_linear_index(quantile(truth, r)) for r in (rank - error, rank + error))
            value = found[f"p{100 * rank:.0f}"]
            self.assertTrue(low - 1 <= log_linear_index(value) <= high + 1,
                            f"p{100 * rank:.0f} is {value}, truth {quantile(truth, rank)}")

    def for_each_sized_pool(self, check):
        compared = []

        def check_if_sized(own, found):
            if own["has_buffer"] and found["counted"].get("puts", 0) >= ENOUGH_PUTS:
                compared.append(own["name"])
                check(own, found)
        self.for_each_pool(check_if_sized)
        self.assertGreater(len(compared), 6, f"pools with puts enough to compare sizes: {compared}")

    def test_needed_bytes(self):
        def check(own, found):
            if own["name"] != "resetBeforePutPool":
                # each size is drawn by itself: three standard errors of a rank
                errors = [3 * math.sqrt(rank * (1 - rank) / found["counted"]["puts"]) for rank in (0.50, 0.95)]
                self.assert_quantiles(own["needed_bytes"], found["needed_bytes"], errors)
        self.for_each_sized_pool(check)

    def test_buffer_bytes(self):
        # a buffer is put many times with one capacity, so that a sample knows less of the ranks than it has puts
        self.for_each_sized_pool(
            lambda own, found: self.assert_quantiles(own["buffer_bytes"], found["buffer_bytes"], (0.15, 0.04)))

    def test_reset_before_put_is_said(self):
        found = next(found for own, found in self.pairs if own["name"] == "resetBeforePutPool")
        self.assertEqual("reset_before_put", found["needed_bytes_reason"])
        self.assertNotIn("needed_bytes", found)

    def test_objects_without_a_buffer_have_no_sizes(self):
        def check(own, found):
            if not own["has_buffer"]:
                self.assertEqual("no_buffer", found["needed_bytes_reason"])
                self.assertNotIn("buffer_bytes", found)
        self.for_each_pool(check)

    # --- harm --------------------------------------------------------------------------------------------------------------

    def test_the_program_found_nothing_wrong(self):
        self.assertEqual([], self.end["faults"])
        self.assertEqual(ROUNDS_PER_SECOND * LOAD_SECONDS, self.end["rounds"])

    def test_budget_is_kept(self):
        self.assertGreater(self.found["cost"]["probe_hits"], 0)
        harness.assert_within_budget(self, self.found, Look.CPU_RATIO)


class Plain(GoPoolsPromises, unittest.TestCase):
    build = "go_pools"


class Stripped(GoPoolsPromises, unittest.TestCase):
    build = "go_pools_stripped"
    has_symbols = False


@harness.needs_quiet
class Attach(unittest.TestCase):
    def test_reports_every_miss(self):
        with go_pools("go_pools", *LOAD, "-rounds", ROUNDS_PER_SECOND * 7) as service:
            own, output = self.attach_while_it_works(service)
            wait_until_unprobed(service.pid)
            service.stop()
        misses = {p["name"]: p["counted"].get("watched_misses") for p in only_target(json.loads(output))["pools"]}
        expected = {p["variable"]: p["misses"] for p in own["pools"] if p["variable"] and not p["offset"] and not p["by_pointer"]}
        self.assertEqual(expected, {name: misses.get(name) for name in expected})

    def attach_while_it_works(self, service):
        """The report of go_pools, which ends its rounds before poolscope ends, and what poolscope prints."""
        command = [POOLSCOPE, "attach", f"pid:{service.pid}", "--for", "12s", "--json"]
        with running(command) as attach:
            wait_until_watched(service)
            service.start_rounds()
            own = service.next_report()
            attach.assert_running()
            self.assertEqual(0, attach.wait(60), attach.errors())
            return own, attach.output()


class ExactTrace(unittest.TestCase):
    """Every event of every pool, for each build: what poolscope counts is what the program counts."""

    ROUNDS = 1500

    def look_at(self, build, load=LOAD, environment=()):
        with go_pools(build, *load, "-rounds", self.ROUNDS, environment=environment) as service:
            command = [POOLSCOPE, "attach", f"pid:{service.pid}", "--exact", "--for", "120s", "--json"]
            with running(command) as attach:
                wait_until_watched(service)
                service.start_rounds()
                own = service.next_report()
                attach.process.send_signal(signal.SIGINT)
                self.assertEqual(0, attach.wait(60), attach.errors())
                found = only_target(json.loads(attach.output()))
            wait_until_unprobed(service.pid)
            service.stop()
        return own, found

    def test_counts_are_equal(self):
        for build in ("go_pools", "go_pools_stripped", "go_pools_pie", "go_pools_noinline"):
            own, found = self.look_at(build)
            theirs = sorted((p["counted"]["gets"], p["counted"]["misses"], p["counted"]["puts"])
                            for p in found["pools"] if not p.get("library"))
            ours = sorted((p["gets"], p["misses"], p["puts"]) for p in own["pools"])
            with self.subTest(build):
                self.assertEqual(ours, theirs)

    def test_without_collections_idle_is_what_was_put_and_not_got_again(self):
        own, found = self.look_at("go_pools", ["-rate", 0, "-goroutines", 4, "-hold"], ["GOGC=off"])
        self.assertEqual(0, own["gc_cycles"])
        theirs = {p["name"]: p for p in found["pools"]}
        for pool in own["pools"]:
            if pool["variable"] and not pool["offset"] and not pool["by_pointer"]:
                with self.subTest(pool["name"]):
                    reported = theirs[pool["variable"]]
                    self.assertEqual(pool["puts"] - pool["hits"], reported.get("idle"))
                    self.assertEqual(pool["has_buffer"] and reported["idle"] > 0, "idle_bytes" in reported)


@harness.needs_quiet
class DebianPrograms(unittest.TestCase):
    """Prometheus, node_exporter and webhook under a steady load, watched by one agent. bpftrace counts the gets of Prometheus meanwhile, at the
    price of a trap for each; `Plain` is not traced by anybody else."""

    SECONDS = 15
    # Some 500 gets for each request that Prometheus answers, of a tenth of a CPU: with the default budget it takes minutes until a
    # rate is known to 15 %.
    CPU_RATIO = 0.2

    @classmethod
    def setUpClass(cls):
        cls.node_exporter = cls.enterClassContext(go_services.node_exporter())
        cls.webhook = cls.enterClassContext(go_services.webhook())
        cls.prometheus = cls.enterClassContext(go_services.prometheus_scraping(cls.node_exporter.port))
        cls.services = {"prometheus": cls.prometheus, "node_exporter": cls.node_exporter, "webhook": cls.webhook}
        loads = [Requests(cls.prometheus.port, "/metrics", 40), Requests(cls.node_exporter.port, "/metrics", 10),
                 Requests(cls.webhook.port, "/hooks/refused", 100, "POST", '{"word": "other"}')]
        with contextlib.ExitStack() as stack:
            cls.loads = [stack.enter_context(load) for load in loads]
            # the first scrapes add series to what Prometheus says of itself, so that each request takes more gets for a while
            wait_for(lambda: cls.loads[0].failure or cls.loads[0].done > 300, 30, "prometheus warm")
            with go_services.gets_counted_by_bpftrace(cls.prometheus.pid) as counted:
                begin, cls.done_before = counted.newest(), [load.done for load in cls.loads]
                cls.found = cls.watch()
                end = counted.newest()
            cls.counted_per_second = 1e9 * (end[1] - begin[1]) / (end[0] - begin[0])
        for service in cls.services.values():
            wait_until_unprobed(service.pid)

    @classmethod
    def watch(cls):
        """Target by program, after SECONDS under one agent and when it says how sure it is of the rate: before that, one number is a guess."""
        with agent_with_budget(cls.CPU_RATIO, *(service.pid for service in cls.services.values())) as agent:
            def by_program():
                agent.service.assert_running()
                found = {t["processes"][0]["pid"]: t for t in agent.snapshot()["targets"] if t["processes"]}
                return {name: found[service.pid] for name, service in cls.services.items()}

            def is_known(found):
                rates = [target["pools"][0].get("gets_per_second") for target in found.values() if target["pools"]]
                return len(rates) == len(found) and all(rates) and "low" in found["prometheus"]["pools"][0]["gets_per_second"]
            started = time.monotonic()
            wait_for(lambda: time.monotonic() - started > cls.SECONDS and is_known(by_program()), 6 * cls.SECONDS,
                     "an interval of the rate of prometheus")
            return by_program()

    def pools(self, name):
        return self.found[name].get("pools", [])

    def test_every_program_shows_its_pools(self):
        for name, target in self.found.items():
            with self.subTest(name):
                self.assertEqual("go", target["runtime"])
                self.assertEqual("collecting", collector(target, "go_pools")["state"], target["collectors"])
                busy = [p for p in self.pools(name) if p.get("gets_per_second", {}).get("value", 0) > 0]
                print(f"\n  {name}: {[(p['name'], round(p['gets_per_second']['value'])) for p in busy[:6]]}")
                self.assertTrue(busy, self.pools(name))

    def test_pools_of_the_standard_library_are_marked(self):
        for name in self.found:
            with self.subTest(name):
                libraries = {pool.get("library") for pool in self.pools(name)}
                self.assertTrue(libraries & {"fmt", "net/http", "compress/flate", "bufio", "encoding/json"}, libraries)

    def test_rate_of_prometheus_is_what_bpftrace_counts(self):
        rate = sum(pool["gets_per_second"]["value"] for pool in self.pools("prometheus") if "gets_per_second" in pool)
        print(f"\n  bpftrace {self.counted_per_second:,.0f}/s meanwhile, reported {rate:,.0f}/s")
        self.assertAlmostEqual(1, rate / self.counted_per_second, delta=0.15)

    def test_every_request_was_answered(self):
        # How late they were, the benchmark of overhead tells: a machine may be too slow for the load before anybody watches.
        for load, done_before in zip(self.loads, self.done_before):
            with self.subTest(load.path):
                self.assertIsNone(load.failure)
                self.assertGreater(load.done - done_before, self.SECONDS / load.interval / 4)

    def test_programs_still_run(self):
        for service in self.services.values():
            service.assert_running()


if __name__ == "__main__":
    assert POOLSCOPE.parent.exists(), f"{POOLSCOPE} was not built"
    harness.main()
