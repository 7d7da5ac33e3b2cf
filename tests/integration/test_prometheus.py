"""A real Prometheus reads the agent."""

import json
import subprocess
import unittest
import urllib.parse

import harness
import services
from harness import http_get, wait_for


class Scraped(unittest.TestCase):
    """One redis, one agent, one Prometheus for all promises of this file."""

    @classmethod
    def setUpClass(cls):
        redis = cls.enterClassContext(services.redis())
        cls.load = cls.enterClassContext(services.redis_load(redis.port, "set,get"))
        cls.agent = cls.enterClassContext(harness.agent("--target", f"pid:{redis.pid}"))
        cls.prometheus = cls.enterClassContext(services.prometheus(cls.agent.url))
        cls.agent.wait_for_rate()

    def query(self, expression):
        """Vector of (labels, value)."""
        url = f"http://127.0.0.1:{self.prometheus.port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        return [(r["metric"], float(r["value"][1])) for r in json.loads(http_get(url))["data"]["result"]]

    def test_target_is_up(self):
        wait_for(lambda: [v for _, v in self.query('up{job="poolscope"}')] == [1], 20, "up == 1")

    def test_a_minute_of_scrapes_has_no_gap(self):
        wait_for(lambda: [v >= 60 for _, v in self.query('count_over_time(up{job="poolscope"}[5m])')] == [True], 90,
                 "60 scrapes, one a second", interval_seconds=1)
        self.assertEqual([1], [v for _, v in self.query('min_over_time(up{job="poolscope"}[1m])')])

    def test_rate_can_be_queried_by_target(self):
        found = wait_for(lambda: self.query('poolscope_allocations_per_second{target="redis-server"}'), 20, "the rate in Prometheus")
        self.assertEqual(1, len(found))
        self.assertGreater(found[0][1], 1000)

    def test_labels_never_name_a_process_or_an_address(self):
        series = wait_for(lambda: self.query('{__name__=~"poolscope_.*"}'), 20, "series of poolscope")
        for labels, _ in series:
            self.assertFalse({"pid", "address", "symbol", "call_site"} & labels.keys(), labels)

    def test_promtool_finds_nothing_to_complain_about(self):
        result = subprocess.run(["promtool", "check", "metrics"], input=self.agent.metrics(), capture_output=True, text=True, timeout=30)
        # the process_ family is prescribed by the Prometheus client guidelines and passes as well
        self.assertEqual((0, ""), (result.returncode, result.stdout + result.stderr))

    def test_interval_encloses_the_value(self):
        def bounds():
            names = [f"poolscope_allocations_per_second{suffix}" for suffix in ("_low", "", "_high")]
            values = [self.query(name) for name in names]
            return all(values) and [v[0][1] for v in values]
        low, value, high = wait_for(bounds, 40, "an interval, which takes 12 bursts")
        self.assertLess(low, high)
        self.assertTrue(low * 0.8 <= value <= high * 1.2, "three scrapes may be a second apart")

    def test_health_and_readiness(self):
        self.assertTrue(http_get(f"{self.agent.url}/-/healthy"))
        wait_for(lambda: http_get(f"{self.agent.url}/-/ready"), 20, "ready")

    def test_load_was_not_disturbed(self):
        self.load.assert_running()


if __name__ == "__main__":
    harness.main()
