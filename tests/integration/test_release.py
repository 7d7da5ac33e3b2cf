"""A target that becomes ten thousand times hotter during a burst is let go at once, by the target's own clock."""

import json
import unittest

import harness
from harness import target, wait_until_unprobed

RELEASED_WITHIN_NS = 20e6
WITNESS_SLEEPS_NS = 4e6  # what it slept through is a lapse, too
LEAST_JUMPS = 2  # a burst that learns how hot the target has become is the last for a minute


def lapsed_ns(jump, lapses):
    """How long there was a CPU on which nobody could run during the slow stretch of `jump`: who lets go may have waited for it."""
    lapsed, until = 0, jump["begin_ns"]
    for lapse in sorted(lapses, key=lambda lapse: lapse["begin_ns"]):
        begin, end = max(lapse["begin_ns"] - WITNESS_SLEEPS_NS, until), min(lapse["end_ns"], jump["end_ns"])
        lapsed += max(0, end - begin)
        until = max(until, end)
    return lapsed


@harness.needs_quiet
class Release(unittest.TestCase):
    def jumps_under_watch(self, seconds, *budget):
        """What jump_load says of each jump, and the report that was made meanwhile."""
        with target("cpu_witness") as witness, target("jump_load") as load:
            found = harness.attach(f"pid:{load.pid}", *budget, seconds=seconds)
            wait_until_unprobed(load.pid)
            self.assertEqual(0, load.stop(), load.errors())
            calm, *jumps = (json.loads(line) for line in load.output().splitlines())
            self.assertEqual(0, witness.stop(), witness.errors())
            lapses = [json.loads(line) for line in witness.output().splitlines()]
        for jump in jumps:
            jump["lapsed_ns"] = lapsed_ns(jump, lapses)
            print(f"\n  jump {jump['delay_ns'] / 1e6:4.1f} ms into a burst: slow for {jump['slow_ns'] / 1e6:.1f} ms, "
                  f"in later bursts {jump['later_slow_ns'] / 1e6:.1f} ms; no CPU for {jump['lapsed_ns'] / 1e6:.1f} ms", end="", flush=True)
        million_per_second = 1e6 / calm["picoseconds_per_pair"]
        print(f"\n  undisturbed {million_per_second:.0f} M pairs/s, bursts {found['cost']['bursts']}")
        self.assertGreater(million_per_second, 10)
        self.assertGreaterEqual(len(jumps), LEAST_JUMPS)
        self.assertLess(max(jump["slow_ns"] - jump["lapsed_ns"] for jump in jumps), RELEASED_WITHIN_NS)
        return found

    def test_with_the_default_budget(self):
        harness.assert_within_budget(self, self.jumps_under_watch(25))

    def test_when_the_budget_would_pay_for_much_more(self):
        # Half a second is saved after some seconds: what lets go is the pace of the hits, not the end of the tokens.
        self.jumps_under_watch(15, "--budget.cpu-ratio", "0.2")


if __name__ == "__main__":
    harness.main()
