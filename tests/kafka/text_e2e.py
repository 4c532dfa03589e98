#!/usr/bin/python3
"""Text from Kafka clients that is not UTF-8: what becomes of it, and that the native side reads on. Bytes by hand, and
kcat, whose library lets all through.

    text_e2e.py LOGCASK
"""
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import time

from kafka_broker import broker
from wire_e2e import Connection, crc32c, frame, string

OFFSET_COMMIT, OFFSET_FETCH, JOIN_GROUP, SYNC_GROUP, DELETE_GROUPS = 8, 9, 11, 14, 42
INVALID_GROUP_ID = 24
BAD = b"caf\xe9"
SHOWN = "caf\N{REPLACEMENT CHARACTER}"
DEADLINE_S = 40
QUICK_S = 10  # far below the 30 s that a call tries


def run(running, *words, code=0, **more):
    started = time.monotonic()
    done = subprocess.run([running.program, *words, "--broker", running.native], capture_output=True, timeout=60, **more)
    took_s = time.monotonic() - started
    assert done.returncode == code, (words, done)
    assert took_s < QUICK_S, (words, took_s, done.stderr[:300])
    assert b"libprotobuf" not in done.stderr, (words, done.stderr[:300])
    return done


def said(running, *words):
    return [json.loads(line) for line in run(running, *words, "-o", "json").stdout.splitlines()]


def commit(running, group, metadata=b"", topic=b"t"):
    """The error of the partition."""
    connection = Connection(running.kafka)
    body = string(group) + struct.pack(">i", -1) + string(b"") + struct.pack(">qi", -1, 1) + string(topic)
    body += struct.pack(">iiq", 1, 0, 0) + string(metadata)
    connection.send(frame(OFFSET_COMMIT, 2, 1, body))
    return struct.unpack(">h", connection.answer()[1][-2:])[0]


def fetched_metadata(running, group):
    connection = Connection(running.kafka)
    connection.send(frame(OFFSET_FETCH, 1, 1, string(group) + struct.pack(">i", 1) + string(b"t") + struct.pack(">ii", 1, 0)))
    body = connection.answer()[1]
    at = 4 + 2 + 1 + 4 + 4 + 8  # topics, "t", partitions, the partition, its offset
    size = struct.unpack(">h", body[at:at + 2])[0]
    return body[at + 2:at + 2 + size]


class Member:
    """The first member of a group leads it."""

    def __init__(self, running, group, client, kind=b"consumer", protocol=b"range", topics=(b"t",)):
        self.connection, self.group, self.client = Connection(running.kafka), group, client
        metadata = struct.pack(">hi", 0, len(topics)) + b"".join(map(string, topics)) + struct.pack(">i", -1)
        body = string(group) + struct.pack(">ii", 10_000, 10_000) + string(b"") + string(kind) + struct.pack(">i", 1)
        body += string(protocol) + struct.pack(">i", len(metadata)) + metadata
        self.connection.send(frame(JOIN_GROUP, 1, 1, body, client))
        answer = self.connection.answer()[1]
        self.error, self.generation = struct.unpack(">hi", answer[:6])
        size = struct.unpack(">h", answer[6:8])[0]
        answer = answer[8 + size:]
        size = struct.unpack(">h", answer[:2])[0]
        answer = answer[2 + size:]  # behind the leader's id
        size = struct.unpack(">h", answer[:2])[0]
        self.id = answer[2:2 + size]

    def sync(self, *topics):
        """Gives partition 0 of each topic to itself, where it leads; returns what it is given."""
        assignment = struct.pack(">hi", 0, len(topics)) + struct.pack(">i", -1)
        for topic in topics:
            assignment = assignment[:-4] + string(topic) + struct.pack(">ii", 1, 0) + assignment[-4:]
        body = string(self.group) + struct.pack(">i", self.generation) + string(self.id)
        body += struct.pack(">i", 1) + string(self.id) + struct.pack(">i", len(assignment)) + assignment if topics else (
            struct.pack(">i", 0))
        self.connection.send(frame(SYNC_GROUP, 0, 2, body, self.client))
        answer = self.connection.answer()[1]
        error = struct.unpack(">h", answer[:2])[0]
        assert error == 0, error
        return answer[6:]


