"""redis under load: the reported rate is the true one, and redis hardly notices.

Truth: a second redis counts its allocations per command under counter_preload; the observed one counts its commands itself.
"""

import contextlib
import subprocess
import threading
import time
import unittest

import harness
import preload_counts
import services
from harness import TARGETS, attach, collector, temporary_folder, wait_for, wait_until_unprobed

COUNTED_COMMANDS = 50_000
OBSERVED_SECONDS = 14


def allocations_per_command(test):
    """Counted in a redis that poolscope does not touch, over a known number of commands."""
    with temporary_folder() as folder:
        prefix = folder / "counts"
        environment = preload_counts.environment(TARGETS / "counter_preload.so", prefix)
        with services.redis(env=environment) as redis:
            # the first run creates the keys and the buffers of the clients, as in a service that has run for a while
            for measured in (False, True):
                before = preload_counts.read(prefix, redis.pid)
                subprocess.run(services.redis_benchmark(redis.port, "-t", test, "-n", str(COUNTED_COMMANDS)), check=True,
                               capture_output=True, timeout=60)
                counted = preload_counts.read(prefix, redis.pid) - before
            assert measured
            return counted.allocations / COUNTED_COMMANDS


class CommandRate(contextlib.AbstractContextManager):
    """Commands per second that redis executed between the begin and the end of the block."""

    def __init__(self, port, command):
        self.port, self.command = port, command
        self.per_second = None

    def count(self):
        return services.redis_commands(self.port).get(self.command, 0), time.monotonic()

    def __enter__(self):
        self.first = self.count()
        return self

    def __exit__(self, *_):
        commands, now = self.count()
        self.per_second = (commands - self.first[0]) / (now - self.first[1])


@harness.needs_quiet
class RedisUnderSet(unittest.TestCase):
    """One long look; the tests are promises about its report."""

    @classmethod
    def setUpClass(cls):
        cls.per_command = allocations_per_command("set")
        with services.redis() as redis, services.redis_load(redis.port, "set") as load:
            wait_for(lambda: services.redis_commands(redis.port).get("set", 0) > 10_000, 20, "load on redis")
            with CommandRate(redis.port, "set") as rate:
                cls.found = attach(f"pid:{redis.pid}", seconds=OBSERVED_SECONDS)
            wait_until_unprobed(redis.pid)
            redis.assert_running()
            load.assert_running()
        cls.true_rate = rate.per_second * cls.per_command
        cls.allocations = cls.found["allocations"]

    def test_rate_is_within_a_tenth_of_the_truth(self):
        rate = self.allocations["per_second"]["value"]
        print(f"\n  truth {self.true_rate:,.0f}/s ({self.per_command:.2f} per SET), reported {rate:,.0f}/s, "
              f"{rate / self.true_rate - 1:+.1%}", flush=True)
        self.assertAlmostEqual(1, rate / self.true_rate, delta=0.10)

    def test_interval_holds_the_value(self):
        rate = self.allocations["per_second"]
        self.assertLess(rate["low"], rate["value"])
        self.assertGreater(rate["high"], rate["value"])

    def test_every_allocation_is_freed_in_the_long_run(self):
        rate, frees = (self.allocations[f]["value"] for f in ("per_second", "frees_per_second"))
        self.assertAlmostEqual(1, frees / rate, delta=0.15)

    def test_bytes_fit_the_sizes_of_a_256_byte_value(self):
        mean_bytes = self.allocations["bytes_per_second"]["value"] / self.allocations["per_second"]["value"]
        self.assertGreater(mean_bytes, 30)
        self.assertLess(mean_bytes, 2000)
        of_values = sum(weight for bound, weight in self.allocations["size_bytes"]["buckets"] if 256 <= bound < 320)
        total = sum(weight for _, weight in self.allocations["size_bytes"]["buckets"])
        self.assertGreater(of_values / total, 0.05, "the values themselves: 256 bytes and a header")

    def test_most_objects_die_at_once(self):
        lifetime = self.allocations["lifetime_seconds"]
        # On a slow machine redis is too hot to be followed for 10 ms; what was identified instead is said.
        age = max((age for age in lifetime["below"] if float(age) <= 0.01), key=float)
        self.assertLessEqual(float(age), lifetime["identified_below"])
        self.assertGreater(lifetime["below"][age]["value"], 0.3)
        self.assertLessEqual(lifetime["below"]["0.001"]["value"], lifetime["below"][age]["value"])
        self.assertTrue(0 < lifetime["identified_below"] <= 0.05)

    def test_churn_ratio_is_a_share(self):
        churn = self.allocations["churn_ratio"]
        self.assertTrue(0 < churn["value"] <= 1, churn)

    def test_call_sites_are_behind_the_wrappers(self):
        sites = sorted(self.found["call_sites"], key=lambda s: -s["per_second"]["value"])
        self.assertTrue(sites)
        for site in sites[:5]:
            self.assertNotRegex(site["symbol"], r"^z?(malloc|calloc|realloc|trymalloc|zmalloc_usable|ztrymalloc)")
            self.assertTrue(site["symbol"], "redis exports its functions")

    def test_budget_is_kept(self):
        cost = self.found["cost"]
        self.assertGreater(cost["probe_hits"], 0)
        harness.assert_within_budget(self, self.found)

    def test_names_target_and_allocator(self):
        self.assertEqual("redis-server", self.found["name"])
        self.assertEqual("jemalloc", self.found["allocator"])
        self.assertEqual("collecting", collector(self.found, "alloc_bursts")["state"])


@harness.needs_quiet
class RedisExact(unittest.TestCase):
    def test_every_allocation_of_a_known_number_of_commands(self):
        per_command = allocations_per_command("set")
        with services.redis() as redis:
            warm_up = services.redis_benchmark(redis.port, "-t", "set", "-n", str(COUNTED_COMMANDS))
            subprocess.run(warm_up, check=True, capture_output=True, timeout=60)
            commands = services.redis_benchmark(redis.port, "-t", "set", "-n", "20000")
            timer = threading.Timer(3, subprocess.run, [commands], {"check": True, "capture_output": True, "timeout": 60})
            timer.start()
            found = attach(f"pid:{redis.pid}", "--exact", seconds=10)
            timer.join()
        counted = found["allocations"]["counted"]["allocations"]
        self.assertAlmostEqual(per_command, counted / 20000, delta=0.05 * per_command)


if __name__ == "__main__":
    harness.main()
