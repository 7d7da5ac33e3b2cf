"""What poolscope says of Go programs beside their pools: a program without any sync.Pool has its garbage collections counted, and
`attach --plan` and `doctor --pid` tell beforehand what will be collected and where it would be probed."""

import contextlib
import json
import re
import signal
import subprocess
import unittest

import harness
from go_services import go_pools
from harness import POOLSCOPE, TARGETS, collector, only_target, patched_bytes, poolscope, running, wait_for, wait_until_unprobed


class Asked:
    """A Go program that answers each line on stdin with one line of JSON."""

    def __init__(self, process):
        self.process = process
        self.pid = process.pid

    def ask(self, command=""):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@contextlib.contextmanager
def asked(name):
    process = subprocess.Popen([TARGETS / name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Asked(process)
    finally:
        process.kill()
        process.communicate()


def no_pool():
    """Asked anything, it allocates 16 MiB, collects, and says what MemStats says then."""
    return asked("go_no_pool")


def heap_keeper():
    """Keeps what it is told to; see there for its commands."""
    return asked("go_gc")


class WithoutAnyPool(unittest.TestCase):
    def test_agent_counts_its_collections_and_says_that_there_is_no_pool(self):
        with no_pool() as program, harness.agent("--target", f"pid:{program.pid}") as agent:
            agent.wait_for_target(lambda t: "gc" in t, 30, "garbage collections")
            for _ in range(5):
                own = program.ask()
            found = agent.wait_for_target(lambda t: t["gc"]["cycles"] == own["cycles"], 20, f"{own['cycles']} collections")
            metrics = agent.metrics()
        self.assertEqual("go", found["runtime"])
        self.assertAlmostEqual(own["pause_ns"] / 1e9, found["gc"]["pause_seconds"], delta=1e-9)
        self.assertAlmostEqual(1, found["gc"]["allocated_bytes"] / own["allocated_bytes"], delta=0.01)
        pools = collector(found, "go_pools")
        self.assertEqual(("unavailable", "no_pools"), (pools["state"], pools["reason"]))
        self.assertIn("sync.Pool", pools["detail"])
        self.assertEqual("collecting", collector(found, "go_runtime")["state"], found["collectors"])
        self.assertNotIn("alloc_bursts", [c["name"] for c in found["collectors"]])
        self.assertLessEqual(set(found["cost"].get("bursts", {})), {"taken"}, "no burst on pools was planned, those on appends were taken")
        self.assertRegex(metrics, r"poolscope_gc_cycles_total\{target=\"go_no_pool\"\} [1-9]")

    def test_target_stays_what_it_was_when_its_process_has_ended(self):
        with harness.temporary_folder() as folder:
            (folder / "poolscope.yaml").write_text("targets: [{match: {executable: go_no_pool}}]\n")
            with no_pool() as program, harness.agent("--config.file", folder / "poolscope.yaml") as agent:
                agent.wait_for_target(lambda t: "gc" in t, 30, "garbage collections")
                own = program.ask()
                agent.wait_for_target(lambda t: t["gc"]["cycles"] == own["cycles"], 20, "its collections")
                agent.service.process.send_signal(signal.SIGHUP)
                wait_for(lambda: "configuration reloaded" in agent.service.errors(), 20, "a reload")
                own = program.ask()
                found = agent.wait_for_target(lambda t: t["gc"]["cycles"] >= own["cycles"], 20, "its collections after a reload")
                self.assertEqual(own["cycles"], found["gc"]["cycles"], "counted twice")
                program.process.kill()
                found = agent.wait_for_target(lambda t: not t["processes"], 20, "no process")
        self.assertEqual("go", found["runtime"])
        self.assertEqual(own["cycles"], found["gc"]["cycles"])
        self.assertNotIn("alloc_bursts", [c["name"] for c in found["collectors"]])

    def test_rates_are_those_of_the_runtime(self):
        with no_pool() as program, harness.agent("--target", f"pid:{program.pid}") as agent:
            agent.wait_for_target(lambda t: "gc" in t, 30, "garbage collections")
            self.assertNotIn("per_second", agent.target().get("allocations", {}), "nothing was booked yet")
            for _ in range(5):
                program.ask()
            found = agent.wait_for_target(lambda t: "per_second" in t.get("allocations", {}), 20, "a rate")
            metrics = agent.metrics()
        allocations = found["allocations"]
        self.assertEqual("runtime", allocations["source"])
        for name in ("per_second", "bytes_per_second"):
            self.assertEqual(allocations[name]["value"], allocations[name]["low"])
            self.assertEqual(allocations[name]["value"], allocations[name]["high"])
        # nearly all it allocates are objects of 1 KiB
        self.assertAlmostEqual(1024, allocations["bytes_per_second"]["value"] / allocations["per_second"]["value"], delta=30)
        self.assertIn("poolscope_allocated_bytes_per_second{", metrics)

    def test_exact_counts_its_collections(self):
        with no_pool() as program:
            with running([POOLSCOPE, "attach", f"pid:{program.pid}", "--exact", "--for", "60s", "--json"]) as attach:
                wait_for(lambda: patched_bytes(program.pid) > 0, 30, "the probe of collections")
                for _ in range(3):
                    own = program.ask()
                attach.process.terminate()
                self.assertEqual(0, attach.wait(60), attach.errors())
                found = only_target(json.loads(attach.output()))
            wait_until_unprobed(program.pid)
        self.assertEqual(own["cycles"], found["gc"]["cycles"])
        self.assertEqual("no_pools", collector(found, "go_pools")["reason"])

    def run_exact(self, lines):
        """What go_no_pool answers to these lines, and the target that the report has."""
        report = subprocess.run([POOLSCOPE, "run", "--exact", "--json", "--", TARGETS / "go_no_pool"], input=lines,
                                capture_output=True, text=True, timeout=60)
        self.assertEqual(0, report.returncode, report.stderr)
        return [json.loads(line) for line in report.stdout.splitlines()], only_target(json.loads(report.stderr))

    def test_run_says_what_it_counted_of_a_program_that_has_ended(self):
        own, found = self.run_exact("\n" * 20)
        self.assertEqual(own[-1]["cycles"], found["gc"]["cycles"])
        self.assertGreater(found["cost"]["charged_cpu_ratio"], 0)

    def test_a_program_that_executes_another_is_not_read_any_more(self):
        own, found = self.run_exact("\n" * 20 + "x" + "\n" * 100)  # long enough to be read several times
        self.assertEqual(120, len(own))
        # what it counted in its last moments before is lost with its memory
        self.assertLessEqual(found["gc"]["cycles"], own[19]["cycles"] + own[-1]["cycles"])
        self.assertGreaterEqual(found["gc"]["cycles"], own[-1]["cycles"])
        self.assertLessEqual(found["gc"]["allocated_bytes"], own[19]["allocated_bytes"] + own[-1]["allocated_bytes"])


class ExactOfSeveral(unittest.TestCase):
    """`--exact` of several processes: what was counted of all, and the heaps that there are."""

    def run_script(self, script):
        report = subprocess.run([POOLSCOPE, "run", "--exact", "--json", "--", "/bin/sh", "-c", script, TARGETS],
                                capture_output=True, text=True, timeout=60)
        self.assertEqual(0, report.returncode, report.stderr)
        return [json.loads(line) for line in report.stdout.splitlines()], only_target(json.loads(report.stderr))

    def test_heap_of_processes_that_have_ended_is_not_added_up(self):
        own, found = self.run_script("""printf 'keep 48 4000\\ngc 2\\n' | $0/go_gc
                                        printf 'keep 16 4000\\ngc 2\\n' | $0/go_gc""")
        gc = found["gc"]
        self.assertTrue(gc["heap_of_ended_process"])
        self.assertEqual(own[3]["goal_bytes"], gc["goal_bytes"], "that of the last process")
        self.assertAlmostEqual(1, gc["live_bytes"] / own[3]["heap_bytes"], delta=0.05)
        self.assertEqual(own[1]["cycles"] + own[3]["cycles"], gc["cycles"], "counted of both")
        self.assertNotIn("heap_turnover_per_second", found["allocations"])

    def test_heap_is_that_of_the_processes_that_run(self):
        with heap_keeper() as ends, heap_keeper() as stays:
            spec = "cmdline:^" + re.escape(str(TARGETS / "go_gc")) + "$"
            with running([POOLSCOPE, "attach", spec, "--exact", "--for", "60s", "--json"]) as attach:
                for program in (ends, stays):
                    wait_for(lambda: patched_bytes(program.pid) > 0, 30, "the probe of collections")
                ends.ask("keep 48 4000")
                counted = ends.ask("gc 2")["cycles"]
                stays.ask("keep 16 4000")
                own = stays.ask("gc 2")
                ends.process.kill()
                ends.process.wait()
                attach.process.terminate()
                self.assertEqual(0, attach.wait(60), attach.errors())
                gc = only_target(json.loads(attach.output()))["gc"]
            wait_until_unprobed(stays.pid)
        self.assertNotIn("heap_of_ended_process", gc)
        self.assertEqual(own["goal_bytes"], gc["goal_bytes"])
        self.assertEqual(counted + own["cycles"], gc["cycles"])

    def test_go_and_native_processes_of_a_script_are_both_shown(self):
        own, found = self.run_script("printf 'churn 20 1000\\ngc 1\\n' | $0/go_gc; $0/exact_alloc")
        self.assertEqual(own[1]["cycles"], found["gc"]["cycles"])
        sites = {site.get("symbol") for site in found["call_sites"]}
        self.assertLessEqual({"use_plain_functions", "use_realloc", "use_aligned_functions"}, sites | {"allocated_aligned"})
        self.assertGreaterEqual(found["allocations"]["counted"]["allocations"], own[2]["allocations"])
        self.assertNotIn("source", found["allocations"], "rates beside these counts are those of malloc")
        self.assertEqual("glibc", found["allocator"])
        states = {c["name"]: c["state"] for c in found["collectors"]}
        self.assertEqual("collecting", states["alloc_bursts"])
        self.assertEqual("collecting", states["go_runtime"])


class Plan(unittest.TestCase):
    POINTS = (r"miss +sync\.\(\*Pool\)\.Get +\+\d+ +jn?z\S* .*one trap", r"gc +sync\.poolCleanup +\+0 ", r"get +sync\.\(\*Pool\)\.Get .*one trap",
              r"put +sync\.\(\*Pool\)\.Put .*one trap", r"cycle +runtime\.gcMarkTermination\.func\d+ ",
              r"call +runtime\.growslice +\+\d+ +jbe", r"copy +runtime\.growslice +\+\d+ +call")

    def test_of_a_program_with_pools_names_every_point(self):
        for build in ("go_pools", "go_pools_stripped"):
            with self.subTest(build), go_pools(build) as service:
                text = poolscope("attach", f"pid:{service.pid}", "--plan").stdout
                self.assertEqual(0, patched_bytes(service.pid), "a plan probes nothing")
                self.assertRegex(text, r"go_pools +WILL COLLECT")
                self.assertRegex(text, r"go_runtime +WILL COLLECT")
                self.assertRegex(text, r"go_growth +WILL COLLECT")
                for point in self.POINTS:
                    self.assertRegex(text, point)
                self.assertNotIn("alloc_bursts", text)
                service.stop()

    def test_of_a_program_without_pools_says_why_not(self):
        with no_pool() as program:
            own = program.ask()
            for command in (("attach", f"pid:{program.pid}", "--plan"), ("doctor", "--pid", program.pid)):
                with self.subTest(command):
                    text = poolscope(*command).stdout
                    self.assertRegex(text, r"go_pools +WILL NOT COLLECT.*\n.*because .*does not use sync\.Pool")
                    self.assertRegex(text, r"go_runtime +WILL COLLECT.*\n(.*\n)+.*once per garbage collection: " + f"{own['cycles']} so far")
                    self.assertEqual(0, patched_bytes(program.pid))

    def test_of_a_native_program_names_its_collectors(self):
        with harness.target("steady_load") as load:
            text = poolscope("doctor", "--pid", load.pid).stdout
        process = text[text.index(f"pid {load.pid}"):]
        self.assertRegex(process, r"alloc_bursts +WILL COLLECT")
        self.assertRegex(process, r"alloc_cohorts +WILL COLLECT")
        self.assertTrue(re.search(r"malloc .*(one trap|single-stepped)", process), process)


if __name__ == "__main__":
    harness.main()
