"""A target that becomes ten thousand times hotter during a burst is let go at once, by the target's own clock."""

import json
import unittest

import harness
from harness import target, wait_for, wait_until_unprobed

RELEASED_WITHIN_NS = 20e6
JUMPS = 6  # one per delay of jump_load: while probes are placed, in a rate burst, in the births and in the follow phase of a cohort


@harness.needs_quiet
class Release(unittest.TestCase):
    def jumps_under_watch(self, *budget):
        """What jump_load says of each jump, and the report that was made meanwhile."""
        with target("jump_load", "--jumps", JUMPS) as load:
            wait_for(lambda: load.output(), what="the undisturbed speed")
            with harness.running([harness.POOLSCOPE, "attach", f"pid:{load.pid}", "--for", "100s", "--json", *budget]) as attach:
                self.assertEqual(0, load.wait(100), load.errors())
                self.assertEqual(0, attach.wait(20), attach.errors())
                found = harness.only_target(json.loads(attach.output()))
            calm, *jumps = (json.loads(line) for line in load.output().splitlines())
        for jump in jumps:
            print(f"\n  jump {jump['delay_ns'] / 1e6:4.1f} ms into a burst: slow for {jump['slow_ns'] / 1e6:.1f} ms, "
                  f"in later bursts {jump['later_slow_ns'] / 1e6:.1f} ms", end="", flush=True)
        print(f"\n  undisturbed {1e6 / calm['picoseconds_per_pair']:.0f} M pairs/s")
        self.assertEqual(JUMPS, len(jumps))
        return jumps, found

    def test_with_the_default_budget(self):
        jumps, found = self.jumps_under_watch()
        self.assertLess(max(jump["slow_ns"] for jump in jumps), RELEASED_WITHIN_NS)
        harness.assert_within_budget(self, found)

    def test_when_the_budget_would_pay_for_much_more(self):
        # Half a second is saved after some seconds: what lets go is the pace of the hits, not the end of the tokens.
        jumps, _ = self.jumps_under_watch("--budget.cpu-ratio", "0.2")
        self.assertLess(max(jump["slow_ns"] for jump in jumps), RELEASED_WITHIN_NS)

    def test_nothing_stays_behind(self):
        with target("jump_load", "--jumps", 1) as load:
            with harness.running([harness.POOLSCOPE, "attach", f"pid:{load.pid}", "--for", "60s", "--json"]) as attach:
                wait_for(lambda: len(load.output().splitlines()) > 1 or load.process.poll() is not None, 60, "a jump")
                attach.stop()
            if load.process.poll() is None:
                wait_until_unprobed(load.pid)


if __name__ == "__main__":
    harness.main()
