#!/usr/bin/env python3
"""Loads Logcask, Redis, NATS JetStream and the floor programs in turn and prints a table per job, with the ratios.

  bench/run.py [--build build/release] [--rounds 3] [--scale 1.0] [--jobs NAME,...] [--scratch DIR] [--limit 0.15]

Needs redis-server, redis-benchmark and nats-server on PATH; a job whose peer is missing runs without it.
"""
import argparse
import datetime
import os
import platform
import shutil
import subprocess

import brokers
import harness
from harness import alternate, charge, median, save, table

KIB = 1024


class Bench:
    def __init__(self, args, scratch):
        self.args, self.scratch = args, scratch
        self.programs = brokers.Programs(args.build)
        self.rounds, self.limit = args.rounds, args.limit

    def count(self, records):
        return max(1000, int(records * self.args.scale))

    def logcask_fresh(self, **flags):
        """A run on a broker of its own, so that nothing of the run before is left to do."""
        def run():
            with brokers.start_logcask(self.programs, self.scratch.fresh("logcask")) as server:
                return charge(server, lambda: brokers.logcask_load(self.programs, "produce_load", server, **flags))
        return run

    def redis_fresh(self, requests, payload, *words, server_flags=()):
        def run():
            with brokers.start_redis(self.scratch.fresh("redis"), *server_flags) as server:
                return charge(server, lambda: brokers.redis_benchmark(server, requests, payload, *words))
        return run

    def nats_fresh(self, **flags):
        def run():
            with brokers.start_nats(self.scratch.fresh("nats")) as server:
                return charge(server, lambda: brokers.nats_load(self.programs, server, **flags))
        return run

    def floor(self, program, **flags):
        def load():
            words = [self.programs.load(program)]
            for flag, value in flags.items():
                words += ["--" + flag.replace("_", "-"), value]
            row = harness.run_load(words)
            if "server_cpu_s" in row:
                row["client_cpu"] = row["client_cpu_s"]
                row["broker_cpu"] = row["server_cpu_s"]
            return row
        return lambda: charge(None, load)

    def compare(self, job, sides, ratios):
        """ratios: (what, figure, ours, theirs, wanted): '>=1.7' or '<=0.6'."""
        sides = {name: run for name, run in sides.items() if run is not None}
        results = alternate(sides, self.rounds, self.limit)
        save(self.args.rows, job, results)
        print(f"\n### {job}\n\n{table(results)}\n", flush=True)
        for what, figure, ours, theirs, wanted in ratios:
            if ours in results and theirs in results:
                beside = median(results[theirs], figure)
                if not beside:
                    print(f"- {what}: the other side's {figure} is too small to measure", flush=True)
                    continue
                ratio = median(results[ours], figure) / beside
                met = ratio >= float(wanted[2:]) if wanted.startswith(">=") else ratio <= float(wanted[2:])
                print(f"- {what}: {ratio:.2f}x (wanted {wanted}x): {'met' if met else 'MISSED'}", flush=True)
        print(flush=True)

    def nats(self, run):
        return run if shutil.which("nats-server") else None

    def redis(self, run):
        return run if shutil.which("redis-benchmark") else None


