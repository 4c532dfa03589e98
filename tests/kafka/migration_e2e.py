#!/usr/bin/env python3
"""Every command of docs/MIGRATION.md, as it stands there, from a real Kafka to us.

    migration_e2e.py LOGCASK [--cache DIR] [--kafka-home DIR]
"""
import json
import os
import pathlib
import re
import shlex
import subprocess
import tempfile

import real_kafka
from kafka_broker import broker

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "MIGRATION.md"
RECORDS, KEYS, READ, TIMEOUT_S = 3000, 200, 2000, 120


def commands():
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    assert len(blocks) == 4, len(blocks)
    return "set -euo pipefail\n" + "".join(blocks)


def write(old, first, last):
    lines = (f"key-{i % KEYS}\t{'' if i % 7 == 3 else f'value {i} ü'}\n" for i in range(first, last))
    subprocess.run(["kcat", "-b", old, "-P", "-t", "prices", "-K", "\t", "-Z", "-H", "from=kafka"],
                   input="".join(lines), text=True, check=True, timeout=TIMEOUT_S)


def fill(jars, old):
    """The group has read what was there before the last records were written."""
    write(old, 0, READ)
    subprocess.run(real_kafka.java(
        jars, "org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", old, "--topic", "prices", "--group",
        "billing", "--from-beginning", "--max-messages", READ), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        check=True, timeout=TIMEOUT_S)
    write(old, READ, RECORDS)


def put_program(folder, name, command):
    program = folder / name
    program.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    program.chmod(0o755)


def run(program, jars):
    with tempfile.TemporaryDirectory() as directory, real_kafka.kafka(jars, ["num.partitions=3"]) as (old, _), \
            broker(program, ["group.initial.rebalance.delay.ms=0"]) as new:
        folder = pathlib.Path(directory)
        fill(jars, old)
        put_program(folder, "logcask", [os.path.abspath(program)])
        put_program(folder, "kafka-consumer-groups.sh",
                    real_kafka.java(jars, "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"))
        environment = {**os.environ, "OLD": old, "LOGCASK_BROKER": new.native, "PATH": f"{folder}:{os.environ['PATH']}"}
        done = subprocess.run(["bash", "-x", "-c", commands()], cwd=directory, env=environment, capture_output=True,
                              text=True, timeout=TIMEOUT_S)
        assert done.returncode == 0, done.stdout[-500:] + done.stderr[-1500:]
        assert len((folder / "load.json").read_text().splitlines()) == RECORDS
        read = subprocess.run([program, "consume", "prices", "--group", "billing", "--exit-at-end", "-o", "json"],
                              env=environment, check=True, capture_output=True, text=True, timeout=TIMEOUT_S).stdout
        values = {json.loads(line)["value"] for line in read.splitlines()}
        missed = [i for i in range(READ, RECORDS) if i % 7 != 3 and f"value {i} ü" not in values]
        assert not missed, f"the group does not read {len(missed)} records that it had not read, {missed[0]} the first"
        assert len(read.splitlines()) <= RECORDS
        print(f"ok: {RECORDS} records copied and checked; the group reads {len(read.splitlines())}, the {RECORDS - READ} that it "
              f"had not read among them")


if __name__ == "__main__":
    real_kafka.test_program(__doc__, lambda logcask, jars, _: run(logcask, jars), tools=("kcat", "jq"))
