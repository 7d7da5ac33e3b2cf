"""Recordings: what is read from the file is what the agent said, however it ended."""

import contextlib
import json
import signal
import unittest

import harness
import services
from harness import TARGETS, agent, poolscope, temporary_folder, wait_for

CHUNK_SECONDS = 10


def report(path, *options):
    return json.loads(poolscope("report", path, "--json", *options).stdout)


def numbers(snapshot):
    """What is estimated and counted; the CPU time of the agent grows between two questions."""
    return {name: value for name, value in without_advice(snapshot).items() if name != "agent"} | {"sequence": snapshot["agent"]["sequence"]}


def without_advice(snapshot):
    """What was measured."""
    agent_info = {name: value for name, value in snapshot["agent"].items() if name != "prices"}
    targets = [{name: value for name, value in target.items() if name not in ("advice", "advice_outcomes")} for target in snapshot["targets"]]
    return snapshot | {"agent": agent_info, "targets": targets}


@contextlib.contextmanager
def recorded_redis(*options):
    """An agent that records a redis under load, and where to."""
    with temporary_folder() as folder, services.redis() as redis, services.redis_load(redis.port, "set"):
        path = folder / "redis.poolscope"
        with agent("--target", f"pid:{redis.pid}", "--record", path, *options) as watching:
            yield watching, path


class RecordingOfRedis(unittest.TestCase):
    def test_says_at_every_moment_what_the_agent_said_then(self):
        with recorded_redis() as (watching, path):
            watching.wait_for_rate()
            said = []
            wait_for(lambda: said.append(watching.snapshot()) or path.stat().st_size > 1000, 60, "a chunk in the file",
                     interval_seconds=0.5)
            said.append(watching.snapshot())
            watching.service.process.terminate()
            self.assertEqual(0, watching.service.wait())
            for live in said:
                at = f"{live['time_unix_ns'] // 10**9}.{live['time_unix_ns'] % 10**9:09}"
                self.assertEqual(numbers(live), numbers(report(path, "--to", at)))
            self.assertEqual("", poolscope("report", path).stderr)
            self.assertGreaterEqual(report(path)["agent"]["sequence"], said[-1]["agent"]["sequence"])

    def test_of_a_killed_agent_has_what_was_said_up_to_the_last_chunk(self):
        with recorded_redis() as (watching, path):
            said = {}

            def two_chunks():
                live = watching.snapshot()
                said[live["agent"]["sequence"]] = live
                return path.stat().st_size > 28 and len(said) > CHUNK_SECONDS

            wait_for(two_chunks, 60, "two chunks in the file", interval_seconds=0.2)
            watching.service.process.send_signal(signal.SIGKILL)
            watching.service.wait()
            found = report(path)
            live = said[found["agent"]["sequence"]]
            self.assertEqual(numbers(live), numbers(found))
            self.assertLessEqual(max(said) - min(said), CHUNK_SECONDS)

            # part of a chunk, as a disk that was full leaves it
            whole = path.read_bytes()
            path.write_bytes(whole + whole[28:128])
            result = poolscope("report", path, "--json")
            self.assertIn("the last 100 bytes are no whole chunk", result.stderr)
            self.assertEqual(numbers(live), numbers(json.loads(result.stdout)))

    def test_range_is_what_was_measured_in_it(self):
        with recorded_redis() as (watching, path):
            watching.wait_for_target(lambda t: t["cost"]["observed_seconds"] > 14)
            live = report(watching.url, "--from", "-10s")["targets"][0]
            nothing = poolscope("report", watching.url, "--to", "1700000000", check=False)
            self.assertEqual(1, nothing.returncode)
            self.assertIn("nothing is known of that time", nothing.stderr)
            watching.service.process.terminate()
            self.assertEqual(0, watching.service.wait())
            all_of_it, last = report(path)["targets"][0], report(path, "--from", "-10s")["targets"][0]
            for part in (live, last):
                self.assertLess(part["cost"]["observed_seconds"], 10.1)
                self.assertGreater(part["cost"]["observed_seconds"], 1)
                self.assertGreater(part["allocations"]["counted"]["allocations"], 0)
            self.assertGreater(all_of_it["cost"]["observed_seconds"], 14)
            self.assertGreater(all_of_it["allocations"]["counted"]["allocations"], last["allocations"]["counted"]["allocations"])
            self.assertEqual(all_of_it["processes"], last["processes"])

    def test_attach_and_run_leave_one_too(self):
        with temporary_folder() as folder, services.redis() as redis, services.redis_load(redis.port, "set"):
            path, printed = folder / "a", folder / "a.json"
            poolscope("attach", f"pid:{redis.pid}", "--for", "4s", "--record", path, "-o", printed)
            self.assertEqual(json.loads(printed.read_text())["agent"]["prices"], report(path)["agent"]["prices"])
            self.assertEqual(without_advice(json.loads(printed.read_text())), without_advice(report(path)))
            poolscope("run", "--record", path, "-o", printed, "--", "redis-cli", "-p", redis.port, "-r", "20", "-i", "0.1", "ping")
            self.assertEqual(without_advice(json.loads(printed.read_text())), without_advice(report(path)))
            self.assertEqual("redis-server", report(f"{path}.1")["targets"][0]["name"])

    def test_of_exact_traces_says_what_their_reports_said(self):
        with temporary_folder() as folder, services.redis() as redis:
            path, printed = folder / "exact", folder / "exact.json"
            poolscope("attach", f"pid:{redis.pid}", "--exact", "--for", "1s", "--record", path, "-o", printed)
            self.assertEqual(without_advice(json.loads(printed.read_text())), report(path))
            command = (TARGETS / "exact_alloc", "--threads", "2", "--fork")
            poolscope("run", "--exact", "--record", path, "-o", printed, "--", *command)
            self.assertEqual(without_advice(json.loads(printed.read_text())), report(path))
            self.assertTrue(report(path)["targets"][0]["exact"])

    def test_by_http_says_what_the_agent_said(self):
        with recorded_redis() as (watching, path):
            watching.wait_for_rate()
            fetched = path.parent / "fetched"
            poolscope("record", watching.url, "-o", fetched, "--duration", "3s")
            last = report(fetched)["time_unix_ns"]
            # not up to the last moment itself: a record that was made within a millisecond of it counts for a range
            span = ("--from", f"{last / 1e9 - 3:.3f}", "--to", f"{last / 1e9 - 0.5:.3f}")
            self.assertEqual(numbers(report(watching.url, *span)), numbers(report(fetched, *span)))
            self.assertGreaterEqual(report(fetched)["targets"][0]["cost"]["observed_seconds"], 3)

    def test_of_a_process_needs_no_agent(self):
        with temporary_folder() as folder, services.redis() as redis, services.redis_load(redis.port, "set"):
            path = folder / "process"
            result = poolscope("record", f"pid:{redis.pid}", "-o", path, "--duration", "3s")
            self.assertEqual("", result.stdout)
            self.assertGreater(report(path)["targets"][0]["allocations"]["counted"]["allocations"], 0)

    def test_does_not_touch_a_file_that_is_none(self):
        with temporary_folder() as folder:
            path = folder / "service.conf"
            path.write_text("precious")
            result = poolscope("agent", "--target", "redis-server", "--record", path, check=False)
            self.assertEqual(1, result.returncode)
            self.assertIn("it exists and is no recording of poolscope", result.stderr)
            self.assertEqual("precious", path.read_text())


if __name__ == "__main__":
    harness.main()
