#!/usr/bin/env python3
"""Our segment files read by Kafka's own dump tool: every batch valid, every record the one that was written.

    dump_e2e.py LOGCASK [--cache DIR] [--kafka-home DIR]

Of a running broker, active segments included, then of the same topics after compaction. Each codec has a topic of its own.
"""
import json
import os
import pathlib
import re
import subprocess
import tempfile

import real_kafka
from kafka_broker import broker

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
RECORDS, KEYS, TIMEOUT_S = 6000, 500, 120
BATCH = re.compile(r"^baseOffset: (\d+) lastOffset: (\d+) count: (\d+) .* magic: 2 compresscodec: (\w+) .*isvalid: (\w+)$")
RECORD = re.compile(r"^\| offset: (\d+) .*?(?: key: (\S+))?(?: payload: (.*))?$")


def value_of(i):
    """None is a tombstone; which keys end deleted differs between them."""
    return None if i % 7 == 3 else f"value-{i}-" + "x" * (i % 50)


def logcask(program, running, *words, given=None):
    done = subprocess.run([program, *words], input=given, capture_output=True, text=True, timeout=TIMEOUT_S,
                          env={**os.environ, "LOGCASK_BROKER": running.native})
    assert done.returncode == 0, f"logcask {words}: {done.stderr}"
    return done.stdout


def write(program, running, topic):
    lines = (json.dumps({"key": f"key-{i % KEYS}", "value": value_of(i), "tombstone": value_of(i) is None})
             for i in range(RECORDS))
    logcask(program, running, "produce", topic, "--input", "json", given="".join(f"{line}\n" for line in lines))


def segments(running, topic):
    found = [log for directory in pathlib.Path(running.directory, "data").glob(f"{topic}-0.*")
             for log in sorted(directory.glob("*.log"))]
    assert found, topic
    return found


class Dump:
    """What the tool says of some files."""

    def __init__(self, jars, files):
        done = subprocess.run(
            real_kafka.java(jars, "org.apache.kafka.tools.DumpLogSegments", "--deep-iteration", "--print-data-log",
                            "--files", ",".join(map(str, files))), capture_output=True, text=True, timeout=TIMEOUT_S)
        assert done.returncode == 0, done.stderr[-1000:]
        lines = done.stdout.splitlines()
        batches = [BATCH.match(line) for line in lines if line.startswith("baseOffset:")]
        assert all(batches), "a line of a batch that the tool writes in another form"
        self.batches, self.counted = len(batches), sum(int(b[3]) for b in batches)
        self.codecs = {b[4].lower() for b in batches}
        self.invalid = [b[0] for b in batches if b[5] != "true"]
        found = [RECORD.match(line) for line in lines if line.startswith("| offset:")]
        self.records = {int(r[1]): (r[2], r[3]) for r in found}
        self.read_whole = done.stdout.count("Found ") == 0
        assert len(self.records) == len(found), "an offset twice"


def stored(program, running, topic):
    """offset -> (key, value), as we read it ourselves."""
    lines = logcask(program, running, "consume", topic, "--exit-at-end", "-o", "json").splitlines()
    return {r["offset"]: (r["key"], r["value"]) for r in map(json.loads, lines)}


def agree(jars, program, running, topic, codec, when):
    dump, ours = Dump(jars, segments(running, topic)), stored(program, running, topic)
    assert not dump.invalid, dump.invalid[:3]
    assert dump.read_whole, f"{topic} {when}: bytes behind the last batch"
    assert dump.counted == len(dump.records), (topic, when, dump.counted, len(dump.records))
    differing = [o for o in ours.keys() | dump.records.keys() if ours.get(o) != dump.records.get(o)]
    assert not differing, f"{topic} {when}: {len(differing)} records differ, the first at {min(differing)}"
    assert dump.codecs == {codec}, (topic, when, dump.codecs)
    print(f"ok: {topic} {when}: {dump.batches} batches, {len(ours)} records")
    return len(ours)


def finds_damage(jars, running, topic):
    """That the tool would have said so: one bit of one value is another, or bytes follow the last batch."""
    whole = segments(running, topic)[0].read_bytes()
    damaged = bytearray(whole)
    damaged[damaged.index(b"value-1-")] ^= 1
    with tempfile.TemporaryDirectory() as directory:
        copy = pathlib.Path(directory) / "00000000000000000000.log"
        copy.write_bytes(damaged)
        assert len(Dump(jars, [copy]).invalid) == 1
        copy.write_bytes(whole + b"12345678")
        assert not Dump(jars, [copy]).read_whole
    print("ok: the tool finds a flipped bit and bytes that are none of a batch")


def run(program, jars):
    with broker(program) as running:
        for codec in CODECS:
            logcask(program, running, "topic", "create", codec, "--config", f"compression.type={codec}", "--config",
                    "segment.bytes=20000", "--config", "delete.retention.ms=0", "--config",
                    "min.compaction.lag.ms=86400000")
            write(program, running, codec)
            assert len(segments(running, codec)) > 1, "several segments"
            assert agree(jars, program, running, codec, codec, "as written") == RECORDS
        finds_damage(jars, running, "none")
        for codec in CODECS:
            logcask(program, running, "topic", "alter", codec, "--config", "min.compaction.lag.ms=0")
            logcask(program, running, "compact", codec, "--wait")
            assert agree(jars, program, running, codec, codec, "compacted") < RECORDS / 2


if __name__ == "__main__":
    real_kafka.test_program(__doc__, lambda logcask, jars, _: run(logcask, jars))
