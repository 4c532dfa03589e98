#!/usr/bin/env python3
"""The Kafka listener beside a real Kafka: the same clients on both in turn, and beside the native listener.

  bench/kafka_wire.py [--build build/release] [--rounds 3] [--scale 1.0] [--jobs NAME,...] [--kafka-home DIR] [--smoke]
                      [--scratch DIR] [--limit 0.15] [--rows FILE]

A real Kafka is fetched by Maven into BUILD/kafka-clients (Java 17 and mvn; or --kafka-home, an unpacked one) and left out with
the reason where that fails. Both brokers stand for the whole run, topics are fresh for each load, and before a job is measured
each side has run a quarter of it: a cold JVM says nothing. Durability is the same on both sides of a row:

  written   acks=1, nobody syncs:     Logcask flush.ms=3600000 read.visibility=written; Kafka as it is by default
  durable   acks=all, synced before the ack: Logcask flush.ms=3600000; Kafka flush.messages=1

--smoke: a few thousand records, one round, a real Kafka only where its jars are already; no figure is looked at.
"""
import argparse
import contextlib
import os
import re
import struct
import subprocess

import brokers
import harness
from brokers import real_kafka
from harness import charge, run_load
from run import KIB, Bench, describe
from wire_e2e import Connection, frame, string

CREATE_TOPICS, DELETE_TOPICS = 19, 20
BATCH_BYTES = 131072
SETTINGS = {
    ("Logcask", "1"): {"flush.ms": 3600000, "read.visibility": "written"}, ("Kafka", "1"): {},
    ("Logcask", "all"): {"flush.ms": 3600000}, ("Kafka", "all"): {"flush.messages": 1},
}


def must(address, request, error_at):
    connection = Connection(address)
    connection.send(request)
    body = connection.answer()[1]
    error = struct.unpack_from(">h", body, error_at)[0]
    if error != 0:
        raise SystemExit(f"{address} answers {error}: {body!r}")


def create_topic(address, name, config):
    pairs = b"".join(string(k.encode()) + string(str(v).encode()) for k, v in config.items())
    topic = string(name.encode()) + struct.pack(">ihii", 1, 1, 0, len(config)) + pairs
    request = struct.pack(">i", 1) + topic + struct.pack(">ib", 30_000, 0)
    must(address, frame(CREATE_TOPICS, 2, 1, request), 4 + 4 + 2 + len(name))


def delete_topic(address, name):
    request = struct.pack(">i", 1) + string(name.encode()) + struct.pack(">i", 30_000)
    must(address, frame(DELETE_TOPICS, 1, 1, request), 4 + 4 + 2 + len(name))


class Side:
    """One broker: the process that is charged, and where Kafka clients find it."""

    def __init__(self, name, server, address):
        self.name, self.server, self.address, self.topics = name, server, address, 0

    def fresh_topic(self, acks):
        """The one before goes: its pages need no longer reach the disk."""
        if self.topics:
            delete_topic(self.address, f"load-{self.topics}")
        os.sync()
        self.topics += 1
        create_topic(self.address, f"load-{self.topics}", SETTINGS[self.name, acks])
        return f"load-{self.topics}"


