"""Targets whose processes come and go: rates are right, what probes took is told, and nothing is trapped outside bursts."""

import json
import unittest

import harness
from harness import attach, target, wait_until_unprobed

OBSERVED_SECONDS = 20


@harness.needs_quiet
class Rates(unittest.TestCase):
    def look_at(self, loop):
        found = attach(f"pid:{loop.pid}", seconds=OBSERVED_SECONDS)
        wait_until_unprobed(loop.pid)
        harness.assert_within_budget(self, found)
        return found["allocations"]["per_second"], found["cost"]["bursts"]

    def test_program_that_executes_itself(self):
        with target("exec_loop") as loop:
            looks = [self.look_at(loop) for _ in range(2)]
            self.assertEqual(0, loop.stop(), loop.errors())
            own = json.loads(loop.output())
        self.assertGreater(own["images"], 10)
        truth = own["allocations"] / own["duration_ns"] * 1e9
        for rate, bursts in looks:
            print(f"\n  truth {truth:,.0f}/s, reported {rate['value']:,.0f}/s ({rate['low']:,.0f} - {rate['high']:,.0f}), bursts {bursts}",
                  flush=True)
        self.assertTrue(any(rate["low"] <= truth <= rate["high"] for rate, _ in looks))


if __name__ == "__main__":
    harness.main()
