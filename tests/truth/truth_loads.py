"""Programs under a load whose rate we choose: what ./dev bench truth observes."""

import contextlib
import os
import random
import socket
import subprocess
import threading
import time
from pathlib import Path

import services
from harness import TARGETS, free_port, running, temporary_folder, wait_for
from services import LOOPBACK, NGINX_CONFIG, POSTGRES_BIN, need_program

TICK_SECONDS = 0.002

# --- when requests come --------------------------------------------------------------------------------------------------


def steady(_rng):
    """Requests come at one rate."""
    return lambda _now: 1.0


def bursty(rng):
    """Ten times the mean rate for about 20 ms, then nothing for about 180 ms, both of random length."""
    return _alternating(rng, ((10.0, 0.02), (0.0, 0.18)))


def periodic(_rng, period_seconds=0.4):
    """All requests in the first quarter of a period, which is that of the strata in which bursts are taken."""
    return lambda now: 4.0 if now % period_seconds < period_seconds / 4 else 0.0


def switching(rng):
    """Regimes of about four seconds: a third of the mean rate, or five thirds of it."""
    return _alternating(rng, ((1 / 3, 4.0), (5 / 3, 4.0)))


SHAPES = {"steady": steady, "bursty": bursty, "periodic": periodic, "switching": switching}


def _alternating(rng, phases):
    """phases: (factor, mean seconds), in turn; lengths vary between half and one and a half of the mean."""
    state = {"index": -1, "until": 0.0}

    def factor(now):
        while now >= state["until"]:
            state["index"] = (state["index"] + 1) % len(phases)
            state["until"] = max(state["until"], now - 1) + phases[state["index"]][1] * rng.uniform(0.5, 1.5)
        return phases[state["index"]][0]
    return factor


class Driver(threading.Thread):
    """Calls send(n) every tick with the number of requests that have come due; what the program does not take in time waits."""

    def __init__(self, send, per_second, shape, seed=1):
        super().__init__(daemon=True)
        self.send, self.per_second = send, per_second
        self.factor = SHAPES[shape](random.Random(seed))
        self.ended = threading.Event()
        self.requests = 0
        self.error = None

    def run(self):
        due, start = 0.0, time.monotonic()
        last = start
        try:
            while not self.ended.is_set():
                now = time.monotonic()
                due += self.per_second * self.factor(now - start) * (now - last)
                last = now
                count = int(due)
                due -= count
                if count:
                    self.send(count)
                    self.requests += count
                time.sleep(max(0.0, TICK_SECONDS - (time.monotonic() - now)))
        except OSError as error:
            self.error = error

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join(10)
        if self.error:
            raise AssertionError(f"the load failed: {self.error}")


# --- how requests are sent -------------------------------------------------------------------------------------------------

class Pipe:
    """Requests as text, into the standard input of a program."""

    def __init__(self, process, request):
        self.file, self.request = process.stdin, request
        self.index = 0

    def send(self, count):
        lines = []
        for _ in range(count):
            lines.append(self.request(self.index))
            self.index += 1
        self.file.write(b"".join(lines))
        self.file.flush()


class Connection:
    """Requests on a connection; answers are thrown away by a thread of their own."""

    def __init__(self, port, request):
        self.port, self.request = port, request
        self.socket = socket.create_connection((LOOPBACK, port))
        self.index = 0
        threading.Thread(target=self.drain, daemon=True).start()

    def drain(self):
        with contextlib.suppress(OSError):
            while self.socket.recv(1 << 16):
                pass

    send = Pipe.send

    @property
    def file(self):
        return self

    def write(self, data):
        self.socket.sendall(data)

    def flush(self):
        pass


# --- programs ----------------------------------------------------------------------------------------------------------------

class Observed:
    """A program that runs: its pid, and how to send it requests."""

    def __init__(self, pid, send):
        self.pid, self.send = pid, send


@contextlib.contextmanager
def on_pipe(arguments, request, environment):
    with subprocess.Popen([str(a) for a in arguments], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, env=environment) as process:
        try:
            yield Observed(process.pid, Pipe(process, request).send)
        finally:
            process.kill()
            with contextlib.suppress(OSError):
                process.stdin.close()


def redis(environment):
    @contextlib.contextmanager
    def observed():
        with services.redis(env=environment) as service:
            def request(i):
                if i % 2:
                    return b"GET key:%d\r\n" % (i * 7919 % 5000)
                return b"SET key:%d %s\r\n" % (i * 7919 % 5000, b"x" * (16 + i * 31 % 480))
            yield Observed(service.pid, Connection(service.port, request).send)
    return observed()


