"""Hosted pools as users run them: a host, services that share its pools, an agent that finds them, and what happens when one of them ends."""

import contextlib
import json
import os
import pwd
import signal
import unittest
import urllib.error
import urllib.request
from pathlib import Path

import harness
from harness import POOLSCOPE, TARGETS, agent, attach, poolscope, running, temporary_folder, wait_for
from test_pool_pages import metric, pool

TOKEN = "0123456789abcdef0123456789abcdef"
POOLS = """
pools:
  - {name: frames, buffer_bytes: 4096, buffers: 16, max_buffers: 64}
  - {name: other, buffer_bytes: 128, buffers: 8}
"""


class Host:
    """`poolscope pools serve` of POOLS, as often as it is started."""

    def __init__(self, folder):
        self.folder = folder
        self.socket = folder / "pools.sock"
        self.file = folder / "pools.yaml"
        self.file.write_text(POOLS)
        self.process = None

    @contextlib.contextmanager
    def serving(self):
        with running([POOLSCOPE, "pools", "serve", self.file, "--socket", self.socket]) as self.process:
            wait_for(lambda: self.process.assert_running() and self.answers(), 20, "the host")
            yield self

    def pools(self):
        return {p["name"]: p for p in json.loads(poolscope("pools", "list", "--json", "--socket", self.socket).stdout)["pools"]}

    def answers(self):
        return poolscope("pools", "list", "--socket", self.socket, check=False).returncode == 0

    def frames(self):
        return self.pools()["frames"]

    def resize(self, buffers):
        poolscope("pools", "resize", "frames", buffers, "--socket", self.socket)


@contextlib.contextmanager
def service(host, rounds=0, hold=0, name="frames"):
    arguments = ["--socket", host.socket, "--pool", name, "--rounds", rounds, "--hold", hold]
    with running([TARGETS / "hosted_service", *arguments]) as process:
        wait_for(lambda: process.assert_running() and process.output().count("\n") == 1, 30, "the counts of hosted_service")
        yield process


def counts(process):
    """What the service says that it did so far."""
    return json.loads(process.output().splitlines()[-1])


def hold_one_more(process):
    lines = process.output().count("\n")
    process.process.send_signal(signal.SIGUSR1)
    wait_for(lambda: process.output().count("\n") > lines, 10, "another line of hosted_service")
    return counts(process)


def totals(processes):
    return {key: sum(counts(p)[key] for p in processes) for key in ("gets", "failed", "puts", "held")}


@contextlib.contextmanager
def administering_agent(host, hosting):
    """An agent that lets who has TOKEN resize the pools of `host`; `hosting` are further keys of hosted_pools."""
    token, config = host.folder / "token", host.folder / "poolscope.yaml"
    token.write_text(TOKEN + "\n")
    token.chmod(0o600)
    config.write_text(f"""
targets: [{{match: {{command_line: 'pools serve {host.file}'}}}}]
web: {{enable_admin_api: true, admin_token_file: {token}}}
hosted_pools: {{socket: {host.socket}{hosting}}}
""")
    with agent("--config.file", config) as watcher:
        yield watcher


@contextlib.contextmanager
def agent_with_host(host):
    """An agent of root that starts the host of POOLS as nobody."""
    host.socket = host.folder / "run" / "pools.sock"  # a folder that is not there yet
    host.file.write_text(POOLS.replace("frames,", "frames, open_to_uids: [0],"))
    with administering_agent(host, f", file: {host.file}, user: nobody") as watcher:
        wait_for(lambda: watcher.service.assert_running() and host.answers(), 20, "the host that the agent starts")
        yield watcher


def post_limit(watcher, name, buffers, token=TOKEN):
    """Status and JSON of POST /api/v1/pools/NAME."""
    request = urllib.request.Request(f"{watcher.url}/api/v1/pools/{name}", json.dumps({"limit_buffers": buffers}).encode(),
                                     {"Authorization": f"Bearer {token}"}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def user_of(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1])


def host_of(watcher):
    """The one child of the agent."""
    children = Path(f"/proc/{watcher.pid}/task/{watcher.pid}/children").read_text().split()
    return int(children[0]) if len(children) == 1 else None


class Scenario(unittest.TestCase):
    def setUp(self):
        self.host = Host(self.enterContext(temporary_folder()))

    def enterContext(self, context):  # Python 3.11 has one
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value


