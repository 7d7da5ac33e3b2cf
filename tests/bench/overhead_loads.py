"""Services under a load that tells its throughput and how long requests took: what ./dev bench overhead measures."""

import contextlib
import json
import re
import subprocess
import time
from pathlib import Path

import services
from harness import BUILD_DIR, TARGETS, free_port, running, target, temporary_folder
from services import LOOPBACK, POSTGRES_BIN, need_program

LOOP_LIVE_BLOCKS = 16
WRK_REPORT = """
done = function(summary, latency, requests)
  io.write(string.format('{"per_second": %.1f, "p99_seconds": %.9f, "p99_9_seconds": %.9f, "errors": %d}\\n',
    summary.requests / summary.duration * 1e6, latency:percentile(99) / 1e6, latency:percentile(99.9) / 1e6,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout + summary.errors.status))
end
"""


def told(command, **options):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True, **options).stdout


def quantile(values, p):
    ordered = sorted(values)
    return ordered[int(p * (len(ordered) - 1))]


class Redis:
    """20 connections that SET 256 bytes."""
    name = "redis-server"

    @classmethod
    @contextlib.contextmanager
    def started(cls, **options):
        with services.redis(**options) as server:
            service = cls()
            service.pid, service.spec, service.probed_pid, service.port = server.pid, f"pid:{server.pid}", server.pid, server.port
            service.per_second = 20_000  # how many requests a second takes; as measured last
            yield service

    def load(self):
        return services.redis_load(self.port)

    def measure(self, seconds):
        requests = max(int(seconds * self.per_second), 2000)
        text = told([part for part in services.redis_benchmark(self.port, "-t", "set", "-n", requests, "--precision", 3) if part != "-q"])
        self.per_second = float(re.search(r"throughput summary: ([\d.]+) requests per second", text).group(1))
        steps = [(float(p), float(ms)) for p, ms in re.findall(r"^([\d.]+)% <= ([\d.]+) milliseconds", text, re.MULTILINE)]
        at = {p: next(ms for share, ms in steps if share >= p) / 1e3 for p in (99, 99.9)}
        return {"per_second": self.per_second, "p99_seconds": at[99], "p99_9_seconds": at[99.9]}


class Http:
    """wrk, eight connections that stay open."""

    def load(self):
        return services.http_load(self.port, self.path)

    def measure(self, seconds):
        with temporary_folder() as folder:
            script = folder / "report.lua"
            script.write_text(WRK_REPORT)
            text = told([need_program("wrk"), "--threads", 1, "--connections", 8, "--duration", f"{max(round(seconds), 1)}s", "--script", script,
                         f"http://{LOOPBACK}:{self.port}{self.path}"])
        found = json.loads(text.splitlines()[-1])
        if found.pop("errors"):
            raise AssertionError(f"requests failed:\n{text}")
        return found


class Nginx(Http):
    """Eight connections that fetch a short page from one worker."""
    name, path = "nginx", "/"

    @classmethod
    @contextlib.contextmanager
    def started(cls, **options):
        with services.nginx(**options) as server:
            service = cls()
            service.pid, service.spec, service.port = server.pid, f"pid:{server.pid}", server.port
            service.probed_pid = int(told(["pgrep", "-P", server.pid]).split()[0])
            yield service


class NodeExporter(Http):
    """A Go service as Debian packages it: eight connections that fetch its metrics."""
    name, path = "prometheus-node-exporter (Go)", "/metrics"

    @classmethod
    @contextlib.contextmanager
    def started(cls, **options):
        with temporary_folder() as folder:
            port = free_port()
            arguments = [need_program("prometheus-node-exporter"), f"--web.listen-address={LOOPBACK}:{port}", "--log.level=error",
                         "--web.max-requests=0", "--collector.disable-defaults", "--collector.loadavg"]
            with services.serving(arguments, port, folder, **options) as server:
                service = cls()
                service.pid, service.spec, service.probed_pid, service.port = server.pid, f"pid:{server.pid}", server.pid, port
                yield service


class Memcached:
    """Eight connections, nine GETs of 256 bytes to one SET."""
    name = "memcached"

    @classmethod
    @contextlib.contextmanager
    def started(cls, **options):
        with services.memcached(**options) as server:
            service = cls()
            service.pid, service.spec, service.probed_pid, service.port = server.pid, f"pid:{server.pid}", server.pid, server.port
            yield service

    def command(self, seconds):
        return [BUILD_DIR / "bench" / "memcached_load", self.port, 8, seconds]

    def load(self):
        return running(self.command(600))

    def measure(self, seconds):
        return json.loads(told(self.command(seconds)))


class Postgresql:
    """pgbench, two connections that SELECT."""
    name, probed_pid = "postgresql", None

    @classmethod
    @contextlib.contextmanager
    def started(cls, **options):
        with services.postgresql(**options) as server:
            service = cls()
            service.server, service.pid, service.spec = server, server.pid, f"exe:{POSTGRES_BIN}/postgres"
            yield service

    def load(self):
        return services.pgbench_load(self.server)

    def measure(self, seconds):
        log = f"{self.server.folder}/log-{time.monotonic_ns()}"
        services.as_postgres([POSTGRES_BIN / "pgbench", "-h", LOOPBACK, "-p", self.server.port, "-c", "2", "-T", max(round(seconds), 1), "-S", "-n",
                              "-l", f"--log-prefix={log}", "postgres"], cwd=self.server.folder)
        taken = []
        for file in Path(self.server.folder).glob(Path(log).name + ".*"):
            with file.open() as lines:
                taken += [int(line.split()[2]) / 1e6 for line in lines]
            file.unlink()
        return {"per_second": len(taken) / max(round(seconds), 1), "p99_seconds": quantile(taken, 0.99),
                "p99_9_seconds": quantile(taken, 0.999)}


class Loop:
    """malloc(64..1087) and free in a loop that does nothing else; one thread."""
    name = "malloc/free loop"

    @classmethod
    @contextlib.contextmanager
    def started(cls, **options):
        with target("alloc_loop", "--live", LOOP_LIVE_BLOCKS, **options) as loop:
            service = cls()
            service.pid, service.spec, service.probed_pid = loop.pid, f"pid:{loop.pid}", loop.pid
            yield service
            if loop.stop() != 0:
                raise AssertionError(f"alloc_loop: its own check failed: {loop.errors()}{loop.output()}")

    def load(self):
        return contextlib.nullcontext()  # it is its own

    def measure(self, seconds):
        before, start = self.pairs(), time.monotonic()
        time.sleep(seconds)
        return {"per_second": (self.pairs() - before) / (time.monotonic() - start)}

    def pairs(self):
        """The loop publishes its progress in a symbol; read from its memory, so that asking costs it nothing."""
        symbols = told(["nm", TARGETS / "alloc_loop"])
        address = next(int(line.split()[0], 16) for line in symbols.splitlines() if line.endswith(" pairs_done"))
        with open(f"/proc/{self.pid}/maps") as maps:
            base = int(maps.readline().split("-")[0], 16)
        with open(f"/proc/{self.pid}/mem", "rb") as memory:
            memory.seek(base + address)
            return int.from_bytes(memory.read(8), "little")


SERVICES = {"redis": Redis, "nginx": Nginx, "memcached": Memcached, "postgresql": Postgresql, "go": NodeExporter, "loop": Loop}
