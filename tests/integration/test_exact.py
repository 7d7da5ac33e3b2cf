"""`run --exact` counts what the program says it did; the program's own counts are checked by tests/targets."""

import ctypes.util
import json
import os
import unittest

import harness
from harness import POOLSCOPE, TARGETS, only_target, poolscope, temporary_folder

COUNTED = ("allocations", "allocated_bytes", "reallocations", "frees")


def run_exact(*arguments, **options):
    """What exact_alloc printed, and the target of poolscope's report."""
    with temporary_folder() as folder:
        report = folder / "report.json"
        result = poolscope("run", "--exact", "--json", "-o", report, "--", TARGETS / "exact_alloc", *arguments, **options)
        return json.loads(result.stdout), only_target(json.loads(report.read_text()))


class ExactCounts(unittest.TestCase):
    def assert_counted(self, own, found):
        expected = {f: own[f] + own.get("child", {}).get(f, 0) for f in COUNTED}
        self.assertEqual(expected, {f: found["allocations"]["counted"][f] for f in COUNTED})
        self.assertFalse(found["cost"].get("dropped"), "exact means that nothing was dropped")

    def test_every_function_of_the_malloc_family(self):
        self.assert_counted(*run_exact())

    def test_calls_that_fail_do_not_count(self):
        self.assert_counted(*run_exact("--failures"))

    def test_many_rounds(self):
        self.assert_counted(*run_exact("--rounds", "50"))

    def test_threads(self):
        self.assert_counted(*run_exact("--threads", "8", "--rounds", "3"))

    def test_threads_that_end(self):
        # glibc frees the cached blocks of an ending thread once more by its own free()
        self.assert_counted(*run_exact("--threads", "4", "--join-threads"))

    def test_blocks_freed_by_another_thread(self):
        self.assert_counted(*run_exact("--threads", "4", "--cross-thread-free"))

    def test_a_forked_child(self):
        self.assert_counted(*run_exact("--fork"))

    def test_other_allocators(self):
        for name, library in {"jemalloc": "jemalloc", "tcmalloc": "tcmalloc_minimal", "mimalloc": "mimalloc"}.items():
            soname = ctypes.util.find_library(library)
            self.assertIsNotNone(soname, f"{name} is not installed; run ./dev setup")
            with self.subTest(name):
                own, found = run_exact("--threads", "2", "--chains", env={**os.environ, "LD_PRELOAD": soname})
                self.assertEqual(name, found["allocator"])
                self.assert_counted(own, found)

    def test_growth_chains(self):
        own, found = run_exact("--chains", "--rounds", "5")
        self.assert_counted(own, found)
        chains = [c for c in found["growth_chains"] if c["symbol"] == "grow_one_chain"]
        self.assertEqual(1, len(chains), found["growth_chains"])
        self.assertEqual(own["chains"]["chains"], chains[0]["counted_chains"])
        self.assertIn(chains[0]["first_bytes"], range(64, 72), "the largest size of the bucket of 64")
        self.assertAlmostEqual(7, chains[0]["steps"])
        self.assertAlmostEqual(8192, chains[0]["final_bytes"]["p50"], delta=8192 / 8)

    def container_growth(self, how):
        with temporary_folder() as folder:
            report = folder / "report.json"
            result = poolscope("run", "--exact", "--json", "-o", report, "--", TARGETS / "container_growth", "--how", how, "--buffers", 20)
            chains = only_target(json.loads(report.read_text())).get("growth_chains", [])
        return json.loads(result.stdout), [c for c in chains if c.get("is_inferred")]

    def test_growth_of_containers(self):
        for how in ("vector", "string"):
            with self.subTest(how):
                own, chains = self.container_growth(how)
                self.assertEqual(1, len(chains), chains)
                self.assertEqual(own["buffers"], chains[0]["counted_chains"])
                self.assertAlmostEqual(own["growths"] / own["buffers"], chains[0]["steps"])
                # of a string the allocation has one byte more than the capacity
                self.assertAlmostEqual(own["copied_bytes"], chains[0]["counted_copied_bytes"], delta=own["growths"])
                self.assertAlmostEqual(1024, chains[0]["first_bytes"], delta=1024 / 8)
                self.assertAlmostEqual(65536, chains[0]["final_bytes"]["p50"], delta=65536 / 8)

    def test_blocks_with_other_contents_have_not_grown(self):
        _, chains = self.container_growth("replaced")
        self.assertEqual([], chains)

    def test_call_sites_are_the_functions_that_allocate(self):
        _, found = run_exact()
        symbols = {site["symbol"] for site in found["call_sites"]}
        self.assertLessEqual({"use_plain_functions", "use_realloc", "use_aligned_functions"}, symbols | {"allocated_aligned"})

    def test_says_that_every_event_was_traced(self):
        _, found = run_exact()
        self.assertTrue(found["exact"])


class RunCommand(unittest.TestCase):
    def test_ends_with_the_exit_code_of_the_command(self):
        for code in (0, 7):
            with self.subTest(code=code):
                result = poolscope("run", "--", "/bin/sh", "-c", f"exit {code}", check=False)
                self.assertEqual(code, result.returncode, result.stderr)

    def test_leaves_stdout_to_the_command(self):
        result = poolscope("run", "--", "/bin/echo", "only this")
        self.assertEqual("only this\n", result.stdout)

    def test_names_a_command_that_does_not_exist(self):
        result = poolscope("run", "--", "/no/such/program", check=False)
        self.assertNotEqual(0, result.returncode)
        self.assertIn("/no/such/program", result.stderr)

    def test_static_program_with_musl(self):
        program = TARGETS / "musl_static"
        if not program.exists():
            self.skipTest("musl_static was not built: no musl-gcc")
        with temporary_folder() as folder:
            report = folder / "report.json"
            own = json.loads(poolscope("run", "--exact", "--json", "-o", report, "--", program, "--seconds", "1").stdout)
            counted = only_target(json.loads(report.read_text()))["allocations"]["counted"]
        self.assertEqual([own[f] for f in ("allocations", "allocated_bytes", "frees")],
                         [counted[f] for f in ("allocations", "allocated_bytes", "frees")])


if __name__ == "__main__":
    assert POOLSCOPE.parent.exists(), f"{POOLSCOPE} was not built"
    harness.main()
