"""How each broker is started and loaded: Logcask, Redis, NATS JetStream."""
import csv
import subprocess

from harness import ROOT, Server, can_connect, free_port, run_load


class Programs:
    """Where the binaries of a build are."""

    def __init__(self, build):
        self.build = (ROOT / build).resolve()

    def logcask(self):
        return self.build / "cli" / "logcask"

    def load(self, name):
        return self.build / "bench" / name


def start_logcask(programs, directory, *flags, port=None, ready=can_connect):
    port = port or free_port()
    return Server([programs.logcask(), "serve", "--data", directory / "data", "--listen", f"127.0.0.1:{port}", *flags],
                  port, ready, directory / "log")


def logcask_load(programs, name, server, **flags):
    words = [programs.load(name), "--broker", server.address]
    for flag, value in flags.items():
        words += ["--" + flag.replace("_", "-"), value]
    return run_load(words)


def redis_cli(port, *words):
    return subprocess.run(["redis-cli", "-p", str(port), *words], stdout=subprocess.PIPE, text=True).stdout.strip()


def start_redis(directory, *flags):
    port = free_port()
    return Server(["redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", directory, "--save", "", *flags],
                  port, lambda p: can_connect(p) and redis_cli(p, "ping") == "PONG", directory / "log")


def redis_benchmark(server, requests, payload_per_request, *words, keys=1_000_000, per_request=1):
    """redis-benchmark, one thread; `per_request` keys ride on each request."""
    out = subprocess.run(["redis-benchmark", "-p", str(server.port), "-n", str(requests), "-r", str(keys), "--csv",
                          *[str(w) for w in words]], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                         check=True).stdout
    row = list(csv.reader(out.splitlines()))[-1]
    rate = float(row[1]) * per_request
    return {"ops": requests * per_request, "ops_s": rate, "payload_bytes": requests * payload_per_request,
            "MB_s": float(row[1]) * payload_per_request / 1e6, "p50_us": float(row[4]) * 1e3,
            "p99_us": float(row[6]) * 1e3}


def start_nats(directory):
    port = free_port()
    config = directory / "server.conf"
    config.write_text(f'host: 127.0.0.1\nport: {port}\njetstream {{ store_dir: "{directory}/js", max_file: 60G }}\n')
    return Server(["nats-server", "-c", config], port, can_connect, directory / "log")


def nats_load(programs, server, **flags):
    words = [programs.load("nats_load"), "--broker", server.address]
    for flag, value in flags.items():
        words += ["--" + flag.replace("_", "-"), value]
    return run_load(words)