def a_group_name_that_is_not_utf_8_is_refused(running):
    assert commit(running, BAD) == INVALID_GROUP_ID
    assert Member(running, BAD, b"c").error == INVALID_GROUP_ID
    assert said(running, "group", "list") == []
    assert commit(running, "caf\u00e9".encode()) == 0
    assert [group["group"] for group in said(running, "group", "list")] == ["caf\u00e9"]
    run(running, "group", "reset", "caf\u00e9", "--topic", "t", "--to", "none")


def other_texts_are_read_as_kafka_reads_them(running):
    member = Member(running, b"texts", BAD, kind=b"consumer\xff", protocol=b"range\xff")
    assert member.error == 0 and member.id.decode().startswith(SHOWN + "-"), member.id
    member.sync(b"t\xff")
    group = said(running, "group", "describe", "texts")[0]
    assert group["state"] == "Stable" and group["protocol"] == "range\ufffd", group
    assert group["protocol_type"] == "consumer\ufffd", group
    assert group["client_id"] == SHOWN, group
    other = Member(running, b"topics", BAD)
    other.sync(b"t\xff")
    assert " t\ufffd:0\n" in run(running, "group", "describe", "topics").stdout.decode()
    assert commit(running, b"notes", b"not\xe9") == 0
    assert fetched_metadata(running, b"notes").decode() == "not\ufffd"
    assert said(running, "group", "describe", "notes")[0]["metadata"] == "not\ufffd"
    run(running, "consume", "t", "--group", "notes", "--exit-at-end")


