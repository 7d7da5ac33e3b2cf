"""`poolscope compare` on files as their programs leave them. `compare/` holds two runs of `go test -bench . -count=8` of a serializer without and with
a sync.Pool, and 73 s of churn_cpp at 400 and at 700 requests per second, recorded by `poolscope attach`. Needs no rights."""

import json
import subprocess
import unittest
from pathlib import Path

import harness
from harness import BUILD_DIR, poolscope, temporary_folder

DATA = Path(__file__).resolve().parent / "compare"


def compare(base, new, *options):
    return json.loads(poolscope("compare", base, new, "--json", *options).stdout)


def row(comparison, name, metric):
    found = [row for row in comparison["rows"] if row["name"] == name and row["metric"] == metric]
    if len(found) != 1:
        raise AssertionError(f"{len(found)} rows for {name} {metric} in {[(r['name'], r['metric']) for r in comparison['rows']]}")
    return found[0]


class GoBenchmarks(unittest.TestCase):
    BASE, POOL = DATA / "serializer_base.txt", DATA / "serializer_pool.txt"

    def test_pool_saves_what_it_replaces_and_nothing_else(self):
        comparison = compare(self.BASE, self.POOL)
        self.assertEqual("go test -bench", comparison["kind"])
        for columns in ("4", "100"):
            for metric in ("sec/op", "B/op", "allocs/op"):
                self.assertEqual("better", row(comparison, f"Serialize/columns={columns}-2", metric)["finding"])
        self.assertEqual("none", row(comparison, "Token-2", "sec/op")["finding"])

    def test_run_does_not_differ_from_itself(self):
        findings = {each["finding"] for each in compare(self.BASE, self.BASE)["rows"]}
        self.assertLessEqual(findings, {"none", "untested"})

    def test_criteria_decide_the_exit_code(self):
        with temporary_folder() as folder:
            goals = folder / "goals.yaml"
            goals.write_text("criteria:\n"
                             "  - {name: no buffers, benchmark: 'Serialize*', metric: B/op, target_ratio: 0.01}\n"
                             "  - {name: fewer allocations, benchmark: 'Serialize*', metric: allocs/op, target_ratio: 0.01}\n")
            table = poolscope("compare", self.BASE, self.POOL, "--criteria", goals).stdout
            self.assertIn("CRITERIA  2 met", table)
            goals.write_text("criteria:\n  - {benchmark: 'Token*', metric: sec/op, target_ratio: 0.5}\n")
            missed = poolscope("compare", self.BASE, self.POOL, "--criteria", goals, check=False)
            self.assertEqual(1, missed.returncode)
            self.assertIn("CRITERIA  1 missed", missed.stdout)


class GoogleBenchmarks(unittest.TestCase):
    def test_malloc_costs_more_than_nothing(self):
        floor, malloc = (f"pair/{pool}/real_time/threads:1" for pool in ("floor", "malloc"))
        with temporary_folder() as folder:
            path = folder / "pools.json"
            subprocess.run([BUILD_DIR / "bench" / "pools_bench", f"--benchmark_filter=^({floor}|{malloc})$", "--benchmark_repetitions=8",
                            "--benchmark_min_time=0.002", f"--benchmark_out={path}"], check=True, capture_output=True, timeout=60)
            comparison = compare(path, path, "--pair", f"{floor}={malloc}")
        found = row(comparison, f"{floor} → {malloc}", "cpu_time")
        self.assertEqual("worse", found["finding"])
        self.assertEqual(8, found["base"]["samples"])


class Recordings(unittest.TestCase):
    SLOW, FAST = DATA / "churn_400.poolscope", DATA / "churn_700.poolscope"

    def test_rate_rose_as_the_requests_did(self):
        comparison = compare(self.SLOW, self.FAST, "--sample", "10s")
        rate = row(comparison, "churn_cpp", "allocations_per_second")
        self.assertEqual("worse", rate["finding"])
        self.assertEqual(7, rate["base"]["samples"])
        self.assertLess(rate["ratio"]["low"], 700 / 400)
        self.assertGreater(rate["ratio"]["high"], 700 / 400)
        self.assertEqual("none", row(comparison, "churn_cpp", "churn_ratio")["finding"])

    def test_minute_is_one_sample_and_the_table_says_what_to_do(self):
        table = poolscope("compare", self.SLOW, self.FAST).stdout
        self.assertIn("1 sample per row and side", table)
        self.assertIn("record for longer", table)

    def test_reports_of_the_same_time_say_the_same(self):
        with temporary_folder() as folder:
            for recording in (self.SLOW, self.FAST):
                poolscope("report", recording, "-o", folder / f"{recording.stem}.json")
            rate = row(compare(folder / "churn_400.json", folder / "churn_700.json"), "churn_cpp", "allocations_per_second")
        self.assertEqual("worse", rate["finding"])
        self.assertLess(rate["ratio"]["low"], 700 / 400)
        self.assertGreater(rate["ratio"]["high"], 700 / 400)


if __name__ == "__main__":
    harness.main(needs_bpf=False)
