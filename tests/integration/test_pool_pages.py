"""Pools that count themselves: what poolscope reads from outside is what the services say, with no probe for it."""

import contextlib
import json
import re
import signal
import subprocess
import sys
import unittest
from pathlib import Path

import harness
import services
from harness import TARGETS, agent, attach, collector, patched_bytes, running, wait_for

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
# What the examples do: 5 rounds of N gets and puts; the first round creates all, each later one those that were not kept.
FRAMES = {"gets": 50, "puts": 50, "misses": 10 + 4 * 2, "created": 18, "destroyed": 10, "full": 10, "idle": 8}
CONNECTIONS = {"gets": 30, "puts": 30, "misses": 6 + 4 * 2, "created": 14, "destroyed": 10, "full": 10, "idle": 4}


@contextlib.contextmanager
def pool_service(*arguments, lines=1):
    """The service when its work is done, and what its pools say they counted: a dict by name for each line."""
    with running([TARGETS / "pool_service", *arguments]) as service:
        wait_for(lambda: service.assert_running() and service.output().count("\n") == lines, 30, "the counts of pool_service")
        yield service, [json.loads(line) for line in service.output().splitlines()]


@contextlib.contextmanager
def example(*command):
    """An example that waits for the end of its standard input."""
    process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        if line != "ready\n":
            raise AssertionError(f"{command[0]} said {line!r}")
        yield process
    finally:
        process.kill()
        process.communicate()


def pool(found, name):
    pools = [p for p in found.get("pools", []) if p["name"] == name]
    if len(pools) != 1:
        raise AssertionError(f"expected one pool {name}, got {[p['name'] for p in found.get('pools', [])]}")
    return pools[0]


def metric(page, name, **labels):
    """Value of the one series of `name` that has these labels."""
    values = []
    for line in page.splitlines():
        match = re.fullmatch(re.escape(name) + r"\{(.*)\} (\S+)", line)
        if match and labels.items() <= dict(re.findall(r'(\w+)="([^"]*)"', match[1])).items():
            values.append(float(match[2]))
    if len(values) != 1:
        raise AssertionError(f"{name}{labels}: {values}")
    return values[0]


@contextlib.contextmanager
def trace_points(*probes):
    """What bpftrace printed, a line each, for probes given as (name, print format, arguments): complete after the block."""
    program = TARGETS / "pool_service"
    script = 'BEGIN { printf("ready\\n"); } ' + " ".join(
        f'usdt:{program}:poolscope:{name} {{ printf("{name} {form}\\n", {arguments}); }}' for name, form, arguments in probes)
    lines = []
    with running([services.need_program("bpftrace"), "-e", script]) as tracer:
        wait_for(lambda: tracer.assert_running() and "ready" in tracer.output(), 60, "bpftrace")
        yield lines
        tracer.process.send_signal(signal.SIGINT)
        tracer.wait(60)
        lines.extend(tracer.output().splitlines())


class Promises(unittest.TestCase):
    def assert_counted(self, own, found, name):
        """`own` as pool_service prints it."""
        seen = pool(found, name)
        published = seen["published"]
        self.assertEqual("poolscope", seen["kind"])
        self.assertEqual([own[n] for n in ("gets", "puts", "misses")], [seen["counted"][n] for n in ("gets", "puts", "misses")])
        self.assertEqual(0, seen["gets_per_second"]["value"], "its work is done")
        self.assertEqual([own["misses_empty"], own["misses_over_max_size"], own["discards_full"]],
                         [published["misses_by_reason"]["empty"], published["misses_by_reason"]["over_max_size"],
                          published["discards_by_reason"]["full"]])
        self.assertEqual([own["created"], own["destroyed"], own["borrowed"], own["idle"]],
                         [published["created"], published["destroyed"], published["borrowed"], seen["idle"]])
        self.assertAlmostEqual(1 - own["misses"] / own["gets"], seen["hit_ratio"]["value"], places=9)

    def assert_example(self, own, found, name):
        seen = pool(found, name)
        published = seen["published"]
        self.assertEqual("published", seen["kind"])
        self.assertEqual(own, {**{n: seen["counted"][n] for n in ("gets", "puts", "misses")}, "created": published["created"],
                               "destroyed": published["destroyed"], "full": published["discards_by_reason"]["full"],
                               "idle": seen["idle"]})


