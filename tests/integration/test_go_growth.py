"""Slices of Go programs that grow by append: poolscope and go_growth, which sees the capacity change, count the same."""

import json
import signal
import unittest

import harness
from harness import POOLSCOPE, TARGETS, collector, only_target, poolscope, running, temporary_folder


def log_linear_upper(value):
    """The largest value of the bucket of `value`, as in pools/include/poolscope/log_linear.h."""
    if value < 16:
        return value
    shift = value.bit_length() - 4
    return ((value >> shift) + 1 << shift) - 1


def chains_of(found):
    return {chain["symbol"]: chain for chain in found.get("growth_chains", [])}


class Exact(unittest.TestCase):
    """`run --exact` on each build: every chain of every function that appends."""

    ROUNDS = 200

    def look_at(self, build):
        with temporary_folder() as folder:
            report = folder / "report.json"
            result = poolscope("run", "--exact", "--json", "-o", report, "--", TARGETS / build, "-rounds", self.ROUNDS,
                               "-pause", "1s", "-collect=false")
            return json.loads(result.stdout)["functions"], only_target(json.loads(report.read_text()))

    def test_chains_are_equal(self):
        for build in ("go_growth", "go_growth_stripped", "go_growth_pie"):
            own, found = self.look_at(build)
            chains = chains_of(found)
            self.assertFalse(found["cost"].get("dropped"))
            self.assertEqual("collecting", collector(found, "go_growth")["state"])
            for function in ("main.growBytes", "main.growWords", "main.growNodes"):
                with self.subTest(build=build, function=function):
                    self.assert_equal(own[function], chains[function])
            self.assertNotIn("main.makeOnce", chains, "an array out of nothing is no growth")

    def assert_equal(self, own, chain):
        self.assertEqual(self.ROUNDS, own["chains"])
        self.assertEqual(own["chains"], chain["counted_chains"])
        self.assertEqual(own["copied_bytes"], chain["counted_copied_bytes"])
        self.assertAlmostEqual(own["steps"] / own["chains"], chain["steps"])
        self.assertEqual(log_linear_upper(own["first_bytes"]), chain["first_bytes"])
        self.assertEqual(log_linear_upper(own["final_bytes"]), chain["final_bytes"]["p50"])


class Plan(unittest.TestCase):
    def test_names_both_places_that_would_be_probed(self):
        with running([TARGETS / "go_growth", "-round-time", "1s"]) as service:
            text = poolscope("attach", f"pid:{service.pid}", "--plan").stdout
        self.assertRegex(text, r"go_growth +WILL COLLECT")
        for place in (r"call +runtime\.growslice +\+\d+ +jbe .*one trap", r"copy +runtime\.growslice +\+\d+ +call .*one trap"):
            self.assertRegex(text, place)


@harness.needs_quiet
class Bursts(unittest.TestCase):
    def test_rates_and_shapes(self):
        with running([TARGETS / "go_growth", "-round-time", "1ms", "-work", "400us"]) as service:
            command = [POOLSCOPE, "attach", f"pid:{service.pid}", "--for", "40s", "--json", "--budget.cpu-ratio", "0.05"]
            with running(command) as look:
                self.assertEqual(0, look.wait(90), look.errors())
                found = only_target(json.loads(look.output()))
            harness.wait_until_unprobed(service.pid)
            service.process.send_signal(signal.SIGTERM)
            self.assertEqual(0, service.wait(), service.errors())
            own = json.loads(service.output())
        chains = chains_of(found)
        harness.assert_within_budget(self, found, 0.05)
        for function in ("main.growBytes", "main.growWords", "main.growNodes"):
            truth, chain = own["functions"][function], chains[function]
            rate = truth["chains"] / own["seconds"]
            print(f"\n  {function}: {rate:,.0f} chains/s, reported {chain['per_second']}, steps {chain['steps']:.2f} "
                  f"of {truth['steps'] / truth['chains']:.2f}")
            with self.subTest(function):
                self.assertAlmostEqual(1, chain["per_second"]["value"] / rate, delta=0.15)
                self.assertLess(chain["per_second"]["low"], rate)
                self.assertGreater(chain["per_second"]["high"], rate)
                self.assertAlmostEqual(1, chain["steps"] * truth["chains"] / truth["steps"], delta=0.1)
                copied = truth["copied_bytes"] / own["seconds"]
                self.assertAlmostEqual(1, chain["copied_bytes_per_second"]["value"] / copied, delta=0.15)
                self.assertEqual(log_linear_upper(truth["final_bytes"]), chain["final_bytes"]["p50"])


if __name__ == "__main__":
    harness.main()