class KafkaBench(Bench):
    def __init__(self, args, scratch, jars):
        super().__init__(args, scratch)
        self.jars, self.sides = jars, []

    def start(self, stack):
        directory = self.scratch.fresh("logcask")
        address = f"127.0.0.1:{harness.free_port()}"
        server = brokers.start_logcask(self.programs, directory, "--kafka-listen", address, "--set",
                                       "group.initial.rebalance.delay.ms=0")
        self.sides.append(Side("Logcask", stack(server), address))
        if self.jars:
            server = brokers.start_kafka(self.jars, self.scratch.fresh("kafka"))
            self.sides.append(Side("Kafka", stack(server), server.address))

    # ---- one run of one client: records -> row

    def rdkafka(self, side, acks, mode, size, topic=None, **flags):
        if not self.programs.load("kafka_load").exists():
            return None
        return self.loaded("kafka_load", side, acks, topic, mode=mode, value_bytes=size, acks=acks, **flags)

    def plain(self, side, acks, mode, size, topic=None, protocol="kafka"):
        if protocol == "native" and side.name != "Logcask":
            return None
        return self.loaded("listener_load", side, acks, topic, protocol=protocol, mode=mode, value_bytes=size, acks=acks)

    def loaded(self, program, side, topic_acks, topic, **flags):
        address = side.server.address if flags.get("protocol") == "native" else side.address
        words = [word for name, value in flags.items() for word in ("--" + name.replace("_", "-"), value)]

        def run(records):
            name = topic or side.fresh_topic(topic_acks)
            return charge(side.server, lambda: dict(run_load(
                [self.programs.load(program), "--broker", address, "--topic", name, "--records", records, *words]),
                writes=flags["mode"] != "fetch"))
        return run

    def java_tool(self, main, *words):
        done = subprocess.run(real_kafka.java(self.jars, main, *words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True)
        if done.returncode != 0:
            raise SystemExit(f"{main} failed:\n{done.stdout[-2000:]}")
        return done.stdout

    def java_produce(self, side, acks, size):
        if not self.jars:
            return None

        def load(topic, records):
            said = self.java_tool(
                "org.apache.kafka.tools.ProducerPerformance", "--topic", topic, "--num-records", records, "--record-size",
                size, "--throughput", -1, "--command-property", f"bootstrap.servers={side.address}", f"acks={acks}",
                "linger.ms=5", f"batch.size={BATCH_BYTES}", "buffer.memory=67108864")
            rate, p50, p99 = re.findall(r"([\d.]+) records/sec.*?([\d.]+) ms 50th.*?([\d.]+) ms 99th", said)[-1]
            return self.row(records, size, float(rate), p50_us=float(p50) * 1e3, p99_us=float(p99) * 1e3)

        def run(records):
            topic = side.fresh_topic(acks)
            return charge(side.server, lambda: load(topic, records))
        return run

    def java_fetch(self, side, size, topic):
        if not self.jars:
            return None

        def load(records):
            said = self.java_tool(
                "org.apache.kafka.tools.ConsumerPerformance", "--bootstrap-server", side.address, "--topic", topic,
                "--num-records", records, "--timeout", 60_000, "--hide-header")
            # fetch.nMsg.sec: without the start of the JVM and the group's beginning.
            return self.row(records, size, float(said.strip().splitlines()[-1].split(", ")[9]), writes=False)
        return lambda records: charge(side.server, lambda: load(records))

    @staticmethod
    def row(records, size, rate, **figures):
        return {"ops": records, "payload_bytes": records * size, "ops_s": rate, "MB_s": rate * size / 1e6, **figures}

    # ---- a job

    def both(self, job, records, make, ratios):
        """make: client -> (side -> run of so many records, or None). Ratios of each client, ours to Kafka's."""
        runs = {f"{client}: {side.name}": of_side(side) for client, of_side in make.items() for side in self.sides}
        runs = {name: run for name, run in runs.items() if run}
        for run in runs.values():
            run(max(1000, records // 4))
        self.compare(job, {name: lambda run=run: run(records) for name, run in runs.items()},
                     [(f"{what}, {client}", figure, f"{client}: Logcask", f"{client}: Kafka", wanted)
                      for client in make for what, figure, wanted in ratios] +
                     [("broker CPU per GB, the Kafka listener beside the native one", "broker_s_GB", "plain: Logcask",
                       "plain, native: Logcask", "<=1.2")])


PRODUCE_GOALS = [("throughput", "MB_s", ">=2.0"), ("broker CPU per GB", "broker_s_GB", "<=0.3")]
FETCH_GOALS = [("throughput", "MB_s", ">=1.8"), ("broker CPU per GB", "broker_s_GB", "<=0.3")]
LATENCY_GOALS = [("p50", "p50_us", "<=0.334"), ("p99", "p99_us", "<=0.334")]


def produce(b, size, records, acks):
    b.both(f"produce {size} B, acks={acks}", b.count(records), {
        "librdkafka": lambda side: b.rdkafka(side, acks, "produce", size, batch_bytes=BATCH_BYTES),
        "Java": lambda side: b.java_produce(side, acks, size),
        "plain": lambda side: b.plain(side, acks, "produce", size),
        "plain, native": lambda side: b.plain(side, acks, "produce", size, protocol="native"),
    }, PRODUCE_GOALS)


def fetch(b, size, records):
    n = b.count(records)
    topics = {}
    for side in b.sides:
        b.plain(side, "1", "produce", size)(n)
        topics[side.name] = f"load-{side.topics}"
    b.both(f"fetch {size} B", n, {
        "librdkafka": lambda side: b.rdkafka(side, "1", "fetch", size, topics[side.name]),
        "Java": lambda side: b.java_fetch(side, size, topics[side.name]),
        "plain": lambda side: b.plain(side, "1", "fetch", size, topics[side.name]),
        "plain, native": lambda side: b.plain(side, "1", "fetch", size, topics[side.name], protocol="native"),
    }, FETCH_GOALS)


def end_to_end(b, acks):
    b.both(f"end to end, {KIB} B at 5,000 a second, linger 0, acks={acks}", b.count(25_000), {
        "librdkafka, 5 in flight": lambda side: b.rdkafka(side, acks, "e2e", KIB, in_flight=5),
        "librdkafka, a request a record": lambda side: b.rdkafka(side, acks, "e2e", KIB, in_flight=0),
    }, LATENCY_GOALS)


JOBS = {
    "produce-written-1k": lambda b: produce(b, KIB, 1_000_000, "1"),
    "produce-written-100": lambda b: produce(b, 100, 3_000_000, "1"),
    "produce-durable-1k": lambda b: produce(b, KIB, 500_000, "all"),
    "produce-durable-100": lambda b: produce(b, 100, 3_000_000, "all"),
    "fetch-1k": lambda b: fetch(b, KIB, 1_000_000),
    "fetch-100": lambda b: fetch(b, 100, 5_000_000),
    "end-to-end-written": lambda b: end_to_end(b, "1"),
    "end-to-end-durable": lambda b: end_to_end(b, "all"),
}
SMOKE = {"rounds": 1, "scale": 0.004, "limit": 99, "jobs": "produce-written-1k,fetch-100,end-to-end-durable"}


def find_kafka(args, build):
    """The class path of a real Kafka; None when there is none."""
    cache = build / "kafka-clients"
    if args.smoke and not args.kafka_home and not real_kafka.is_fetched(cache):
        print("- Kafka: left out of a smoke run, its jars are not here")
        return None
    try:
        jars = real_kafka.class_path(cache, args.kafka_home)
    except real_kafka.Missing as why:
        print(f"- Kafka: left out, {why}")
        return None
    print(f"- Kafka {real_kafka.version(jars)}", flush=True)
    return jars


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of records")
    parser.add_argument("--jobs", default=",".join(JOBS), help="some of: " + " ".join(JOBS))
    parser.add_argument("--kafka-home", help="an unpacked Kafka, in place of one from Maven")
    parser.add_argument("--smoke", action="store_true", help="that everything runs; no figure is looked at")
    parser.add_argument("--scratch", help="parent of the data directories (default: the system's temporary one)")
    parser.add_argument("--limit", type=float, default=0.15, help="cores of others above which a run is dropped")
    parser.add_argument("--rows", help="append every run as JSON to this file")
    args = parser.parse_args()
    if args.smoke:
        vars(args).update(SMOKE)
    programs = brokers.Programs(args.build)
    describe(programs, peers=())
    jars = find_kafka(args, programs.build)
    with harness.Scratch(args.scratch) as scratch, contextlib.ExitStack() as stack:
        bench = KafkaBench(args, scratch, jars)
        bench.start(stack.enter_context)
        for job in args.jobs.split(","):
            JOBS[job](bench)


if __name__ == "__main__":
    main()
