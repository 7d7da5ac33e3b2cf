"""What events in order tell of a sync.Pool: its miss curve and its misuse, against go_misuse, which does it on purpose and counts."""

import json
import signal
import unittest

import harness
import miss_curves
from harness import POOLSCOPE, TARGETS, only_target, poolscope, running, temporary_folder

NAME = "main.bufferPool"


def run_exact(*arguments):
    """What go_misuse says of itself, and its pool as `run --exact` reports it."""
    with temporary_folder() as folder:
        report = folder / "report.json"
        # the pause: poolscope learns the type of the objects, and with it where their length is
        result = poolscope("run", "--exact", "--json", "-o", report, "--", TARGETS / "go_misuse", "-first-pause", "1s",
                           "-last-pause", "300ms", *arguments)
        found = only_target(json.loads(report.read_text()))
    return json.loads(result.stdout), next(pool for pool in found["pools"] if pool["name"] == NAME)


class Exact(unittest.TestCase):
    def test_miss_curve_is_that_of_a_replay(self):
        own, pool = run_exact("-log", "-rounds", "3000", "-lose-every", "50")
        # the put to begin with is not in its log
        miss_curves.assert_played(self, "p" + own["events"], pool)

    def test_every_put_of_an_idle_object(self):
        own, pool = run_exact("-rounds", "3000", "-put-twice-every", "40")
        self.assertGreater(own["put_twice"], 100)
        self.assertEqual(own["put_twice"], pool["use"]["put_twice"])

    def test_every_object_used_after_its_put(self):
        own, pool = run_exact("-rounds", "3000", "-use-every", "30")
        self.assertGreater(own["used_after_put"], 100)
        self.assertEqual(own["used_after_put"], pool["use"]["used_after_put"])

    def test_every_lost_object(self):
        own, pool = run_exact("-rounds", "3000", "-lose-every", "100")
        self.assertGreater(own["lost"], 50)
        self.assertEqual(own["lost"], pool["use"]["never_put"])

    def test_nothing_is_found_where_nothing_is_wrong(self):
        own, pool = run_exact("-rounds", "3000")
        self.assertEqual((0, 0, 0), (pool["use"]["never_put"], pool["use"]["put_twice"], pool["use"]["used_after_put"]))


class Bursts(unittest.TestCase):
    """The same from bursts, within the budget."""

    LOAD = ["-round-time", "500us", "-work", "200us"]

    def watch(self, *arguments):
        """What go_misuse says of itself, and its pool as reported."""
        with running([TARGETS / "go_misuse", *self.LOAD, *arguments]) as service:
            with running([POOLSCOPE, "attach", f"pid:{service.pid}", "--for", "30s", "--json", "--budget.cpu-ratio", "0.05"]) as look:
                self.assertEqual(0, look.wait(90), look.errors())
                found = only_target(json.loads(look.output()))
            harness.wait_until_unprobed(service.pid)
            service.process.send_signal(signal.SIGTERM)
            service.wait()
            own = json.loads(service.output())
        return own, next(pool for pool in found["pools"] if pool["name"] == NAME)

    def test_lost_objects_are_found(self):
        own, pool = self.watch("-lose-every", "50")
        lost = own["lost"] / (own["gets"] - own["misses"])
        print(f"\n  never put {pool['use'].get('never_put_ratio')}, really {lost:.4f}; {pool['use']}")
        self.assertLess(pool["use"]["never_put_ratio"]["low"], lost)
        self.assertGreater(pool["use"]["never_put_ratio"]["high"], lost)
        self.assertEqual((0, 0), (pool["use"]["put_twice"], pool["use"]["used_after_put"]))

    def test_puts_of_idle_objects_and_their_use_are_found(self):
        _, pool = self.watch("-put-twice-every", "60", "-use-every", "70")
        self.assertGreater(pool["use"]["put_twice"], 0)
        self.assertGreater(pool["use"]["used_after_put"], 0)

    def test_none_is_found_where_there_is_none_and_the_curve_is_that_of_the_load(self):
        own, pool = self.watch()
        self.assertEqual((0, 0), (pool["use"]["put_twice"], pool["use"]["used_after_put"]))
        self.assertLess(pool["use"]["never_put"], 5)
        # 1 to 8 objects are out at a time, drawn evenly: with at most n kept, (8 - n) (9 - n) / 72 of the gets miss
        curve = dict(pool["miss_curve"])
        print(f"\n  {pool['miss_curve_gets']} gets: {curve}")
        for cap in (1, 4, 8):
            self.assertAlmostEqual((8 - cap) * (9 - cap) / 72, curve[cap], delta=0.05, msg=f"cap {cap}")


if __name__ == "__main__":
    harness.main()
