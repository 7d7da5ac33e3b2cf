"""A thousand times on and off: probes leave a busy, threaded, forking program and poolscope itself as they were."""

import json
import os
import subprocess
import unittest

import harness
from harness import TARGETS, target, wait_until_unprobed

CYCLES = 1000


class Cycles(unittest.TestCase):
    def test_a_thousand_cycles_leave_nothing_behind(self):
        with target("alloc_loop", "--threads", "2", "--live", "64", "--forks") as loop:
            result = subprocess.run([TARGETS.parent / "bench" / "probe_cycles", str(loop.pid), str(CYCLES)], capture_output=True,
                                    text=True, timeout=560)
            self.assertEqual(0, result.returncode, result.stderr)
            seen = json.loads(result.stdout)
            print(f"\n  {seen}")
            wait_until_unprobed(loop.pid)
            self.assertEqual(0, loop.stop(), f"the target's own checks: {loop.errors()}")
            self.assertTrue(loop.output().endswith("ok\n"), loop.output())
        self.assertEqual(CYCLES, seen["cycles"])
        self.assertGreater(seen["events"], CYCLES, "the probes did count")
        self.assertEqual(seen["descriptors_before"], seen["descriptors_after"])
        self.assertLess(seen["resident_kib_after"] - seen["resident_kib_warm"], 1024, "no growth after the first cycles")


if __name__ == "__main__":
    harness.main()
