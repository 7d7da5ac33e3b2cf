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


@contextlib.contextmanager
def container_growth(*arguments):
    process = subprocess.Popen([str(TARGETS / "container_growth"), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


class ReserveInContainers(unittest.TestCase):
    def test_says_how_much_a_vector_that_grows_should_reserve(self):
        with container_growth() as process:
            found = attach(f"pid:{process.pid}", seconds=20)
        told = [advice for advice in found["advice"] if advice["kind"] == "reserve"]
        self.assertEqual(1, len(told), found["advice"])
        self.assertRegex(told[0]["subject"], "grow_vector|append_pieces|vector<char")
        self.assertIn(told[0]["recommended"], range(50000, 80000))
        self.assertIn("of them end", told[0]["why"])
        saved = told[0]["expected"]["saved_cpu_ratio"]
        self.assertLess(0, saved["low"])
        self.assertLessEqual(saved["low"], saved["value"])
        self.assertLess(saved["high"], 1)

    def test_says_nothing_of_blocks_that_are_replaced(self):
        with container_growth("--how", "replaced") as process:
            found = attach(f"pid:{process.pid}", seconds=10)
        self.assertEqual([], [advice for advice in found.get("advice", []) if advice["kind"] == "reserve"])
        self.assertEqual([], found.get("growth_chains", []))


class ResizedAsAdvised(unittest.TestCase):
    """`pools resize --advised` on a pool that keeps too few."""

    def resize(self, report, *options):
        return poolscope("pools", "resize", "--advised", "--agent", report, *options, check=False)

    def test_does_what_is_advised_when_the_service_allows_it(self):
        with batch_service(max_idle=TOO_FEW, resizable=1) as process, temporary_folder() as folder:
            report = folder / "report.json"
            poolscope("attach", f"pid:{process.pid}", "--for", "4s", "-o", report)
            tried = self.resize(report, "--dry-run")
            self.assertEqual(0, tried.returncode, tried.stderr)
            self.assertIn(f"batch.blocks   max_idle_buffers {TOO_FEW} buffers → {BATCH} buffers", tried.stdout)
            self.assertIn("not done: --dry-run", tried.stdout)
            self.assertEqual(TOO_FEW, self.limit(process))
            done = self.resize(report, "batch.blocks")
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)
            self.assertIn("    done\n", done.stdout)
            self.assertEqual(BATCH, self.limit(process))
            again = self.resize(report, "batch.blocks")
            self.assertEqual(0, again.returncode, "the report is older than the change: the pool is asked for the same again")

    def limit(self, process):
        found = attach(f"pid:{process.pid}", seconds=1)
        return next(pool for pool in found["pools"] if pool["name"] == "batch.blocks")["published"]["limits"]["max_idle_buffers"]

    def test_says_when_the_service_does_not_allow_it(self):
        with batch_service(max_idle=TOO_FEW) as process, temporary_folder() as folder:
            report = folder / "report.json"
            poolscope("attach", f"pid:{process.pid}", "--for", "4s", "-o", report)
            refused = self.resize(report)
            self.assertEqual(1, refused.returncode)
            self.assertIn("resizable_by_agent", refused.stdout)
            self.assertEqual(TOO_FEW, self.limit(process))

    def test_leaves_alone_what_it_is_not_sure_of(self):
        with batch_service(max_idle=TOO_FEW) as process, temporary_folder() as folder:
            report = folder / "report.json"
            poolscope("attach", f"pid:{process.pid}", "--for", "4s", "-o", report)
            snapshot = json.loads(report.read_text())
            snapshot["targets"][0]["advice"] = []
            report.write_text(json.dumps(snapshot))
            self.assertEqual(0, self.resize(report).returncode)
            refused = self.resize(report, "batch.blocks")
            self.assertEqual(1, refused.returncode)
            self.assertIn("there is no advice for it yet", refused.stdout)
            unknown = self.resize(report, "blocks")
            self.assertEqual(1, unknown.returncode)
            self.assertIn("no target has a pool `blocks`", unknown.stderr)


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
