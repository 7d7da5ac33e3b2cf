"""When it cannot work: the message names the thing, the cause and the way out, and the target is never harmed."""

import os
import shutil
import signal
import socket
import subprocess
import time
import unittest
from pathlib import Path

import harness
from harness import POOLSCOPE, cpu_seconds, patched_bytes, poolscope, target, temporary_folder, wait_for, wait_until_unprobed


# Steps between two pairs: probes slow the loop, but not so much that measuring it is refused.
MODEST_WORK = 2000


class Refusals(unittest.TestCase):
    def assert_refused(self, *arguments, names=(), codes=(1,), **options):
        """Fails with one of `codes`, fast, and stderr holds every regex of `names`."""
        result = poolscope(*arguments, check=False, seconds=30, **options)
        self.assertIn(result.returncode, codes, result.stderr + result.stdout)
        for name in names:
            self.assertRegex(result.stderr, name)
        return result.stderr

    def test_process_that_does_not_exist(self):
        ended = subprocess.Popen(["true"])
        ended.wait()
        self.assert_refused("attach", f"pid:{ended.pid}", "--for", "1s", names=[str(ended.pid), r"(?i)no (such )?process|does not exist"])

    def test_name_that_nobody_has(self):
        self.assert_refused("attach", "no-such-service", "--for", "1s", names=["no-such-service"])

    def test_kernel_thread(self):
        self.assertEqual("kthreadd", Path("/proc/2/comm").read_text().strip())
        self.assert_refused("attach", "pid:2", "--for", "1s", names=[r"\b2\b", "(?i)kernel thread"])

    def test_zombie(self):
        child = subprocess.Popen(["true"])
        wait_for(lambda: Path(f"/proc/{child.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z", what="a zombie")
        try:
            self.assert_refused("attach", f"pid:{child.pid}", "--for", "1s", names=[str(child.pid), "(?i)zombie|ended|exited"])
        finally:
            child.wait()

    def test_no_privilege_names_the_capability(self):
        with target("steady_load") as load, temporary_folder() as folder:
            program = shutil.copy(POOLSCOPE, folder)  # the build folder may be closed to others
            command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
            result = subprocess.run([*command, program, "attach", f"pid:{load.pid}", "--for", "1s"], capture_output=True,
                                    text=True, timeout=30, cwd="/")
        self.assertEqual(1, result.returncode, result.stderr)
        self.assertRegex(result.stderr, "CAP_BPF|CAP_SYS_ADMIN|CAP_SYS_PTRACE")

    def test_bad_configuration_names_file_line_and_key(self):
        with temporary_folder() as folder:
            config = folder / "poolscope.yaml"
            config.write_text("budget:\n  cpu_ratioo: 0.01\n")
            names = [r"poolscope\.yaml:2", "cpu_ratioo"]
            self.assert_refused("agent", "--config.file", config, names=names, codes=(1, 2))
            self.assert_refused("check-config", config, names=names, codes=(2,))

    def test_port_in_use(self):
        with socket.socket() as taken, target("steady_load") as load:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            self.assert_refused("agent", "--target", f"pid:{load.pid}", "--web.listen-address", address, names=[address, "(?i)in use"])
            self.assertEqual(0, patched_bytes(load.pid))

    def test_usage_errors_exit_with_2(self):
        for arguments in (["no-such-command"], ["attach"], ["attach", "pid:1", "--no-such-option"], ["run"]):
            with self.subTest(arguments):
                self.assert_refused(*arguments, codes=(2,))


class TargetsThatEnd(unittest.TestCase):
    def test_target_that_ends_in_the_middle_is_reported_as_far_as_it_went(self):
        with target("steady_load", "--seconds", "4") as load:
            started = time.monotonic()
            result = poolscope("attach", f"pid:{load.pid}", "--for", "60s", "--json", check=False, seconds=50)
            self.assertLess(time.monotonic() - started, 30, "it does not wait for a process that is gone")
            self.assertEqual(0, load.wait(), "the target ended on its own terms")
        self.assertEqual(0, result.returncode, result.stderr)

    def test_target_that_is_killed_does_not_stop_the_agent(self):
        with target("steady_load") as load, harness.agent("--target", f"pid:{load.pid}") as agent:
            agent.wait_for_rate()
            load.process.kill()
            load.process.wait()
            wait_for(lambda: not agent.target()["processes"], 20, "the agent notices the end of the process")
            agent.service.assert_running()
            agent.metrics()


@harness.needs_quiet
class AgentsThatEnd(unittest.TestCase):
    def assert_unharmed(self, loop):
        loop.assert_running()
        wait_until_unprobed(loop.pid)
        before = cpu_seconds(loop.pid)
        wait_for(lambda: cpu_seconds(loop.pid) > before, what="the target goes on")
        self.assertEqual(0, loop.stop(), loop.errors())
        self.assertTrue(loop.output().endswith("ok\n"), loop.output())

    def kill_during_a_burst(self, loop, number):
        with harness.agent("--target", f"pid:{loop.pid}") as agent:
            agent.wait_for_rate()
            # a burst lasts milliseconds: look as often as we can until breakpoints are in place
            wait_for(lambda: patched_bytes(loop.pid) > 0, 60, "a burst", interval_seconds=0)
            os.kill(agent.pid, number)
            agent.service.wait()

    def test_killed_agent_leaves_the_target_running_and_clean(self):
        with target("alloc_loop", "--live", "8", "--work", MODEST_WORK) as loop:
            self.kill_during_a_burst(loop, signal.SIGKILL)
            self.assert_unharmed(loop)

    def test_terminated_agent_ends_with_0_and_leaves_nothing(self):
        with target("alloc_loop", "--live", "8", "--work", MODEST_WORK) as loop:
            with harness.agent("--target", f"pid:{loop.pid}") as agent:
                agent.wait_for_rate()
                self.assertEqual(0, agent.service.stop())
            self.assert_unharmed(loop)

    def test_two_agents_on_one_target(self):
        with target("alloc_loop", "--live", "8", "--threads", "2", "--work", MODEST_WORK) as loop:
            with harness.agent("--target", f"pid:{loop.pid}") as first, harness.agent("--target", f"pid:{loop.pid}") as second:
                self.assertNotEqual(first.url, second.url)
                for agent in (first, second):
                    agent.wait_for_rate()
            self.assert_unharmed(loop)


if __name__ == "__main__":
    harness.main()
