"""What a service does with libpoolscope: install it, find it with CMake or pkg-config, build the examples, run them, look at them from outside."""

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

SOURCE_DIR = Path(__file__).resolve().parents[2]
BUILD_DIR = Path(os.environ["POOLSCOPE_BUILD_DIR"])


def run(*command, **options):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=200, **options)
    if result.returncode != 0:
        raise AssertionError(f"{command} ended with {result.returncode}: {result.stdout}{result.stderr}")
    return result.stdout


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="poolscope-examples-")
        cls.addClassCleanup(folder.cleanup)
        cls.prefix, cls.build = Path(folder.name) / "prefix", Path(folder.name) / "build"
        run("cmake", "--install", BUILD_DIR, "--prefix", cls.prefix)
        warnings = "-Wall -Wextra -Werror"
        run("cmake", "-S", SOURCE_DIR / "examples", "-B", cls.build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={cls.prefix}",
            f"-DCMAKE_CXX_FLAGS={warnings}", f"-DCMAKE_C_FLAGS={warnings}")
        run("cmake", "--build", cls.build, "-j", "1")

    def example(self, name):
        return self.build / name

    def shown_while_running(self, *command):
        """What show_pools says about a program that waits for the end of its input."""
        with subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            self.assertEqual("ready\n", process.stdout.readline())
            shown = run(self.example("show_pools"), process.pid)
            process.stdin.close()
            self.assertEqual(0, process.wait(timeout=30))
        return shown

    def test_object_pool_makes_few_parsers_for_many_gets(self):
        out = run(self.example("object_pool"))
        gets, hits, created, idle = map(int, re.fullmatch(r"gets (\d+) hits (\d+) created (\d+) idle (\d+)\n", out).groups())
        self.assertEqual(4000, gets)
        self.assertEqual(gets, hits + created)
        self.assertLessEqual(idle, 16)
        self.assertGreater(hits, 3900)

    def test_buffer_pool_counts_regrowths(self):
        out = run(self.example("buffer_pool"))
        gets, ratio, regrowths = re.fullmatch(r"gets (\d+) hit ratio ([0-9.]+) regrowths (\d+)\n", out).groups()
        self.assertEqual("1000", gets)
        self.assertGreater(float(ratio), 0.99)
        self.assertGreater(int(regrowths), 0)

    def test_pmr_containers_use_the_pool(self):
        self.assertEqual("blocks of 64 bytes: gets 10000 created 10\n", run(self.example("pmr_pool")))

    def test_a_busy_service_is_seen_from_outside(self):
        shown = self.shown_while_running(self.example("busy_service"))
        self.assertEqual({"http.parsers", "http.replies"}, {line.split()[0] for line in shown.splitlines()})

    def test_a_c_pool_is_seen_from_outside(self):
        shown = self.shown_while_running(self.example("foreign_pool"))
        self.assertEqual("example.frames kind published gets 50 puts 50 empty 18 full 10\n", shown)

    def test_a_python_pool_is_seen_from_outside(self):
        shown = self.shown_while_running(sys.executable, SOURCE_DIR / "examples" / "foreign_pool.py")
        self.assertEqual("example.connections kind published gets 30 puts 30 empty 14 full 10\n", shown)

    @contextlib.contextmanager
    def host_of_frames(self):
        """The socket of `poolscope pools serve` with the file that the example names."""
        with tempfile.TemporaryDirectory(prefix="poolscope-examples-") as folder:
            pools, socket = Path(folder) / "pools.yaml", Path(folder) / "pools.sock"
            pools.write_text("pools:\n  - {name: frames, buffer_bytes: 65536, buffers: 4}\n")
            host = subprocess.Popen([BUILD_DIR / "bin" / "poolscope", "pools", "serve", pools, "--socket", socket], stderr=subprocess.DEVNULL)
            try:
                deadline = time.monotonic() + 20
                while not socket.exists() and host.poll() is None and time.monotonic() < deadline:
                    time.sleep(0.01)
                yield socket
            finally:
                host.terminate()
                host.wait(timeout=20)

    def test_a_hosted_pool_is_shared_and_what_an_ended_process_held_comes_back(self):
        with self.host_of_frames() as socket:
            out = run(self.example("hosted_pool"), socket)
        self.assertRegex(out, r"^4 buffers; buffer \d: hello from another process\n$")

    def test_a_hosted_pool_says_that_there_is_no_host(self):
        result = subprocess.run([self.example("hosted_pool"), "/nonexistent/pools.sock"], capture_output=True, text=True, timeout=30)
        self.assertEqual(1, result.returncode)
        self.assertIn("no host at /nonexistent/pools.sock", result.stderr)

    def by_pkg_config(self, example):
        environment = dict(os.environ, PKG_CONFIG_PATH=str(self.prefix / "lib" / "pkgconfig"))
        flags = run("pkg-config", "--cflags", "--libs", "poolscope", env=environment).split()
        program = self.build / f"{example}_by_pkg_config"
        run("c++", "-std=c++20", SOURCE_DIR / "examples" / f"{example}.cc", *flags, "-o", program)
        return program

    def test_pkg_config_finds_the_library(self):
        self.assertIn("created 10", run(self.by_pkg_config("pmr_pool")))

    def test_pkg_config_finds_what_hosted_pools_need(self):
        with self.host_of_frames() as socket:
            self.assertIn("hello from another process", run(self.by_pkg_config("hosted_pool"), socket))


if __name__ == "__main__":
    unittest.main()
