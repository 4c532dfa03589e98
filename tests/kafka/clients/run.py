#!/usr/bin/python3
"""A client of Kafka's wire, fetched from its registry, against a real broker of ours (or, to compare, any other).

    run.py CLIENT --logcask PROGRAM --cache FOLDER [--bootstrap HOST:PORT]

What each program in the folders beside this file does, and how to write another: README.md. Where the toolchain or the
registry is missing the last line says SKIPPED and why.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from kafka_broker import broker  # noqa: E402
from prepare import CLIENTS, Missing, prepare  # noqa: E402

CHECKS = ("topic", "codecs", "idempotent", "record", "time", "group", "rebalance", "admin", "gaps", "keyed",
          "transactions")
SETTINGS = ["group.initial.rebalance.delay.ms=100", "group.consumer.heartbeat.interval.ms=300",
            "kafka.cleanup.policy=delete"]
HOLES, ROUNDS = 500, 6
KEYED = 40
SHOWN_WITHIN_S = 10
TIMEOUT_S = 240


def ours(running, *words, given=None):
    done = subprocess.run([running.program, *words, "--broker", running.native], input=given, capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


def make_gaps(running, prefix):
    """A topic out of which compaction has taken five rounds of six: several closed segments with holes."""
    topic = f"{prefix}.gaps"
    ours(running, "topic", "create", topic, "--partitions", "1", "--config", "segment.bytes=16384")
    for round_ in range(ROUNDS):
        ours(running, "produce", topic, given="".join(f"k{i}\t{round_}\n" for i in range(HOLES)))
    ours(running, "compact", topic, "--wait")


def check(command, bootstrap, prefix, environment):
    """Runs the client's program and holds what it says against the list; returns what it says it lacks."""
    start = time.monotonic()
    done = subprocess.run([*command, bootstrap, "check", prefix], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=TIMEOUT_S, env=environment)
    said = {}
    for line in done.stdout.splitlines():
        verdict, _, rest = line.partition(" ")
        name, _, why = rest.partition(" ")
        if verdict in ("ok", "none"):
            said[name] = (verdict, why)
            print(line)
    tail = "\n".join((done.stdout + done.stderr).splitlines()[-40:])
    assert done.returncode == 0, f"the program ended with {done.returncode} after {list(said)}:\n{tail[-6000:]}"
    missing = [name for name in CHECKS if name not in said]
    assert not missing, f"not a word of {missing}:\n{tail[-6000:]}"
    print(f"took {time.monotonic() - start:.1f} s", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("client", choices=CLIENTS)
    parser.add_argument("--logcask", required=True)
    parser.add_argument("--cache", required=True, type=pathlib.Path)
    parser.add_argument("--bootstrap", help="another broker, already running")
    asked = parser.parse_args()
    try:
        command, version, environment = prepare(asked.client, asked.cache)
    except Missing as missing:
        print(f"SKIPPED: {asked.client}: {missing}")
        return
    print(f"{asked.client} {version}", flush=True)
    environment = {**os.environ, **environment}
    prefix = asked.client.replace("-", "")
    if asked.bootstrap:
        check(command, asked.bootstrap, f"{prefix}{int(time.time())}", environment)
        return
    with broker(asked.logcask, SETTINGS) as running:
        make_gaps(running, prefix)
        check(command, running.kafka, prefix, environment)
        # Wherever its partitioner has put them, each key is found, and what the client has deleted is not.
        # What a client with acks=1 has written is shown once it is on disk.
        until = time.monotonic() + SHOWN_WITHIN_S
        for i in range(KEYED):
            want = (3, "") if i % 10 == 3 else (0, f"value-{i}\n")
            while True:
                got = subprocess.run([running.program, "get", f"{prefix}.keyed", f"key-{i}", "--broker", running.native],
                                     capture_output=True, text=True, timeout=60)
                if (got.returncode, got.stdout) == want:
                    break
                assert time.monotonic() < until, (i, got)
    print("ok get")


if __name__ == "__main__":
    main()