class Attach(Promises):
    def test_counts_are_those_of_the_service(self):
        with pool_service("--threads", "4") as (service, (own,)):
            found = attach(f"pid:{service.pid}", seconds=3)
            self.assertEqual(0, patched_bytes(service.pid))
        for name in own:
            with self.subTest(pool=name):
                self.assert_counted(own[name], found, name)
        self.assertEqual(("L0", "collecting"), (collector(found, "pool_pages")["level"], collector(found, "pool_pages")["state"]))
        self.assertEqual(0, found["cost"]["probe_hits"], "it waits, so no other probe is met either")

    def test_exact_mode_counts_the_same(self):
        with pool_service() as (service, (own,)):
            found = attach(f"pid:{service.pid}", "--exact", seconds=2)
        for name in own:
            self.assert_counted(own[name], found, name)

    def test_a_forked_child_is_counted_for_itself(self):
        with pool_service("--fork", lines=2) as (service, (own, childs)):
            found = attach("pool_service", seconds=3)
        for name in own:
            counted = pool(found, name)["counted"]
            for event in ("gets", "puts", "misses"):
                self.assertEqual(own[name][event] + childs[name][event], counted[event], (name, event))

    def test_needed_sizes_and_limits(self):
        with pool_service() as (service, (own,)):
            found = attach(f"pid:{service.pid}", seconds=2)
        self.assertEqual(16, pool(found, "service.buffers")["published"]["limits"]["max_idle_buffers"])
        self.assertEqual(1024, pool(found, "service.buffers")["published"]["limits"]["buffer_bytes"])

    def test_a_pool_in_c(self):
        with example(TARGETS / "foreign_pool") as service:
            found = attach(f"pid:{service.pid}", seconds=2)
        self.assert_example(FRAMES, found, "example.frames")
        self.assertEqual("struct frame", pool(found, "example.frames")["element"])
        self.assertAlmostEqual(10000, pool(found, "example.frames")["needed_bytes"]["p99"], delta=1250)
        self.assertEqual({"buffer_bytes": 65536, "max_idle_buffers": 8}, pool(found, "example.frames")["published"]["limits"])

    def test_a_pool_in_python(self):
        with example(sys.executable, EXAMPLES / "foreign_pool.py") as service:
            found = attach(f"pid:{service.pid}", seconds=2)
        self.assert_example(CONNECTIONS, found, "example.connections")
        self.assertNotIn("needed_bytes", pool(found, "example.connections"), "it publishes none")

    def test_a_process_without_a_page_has_no_such_collector(self):
        with running([TARGETS / "home_pool", "--rounds", "0"]) as service:
            found = attach(f"pid:{service.pid}", seconds=2)
        self.assertNotIn("pool_pages", [c["name"] for c in found["collectors"]])

    def test_the_report_shows_them(self):
        with pool_service() as (service, (own,)):
            text = harness.poolscope("attach", f"pid:{service.pid}", "--for", "2s").stdout
        self.assertIn("service.buffers", text)
        self.assertIn("keeps at most 16 idle", text)


class TracePoints(unittest.TestCase):
    def test_every_miss_and_discard_is_met(self):
        with trace_points(("miss", "%s", "str(arg0)"), ("discard", "%s", "str(arg0)")) as lines:
            with pool_service("--threads", "2", "--rounds", "50") as (_, (own,)):
                pass
        for name in own:
            with self.subTest(pool=name):
                self.assertGreater(own[name]["misses"], 0)
                self.assertEqual(own[name]["misses"], lines.count(f"miss {name}"))
                self.assertGreater(own[name]["discards"], 0)
                self.assertEqual(own[name]["discards"], lines.count(f"discard {name}"))

    def test_a_resize_tells_what_changed(self):
        with trace_points(("resize", "%s %s %d %d", "str(arg0), str(arg1), arg2, arg3")) as lines:
            with pool_service("--rounds", "0", "--resize", "3"):
                pass
        self.assertIn("resize service.objects max_idle_buffers 6 3", lines)


class Agent(Promises):
    def test_metrics_are_exact_and_outlive_the_service(self):
        with pool_service() as (service, (own,)), agent("--target", f"pid:{service.pid}") as watcher:
            watcher.wait_for_target(lambda t: len(t.get("pools", [])) == 2, 30, "both pools")
            self.assert_metrics(own, watcher.metrics())
            service.process.send_signal(signal.SIGKILL)
            service.wait()
            found = watcher.wait_for_target(lambda t: not t["processes"], 30, "the end of the service")
            for name in own:
                self.assert_counted(own[name], found, name)
            self.assert_metrics(own, watcher.metrics())

    def assert_metrics(self, own, page):
        for name, counts in own.items():
            with self.subTest(pool=name):
                self.assertEqual(counts["gets"], metric(page, "poolscope_pool_gets_total", pool=name))
                self.assertEqual(counts["puts"], metric(page, "poolscope_pool_puts_total", pool=name))
                self.assertEqual(counts["misses_empty"], metric(page, "poolscope_pool_misses_total", pool=name, reason="empty"))
                self.assertEqual(counts["discards_full"], metric(page, "poolscope_pool_discards_total", pool=name, reason="full"))
                self.assertEqual(counts["idle"], metric(page, "poolscope_pool_buffers", pool=name, state="idle"))
                self.assertEqual(counts["borrowed"], metric(page, "poolscope_pool_buffers", pool=name, state="borrowed"))
        self.assertIn('collector="pool_pages"', page)

    def test_a_page_that_comes_later_is_found(self):
        code = f"import sys; sys.path.insert(0, {str(EXAMPLES)!r}); sys.stdin.readline(); import foreign_pool; foreign_pool.main()"
        service = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            with agent("--target", f"pid:{service.pid}") as watcher:
                watcher.wait_for_target(lambda t: t["processes"], 30, "the service")
                service.stdin.write("\n")
                service.stdin.flush()
                found = watcher.wait_for_target(lambda t: any(p["counted"].get("gets") == CONNECTIONS["gets"] for p in t.get("pools", [])),
                                                40, "the counts of its pool")
                self.assert_example(CONNECTIONS, found, "example.connections")
        finally:
            service.kill()
            service.communicate()


if __name__ == "__main__":
    assert TARGETS.exists(), f"{TARGETS} was not built"
    harness.main()
