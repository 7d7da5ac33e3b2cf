"""The case studies file_cache, glyph_pool and object_pools, watched from outside: the verdicts are those of who wrote them."""

import json
import subprocess
import sys
import unittest
from pathlib import Path

import harness
from harness import TARGETS, attach, needs_quiet, running, target, temporary_folder, wait_for

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "docs" / "how-to" / "pool-alerts.rules.yml"
ALERT_BELOW = 0.8
LOST = 0.25  # of the items of a lossy service


def pools_of(found):
    return {pool["name"]: pool for pool in found["pools"]}


def verdicts_of(found):
    """By pool, those that are about enough; call sites are not looked at."""
    return {(advice["subject"], advice["kind"]): advice["verdict"] for advice in found["advice"]
            if advice["verdict"] != "wait" and advice["subject"] in pools_of(found)}


class Caches(unittest.TestCase):
    def test_keeps_the_pools_of_a_file_cache(self):
        with target("case_file_cache", "--serve") as service:
            found = attach(f"pid:{service.pid}", seconds=2)
        self.assertEqual({("cache.entries", "keep"): "keep", ("cache.metadata", "keep"): "keep"}, verdicts_of(found))
        self.assertGreater(pools_of(found)["cache.entries"]["hit_ratio"]["value"], 0.99)

    def test_sees_a_pool_that_halved_itself(self):
        with target("case_glyph_pool", "--serve") as service:
            found = attach(f"pid:{service.pid}", seconds=2)
        glyphs = pools_of(found)["glyphs"]
        self.assertEqual(16, glyphs["published"]["limits"]["max_borrowed_buffers"])
        self.assertEqual((16, 16), (glyphs["idle"] + glyphs["published"]["borrowed"], glyphs["published"]["destroyed"]))
        self.assertEqual({("glyphs", "keep"): "keep"}, verdicts_of(found))

    def test_reads_the_counts_of_a_pool_in_python(self):
        program = ROOT / "tests" / "case_studies" / "glyph_pool" / "glyph_pool.py"
        with running([sys.executable, program, "--serve"]) as service, harness.agent("--target", f"pid:{service.pid}") as agent:
            agent.wait_for_target(lambda found: pools_of(found)["glyphs"]["counted"]["gets"] > 1000, what="a thousand gets")
            service.stop()
            own = json.loads(service.output())
            found = agent.wait_for_target(lambda found: pools_of(found)["glyphs"]["counted"]["gets"] == own["gets"], what="the last counts")
        counted = pools_of(found)["glyphs"]["counted"]
        self.assertEqual((own["gets"], own["puts"], own["overflows"]), (counted["gets"], counted["puts"], counted["misses"]))


class Objects(unittest.TestCase):
    KINDS = ["server.items", "server.results", "server.buffers", "server.maps", "server.nodes/128"]

    def test_keeps_all_five_kinds(self):
        with target("case_object_pools", "--serve") as service:
            found = attach(f"pid:{service.pid}", seconds=2)
        self.assertLessEqual({(kind, "keep"): "keep" for kind in self.KINDS}.items(), verdicts_of(found).items())

    def test_tells_of_items_that_do_not_come_back(self):
        with target("case_object_pools", "--serve", "lossy") as service:
            found = attach(f"pid:{service.pid}", seconds=2)
        items = pools_of(found)["server.items"]
        self.assertEqual("fix", verdicts_of(found)[("server.items", "misuse")])
        self.assertAlmostEqual(1 - LOST, items["hit_ratio"]["value"], delta=0.001)
        self.assertAlmostEqual(LOST, items["published"]["borrowed"] / items["counted"]["gets"], delta=0.001)
        self.assertNotIn(("server.results", "misuse"), verdicts_of(found))


@needs_quiet
class GoObjects(unittest.TestCase):
    """The service in Go, watched as any Go program."""

    @staticmethod
    def watch(how, seconds):
        with target("case_studies_go", "object_pools", "--serve", how) as service:
            return attach(f"pid:{service.pid}", seconds=seconds)

    def test_collecting_takes_less_with_pools(self):
        heap, pool = self.watch("heap", 3)["gc"], self.watch("pool", 3)["gc"]
        print(f"\n  GC CPU {heap['cpu_ratio']:.2%} without pools, {pool['cpu_ratio']:.2%} with them")
        self.assertLess(pool["cpu_ratio"], heap["cpu_ratio"] / 5)
        self.assertLess(pool["allocated_bytes_per_second"], heap["allocated_bytes_per_second"] / 50)


class Alerts(unittest.TestCase):
    """docs/how-to/pool-alerts.rules.yml"""

    LABELS = 'target="server", pool="items"'

    def promtool(self, *arguments):
        result = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=60)
        self.assertEqual(0, result.returncode, result.stdout + result.stderr)

    def assert_firing(self, alerts, **series):
        """After an hour of these values, exactly these of the two alerts that wait."""
        both = 'alertname=~"PoolSeldomReuses|PoolObjectsNotPutBack", alertstate="firing"'
        test = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [{
            "interval": "1m",
            "input_series": [{"series": f"poolscope_pool_{name}{{{self.LABELS}}}", "values": f"{value}x60"} for name, value in series.items()],
            "promql_expr_test": [{"expr": f"count by (alertname) (ALERTS{{{both}}})", "eval_time": "1h", "exp_samples": [
                {"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in alerts]}]}]}
        with temporary_folder() as folder:
            (folder / "test.yml").write_text(json.dumps(test))
            self.promtool("test", "rules", folder / "test.yml")

    def test_fire_below_the_limit(self):
        self.assert_firing(["PoolSeldomReuses"], hit_ratio=0.75, gets_per_second=100, puts_per_second=100)
        self.assert_firing([], hit_ratio=0.85, gets_per_second=100, puts_per_second=100)

    def test_an_estimate_must_surely_be_below(self):
        self.assert_firing([], hit_ratio=0.75, hit_ratio_high=0.9, gets_per_second=100, puts_per_second=100)

    def test_fire_where_objects_do_not_come_back(self):
        self.assert_firing(["PoolObjectsNotPutBack"], hit_ratio=1, gets_per_second=100, puts_per_second=75)

    def test_say_nothing_of_pools_that_are_hardly_used(self):
        self.assert_firing([], hit_ratio=0.1, gets_per_second=5, puts_per_second=1)

    def test_rules_are_valid(self):
        self.promtool("check", "rules", RULES)

    def test_series_are_those_of_the_agent(self):
        with target("case_object_pools", "--serve", "lossy") as service, harness.agent("--target", f"pid:{service.pid}") as agent:
            def fields():
                of_items = [line for line in agent.metrics().splitlines() if 'pool="server.items"' in line]
                values = {line.split("{")[0]: float(line.split()[-1]) for line in of_items}
                return values.get("poolscope_pool_hit_ratio_high") and values
            found = wait_for(fields, 30, "the hit ratio")
        self.assertLess(found["poolscope_pool_hit_ratio_high"], ALERT_BELOW)
        self.assertAlmostEqual(1 - LOST, found["poolscope_pool_puts_per_second"] / found["poolscope_pool_gets_per_second"], delta=0.01)


if __name__ == "__main__":
    harness.main()
