"""The programs that tests observe tell the truth: their own counts equal those of counter_preload, and a tampered or
killed run does not pass for a good one. Needs no privileges."""

import ctypes.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
import preload_counts  # noqa: E402: found through the path above

TARGETS = Path(os.environ["POOLSCOPE_BUILD_DIR"]) / "targets"
COUNTER = TARGETS / "counter_preload.so"
COUNTED = ("allocations", "allocated_bytes", "reallocations", "reallocated_bytes", "frees")


def allocator_libraries():
    """Preloadable allocators that this machine has, beside the one of libc."""
    names = {"jemalloc": "jemalloc", "tcmalloc": "tcmalloc_minimal", "mimalloc": "mimalloc"}
    found = {name: ctypes.util.find_library(library) for name, library in names.items()}
    return {name: soname for name, soname in found.items() if soname}


def counted_run(arguments, *preloads):
    """Runs exact_alloc under the counter; returns its JSON and the counter's numbers by process."""
    with tempfile.TemporaryDirectory() as folder:
        prefix = Path(folder) / "counts"
        process = subprocess.Popen([TARGETS / "exact_alloc", *arguments], stdout=subprocess.PIPE,
                                   env=preload_counts.environment(COUNTER, prefix, *preloads))
        output, _ = process.communicate(timeout=60)
        if process.returncode != 0:
            raise AssertionError(f"exact_alloc {arguments} ended with {process.returncode}")
        counts = {pid: preload_counts.read(prefix, pid) for pid in preload_counts.pids(prefix)}
        return json.loads(output), counts.pop(process.pid), list(counts.values())


class ExactAlloc(unittest.TestCase):
    VARIANTS = {
        "plain": [],
        "three rounds": ["--rounds", "3"],
        "failing calls": ["--failures"],
        "one thread": ["--threads", "1"],
        "many threads": ["--threads", "16", "--rounds", "5"],
        "threads that end": ["--threads", "8", "--join-threads"],
        "freed by another thread": ["--threads", "4", "--cross-thread-free"],
        "growth chains": ["--chains", "--rounds", "2"],
        "a forked child": ["--fork", "--rounds", "2", "--chains"],
        "threads and a child": ["--threads", "3", "--fork"],
    }

    def assert_equal_counts(self, own, truth):
        self.assertEqual({f: own[f] for f in COUNTED}, {f: getattr(truth, f) for f in COUNTED})

    def test_counts_what_the_preload_counter_counts(self):
        for name, arguments in self.VARIANTS.items():
            with self.subTest(name):
                own, truth, children = counted_run(arguments)
                self.assert_equal_counts(own, truth)
                self.assertEqual("child" in own, len(children) == 1)
                if children:
                    self.assert_equal_counts(own["child"], children[0])

    def test_counts_the_same_with_other_allocators(self):
        for name, soname in allocator_libraries().items():
            with self.subTest(name):
                own, truth, _ = counted_run(["--threads", "2", "--chains", "--cross-thread-free"], soname)
                self.assert_equal_counts(own, truth)

    def test_failing_calls_are_no_allocations(self):
        without, _, _ = counted_run([])
        with_failures, truth, _ = counted_run(["--failures"])
        self.assertEqual(without, with_failures)
        self.assertEqual(3, truth.failed)

    def test_functions_add_up_to_the_totals(self):
        own, _, _ = counted_run(["--chains"])
        calls = own["by_function"]
        self.assertEqual(sum(calls.values()), own["allocations"] + own["reallocations"] + own["frees"])
        self.assertTrue(all(calls.values()), f"every function is used: {calls}")

    def test_chains_run_from_64_to_8192_bytes(self):
        own, _, _ = counted_run(["--chains"])
        chains = own["chains"]
        self.assertEqual((10, 70, 64, 8192), tuple(chains[f] for f in ("chains", "steps", "first_bytes", "final_bytes")))

    def test_loop_prints_on_request_and_at_the_end(self):
        process = subprocess.Popen([TARGETS / "exact_alloc", "--loop"], stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        wait_for_handlers(process.pid, signal.SIGUSR1)
        process.send_signal(signal.SIGUSR1)
        on_request = json.loads(process.stdout.readline())
        process.terminate()
        at_the_end = json.loads(process.stdout.readline())
        self.assertEqual(0, process.wait(timeout=20))
        self.assertGreater(on_request["allocations"], 0)
        self.assertGreaterEqual(at_the_end["allocations"], on_request["allocations"])

    def test_refuses_what_it_does_not_know(self):
        result = subprocess.run([TARGETS / "exact_alloc", "--thread", "3"], capture_output=True, text=True, timeout=20)
        self.assertEqual(2, result.returncode)
        self.assertIn("usage: exact_alloc", result.stderr)


def wait_for_handlers(pid, number):
    """Until the process catches the signal; before that it would die of it."""
    while True:
        status = Path(f"/proc/{pid}/status").read_text()
        caught = int(next(line for line in status.splitlines() if line.startswith("SigCgt:")).split()[1], 16)
        if caught & (1 << (number - 1)):
            return


class CounterPreload(unittest.TestCase):
    def test_keeps_the_counts_of_a_killed_process(self):
        with tempfile.TemporaryDirectory() as folder:
            prefix = Path(folder) / "counts"
            process = subprocess.Popen([TARGETS / "steady_load"], env=preload_counts.environment(COUNTER, prefix))
            self.addCleanup(process.kill)
            while not (pids := preload_counts.pids(prefix)) or preload_counts.read(prefix, pids[0]).frees < 1000:
                self.assertIsNone(process.poll())
            process.kill()
            process.wait(timeout=20)
            counts = preload_counts.read(prefix, process.pid)
        self.assertGreaterEqual(counts.allocations, counts.frees)
        self.assertLessEqual(counts.allocations - counts.frees, 100)

    def test_counts_nothing_without_a_file(self):
        environment = {**os.environ, "LD_PRELOAD": str(COUNTER)}
        environment.pop("POOLSCOPE_COUNTER_FILE", None)
        result = subprocess.run([TARGETS / "exact_alloc"], env=environment, capture_output=True, timeout=20)
        self.assertEqual(0, result.returncode)

    def test_follows_a_real_multi_process_program(self):
        with tempfile.TemporaryDirectory() as folder:
            prefix = Path(folder) / "counts"
            script = "import os\npid = os.fork()\nx = [bytes(1000) for _ in range(500)]\npid and os.waitpid(pid, 0)\n"
            subprocess.run(["/usr/bin/python3", "-c", script], check=True, timeout=60,
                           env=preload_counts.environment(COUNTER, prefix))
            counts = [preload_counts.read(prefix, pid) for pid in preload_counts.pids(prefix)]
        self.assertEqual(2, len(counts))
        for one in counts:
            self.assertGreaterEqual(one.allocations, 500)


class EventRecorder(unittest.TestCase):
    """The recorder of tests/truth writes down every call, and what reads its files finds them all."""

    def record(self, *arguments):
        """Runs exact_alloc; returns its JSON and what is true of each process by the files, that of the parent first."""
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "LD_PRELOAD": str(TARGETS / "event_recorder.so"),
                           "POOLSCOPE_EVENT_FILE": str(Path(folder) / "events")}
            process = subprocess.Popen([TARGETS / "exact_alloc", *arguments], env=environment, stdout=subprocess.PIPE)
            output, _ = process.communicate(timeout=60)
            self.assertEqual(0, process.returncode)
            files = sorted(Path(folder).iterdir(), key=lambda file: file.suffix != f".{process.pid}")
            return json.loads(output), [self.truth_of(file) for file in files]

    @staticmethod
    def truth_of(file):
        command = [TARGETS.parent / "bench" / "truth_of", "1", str(1 << 62), file]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout)

    def assert_equal_counts(self, own, truth):
        counted = ("allocations", "allocated_bytes", "reallocations", "frees")
        self.assertEqual({f: own[f] for f in counted}, {f: truth[f] for f in counted})

    def test_writes_down_every_call(self):
        for arguments in ([], ["--rounds", "3"], ["--chains", "--rounds", "2"], ["--failures"]):
            with self.subTest(arguments):
                own, (truth,) = self.record(*arguments)
                self.assert_equal_counts(own, truth)
                self.assertEqual(0, truth["dropped_events"])

    def test_writes_a_file_for_a_forked_child(self):
        own, (truth, child) = self.record("--fork", "--chains")
        self.assert_equal_counts(own, truth)
        self.assert_equal_counts(own["child"], child)

    def test_sees_threads_but_for_what_the_loader_takes_for_them(self):
        own, (truth,) = self.record("--threads", "4", "--cross-thread-free")
        self.assertEqual(own["frees"], truth["frees"])
        self.assertEqual(4, own["allocations"] - truth["allocations"])

    def test_refuses_a_file_of_something_else(self):
        result = subprocess.run([TARGETS.parent / "bench" / "truth_of", "1", "2", __file__], capture_output=True, text=True, timeout=20)
        self.assertEqual(1, result.returncode)
        self.assertIn("is no event file", result.stderr)