@contextlib.contextmanager
def memcached(environment):
    with temporary_folder() as folder:
        port = free_port()
        arguments = [need_program("memcached"), "-l", LOOPBACK, "-p", port, "-U", "0", "-u", "nobody", "-t", "1"]
        with services.serving(arguments, port, folder, env=environment) as service:
            def send(count):
                # most of what memcached takes from malloc is for connections: each request has its own
                for i in range(count):
                    with socket.create_connection((LOOPBACK, port)) as connection:
                        connection.sendall(b"set key:%d 0 0 64\r\n%s\r\nget key:%d\r\nquit\r\n" % (i % 100, b"v" * 64, i % 100))
            yield Observed(service.pid, send)


@contextlib.contextmanager
def nginx(environment):
    with temporary_folder() as folder:
        port = free_port()
        config = folder / "nginx.conf"
        text = NGINX_CONFIG.format(folder=folder, port=port).replace("access_log off;", "access_log off; keepalive_requests 1000000000;")
        config.write_text("\n".join(f"env {name};" for name in environment if name.startswith("POOLSCOPE_")) + text)
        arguments = [need_program("nginx"), "-c", config, "-p", folder, "-e", folder / "error.log"]
        with services.serving(arguments, port, folder, env=environment) as service:
            worker = int(wait_for(lambda: children(service.pid), 10, "nginx' worker")[0])
            request = b"GET /some/page?with=arguments HTTP/1.1\r\nHost: localhost\r\nUser-Agent: load\r\n\r\n"
            yield Observed(worker, Connection(port, lambda _i: request).send)


def children(pid):
    return subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()


@contextlib.contextmanager
def postgresql(environment):
    """One backend, whose client is psql."""
    with services.postgresql(env=environment) as service:
        before = set(children(service.pid))
        command = [POSTGRES_BIN / "psql", "-h", LOOPBACK, "-p", service.port, "-U", "postgres", "-q", "postgres"]

        def request(i):
            return (b"SELECT a.abalance, count(*), string_agg(b.filler, ',') FROM pgbench_accounts a, pgbench_branches b "
                    b"WHERE a.aid = %d GROUP BY 1;\n" % (i % 1000 + 1))
        with on_pipe(command, request, dict(os.environ)) as client:
            client.send(1)
            pid = wait_for(lambda: backend(service.pid, before), 10, "a backend of psql")
            yield Observed(pid, client.send)


def backend(postmaster, before):
    for pid in set(children(postmaster)) - before:
        if b"127.0.0.1" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return int(pid)
    return None


def jq(environment):
    def request(i):
        return b'{"id": %d, "name": "record %d", "tags": ["a", "b", "%s"], "nested": {"x": [1, 2, 3, %d]}}\n' % (
            i, i, b"t" * (i % 60), i)
    return on_pipe([need_program("jq"), "-c", '{id: .id, name: (.name + "!"), tags: (.tags | map(. + "x")), sum: (.nested.x | add)}'],
                   request, environment)


@contextlib.contextmanager
def sqlite3(environment):
    def request(i):
        if i % 4 == 0:
            return b"INSERT OR REPLACE INTO t VALUES (%d, 'name %d', '%s');\n" % (i % 1000, i, b"v" * (i % 200))
        return b"SELECT name, length(value) FROM t WHERE id = %d ORDER BY name;\n" % (i * 31 % 1000)
    with on_pipe([need_program("sqlite3"), ":memory:"], request, environment) as observed:
        # the next requests wait in the pipe until the table is there
        os.write(pipe_of(observed), b"CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, value TEXT);\n")
        yield observed


def pipe_of(observed):
    return observed.send.__self__.file.fileno()


PYTHON_PROGRAM = """
import json, sys
kept = {}
for line in sys.stdin.buffer:
    record = json.loads(line)
    record["text"] = json.dumps(record) * 3
    kept[record["id"] % 500] = bytearray(record["text"], "ascii")
"""


def python3(environment):
    def request(i):
        return b'{"id": %d, "values": [%s], "text": "%s"}\n' % (i, b", ".join(b"%d" % v for v in range(i % 40)), b"y" * (i % 900))
    return on_pipe(["/usr/bin/python3", "-c", PYTHON_PROGRAM], request, environment)


def churn_cpp(environment):
    return on_pipe([TARGETS / "churn_cpp", "--on-input", "1"], lambda _i: b"x", environment)


# name: (program, mean requests per second)
PROGRAMS = {
    "redis": (redis, 4000),
    "memcached": (memcached, 300),
    "nginx": (nginx, 4000),
    "postgresql": (postgresql, 400),
    "jq": (jq, 1500),
    "sqlite3": (sqlite3, 1500),
    "python3": (python3, 1500),
    "churn_cpp": (churn_cpp, 2000),
}
