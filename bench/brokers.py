"""How each broker is started and loaded: Logcask, Redis, NATS JetStream, Kafka."""
import csv
import socket
import subprocess
import sys
import time

from harness import ROOT, Server, can_connect, free_port, run_load

sys.path.append(str(ROOT / "tests" / "kafka"))
import real_kafka  # noqa: E402


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
    return Server([programs.logcask(), "serve", "--data", directory / "data", "--listen", f"127.0.0.1:{port}",
                   *([] if "--kafka-listen" in flags else ["--kafka-listen", "off"]),
                   *([] if "--http-listen" in flags else ["--http-listen", "off"]), *flags],
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


def redis_paused_sets(server, count, value_bytes, pause_ms):
    """SETs of one connection with a pause before each: what redis-benchmark cannot do."""
    took = []
    value = b"v" * value_bytes
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(count):
            time.sleep(pause_ms / 1e3)
            key = b"key:%012d" % i
            began = time.perf_counter()
            connection.sendall(b"*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n" % (len(key), key, value_bytes, value))
            answer = connection.recv(64)
            took.append((time.perf_counter() - began) * 1e6)
            if answer != b"+OK\r\n":
                raise SystemExit(f"redis answered {answer!r}")
    took.sort()
    rate = 1e3 / pause_ms
    return {"ops": count, "ops_s": rate, "payload_bytes": count * value_bytes, "MB_s": rate * value_bytes / 1e6,
            "p50_us": took[len(took) // 2], "p99_us": took[-1]}


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


def start_kafka(jars, directory):
    # What a load has left is gone before the next one.
    command, port = real_kafka.make_node(jars, directory, ["log.segment.delete.delay.ms=1000"])
    return Server(command, port, real_kafka.answers, directory / "log")