class Services(Scenario):
    def test_two_services_share_the_buffers(self):
        with self.host.serving(), service(self.host, rounds=1000, hold=10) as one, service(self.host, hold=10) as other:
            self.assertEqual((10, 6, 4), (counts(one)["held"], counts(other)["held"], counts(other)["failed"]))
            frames = self.host.frames()
            self.assertEqual({one.pid: 10, other.pid: 6}, {c["pid"]: c["borrowed"] for c in frames["clients"]})
            self.assertEqual({"hosted_service"}, {c["command"] for c in frames["clients"]})
            self.assertEqual((16, 0, 48), (frames["borrowed"], frames["idle"], frames["retired"]))
            self.assertEqual([], self.host.pools()["other"]["clients"])

    def test_what_a_killed_service_held_comes_back(self):
        with self.host.serving(), service(self.host, hold=3) as stays, service(self.host, hold=13) as ends:
            self.assertEqual(0, self.host.frames()["idle"])
            ends.process.kill()
            ends.wait()
            wait_for(lambda: self.host.frames()["idle"] == 13, 10, "the buffers of the service that was killed")
            self.assertEqual([stays.pid], [c["pid"] for c in self.host.frames()["clients"]])
            self.assertEqual(4, hold_one_more(stays)["held"])

    def test_a_pool_is_resized_while_it_is_in_use(self):
        with self.host.serving(), service(self.host, hold=17) as user:
            self.assertEqual((16, 1), (counts(user)["held"], counts(user)["failed"]))
            self.host.resize(17)
            self.assertEqual((17, 17), (hold_one_more(user)["held"], counts(user)["limit"]))
            self.host.resize(5)
            self.assertEqual((17, 5), (hold_one_more(user)["held"], counts(user)["limit"]))
            self.assertEqual((17, 0), (self.host.frames()["borrowed"], self.host.frames()["idle"]))
            user.process.kill()
            user.wait()
            wait_for(lambda: self.host.frames()["borrowed"] == 0, 10, "the buffers")
            self.assertEqual((5, 59), (self.host.frames()["idle"], self.host.frames()["retired"]))

    def test_a_pool_gets_what_is_advised_while_it_is_in_use(self):
        with self.host.serving(), service(self.host, hold=16), self.busy_service() as busy:
            report = self.host.folder / "report.json"
            poolscope("attach", f"pid:{self.host.process.pid}", "--for", "3s", "-o", report)
            resize = ["pools", "resize", "--advised", "--agent", report, "--socket", self.host.socket, "frames"]
            told = poolscope(*resize, "--dry-run").stdout
            self.assertIn("frames   max_borrowed_buffers 16 buffers → 24 buffers", told)
            self.assertIn("of its gets found no buffer", told)
            self.assertEqual(16, self.host.frames()["limit_buffers"])
            self.assertIn("    done\n", poolscope(*resize).stdout)
            self.assertEqual(24, self.host.frames()["limit_buffers"])
            found = attach(f"pid:{self.host.process.pid}", seconds=3)
            busy.assert_running()
            self.assertGreater(pool(found, "frames")["hit_ratio"]["value"], 0.99)
            self.assertEqual(["keep"], [a["verdict"] for a in found["advice"] if a["subject"] == "frames"])

    def busy_service(self):
        """Gets and puts without end."""
        return running([TARGETS / "hosted_service", "--socket", self.host.socket, "--pool", "frames", "--rounds", 10**15])

    def test_services_go_on_while_the_host_is_killed_and_started_again(self):
        with contextlib.ExitStack() as services:
            with self.host.serving():
                one, other = (services.enter_context(service(self.host, rounds=100, hold=3)) for _ in range(2))
                self.host.resize(12)
                self.host.process.process.kill()
                self.host.process.wait()
            self.assertEqual(4, hold_one_more(one)["held"], "without a host")
            with self.host.serving():
                wait_for(lambda: [c["is_connected"] for c in self.host.frames()["clients"]] == [True, True], 20, "both clients")
                frames = self.host.frames()
                self.assertEqual({one.pid: 4, other.pid: 3}, {c["pid"]: c["borrowed"] for c in frames["clients"]})
                self.assertEqual((12, 5), (frames["limit_buffers"], frames["idle"]))
                self.assertEqual((5, 1), (hold_one_more(one)["held"], counts(one)["is_served"]))
                with service(self.host, hold=5) as newcomer:
                    self.assertEqual((4, 1), (counts(newcomer)["held"], counts(newcomer)["failed"]))