def produce_written(b):
    n = b.count(1_000_000)
    b.compare("produce 1 KiB, acks=1", {
        "Logcask": b.logcask_fresh(records=n, value_bytes=KIB, acks=1),
        "JetStream, 4096 out": b.nats(b.nats_fresh(mode="produce", records=b.count(500_000), value_bytes=KIB)),
        "floor: TCP only": b.floor("floor_net", mode="stream", total_mb=4000),
        "floor: write only": b.floor("floor_disk", file=b.scratch.path / "floor", sync=0, total_mb=n * KIB // 10**6),
    }, [("throughput beside JetStream", "ops_s", "Logcask", "JetStream, 4096 out", ">=1.0"),
        ("broker CPU per GB beside JetStream", "broker_s_GB", "Logcask", "JetStream, 4096 out", "<=0.6")])


def produce_durable(b):
    n = b.count(500_000)
    always = ("--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0")
    b.compare("produce 1 KiB, acks=all", {
        "Logcask": b.logcask_fresh(records=n, value_bytes=KIB, acks="all"),
        "Logcask, 800 out": b.logcask_fresh(records=n, value_bytes=KIB, acks="all", depth=800, linger_ms=0),
        "Redis SET always, 50 x P16": b.redis(b.redis_fresh(
            b.count(300_000), KIB, "-c", 50, "-P", 16, "-d", KIB, "-t", "set", server_flags=always)),
        "floor: 256 KiB + fdatasync": b.floor("floor_disk", file=b.scratch.path / "floor", group_bytes=256 * KIB),
        "floor: 1 MiB + fdatasync": b.floor("floor_disk", file=b.scratch.path / "floor", group_bytes=KIB * KIB),
    }, [("throughput beside Redis", "ops_s", "Logcask", "Redis SET always, 50 x P16", ">=1.7"),
        ("with as many records out as Redis has", "ops_s", "Logcask, 800 out", "Redis SET always, 50 x P16", ">=1.7")])


def produce_one(b):
    n = b.count(10_000)
    always = ("--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0")
    b.compare("produce 1 KiB, acks=all, one at a time", {
        "Logcask": b.logcask_fresh(records=n, value_bytes=KIB, acks="all", depth=1, linger_ms=0, from_callbacks=1),
        "Logcask, a thread that waits": b.logcask_fresh(records=n, value_bytes=KIB, acks="all", depth=1, linger_ms=0),
        "Redis SET always, 1 connection": b.redis(b.redis_fresh(
            n, KIB, "-c", 1, "-d", KIB, "-t", "set", server_flags=always)),
        "floor: 1 KiB + fdatasync": b.floor("floor_disk", file=b.scratch.path / "floor", group_bytes=KIB, total_mb=10),
    }, [("p50 beside Redis", "p50_us", "Logcask", "Redis SET always, 1 connection", "<=1.0")])


def produce_paused(b):
    """Once a second: whoever writes seldom must not pay for a sync log that is due each time."""
    n = 20  # a second each
    always = ("--appendonly", "yes", "--appendfsync", "always")

    def redis():
        with brokers.start_redis(b.scratch.fresh("redis"), *always) as server:
            return charge(server, lambda: brokers.redis_paused_sets(server, n, KIB, 1000))

    b.compare("produce 1 KiB, acks=all, once a second", {
        "Logcask": b.logcask_fresh(records=n, value_bytes=KIB, acks="all", depth=1, linger_ms=0, pause_ms=1000),
        "Redis SET always": b.redis(redis),
    }, [("p50 beside Redis", "p50_us", "Logcask", "Redis SET always", "<=1.0")])


def produce_small(b):
    n = b.count(3_000_000)
    b.compare("produce 100 B, 1M keys, acks=1", {
        "Logcask": b.logcask_fresh(records=n, keys=1_000_000, value_bytes=100, acks=1),
        "JetStream, 4096 out": b.nats(b.nats_fresh(mode="produce", records=b.count(500_000), value_bytes=100)),
        "Redis SET everysec, 50 x P16": b.redis(b.redis_fresh(
            b.count(1_000_000), 100, "-c", 50, "-P", 16, "-d", 100, "-t", "set", server_flags=(
                "--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0"))),
    }, [("throughput beside JetStream", "ops_s", "Logcask", "JetStream, 4096 out", ">=1.0")])


def fetch(b):
    n = b.count(1_000_000)
    with brokers.start_logcask(b.programs, b.scratch.fresh("logcask")) as ours:
        brokers.logcask_load(b.programs, "produce_load", ours, records=n, value_bytes=KIB, acks=1)

        def logcask(consumers):
            return lambda: charge(ours, lambda: dict(brokers.logcask_load(
                b.programs, "fetch_load", ours, records=n, consumers=consumers), writes=False))

        sides = {"Logcask": logcask(1), "Logcask, 3 consumers": logcask(3)}
        ratios = [("throughput beside JetStream", "ops_s", "Logcask", "JetStream", ">=1.0"),
                  ("broker CPU per GB beside JetStream", "broker_s_GB", "Logcask", "JetStream", "<=0.6")]
        if b.nats(True) is None:
            return b.compare("fetch 1 KiB", sides, ratios)
        with brokers.start_nats(b.scratch.fresh("nats")) as theirs:
            m = b.count(300_000)
            brokers.nats_load(b.programs, theirs, mode="produce", records=m, value_bytes=KIB)
            sides["JetStream"] = lambda: charge(theirs, lambda: dict(brokers.nats_load(
                b.programs, theirs, mode="fetch", records=m), writes=False))
            b.compare("fetch 1 KiB", sides, ratios)


def lookups(b, size, codec):
    """One broker and one Redis stand for the whole job; 1M keys each."""
    keys = b.count(1_000_000)
    big = dict(compression="zstd", batch_bytes=KIB * KIB) if codec == "zstd" else {}
    title = f"lookup {size} B" + (", producer's batches 1 MiB zstd" if codec == "zstd" else "")
    with brokers.start_logcask(b.programs, b.scratch.fresh("logcask")) as ours, \
            brokers.start_redis(b.scratch.fresh("redis"), "--appendonly", "no") as theirs:
        brokers.logcask_load(b.programs, "produce_load", ours, records=keys, keys=keys, value_bytes=size, acks="all",
                             **big)
        brokers.redis_benchmark(theirs, keys * 5, size, "-c", 50, "-P", 64, "-d", size, "-t", "set", keys=keys)

        def get(requests, depth, multi):
            return lambda: charge(ours, lambda: dict(brokers.logcask_load(
                b.programs, "get_load", ours, keys=keys, requests=b.count(requests), connections=50, depth=depth,
                multi=multi), writes=False))

        def redis(requests, pipeline, multi):
            words = ["mget", *["key:__rand_int__"] * multi] if multi > 1 else ["-d", size, "-t", "get"]
            return lambda: charge(theirs, lambda: dict(brokers.redis_benchmark(
                theirs, b.count(requests), size * multi, "-c", 50, "-P", pipeline, *words, keys=keys,
                per_request=multi), writes=False))

        b.compare(title, {
            "Logcask get": get(300_000, 1, 1), "Redis GET": redis(300_000, 1, 1),
            "floor: echo": b.floor("floor_net", mode="echo", bytes=size, requests=b.count(300_000)),
            "Logcask get, 16 deep": get(1_000_000, 16, 1), "Redis GET P16": redis(1_000_000, 16, 1),
            "Logcask multi-get 16": get(60_000, 1, 16), "Redis MGET 16": redis(60_000, 1, 16),
            "Logcask multi-get 64": get(20_000, 1, 64), "Redis MGET 64": redis(20_000, 1, 64),
        }, [("single lookup beside Redis GET", "ops_s", "Logcask get", "Redis GET", ">=0.5"),
            ("16 deep beside Redis P16", "ops_s", "Logcask get, 16 deep", "Redis GET P16", ">=1.0"),
            ("multi-get of 64 beside Redis MGET 16, per key", "ops_s", "Logcask multi-get 64", "Redis MGET 16",
             ">=1.2"),
            ("multi-get of 64 beside Redis MGET 64, per key", "ops_s", "Logcask multi-get 64", "Redis MGET 64",
             ">=1.2")])


def lookup_one(b):
    keys = b.count(100_000)
    with brokers.start_logcask(b.programs, b.scratch.fresh("logcask")) as ours, \
            brokers.start_redis(b.scratch.fresh("redis"), "--appendonly", "no") as theirs:
        brokers.logcask_load(b.programs, "produce_load", ours, records=keys, keys=keys, value_bytes=100)
        brokers.redis_benchmark(theirs, keys * 5, 100, "-c", 50, "-P", 64, "-d", 100, "-t", "set", keys=keys)
        b.compare("lookup 100 B, 1 connection", {
            "Logcask get": lambda: charge(ours, lambda: dict(brokers.logcask_load(
                b.programs, "get_load", ours, keys=keys, requests=b.count(50_000), connections=1), writes=False)),
            "Redis GET": lambda: charge(theirs, lambda: dict(brokers.redis_benchmark(
                theirs, b.count(50_000), 100, "-c", 1, "-d", 100, "-t", "get", keys=keys), writes=False)),
        }, [("p50 beside Redis", "p50_us", "Logcask get", "Redis GET", "<=1.0")])


def end_to_end(b):
    for rate in (5000, 20000):
        n = b.count(rate * 5)

        def logcask(acks, config, rate=rate, n=n):
            def run():
                with brokers.start_logcask(b.programs, b.scratch.fresh("logcask")) as server:
                    return charge(server, lambda: brokers.logcask_load(
                        b.programs, "e2e_load", server, records=n, rate=rate, acks=acks, config=config))
            return run

        b.compare(f"end to end, 1 KiB at {rate} a second", {
            "Logcask, visible when durable": logcask("all", ""),
            "Logcask, visible when written": logcask("1", "read.visibility=written"),
            "JetStream": b.nats(b.nats_fresh(mode="e2e", records=n, rate=rate)),
        }, [("p99 beside JetStream", "p99_us", "Logcask, visible when written", "JetStream", "<=1.0")])


JOBS = {"produce-written": produce_written, "produce-durable": produce_durable, "produce-one": produce_one,
        "produce-paused": produce_paused,
        "produce-small": produce_small, "fetch": fetch,
        "lookup-100": lambda b: lookups(b, 100, "none"), "lookup-1k": lambda b: lookups(b, KIB, "none"),
        "lookup-zstd": lambda b: lookups(b, 100, "zstd"), "lookup-one": lookup_one, "end-to-end": end_to_end}


def first_line(*command):
    if not shutil.which(str(command[0])):
        return f"{command[0]}: not installed"
    return subprocess.run([str(w) for w in command], stdout=subprocess.PIPE, text=True).stdout.splitlines()[0]


def describe(programs, peers=("redis-server", "nats-server")):
    """What a reader must know to read the figures."""
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    memory = next(int(line.split()[1]) for line in open("/proc/meminfo") if line.startswith("MemTotal"))
    print(f"{datetime.date.today()}; {os.cpu_count()} CPUs ({cpu}), {memory / 2**20:.0f} GiB; {platform.platform()}; "
          f"build {programs.build.name}; both sides share the CPUs, unpinned, over loopback.\n")
    for program in (programs.logcask(), *peers):
        print("- " + first_line(program, "--version"), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of operations")
    parser.add_argument("--jobs", default=",".join(JOBS), help="some of: " + " ".join(JOBS))
    parser.add_argument("--scratch", help="parent of the data directories (default: the system's temporary one)")
    parser.add_argument("--limit", type=float, default=0.15, help="cores of others above which a run is dropped")
    parser.add_argument("--rows", help="append every run as JSON to this file")
    args = parser.parse_args()
    with harness.Scratch(args.scratch) as scratch:
        bench = Bench(args, scratch)
        describe(bench.programs)
        for job in args.jobs.split(","):
            JOBS[job](bench)


if __name__ == "__main__":
    main()