def a_native_member_and_one_with_such_a_client_id_share(running):
    if not shutil.which("kcat"):
        print("left out: librdkafka (package kcat)")
        return
    run(running, "topic", "create", "shared", "--partitions", "2", "--config", "cleanup.policy=delete")
    foreign = subprocess.Popen(["kcat", "-b", running.kafka, "-X", b"client.id=" + BAD, "-G", "mix", "shared"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    native = subprocess.Popen([running.program, "consume", "shared", "--group", "mix", "--broker", running.native],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        end = time.monotonic() + DEADLINE_S
        while True:
            time.sleep(0.1)
            there = "mix" in [group["group"] for group in said(running, "group", "list")]
            shares = said(running, "group", "describe", "mix") if there else []
            if len({share["member_id"] for share in shares} - {None}) == 2 and shares[0]["state"] == "Stable":
                break
            assert time.monotonic() < end, shares
        assert [share["partition"] for share in shares] == [0, 1], shares
        assert SHOWN in [share["client_id"] for share in shares], shares
    finally:
        foreign.terminate()
        native.terminate()
        complaint = native.communicate(timeout=DEADLINE_S)[1]
        foreign.wait(DEADLINE_S)
    assert native.returncode == 0 and b"libprotobuf" not in complaint, (native.returncode, complaint)


def a_native_leader_passes_over_topics_that_cannot_be(running):
    native = subprocess.Popen([running.program, "consume", "t", "--group", "led", "--broker", running.native],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        end = time.monotonic() + DEADLINE_S
        while not any(group["group"] == "led" and group["state"] == "Stable" for group in said(running, "group", "list")):
            assert time.monotonic() < end
            time.sleep(0.05)
        other = Member(running, b"led", b"c", topics=(b"t", b"\xff"))
        assert other.error == 0, other.error
        given = other.sync()
        # "c-..." comes before "logcask-...", so the one partition of t is its; of the other topic there is none.
        assert given.startswith(struct.pack(">hi", 0, 1) + string(b"t") + struct.pack(">ii", 1, 0)), given
    finally:
        native.terminate()
        complaint = native.communicate(timeout=DEADLINE_S)[1]
    assert native.returncode == 0 and b"libprotobuf" not in complaint, (native.returncode, complaint)


def names_on_the_command_line_must_be_utf_8(running):
    for words in ((b"topic", b"describe", b"\xff"), (b"topic", b"create", b"\xff"), (b"topic", b"delete", b"\xff"),
                  (b"topic", b"alter", b"t", b"--config", b"flush.ms=\xff"), (b"topic", b"alter", b"t", b"--unset", b"\xff"),
                  (b"consume", b"\xff"), (b"consume", b"t", b"--group", b"\xff"), (b"produce", b"\xff"),
                  (b"get", b"\xff", b"k"), (b"group", b"describe", b"\xff"),
                  (b"group", b"reset", b"g", b"--topic", b"\xff", b"--to", b"none")):
        refused = run(running, *words, code=2, stdin=subprocess.DEVNULL)
        assert b"must be UTF-8" in refused.stderr, refused
    run(running, b"topic", b"create", b"bytes")
    run(running, b"put", b"bytes", b"\xff", b"\xfe")
    assert run(running, b"get", b"bytes", b"\xff").stdout.startswith(b"\xfe")


def rewrite_group(log, old, new):
    """As a broker that took any name would have left it when it was killed: the name in each batch, the batch's checksum,
    and no more than the sync log's header and first entry, which says that the log was made and nothing of its bytes."""
    data, at, found = bytearray(log.read_bytes()), 0, 0
    while at + 61 <= len(data):
        length = struct.unpack(">i", data[at + 8:at + 12])[0]
        batch = bytes(data[at + 21:at + 12 + length])
        if length <= 0 or data[at + 16] != 2:
            break
        if old in batch:
            batch, found = batch.replace(old, new), found + 1
            data[at + 17:at + 12 + length] = struct.pack(">I", crc32c(batch)) + batch
        at += 12 + length
    log.write_bytes(data)
    sync_log = log.with_suffix(".sync")
    said_of_it = sync_log.read_bytes()
    sync_log.write_bytes(said_of_it[:256] + bytes(len(said_of_it) - 256))
    return found


def a_group_of_such_a_name_on_the_disk_is_shown_and_removed(running, removal):
    run(running, "topic", "create", "t", "--config", "cleanup.policy=delete")
    assert commit(running, b"cafe") == 0
    running.kill()
    logs = pathlib.Path(running.directory).rglob("__consumer_offsets*/*.log")
    assert sum(rewrite_group(log, b"cafe", BAD) for log in logs) == 1
    running.start()

    def listed():
        return [group["group"] for group in said(running, "group", "list")]
    assert listed() == [SHOWN]
    assert said(running, "group", "describe", SHOWN)[0]["offset"] == 0
    removal(running)
    assert listed() == []
    running.kill()
    running.start()
    assert listed() == [], "it is back"


def reset(running):
    run(running, "group", "reset", SHOWN, "--topic", "t", "--to", "none")


def delete_as_shown(running, group=SHOWN.encode()):
    connection = Connection(running.kafka)
    connection.send(frame(DELETE_GROUPS, 0, 1, struct.pack(">i", 1) + string(group)))
    assert connection.answer()[1][-2:] == b"\0\0"


def delete_by_its_bytes(running):
    delete_as_shown(running, BAD)


def main():
    settings = ["group.initial.rebalance.delay.ms=100", "group.min.session.timeout.ms=1000"]
    with broker(sys.argv[1], settings) as running:
        run(running, "topic", "create", "t", "--config", "cleanup.policy=delete")
        for test in (a_group_name_that_is_not_utf_8_is_refused, other_texts_are_read_as_kafka_reads_them,
                     a_native_member_and_one_with_such_a_client_id_share,
                     a_native_leader_passes_over_topics_that_cannot_be, names_on_the_command_line_must_be_utf_8):
            test(running)
            print("ok:", test.__name__.replace("_", " "), flush=True)
    for removal in (reset, delete_as_shown, delete_by_its_bytes):
        with broker(sys.argv[1], settings) as running:
            a_group_of_such_a_name_on_the_disk_is_shown_and_removed(running, removal)
        print("ok: a group of such a name on the disk is shown and removed:", removal.__name__.replace("_", " "), flush=True)


if __name__ == "__main__":
    main()
