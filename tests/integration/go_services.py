"""Go programs to observe: go_pools, which counts its pools itself, Debian's packaged ones, and an independent count of gets."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import threading
import time

from harness import TARGETS, http_get, free_port, running, temporary_folder, wait_for
from services import LOOPBACK, need_program, serving

GET = "sync.(*Pool).Get"


# --- go_pools ------------------------------------------------------------------------------------------------------------

class GoPools:
    """go_pools, started with -paused. Its reports come as lines of JSON, see tests/targets/go_pools/report.go."""

    def __init__(self, service):
        self.service = service
        self.pid = service.pid
        self.read = 0
        self.next_report()

    def next_report(self, seconds=30):
        """The next line that it prints."""
        def look():
            lines = self.service.output().splitlines(keepends=True)
            complete = len(lines) > self.read and lines[self.read].endswith("\n")
            return lines[self.read] if complete or not self.service.assert_running() else None
        line = wait_for(look, seconds, "a report of go_pools")
        self.read += 1
        return json.loads(line)

    def start_rounds(self):
        os.kill(self.pid, signal.SIGUSR2)

    def stop(self):
        """Ends it; its last report. Raises when its own checks failed."""
        code = self.service.stop()
        if code != 0:
            raise AssertionError(f"go_pools ended with {code}: {self.service.errors()}{self.service.output()[-2000:]}")
        return json.loads(self.service.output().splitlines()[-1])


@contextlib.contextmanager
def go_pools(build, *arguments, environment=()):
    program = TARGETS / build
    if not program.exists():
        raise AssertionError(f"{program} was not built: go of packages.txt is missing? run ./dev setup")
    with running(["env", *environment, program, "-paused", *arguments]) as service:
        yield GoPools(service)


# --- Debian's programs -----------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def node_exporter():
    with temporary_folder() as folder:
        port = free_port()
        arguments = [need_program("prometheus-node-exporter"), f"--web.listen-address={LOOPBACK}:{port}", "--log.level=warn"]
        with serving(arguments, port, folder) as service:
            yield service


REFUSING_HOOK = [{"id": "refused", "execute-command": "/bin/true", "trigger-rule": {
    "match": {"type": "value", "value": "never", "parameter": {"source": "payload", "name": "word"}}}}]


@contextlib.contextmanager
def webhook():
    """One hook that reads its payload and then refuses to run anything."""
    with temporary_folder() as folder:
        port = free_port()
        hooks = folder / "hooks.json"
        hooks.write_text(json.dumps(REFUSING_HOOK))
        arguments = [need_program("webhook"), "-hooks", hooks, "-ip", LOOPBACK, "-port", port, "-verbose"]
        with serving(arguments, port, folder) as service:
            yield service


@contextlib.contextmanager
def prometheus_scraping(*ports):
    """Prometheus that scrapes these ports and itself every second."""
    with temporary_folder() as folder:
        port = free_port()
        config = folder / "prometheus.yml"
        scraped = ", ".join(f"'{LOOPBACK}:{p}'" for p in (port, *ports))
        config.write_text("global: {scrape_interval: 1s}\nscrape_configs:\n  - job_name: all\n    static_configs:\n"
                          f"      - targets: [{scraped}]\n")
        arguments = [need_program("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={folder}/data",
                     f"--web.listen-address={LOOPBACK}:{port}", "--log.level=warn"]
        with serving(arguments, port, folder) as service:
            wait_for(lambda: http_get(f"http://{LOOPBACK}:{port}/-/ready"), 30, "prometheus ready")
            yield service


# --- load ------------------------------------------------------------------------------------------------------------------

class Requests:
    """A thread that sends `per_second` requests on one connection, however long each takes."""

    def __init__(self, port, path, per_second, method="GET", body=None):
        self.port, self.path, self.interval, self.method, self.body = port, path, 1 / per_second, method, body
        self.done, self.failure = 0, None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=10)
        headers = {"Content-Type": "application/json"} if self.body else {"Accept-Encoding": "gzip"}
        due = time.monotonic()
        try:
            while not self.stopping.wait(max(0, due - time.monotonic())):
                connection.request(self.method, self.path, self.body, headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    raise OSError(f"{self.path}: status {answer.status}")
                self.done += 1
                due += self.interval
        except (OSError, http.client.HTTPException) as error:
            self.failure = error
        finally:
            connection.close()

    def __enter__(self):
        self.thread.start()
        wait_for(lambda: self.done >= 5 or self.failure, 20, f"answers to {self.path}")
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join(timeout=20)


# --- counting without poolscope ----------------------------------------------------------------------------------------------

class CountedGets:
    """What bpftrace counts, from the first get that it saw."""

    def __init__(self, bpftrace):
        self.bpftrace = bpftrace
        wait_for(lambda: len(self.readings()) >= 2 and self.newest()[1] > 0, 30, "gets counted by bpftrace")

    def readings(self):
        """Nanoseconds and gets until then, oldest first."""
        self.bpftrace.assert_running()
        return [(int(ns), int(gets)) for ns, gets in re.findall(r"ns (\d+)\s+@gets: (\d+)\n", self.bpftrace.output())]

    def newest(self):
        return self.readings()[-1]


@contextlib.contextmanager
def gets_counted_by_bpftrace(pid):
    """A probe at the entry of sync.(*Pool).Get, which go_function finds: its file offset, because that is what bpftrace takes for a
    program without symbols, and --unsafe, because it cannot check it."""
    program = os.readlink(f"/proc/{pid}/exe")
    offset = subprocess.run([TARGETS / "go_function", program, GET], capture_output=True, text=True, check=True,
                            timeout=20).stdout.split()[1]
    script = (f"uprobe:{program}:{offset} /pid == {pid}/ {{ @gets = count(); }} "
              'interval:ms:200 { printf("ns %lu\\n", nsecs); print(@gets); }')
    with running(["bpftrace", "-B", "line", "--unsafe", "-e", script]) as bpftrace:
        yield CountedGets(bpftrace)
