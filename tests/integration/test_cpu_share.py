"""cpu_share on programs that know which part of their CPU time they spend on memory."""

import contextlib
import json
import os
import subprocess
import unittest

import harness
from harness import TARGETS, attach, collector, main, needs_quiet, target

# Of a page fault, what the kernel does with interrupts off counts as the code that faulted; of malloc, its calls are the program's own.
LEAST_OF_A_FAULT, LEAST_OF_MALLOC = 0.75, 0.8


@contextlib.contextmanager
def collecting_all_the_time(name):
    """A Go program that keeps a heap of small objects and allocates beside it. One processor: what idle ones mark is not booked."""
    process = subprocess.Popen([TARGETS / name], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env={**os.environ, "GOMAXPROCS": "1"})
    try:
        process.stdin.write(b"keep 64 200\n" + 500 * b"churn 1000 400\n")
        process.stdin.flush()
        yield process
    finally:
        process.kill()
        process.communicate()


def known_shares(load):
    """What the program says at its end."""
    load.process.terminate()
    load.wait()
    told = json.loads(load.output())
    return {part: told[f"{part}_ns"] / told["all_ns"] for part in ("allocator", "copy", "page_fault")}


class KnownShares(unittest.TestCase):
    """Shares that a program tells of itself lie in their intervals."""

    def assert_holds(self, share, truth, part, least=1.0):
        estimate = share[part]
        said = f"{part}: {truth[part]:.3f} is the truth, {estimate} was estimated"
        self.assertLessEqual(estimate["low"], truth[part], said)
        self.assertGreaterEqual(estimate["high"], least * truth[part], said)

    @needs_quiet
    def test_lie_in_their_intervals(self):
        with target("cpu_share_load") as load:
            found = attach(load.pid, seconds=12)
            truth = known_shares(load)
        self.assertEqual(collector(found, "cpu_share")["state"], "collecting")
        share = found["cpu_share"]
        self.assert_holds(share, truth, "allocator", LEAST_OF_MALLOC)
        self.assert_holds(share, truth, "copy")
        self.assert_holds(share, truth, "page_fault", LEAST_OF_A_FAULT)
        self.assertNotIn("gc", share)
        harness.assert_within_budget(self, found)


class Absence(unittest.TestCase):
    def test_a_share_of_a_program_that_sleeps_is_absent_and_says_what_it_takes(self):
        with target("steady_load") as load:
            found = attach(load.pid, seconds=2)
        self.assertNotIn("cpu_share", found)
        state = collector(found, "cpu_share")
        self.assertEqual((state["level"], state["state"], state["reason"]), ("L1", "idle", "too_few_samples"))
        self.assertIn("100 samples", state["detail"])


class GoCollector(unittest.TestCase):
    """The share of the garbage collector is at least what the Go runtime books for it."""

    @needs_quiet
    def test_of_a_stripped_program(self):
        with collecting_all_the_time("go_gc_stripped") as load:
            found = attach(load.pid, seconds=8)
        share, booked = found["cpu_share"], found["gc"]["cpu_ratio"]
        said = f"{share} was estimated, the runtime booked {booked:.3f} for its collector"
        # Sweeping, and what new objects and pointers cost while it marks, is not booked. It books by the wall clock: too much where the
        # program has to wait for a CPU.
        self.assertGreater(share["gc"]["high"], booked * 0.75, said)
        self.assertLess(share["gc"]["low"], booked * 2, said)
        self.assertGreater(share["allocator"]["low"], 0.1, said)
        self.assertGreater(share["total"]["low"], 0.5, said)


class Metrics(unittest.TestCase):
    def test_an_agent_tells_each_part_with_its_interval(self):
        jemalloc = {**os.environ, "LD_PRELOAD": "libjemalloc.so.2"}
        with target("cpu_share_load", env=jemalloc) as load, harness.agent("--target", f"pid:{load.pid}") as agent:
            found = agent.wait_for_target(lambda t: "cpu_share" in t, 60, "a share")
            page = agent.metrics()
        self.assertEqual(found["allocator"], "jemalloc")
        self.assertGreater(found["cpu_share"]["allocator"]["low"], 0.03)
        for part in ("allocator", "copy", "page_fault"):
            for end in ("", "_low", "_high"):
                self.assertRegex(page, rf'poolscope_cpu_share_ratio{end}{{target="cpu_share_load",part="{part}"}} \S+')
        self.assertNotIn('part="gc"', page)


if __name__ == "__main__":
    main()
