"""Starts brokers on loopback, charges loads to them, and says how far a figure can be trusted.

A Server is one process on a free port with a directory of its own under the scratch directory; leaving its with-block
ends that process, by its id. charge() runs one load and adds to the figures the load printed what the kernel counted:
CPU seconds of broker and load, resident memory, bytes sent to disk, and how many cores other programs took meanwhile.
alternate() runs the sides of a comparison in turn (A B A B), drops runs that others disturbed, and keeps the rest.
"""
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGESIZE")
ROOT = pathlib.Path(__file__).resolve().parent.parent


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def can_connect(port):
    try:
        socket.create_connection(("127.0.0.1", port), 0.2).close()
        return True
    except OSError:
        return False


def machine_user_seconds():
    """User-mode CPU of everybody. Kernel time is left out: writeback done for us is charged to nobody in particular."""
    with open("/proc/stat") as f:
        words = f.readline().split()
    return (int(words[1]) + int(words[2])) / TICK


class Scratch:
    """A directory for data, removed at the end. Files of runs are large: give one with 20 GB free."""

    def __init__(self, parent=None):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="logcask-bench-", dir=parent))

    def __enter__(self):
        # So that SIGTERM too ends the brokers and removes the data.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def fresh(self, name):
        path = self.path / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path


class Server:
    """One broker process. `ready` is asked until it says yes."""

    def __init__(self, command, port, ready=can_connect, log=None):
        self.port = port
        self.address = f"127.0.0.1:{port}"
        self.log = open(log or os.devnull, "ab")
        self.started_ns = time.monotonic_ns()
        self.process = subprocess.Popen([str(w) for w in command], stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=subprocess.STDOUT)
        self.pid = self.process.pid
        while ready is not None and not ready(port):
            if self.process.poll() is not None or time.monotonic_ns() - self.started_ns > 300e9:
                self.stop()
                raise SystemExit(f"{command[0]} did not start; see {log}: " + open(log).read()[-600:])
            time.sleep(0.002)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(120)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()

    def _stat(self):
        with open(f"/proc/{self.pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()

    def cpu(self):
        words = self._stat()
        return (int(words[11]) + int(words[12])) / TICK

    def user_cpu(self):
        return int(self._stat()[11]) / TICK

    def rss_mb(self):
        with open(f"/proc/{self.pid}/statm") as f:
            return int(f.read().split()[1]) * PAGE / 1e6

    def written(self):
        with open(f"/proc/{self.pid}/io") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("write_bytes"))


def run_load(command, check=True):
    """Runs a program that prints lines of "name value"; returns them."""
    done = subprocess.run([str(w) for w in command], stdout=subprocess.PIPE, text=True)
    if check and done.returncode != 0:
        raise SystemExit(f"{' '.join(str(w) for w in command)} failed:\n{done.stdout}")
    figures = {"exit": done.returncode}
    for line in done.stdout.splitlines():
        words = line.split()
        if len(words) == 2:
            figures[words[0]] = float(words[1])
    return figures


def charge(server, load):
    """One run of load(), which returns figures with ops, payload_bytes and ops_s at least; server may be None."""
    cpu, user, written = (server.cpu(), server.user_cpu(), server.written()) if server else (0, 0, 0)
    machine, children, started = machine_user_seconds(), resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    row = load()
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    ours = after.ru_utime - children.ru_utime + (server.user_cpu() - user if server else 0)
    row["others"] = max(0.0, (machine_user_seconds() - machine - ours) / wall)
    client = after.ru_utime + after.ru_stime - children.ru_utime - children.ru_stime
    row.setdefault("client_cpu", client)
    if server:
        row["broker_cpu"] = server.cpu() - cpu
        row["rss_mb"] = server.rss_mb()
        if row["payload_bytes"] and row.get("writes", True):
            row["disk_per_byte"] = (server.written() - written) / row["payload_bytes"]
    for side in ("broker", "client"):
        if f"{side}_cpu" in row:
            row[f"{side}_s_Mop"] = row[f"{side}_cpu"] / (row["ops"] / 1e6)
            if row["payload_bytes"]:
                row[f"{side}_s_GB"] = row[f"{side}_cpu"] / (row["payload_bytes"] / 1e9)
            row[f"{side}_cores"] = row[f"{side}_cpu"] / wall
    return row


def alternate(sides, rounds, limit):
    """sides: name -> function that makes one run and returns its row. Returns name -> rows, `rounds` of each: the
    undisturbed ones, or when the machine was busy for twice as many rounds, the least disturbed."""
    rows = {name: [] for name in sides}
    for _ in range(2 * rounds):
        wanting = [n for n in sides if sum(r["others"] <= limit for r in rows[n]) < rounds]
        if not wanting:
            break
        for name in wanting:
            rows[name].append(sides[name]())
    return {name: sorted(r, key=lambda row: row["others"])[:rounds] for name, r in rows.items()}


def median(rows, name):
    values = [r[name] for r in rows if name in r]
    return statistics.median(values) if values else None


def shown(value):
    if value is None:
        return ""
    if abs(value) >= 1e5:
        return f"{value / 1e3:,.0f} K"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


COLUMNS = [("MB_s", "MB/s"), ("p50_us", "p50 us"), ("p99_us", "p99 us"), ("p999_us", "p99.9 us"),
           ("broker_s_GB", "broker s/GB"), ("broker_s_Mop", "broker s/Mop"), ("client_s_GB", "client s/GB"),
           ("client_s_Mop", "client s/Mop"), ("broker_cores", "broker cores"), ("client_cores", "client cores"),
           ("rss_mb", "RSS MB"), ("disk_per_byte", "disk B/B"), ("others", "others")]


def table(results):
    """Markdown: medians of every figure, and least / median / most operations a second."""
    lines = ["| | ops/s min / median / max | " + " | ".join(title for _, title in COLUMNS) + " |",
             "|---" * (len(COLUMNS) + 2) + "|"]
    for name, rows in results.items():
        rates = [r["ops_s"] for r in rows]
        spread = f"{shown(min(rates))} / {shown(statistics.median(rates))} / {shown(max(rates))}"
        lines.append(f"| {name} | {spread} | " + " | ".join(shown(median(rows, c)) for c, _ in COLUMNS) + " |")
    return "\n".join(lines)


def save(path, name, results):
    """Keeps every row of every run, one JSON object a line."""
    if path:
        with open(path, "a") as f:
            f.write(json.dumps({"job": name, "results": results}) + "\n")