class Loads(unittest.TestCase):
    def run_for_a_second(self, name, *arguments):
        program = TARGETS / name
        if not program.exists():
            self.skipTest(f"{name} was not built: no musl-gcc")
        result = subprocess.run([program, "--seconds", "1", *arguments], capture_output=True, text=True, timeout=60)
        self.assertEqual(0, result.returncode, result.stderr)
        return result.stdout.splitlines()

    def test_steady_loads_free_what_they_allocate(self):
        for name in ("steady_load", "seccomp_loop", "musl_static", "musl_dynamic"):
            with self.subTest(name):
                counts = json.loads(self.run_for_a_second(name)[0])
                self.assertGreater(counts["allocations"], 1000)
                self.assertEqual(counts["allocations"], counts["frees"])

    def test_alloc_loop_says_ok_with_threads_and_forks(self):
        for arguments in ([], ["--threads", "2", "--live", "64"], ["--forks", "--threads", "2"]):
            with self.subTest(arguments):
                lines = self.run_for_a_second("alloc_loop", *arguments)
                self.assertEqual("ok", lines[1])
                numbers = json.loads(lines[0])
                self.assertGreater(numbers["pairs"], 0)
                self.assertEqual("--forks" in arguments, numbers["forks"] > 0)

    def test_alloc_loop_notices_a_damaged_block(self):
        library = TARGETS / "damage_preload.so"
        result = subprocess.run([TARGETS / "alloc_loop", "--seconds", "5", "--live", "2"], capture_output=True,
                                env={**os.environ, "LD_PRELOAD": str(library)}, text=True, timeout=60)
        self.assertEqual(8, result.returncode, result.stdout)

    def test_churn_cpp_keeps_to_its_rate(self):
        numbers = json.loads(self.run_for_a_second("churn_cpp", "--rate", "500")[0])
        self.assertGreater(numbers["operations"], 0)
        self.assertLess(numbers["operations_per_second"], 550)


if __name__ == "__main__":
    unittest.main()
