#!/usr/bin/python3
"""Every client writes, every client reads: 10,000 records with keys, null values, headers and timestamps arrive equal and in the
order of each key, and `logcask get` agrees for every key.

    matrix.py --logcask PROGRAM --cache FOLDER [--count N]

The records are those of README.md beside this file. Prints the table that stands in docs/KAFKA.md; a client that is not to
be had here is left out with a line that says why.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from kafka_broker import broker  # noqa: E402
from prepare import Missing, prepare  # noqa: E402

FOREIGN = ("confluent-kafka", "kafkajs", "kafka-python", "java", "franz-go", "platformatic")
AT = 1_700_000_000_000
KEYS = 2500
TIMEOUT_S = 240


def run(command, given=None, environment=None, fine=(0,)):
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=TIMEOUT_S,
                          env={**os.environ, **(environment or {})})
    assert done.returncode in fine, f"{command[:4]} ended with {done.returncode}: {done.stderr[-2000:]}"
    return done.stdout


class Native:
    """The command line of ours."""
    version = ""

    def write(self, running, topic, count):
        lines = [json.dumps({"key": f"key-{i % KEYS}", "value": value_of(i), "tombstone": value_of(i) is None,
                             "headers": [["n", str(i)], ["empty", ""]],
                             "timestamp": AT + i}) for i in range(count)]
        run([running.program, "produce", topic, "--input", "json", "--broker", running.native], "\n".join(lines) + "\n")

    def read(self, running, topic):
        out = run([running.program, "consume", topic, "--exit-at-end", "-o", "json", "--broker", running.native])
        for line in out.splitlines():
            record = json.loads(line)
            headers = ",".join(f"{name}={header}" for name, header in record["headers"])
            value = "\\N" if record["value"] is None else record["value"]
            yield (record["partition"], record["offset"], record["key"], value, headers, record["timestamp"])


class Foreign:
    def __init__(self, client, cache):
        self.command, self.version, self.environment = prepare(client, cache)

    def write(self, running, topic, count):
        run([*self.command, running.kafka, "write", topic, str(count)], environment=self.environment)

    def read(self, running, topic):
        out = run([*self.command, running.kafka, "read", topic, "0"], environment=self.environment)
        for line in out.splitlines():
            partition, offset, key, value, headers, timestamp = line.split("\t")
            yield (int(partition), int(offset), key, value, headers, int(timestamp))


def value_of(i):
    return None if i % 7 == 3 else f"value-{i}"


def written(count):
    """What must be read, but for where it stands: in the order of each key."""
    rows = {}
    for i in range(count):
        value = "\\N" if value_of(i) is None else value_of(i)
        rows.setdefault(f"key-{i % KEYS}", []).append((value, f"n={i},empty=", AT + i))
    return rows


def difference(records, expected):
    """None where they are equal, else the first difference in words."""
    read = {}
    places = {}
    for partition, offset, key, value, headers, timestamp in sorted(records):
        read.setdefault(key, []).append((value, headers, timestamp))
        places.setdefault(key, set()).add(partition)
    for key, rows in expected.items():
        if read.get(key) != rows:
            return f"{key}: {read.get(key)} for {rows}"
        if len(places[key]) > 1:
            return f"{key} stands in partitions {sorted(places[key])}"
    return None if len(read) == len(expected) else f"{len(read)} keys for {len(expected)}"


def lookups(running, topic, expected):
    """`get` of every key against the last record of each."""
    wrong = []
    keys = list(expected)
    for first in range(0, len(keys), 500):
        some = keys[first:first + 500]
        out = run([running.program, "get", topic, *some, "-o", "json", "--broker", running.native], fine=(0, 3))
        found = {}
        for line in out.splitlines():
            answer = json.loads(line)
            found[answer["key"]] = answer.get("value") if answer["status"] == "found" else "\\N"
        wrong += [key for key in some if found.get(key) != expected[key][-1][0]]
    return f"get of {len(wrong)} keys, {wrong[:3]}" if wrong else None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--logcask", required=True)
    parser.add_argument("--cache", required=True, type=pathlib.Path)
    parser.add_argument("--count", type=int, default=10_000)
    asked = parser.parse_args()
    clients = {"native": Native()}
    for client in FOREIGN:
        try:
            clients[client] = Foreign(client, asked.cache)
        except Missing as missing:
            print(f"left out: {client}: {missing}", flush=True)
    expected = written(asked.count)
    failures = []
    print("| writer \\ reader | " + " | ".join(clients) + " | `get` |")
    print("|---" * (len(clients) + 2) + "|", flush=True)
    with broker(asked.logcask) as running:
        for writer, client in clients.items():
            topic = f"of.{writer}"
            run([running.program, "topic", "create", topic, "--partitions", "4", "--broker", running.native])
            client.write(running, topic, asked.count)
            row = []
            for reader, other in clients.items():
                row.append(difference(other.read(running, topic), expected))
            row.append(lookups(running, topic, expected))
            failures += [f"{writer} to {reader}: {what}" for reader, what in zip([*clients, "get"], row) if what]
            print(f"| {' '.join(filter(None, (writer, client.version)))} | "
                  + " | ".join("equal" if what is None else "DIFFERS" for what in row) + " |", flush=True)
    for failure in failures:
        print(failure)
    if len(clients) == 1:
        print("SKIPPED: no foreign client is to be had here")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
