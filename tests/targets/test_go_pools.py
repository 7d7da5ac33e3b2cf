"""go_pools tells the truth about itself, in all its builds: gets are hits and misses, every put has its sizes, and the checks
notice an object that two borrowers hold. Needs no privileges."""

import json
import os
import re
import signal
import subprocess
import unittest
from pathlib import Path

TARGETS = Path(os.environ["POOLSCOPE_BUILD_DIR"]) / "targets"
BUILDS = ("go_pools", "go_pools_stripped", "go_pools_pie", "go_pools_noinline")
DROPPED_RATIO = {"byteSlicePool": 0.001, "server": 0.01, "jsonBufferPool": 0.005, "noNewPool": 0.1, "sharedNewPoolA": 0.2,
                 "sharedNewPoolB": 0.4, "recordPool": 0.6}


def run(*arguments, build="go_pools", expect=0):
    """The report of a run that ends by itself."""
    result = subprocess.run([TARGETS / build, *arguments], capture_output=True, text=True, timeout=60)
    if result.returncode != expect:
        raise AssertionError(f"{build} {arguments} ended with {result.returncode}: {result.stderr}{result.stdout[:1000]}")
    return json.loads(result.stdout)


class GoPools(unittest.TestCase):
    def start(self, *arguments):
        """The program and what it printed first."""
        process = subprocess.Popen([TARGETS / "go_pools", "-paused", *arguments], stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        return process, json.loads(process.stdout.readline())

    def by_name(self, report):
        return {pool["name"]: pool for pool in report["pools"]}

    def assert_balanced(self, report):
        self.assertEqual([], report["faults"])
        for pool in report["pools"]:
            with self.subTest(pool["name"]):
                self.assertEqual(pool["gets"], pool["hits"] + pool["misses"])
                self.assertEqual(pool["gets"], pool["puts"] + pool["drops"])
                sized = pool["puts"] if pool["has_buffer"] else 0
                self.assertEqual(sized, sum(pool["needed_bytes"].values()))
                self.assertEqual(sized, sum(pool["buffer_bytes"].values()))

    def test_counts_balance_in_every_build(self):
        for build in BUILDS:
            with self.subTest(build):
                report = run("-rate", "0", "-rounds", "4000", "-gc-every", "20ms", build=build)
                self.assert_balanced(report)
                self.assertEqual(4000, report["rounds"])
                self.assertTrue(all(pool["gets"] > 0 for pool in report["pools"]))

    def test_counts_balance_with_any_number_of_goroutines(self):
        for goroutines in ("1", "8"):
            with self.subTest(goroutines):
                self.assert_balanced(run("-goroutines", goroutines, "-rate", "0", "-rounds", "4000"))

    def test_a_fixed_number_of_rounds_is_a_fixed_number_of_gets(self):
        first, second = (run("-rate", "0", "-rounds", "3000") for _ in range(2))
        gets = [{name: pool["gets"] for name, pool in self.by_name(report).items()} for report in (first, second)]
        self.assertEqual(gets[0], gets[1])
        self.assertEqual(3000, gets[0]["byteSlicePool"])

    def test_miss_ratios_follow_what_is_dropped(self):
        pools = self.by_name(run("-rate", "0", "-rounds", "60000", "-goroutines", "1"))
        for name, ratio in DROPPED_RATIO.items():
            with self.subTest(name):
                # a garbage collection that comes by itself makes a few more
                self.assertAlmostEqual(ratio, pools[name]["misses"] / pools[name]["gets"], delta=0.01)

    def test_collections_empty_a_pool_that_rests(self):
        burst = self.by_name(run("-rounds", "2000", "-rate", "2000", "-gc-every", "10ms", "-pools", "burstPool"))["burstPool"]
        self.assertGreater(burst["misses"], burst["gets"] / 2)
        self.assertEqual(0, burst["drops"])

    def test_reset_before_put_leaves_no_length(self):
        pools = self.by_name(run("-rate", "0", "-rounds", "1000"))
        self.assertEqual({"0"}, set(pools["resetBeforePutPool"]["needed_bytes"]))
        self.assertNotIn("0", pools["resetAfterGetPool"]["needed_bytes"])

    def test_growing_buffers_cover_their_range(self):
        sizes = [int(size) for size in self.by_name(run("-rate", "0", "-rounds", "4000"))["growingPool"]["needed_bytes"]]
        self.assertLess(min(sizes), 600)
        self.assertGreater(max(sizes), 14_000)
        self.assertLess(max(sizes), 512 * 32)

    def test_nothing_is_borrowed_before_the_start_and_in_a_pause(self):
        process, report = self.start("-rate", "0")
        self.assertEqual("paused", report["event"])
        self.assertEqual({0}, {pool["gets"] for pool in report["pools"]})
        process.send_signal(signal.SIGUSR2)
        requested = self.ask(process, signal.SIGUSR1)
        paused = self.ask(process, signal.SIGUSR2)
        again = self.ask(process, signal.SIGUSR1)
        self.assertEqual(["requested", "paused", "requested"], [r["event"] for r in (requested, paused, again)])
        self.assert_balanced(paused)
        self.assertEqual(paused["pools"], again["pools"], "the service went on in its pause")
        process.terminate()
        self.assertEqual("end", json.loads(process.stdout.readline())["event"])
        self.assertEqual(0, process.wait(timeout=20))

    def ask(self, process, number):
        process.send_signal(number)
        return json.loads(process.stdout.readline())

    def test_holds_after_the_last_round(self):
        process, _ = self.start("-rate", "0", "-rounds", "500", "-hold")
        report = self.ask(process, signal.SIGUSR2)
        self.assertEqual(("paused", 500), (report["event"], report["rounds"]))
        self.assert_balanced(report)
        self.assertIsNone(process.poll())

    def test_keeps_to_its_rate(self):
        report = run("-rate", "400", "-time", "2s", "-goroutines", "3")
        self.assertAlmostEqual(400, report["rounds"] / report["open_ns"] * 1e9, delta=40)

    def test_notices_an_object_with_two_borrowers(self):
        report = run("-rate", "0", "-rounds", "3000", "-put-twice", "-pools", "burstPool", expect=8)
        self.assertIn("somebody else wrote", report["faults"][0])
        self.assertGreater(report["pools"][0]["extra_puts"], 0)

    def test_refuses_what_it_does_not_know(self):
        for arguments in (["-goroutines", "9"], ["-pools", "noSuchPool"], ["-no-such-flag"], ["operand"]):
            with self.subTest(arguments):
                result = subprocess.run([TARGETS / "go_pools", *arguments], capture_output=True, text=True, timeout=20)
                self.assertEqual(2, result.returncode)
                self.assertTrue(result.stderr)


class GoFunction(unittest.TestCase):
    def address(self, build):
        return self.place(build)[0]

    def place(self, build):
        """Address and offset."""
        return subprocess.run([TARGETS / "go_function", TARGETS / build, "sync.(*Pool).Get"], capture_output=True, text=True,
                              check=True, timeout=20).stdout.split()

    def test_finds_what_the_symbol_table_says_also_in_a_stripped_program(self):
        symbols = subprocess.run(["nm", TARGETS / "go_pools"], capture_output=True, text=True, check=True, timeout=20).stdout
        address = next(line.split()[0] for line in symbols.splitlines() if line.endswith(" sync.(*Pool).Get"))
        self.assertEqual(int(address, 16), int(self.address("go_pools"), 16))
        self.assertEqual(self.address("go_pools"), self.address("go_pools_stripped"))

    def test_offset_is_where_the_code_is_in_the_file(self):
        for build in BUILDS:
            with self.subTest(build):
                address, offset = (int(number, 16) for number in self.place(build))
                dump = ["objdump", "-d", f"--start-address={address}", f"--stop-address={address + 16}", "--no-addresses",
                        "--insn-width=16", TARGETS / build]
                code = re.findall(r"^\t((?:[0-9a-f]{2} )+)", subprocess.run(dump, capture_output=True, text=True, check=True,
                                                                           timeout=20).stdout, re.MULTILINE)
                expected = bytes.fromhex("".join(code))[:8]
                with open(TARGETS / build, "rb") as file:
                    file.seek(offset)
                    self.assertEqual(expected, file.read(8))

    def test_finds_the_stack_check_at_the_entry_in_a_program_of_a_c_linker(self):
        program = "/usr/bin/prometheus"
        with open(program, "rb") as file:
            file.seek(int(self.place(program)[1], 16))
            self.assertEqual(bytes.fromhex("493b6610"), file.read(4), "cmp 0x10(%r14),%rsp")

    def test_names_a_function_that_is_missing(self):
        result = subprocess.run([TARGETS / "go_function", TARGETS / "go_pools", "no.such"], capture_output=True, text=True,
                                timeout=20)
        self.assertEqual(1, result.returncode)
        self.assertIn("no function no.such", result.stderr)


if __name__ == "__main__":
    unittest.main()
