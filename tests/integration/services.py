"""Real services under real load, each on a free port in a temporary folder."""

import contextlib
import os
import pwd
import shutil
import subprocess
from pathlib import Path

from harness import accepts_connections, free_port, http_get, running, temporary_folder, wait_for

POSTGRES_BIN = Path("/usr/lib/postgresql/15/bin")
LOOPBACK = "127.0.0.1"
REDIS_KEYS = 10_000  # few enough that a short warm-up creates nearly all


def need_program(name):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        raise AssertionError(f"{name} is not installed; run ./dev setup")
    return path


@contextlib.contextmanager
def serving(arguments, port, folder, **options):
    """A server that is ready when its port accepts connections."""
    with running(arguments, folder=folder, **options) as service:
        service.port = port
        wait_for(lambda: service.assert_running() and accepts_connections(port), 20, f"{arguments[0]} on port {port}")
        yield service


# --- redis -------------------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def redis(**options):
    with temporary_folder() as folder:
        port = free_port()
        arguments = [need_program("redis-server"), "--bind", LOOPBACK, "--port", port, "--dir", folder, "--save", "",
                     "--appendonly", "no"]
        with serving(arguments, port, folder, **options) as service:
            yield service


def redis_info(port, section):
    text = subprocess.run(["redis-cli", "-p", str(port), "info", section], capture_output=True, text=True, check=True,
                          timeout=10).stdout
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def redis_commands(port):
    """Commands that this server has executed so far: its own work counter."""
    stats = redis_info(port, "commandstats")
    return {name.removeprefix("cmdstat_"): int(value.split(",")[0].removeprefix("calls=")) for name, value in stats.items()}


def redis_benchmark(port, *arguments):
    return [need_program("redis-benchmark"), "-p", str(port), "-c", "20", "-d", "256", "-r", str(REDIS_KEYS), "-q", *arguments]


def redis_load(port, tests="set"):
    """SET (or what `tests` names) without end."""
    return running(redis_benchmark(port, "-t", tests, "-n", "1000000", "-l"))


# --- memcached, nginx ----------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def memcached(**options):
    with temporary_folder() as folder:
        port = free_port()
        arguments = [need_program("memcached"), "-l", LOOPBACK, "-p", port, "-U", "0", "-u", "nobody", "-t", "2"]
        with serving(arguments, port, folder, **options) as service:
            yield service


NGINX_CONFIG = """
daemon off; master_process on; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 "hello\\n"; }} }}
}}
"""


@contextlib.contextmanager
def nginx(**options):
    with temporary_folder() as folder:
        port = free_port()
        config = folder / "nginx.conf"
        config.write_text(NGINX_CONFIG.format(folder=folder, port=port))
        arguments = [need_program("nginx"), "-c", config, "-p", folder, "-e", folder / "error.log"]
        with serving(arguments, port, folder, **options) as service:
            yield service


def http_load(port, path="/"):
    """Requests without end, on eight connections that stay open."""
    return running([need_program("wrk"), "--threads", "1", "--connections", "8", "--duration", "600", f"http://{LOOPBACK}:{port}{path}"])


# --- postgresql ----------------------------------------------------------------------------------------------------------

def as_postgres(command, **options):
    """As the user postgres when we are root: the server refuses to run as root."""
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        options |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True, timeout=120, **options)


@contextlib.contextmanager
def postgresql(**more):
    """The service's pid is the postmaster's; the backends are its children."""
    with temporary_folder() as folder:
        if not POSTGRES_BIN.exists():
            raise AssertionError("postgresql 15 is not installed; run ./dev setup")
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        data, port = folder / "data", free_port()
        as_postgres([POSTGRES_BIN / "initdb", "-D", data, "-A", "trust", "--no-sync"], cwd=folder)
        options = more | ({"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {})
        arguments = [POSTGRES_BIN / "postgres", "-D", data, "-h", LOOPBACK, "-p", port, "-k", folder, "-c", "fsync=off"]
        with serving(arguments, port, folder, cwd=folder, **options) as service:
            ready = [POSTGRES_BIN / "pg_isready", "-h", LOOPBACK, "-p", port]
            wait_for(lambda: as_postgres(ready, cwd=folder), 30, "postgresql ready for connections")
            as_postgres([POSTGRES_BIN / "pgbench", "-h", LOOPBACK, "-p", port, "-i", "-s", "1", "-q", "postgres"], cwd=folder)
            yield service


def pgbench_load(service, *arguments):
    """SELECTs without end; `arguments` of pgbench say over how many connections."""
    user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    return running([POSTGRES_BIN / "pgbench", "-h", LOOPBACK, "-p", service.port, *(arguments or ("-c", "2")), "-T", "600", "-S",
                    "-n", "postgres"], cwd=service.folder, **user)


# --- prometheus ----------------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def prometheus(scraped_url):
    """Prometheus that scrapes `scraped_url` every second."""
    with temporary_folder() as folder:
        port = free_port()
        config = folder / "prometheus.yml"
        config.write_text("global: {scrape_interval: 1s}\nscrape_configs:\n  - job_name: poolscope\n    static_configs:\n"
                          f"      - targets: ['{scraped_url.removeprefix('http://')}']\n")
        arguments = [need_program("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={folder}/data",
                     f"--web.listen-address={LOOPBACK}:{port}", "--log.level=warn"]
        with serving(arguments, port, folder) as service:
            wait_for(lambda: http_get(f"http://{LOOPBACK}:{port}/-/ready"), 30, "prometheus ready")
            yield service
