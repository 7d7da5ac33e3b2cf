"""Advice on a running service, followed: it does what was predicted."""

import contextlib
import json
import subprocess
import unittest

import harness
from harness import TARGETS, attach, poolscope, temporary_folder, wait_for

BATCH = 24
TOO_FEW = 4


@contextlib.contextmanager
def batch_service(**options):
    arguments = [word for name, value in options.items() for word in ("--" + name.replace("_", "-"), str(value))]
    process = subprocess.Popen([str(TARGETS / "batch_service"), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def look(**options):
    """What poolscope sees of the service, and what it says of itself at its end."""
    with batch_service(**options) as process:
        found = attach(f"pid:{process.pid}", seconds=4)
        own, _ = process.communicate(timeout=20)
    return found, json.loads(own)


def advice_for(found, kind):
    fitting = [advice for advice in found["advice"] if advice["subject"] == "batch.blocks" and advice["kind"] == kind]
    if len(fitting) != 1:
        raise AssertionError(f"expected one advice of kind {kind}: {found['advice']}")
    return fitting[0]


class MoreIdleBuffers(unittest.TestCase):
    """A pool that keeps 4 buffers of which 24 are out at a time."""

    @classmethod
    def setUpClass(cls):
        cls.before, cls.own_before = look(max_idle=TOO_FEW)
        cls.advice = advice_for(cls.before, "max_idle_buffers")
        cls.after, cls.own_after = look(max_idle=cls.advice["recommended"])

    def test_advises_as_many_as_are_out(self):
        self.assertEqual(TOO_FEW, self.advice["current"])
        self.assertEqual(BATCH, self.advice["recommended"])
        self.assertGreater(self.advice["expected"]["saved_cpu_ratio"]["low"], 0)

    def test_hit_ratio_becomes_what_was_predicted(self):
        realised = 1 - self.own_after["misses"] / self.own_after["gets"]
        print(f"\n  predicted {self.advice['expected']['hit_ratio']:.4f}, realised {realised:.4f}")
        self.assertAlmostEqual(self.advice["expected"]["hit_ratio"], realised, delta=0.001)

    def test_saving_is_as_predicted(self):
        before, after = self.own_before["cpu_ns_per_get"], self.own_after["cpu_ns_per_get"]
        saved, predicted = 1 - after / before, self.advice["expected"]["saved_cpu_ratio"]
        print(f"\n  {before} ns per get, then {after}: {saved:.1%} saved, predicted {predicted['low']:.1%} to {predicted['high']:.1%}")
        self.assertGreater(saved, predicted["low"])
        self.assertLess(saved, predicted["high"])

    def test_then_says_keep(self):
        self.assertEqual("keep", advice_for(self.after, "keep")["verdict"])


class AdviseCommand(unittest.TestCase):
    def test_says_the_same_of_a_report_and_answers_what_if(self):
        with batch_service(max_idle=TOO_FEW) as process, temporary_folder() as folder:
            report = folder / "report.json"
            poolscope("attach", f"pid:{process.pid}", "--for", "4s", "-o", report)
            told = json.loads(poolscope("advise", report, "--json").stdout)
            self.assertEqual(json.loads(report.read_text())["targets"][0]["advice"], told[0]["advice"])
            self.assertIn(f"max_idle_buffers {TOO_FEW} buffers → {BATCH} buffers", poolscope("advise", report).stdout)
            answer = json.loads(poolscope("advise", report, "--what-if", f"max_idle_buffers={BATCH}", "--json").stdout)
            self.assertAlmostEqual(1, answer[0]["hit_ratio_low"], delta=0.001)

    def test_agent_tells_it_in_metrics(self):
        with batch_service(max_idle=TOO_FEW) as process, harness.agent("--target", f"pid:{process.pid}") as agent:
            def verdict():
                return 'kind="max_idle_buffers",verdict="change"' in agent.metrics()
            wait_for(verdict, 90, "advice that an agent is sure of")
            self.assertIn("poolscope_advice_recommended_buffers", agent.metrics())

    def test_unknown_names_are_told(self):
        with batch_service() as process, temporary_folder() as folder:
            report = folder / "report.json"
            poolscope("attach", f"pid:{process.pid}", "--for", "1s", "-o", report)
            wrong = poolscope("advise", report, "--target", "nobody", check=False)
            self.assertEqual(1, wrong.returncode)
            self.assertIn("there is no target `nobody`; there are: batch_service", wrong.stderr)
            wrong = poolscope("advise", report, "--what-if", "size=4", check=False)
            self.assertEqual(2, wrong.returncode)
            self.assertIn("`size` is no limit", wrong.stderr)


if __name__ == "__main__":
    harness.main()