class Watched(Scenario):
    def test_the_agent_counts_what_the_services_did(self):
        with self.host.serving(), service(self.host, rounds=5000, hold=10) as one, service(self.host, rounds=300, hold=10) as other, \
                agent("--target", f"pid:{self.host.process.pid}") as watcher:
            done = totals([one, other])
            self.assertEqual(4, done["failed"])

            def is_counted(target):
                return any(p["name"] == "frames" and p["counted"].get("puts") == done["puts"] for p in target.get("pools", []))
            found = watcher.wait_for_target(is_counted, 40, "the counts of the hosted pool")
            self.assert_seen(done, pool(found, "frames"))
            self.assert_metrics(done, watcher.metrics())
            report = poolscope("report", watcher.url).stdout
        self.assertIn("0 objects idle; 16 borrowed; at most 16 borrowed at a time of late; keeps at most 16 idle", report)

    def assert_seen(self, done, seen):
        published = seen["published"]
        self.assertEqual("hosted", seen["kind"])
        self.assertEqual((done["gets"] + done["failed"], done["puts"]), (seen["counted"]["gets"], seen["counted"]["puts"]))
        self.assertEqual((done["failed"], done["failed"]), (seen["counted"]["misses"], published["misses_by_reason"]["exhausted"]))
        self.assertEqual((done["held"], 16 - done["held"]), (published["borrowed"], seen["idle"]))
        self.assertEqual({"buffer_bytes": 4096, "max_idle_buffers": 16, "max_borrowed_buffers": 16}, published["limits"])
        self.assertEqual(16, published["borrowed_high_water"]["value"])

    def assert_metrics(self, done, page):
        self.assertEqual(done["gets"] + done["failed"], metric(page, "poolscope_pool_gets_total", pool="frames"))
        self.assertEqual(done["puts"], metric(page, "poolscope_pool_puts_total", pool="frames"))
        self.assertEqual(done["failed"], metric(page, "poolscope_pool_misses_total", pool="frames", reason="exhausted"))
        self.assertEqual(16, metric(page, "poolscope_pool_buffers", pool="frames", state="borrowed"))
        self.assertRegex(page, r'poolscope_pool_info\{[^}]*kind="hosted"')


class Administered(Scenario):
    def test_the_agent_starts_a_host_without_rights_and_ends_it(self):
        with agent_with_host(self.host) as watcher:
            pid = wait_for(lambda: host_of(watcher), 10, "the child of the agent")
            self.assertEqual(pwd.getpwnam("nobody").pw_uid, user_of(pid))
            status = Path(f"/proc/{pid}/status").read_text()
            self.assertRegex(status, r"CapEff:\s+0+\n")
            self.assertRegex(status, r"NoNewPrivs:\s+1\n")
        self.assertFalse(Path(f"/proc/{pid}").exists())

    def test_the_agent_starts_it_again_and_services_hand_their_pools_back(self):
        with agent_with_host(self.host) as watcher, service(self.host, hold=3) as user:
            first = wait_for(lambda: host_of(watcher), 10, "the child of the agent")
            os.kill(first, signal.SIGKILL)
            wait_for(lambda: host_of(watcher) not in (None, first) and self.host.answers(), 30, "another host")
            wait_for(lambda: [c["is_connected"] for c in self.host.frames()["clients"]] == [True], 20, "the service")
            self.assertEqual((3, 13), (self.host.frames()["borrowed"], self.host.frames()["idle"]))
            self.assertEqual(4, hold_one_more(user)["held"])
            self.assertIn("the host of the pools was ended by signal 9", watcher.service.errors())

    def test_who_has_the_token_resizes_by_http(self):
        with agent_with_host(self.host) as watcher, service(self.host, hold=17) as user:
            self.assertEqual(401, post_limit(watcher, "frames", 17, token=TOKEN[:-1] + "0")[0])
            self.assertEqual((404, {"error": "the host has no pool of this name"}), post_limit(watcher, "frame", 17))
            self.assertEqual(400, post_limit(watcher, "frames", 65)[0])
            self.assertEqual(16, counts(user)["limit"])
            status, answer = post_limit(watcher, "frames", 17)
            self.assertEqual((200, 17, 16, 1), (status, answer["limit_buffers"], answer["borrowed"], answer["idle"]))
            self.assertEqual((17, 17), (hold_one_more(user)["held"], counts(user)["limit"]))

            def is_shown(target):
                return any(p["name"] == "frames" and p["published"]["limits"].get("max_borrowed_buffers") == 17 for p in target.get("pools", []))
            watcher.wait_for_target(is_shown, 40, "the new limit in a snapshot")

    def test_without_a_host_http_says_so(self):
        with administering_agent(self.host, "") as watcher:
            status, answer = post_limit(watcher, "frames", 17)
        self.assertEqual(503, status)
        self.assertIn("no host at", answer["error"])

    def test_the_admin_api_needs_a_token(self):
        result = poolscope("agent", "--target", "1", "--web.enable-admin-api", check=False)
        self.assertEqual(2, result.returncode)
        self.assertIn("--web.admin-token-file", result.stderr)


if __name__ == "__main__":
    harness.main()
