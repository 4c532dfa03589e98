#!/usr/bin/env python3
"""The Kafka listener, by hand-made bytes: what must hold whatever the client.

    wire_e2e.py LOGCASK
"""
import pathlib
import socket
import struct
import sys
import time

from kafka_broker import broker, kafka_broker
from kafka_messages import varint

API_VERSIONS, METADATA, FETCH, PRODUCE, LIST_OFFSETS, LEADER_EPOCH = 18, 3, 1, 0, 2, 23


def frame(api, version, correlation, body=b"", client=b"t"):
    head = struct.pack(">hhih", api, version, correlation, len(client)) + client
    return struct.pack(">i", len(head) + len(body)) + head + body


def string(text):
    return struct.pack(">h", len(text)) + text


class Connection:
    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=20)

    def send(self, data):
        self.socket.sendall(data)

    def read(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise EOFError(data)
            data += more
        return data

    def answer(self):
        """(correlation id, body)"""
        size = struct.unpack(">i", self.read(4))[0]
        data = self.read(size)
        return struct.unpack(">i", data[:4])[0], data[4:]

    def ends(self):
        """True when the broker closes without another byte."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


def metadata(correlation, *topics, version=4, may_create=True):
    body = struct.pack(">i", len(topics)) + b"".join(string(t) for t in topics)
    return frame(METADATA, version, correlation, body + (bytes([may_create]) if version >= 4 else b""))


def fetch(correlation, topic, offset, wait_ms):
    body = struct.pack(">iiiib", -1, wait_ms, 1, 1 << 20, 0) + struct.pack(">i", 1) + string(topic)
    body += struct.pack(">iiqi", 1, 0, offset, 1 << 20)
    return frame(FETCH, 4, correlation, body)


def produce(correlation, topic, batch, acks, transactional=None, version=3, partition=0):
    body = (struct.pack(">h", -1) if transactional is None else string(transactional)) + struct.pack(">hi", acks, 5000)
    body += struct.pack(">i", 1) + string(topic) + struct.pack(">ii", 1, partition)
    return frame(PRODUCE, version, correlation, body + struct.pack(">i", len(batch)) + batch)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 & -(crc & 1))
    return crc ^ 0xFFFFFFFF


def record(key, value, offset=0):
    keyed = b"\1" if key is None else bytes([len(key) * 2]) + key
    body = b"\0\0" + bytes([offset * 2]) + keyed + bytes([len(value) * 2]) + value + b"\0"
    return bytes([len(body) * 2]) + body


def batch(key, value, timestamp=1_700_000_000_000, attributes=0, records=None, count=1, producer=(-1, -1, -1)):
    """producer: id, epoch and first sequence number."""
    tail = struct.pack(">hiqqqhii", attributes, count - 1, timestamp, timestamp, *producer, count)
    tail += record(key, value) if records is None else records
    return struct.pack(">qiibI", 0, len(tail) + 9, -1, 2, crc32c(tail)) + tail


CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


@check
def an_unknown_version_of_api_versions_is_answered_in_the_form_of_version_0(address):
    connection = Connection(address)
    connection.send(frame(API_VERSIONS, 99, 7))
    correlation, body = connection.answer()
    error, count = struct.unpack(">hi", body[:6])
    assert (correlation, error) == (7, 35), (correlation, error)
    assert len(body) == 6 + 6 * count and count > 0, body
    ranges = {struct.unpack(">hhh", body[6 + 6 * i:12 + 6 * i]) for i in range(count)}
    assert (API_VERSIONS, 0, 4) in ranges, ranges
    connection.send(frame(API_VERSIONS, 0, 8))
    assert connection.answer()[0] == 8, "the connection goes on"


@check
def an_unknown_request_ends_the_connection(address):
    for api, version in ((77, 0), (METADATA, 99), (PRODUCE, 2)):
        connection = Connection(address)
        connection.send(frame(api, version, 1))
        assert connection.ends(), (api, version)


@check
def garbage_ends_the_connection_and_nothing_else(address):
    other = Connection(address)
    for junk in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 64, struct.pack(">i", 3) + b"abc",
                 frame(METADATA, 1, 1, struct.pack(">i", 1000)), frame(METADATA, 9, 1, b"\xff" * 10)):
        connection = Connection(address)
        connection.send(junk)
        assert connection.ends(), junk
    other.send(frame(API_VERSIONS, 0, 1))
    assert other.answer()[0] == 1


@check
def answers_leave_in_the_order_of_their_requests(address):
    connection = Connection(address)
    connection.send(metadata(1, b"order"))
    connection.answer()
    # The first waits at the log's end; those behind it are ready at once and must not pass it.
    started = time.monotonic()
    connection.send(fetch(2, b"order", 0, 400) + metadata(3, b"order") + frame(API_VERSIONS, 0, 4))
    assert [connection.answer()[0] for _ in range(3)] == [2, 3, 4]
    assert time.monotonic() - started >= 0.35


@check
def a_waiting_fetch_is_answered_by_what_another_connection_produces(address):
    reader, writer = Connection(address), Connection(address)
    reader.send(metadata(1, b"news"))
    reader.answer()
    reader.send(fetch(2, b"news", 0, 15_000))
    writer.send(produce(1, b"news", batch(b"k", b"v"), -1))
    writer.answer()
    _, body = reader.answer()
    assert b"\x02k\x02v" in body, body


def session_fetch(correlation, session, epoch, topics, wait_ms=0):
    """Fetch 7 of partition 0 of {topic: offset}."""
    body = struct.pack(">iiiibii", -1, wait_ms, 1, 1 << 20, 0, session, epoch) + struct.pack(">i", len(topics))
    for topic, offset in topics.items():
        body += string(topic) + struct.pack(">iiqqi", 1, 0, offset, -1, 1 << 20)
    return frame(FETCH, 7, correlation, body + struct.pack(">i", 0))


def session_answer(connection):
    """(error, session, number of topics) of an answer to Fetch 7."""
    _, error, session, topics = struct.unpack(">ihii", connection.answer()[1][:14])
    return error, session, topics


@check
def a_fetch_session_answers_with_what_is_new_and_ends_with_its_close(address):
    connection, writer = Connection(address), Connection(address)
    connection.send(metadata(1, b"session"))
    connection.answer()
    connection.send(session_fetch(2, 0, 0, {b"session": 0}))
    error, session, topics = session_answer(connection)
    assert error == 0 and session > 0 and topics == 1, (error, session, topics)
    # Nothing is named, and what is there comes all the same, to a fetch that waits for it, too.
    connection.send(session_fetch(3, session, 1, {}))
    assert session_answer(connection) == (0, session, 0)
    connection.send(session_fetch(4, session, 2, {}, 15_000))
    writer.send(produce(1, b"session", batch(b"k", b"v"), -1))
    writer.answer()
    _, body = connection.answer()
    assert b"\x02k\x02v" in body, body
    connection.send(session_fetch(5, session, 3, {b"session": 1}))
    assert session_answer(connection) == (0, session, 0)
    for unknown, epoch, code in ((session, 3, 71), (max(1, (session + 1) & 0x7FFFFFFF), 1, 70)):
        connection.send(session_fetch(6, unknown, epoch, {}))
        assert session_answer(connection) == (code, 0, 0)
    connection.send(session_fetch(7, session, -1, {}))
    assert session_answer(connection) == (0, 0, 0)
    connection.send(session_fetch(8, session, 4, {}))
    assert session_answer(connection) == (70, 0, 0)


NO_ID = bytes(16)


def compact(text):
    size = len(text) + 1
    return (bytes([size]) if size < 128 else bytes([size & 0x7F | 0x80, size >> 7])) + text


def topic_id(connection, topic):
    """As Metadata 12 tells it, right behind the name; makes the topic where there is none."""
    connection.send(frame(METADATA, 12, 1, b"\0\2" + NO_ID + compact(topic) + b"\0\1\0\0"))
    body = connection.answer()[1]
    return body.split(compact(topic), 1)[1][:16]


def id_fetch(correlation, partitions, session=0, epoch=-1, forgotten=(), version=17, wait_ms=0):
    """Fetch 13 and up of [(topic id, partition, offset, leader epoch)]."""
    body = b"\0" + (struct.pack(">i", -1) if version < 15 else b"")
    body += struct.pack(">iiibii", wait_ms, 1, 1 << 20, 0, session, epoch) + bytes([len(partitions) + 1])
    for name, partition, offset, leader_epoch in partitions:
        body += name + b"\2" + struct.pack(">iiqiqi", partition, leader_epoch, offset, -1, -1, 1 << 20) + b"\0\0"
    body += bytes([len(forgotten) + 1])
    for name, partition in forgotten:
        body += name + b"\2" + struct.pack(">i", partition) + b"\0"
    return frame(FETCH, version, correlation, body + b"\1\0")


class Cursor:
    def __init__(self, data):
        self.data = data

    def take(self, count):
        taken, self.data = self.data[:count], self.data[count:]
        assert len(taken) == count, "the answer ends too early"
        return taken

    def numbers(self, layout):
        return struct.unpack(">" + layout, self.take(struct.calcsize(">" + layout)))

    def length(self):
        return varint(self.take)

    def tags(self):
        return {self.length(): self.take(self.length()) for _ in range(self.length())}


def id_answer(connection):
    """(error, session, {(topic id, partition): (error, records, CurrentLeader)}, NodeEndpoints)"""
    answer = Cursor(connection.answer()[1])
    assert answer.tags() == {}, "of the head"
    _, error, session = answer.numbers("ihi")
    found = {}
    for _ in range(answer.length() - 1):
        name = answer.take(16)
        for _ in range(answer.length() - 1):
            partition, code = answer.numbers("ihqqq")[:2]
            assert answer.length() in (0, 1), "nobody has aborted anything"
            answer.numbers("i")
            records = answer.take(max(answer.length() - 1, 0))
            found[name, partition] = code, records, answer.tags().get(1)
        answer.tags()
    endpoints = answer.tags().get(0)
    assert not answer.data, answer.data
    return error, session, found, endpoints


def remove_topic(connection, topic):
    connection.send(frame(20, 1, 1, struct.pack(">i", 1) + string(topic) + struct.pack(">i", 5000)))
    assert connection.answer()[1][-2:] == b"\0\0", topic


@check
def topics_are_read_by_their_ids(address):
    connection = Connection(address)
    known = topic_id(connection, b"by.id")
    assert known != NO_ID
    connection.send(produce(2, b"by.id", batch(b"k", b"v"), -1))
    connection.answer()
    strange = bytes([known[0] ^ 1]) + known[1:]
    for version in range(13, 18):
        started = time.monotonic()
        asked = [(known, 0, 0, -1), (strange, 0, 0, -1), (NO_ID, 0, 0, -1), (known, 99, 0, -1)]
        connection.send(id_fetch(3, asked, version=version, wait_ms=10_000))
        error, session, found, endpoints = id_answer(connection)
        assert (error, session, endpoints) == (0, 0, None), (error, session, endpoints)
        assert {at: answer[0] for at, answer in found.items()} == {
            (known, 0): 0, (strange, 0): 100, (NO_ID, 0): 100, (known, 99): 3}, found
        assert b"\x02k\x02v" in found[known, 0][1]
        assert time.monotonic() - started < 5, "a refusal does not wait"
    # What comes while a fetch waits wakes it.
    reader = Connection(address)
    reader.send(id_fetch(4, [(known, 0, 1, 0)], wait_ms=15_000))
    connection.send(produce(5, b"by.id", batch(b"new", b"v"), -1))
    connection.answer()
    assert b"\x06new\x02v" in id_answer(reader)[2][known, 0][1]


@check
def a_topic_that_is_made_anew_is_another_one_to_those_who_know_its_id(address):
    connection = Connection(address)
    old = topic_id(connection, b"anew")
    connection.send(produce(1, b"anew", batch(b"old", b"v"), -1))
    connection.answer()
    connection.send(id_fetch(2, [(old, 0, 0, -1)], epoch=0))
    error, session, found, _ = id_answer(connection)
    assert error == 0 and session > 0 and found[old, 0][0] == 0, (error, session, found)
    remove_topic(connection, b"anew")
    connection.send(id_fetch(3, [], session, 1))
    assert id_answer(connection)[2] == {(old, 0): (100, b"", None)}
    new = topic_id(connection, b"anew")
    assert new not in (old, NO_ID), new
    connection.send(produce(4, b"anew", batch(b"new", b"v"), -1))
    connection.answer()
    connection.send(id_fetch(5, [], session, 2))
    assert id_answer(connection)[2] == {(old, 0): (100, b"", None)}, "the name has come back, not the topic"
    connection.send(id_fetch(6, [(new, 0, 0, 0)], session, 3, [(old, 0)]))
    error, again, found, _ = id_answer(connection)
    assert (error, again, list(found)) == (0, session, [(new, 0)]), (error, again, found)
    assert found[new, 0][0] == 0 and b"\x06new\x02v" in found[new, 0][1], found
    connection.send(id_fetch(7, [(new, 0, 1, 0)], session, 4))
    assert id_answer(connection) == (0, session, {}, None)
    # Who goes on by name is told to begin anew; the session does not mind.
    connection.send(session_fetch(8, session, 5, {b"anew": 0}))
    assert session_answer(connection) == (106, 0, 0)
    connection.send(id_fetch(9, [], session, 5))
    assert id_answer(connection) == (0, session, {}, None)
    connection.send(session_fetch(10, 0, 0, {b"anew": 0}))
    named = session_answer(connection)[1]
    connection.send(id_fetch(11, [], named, 1))
    assert id_answer(connection)[:3] == (106, 0, {})


@check
def a_fenced_reader_is_told_the_leader_from_fetch_16_on(address):
    connection = Connection(address)
    known = topic_id(connection, b"led")
    host, port = address.rsplit(":", 1)
    endpoint = b"\2" + struct.pack(">i", 0) + compact(host.encode()) + struct.pack(">i", int(port)) + b"\0\0"
    for version, leader, endpoints in ((15, None, None), (16, struct.pack(">ii", 0, 0) + b"\0", endpoint)):
        connection.send(id_fetch(1, [(known, 0, 0, -2)], version=version))
        assert id_answer(connection) == (0, 0, {(known, 0): (74, b"", leader)}, endpoints)
        connection.send(id_fetch(2, [(known, 0, 0, 7)], version=version))
        assert id_answer(connection) == (0, 0, {(known, 0): (75, b"", None)}, None), "an epoch to come"


def resident_bytes(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


@check
def answers_that_pile_up_behind_a_waiting_one_fill_no_memory(address, pid):
    connection, other = Connection(address), Connection(address)
    connection.send(metadata(1, b"empty") + metadata(2, b"full"))
    connection.answer(), connection.answer()
    big = batch(b"k", b"v")
    for _ in range(2000):
        other.send(produce(1, b"full", big, -1))
        other.answer()
    before = resident_bytes(pid)
    # 4,000 answers of 140 KB each wait behind the first: 560 MB, if all were made.
    connection.send(fetch(3, b"empty", 0, 3_000) + b"".join(fetch(4, b"full", 0, 0) for _ in range(4000)))
    time.sleep(1)
    grown = resident_bytes(pid) - before
    assert grown < 200 << 20, f"{grown >> 20} MiB"
    assert connection.answer()[0] == 3
    for _ in range(4000):
        assert connection.answer()[0] == 4


@check
def acks_0_gets_no_answer_and_a_refused_batch_ends_the_connection(address):
    connection = Connection(address)
    connection.send(metadata(1, b"quiet"))
    connection.answer()
    connection.send(produce(2, b"quiet", batch(b"k", b"v"), 0) + frame(API_VERSIONS, 0, 3))
    assert connection.answer()[0] == 3
    broken = bytearray(batch(b"k", b"v"))
    broken[-1] ^= 1
    connection.send(produce(4, b"quiet", bytes(broken), 0))
    assert connection.ends()


def produce_error(connection, *args, **kwargs):
    connection.send(produce(*args, **kwargs))
    _, body = connection.answer()
    # [topics] name [partitions] index error
    at = 4 + 2 + struct.unpack(">h", body[4:6])[0] + 4
    return struct.unpack(">ih", body[at:at + 6])[1]


@check
def refused_batches_have_kafkas_codes(address):
    connection = Connection(address)
    connection.send(metadata(1, b"codes"))
    connection.answer()
    good = batch(b"k", b"v")
    broken = bytearray(good)
    broken[-1] ^= 1
    assert produce_error(connection, 2, b"codes", bytes(broken), -1) == 2, "CORRUPT_MESSAGE"
    assert produce_error(connection, 3, b"not.there", good, -1) == 3, "UNKNOWN_TOPIC_OR_PARTITION"
    assert produce_error(connection, 4, b"codes", good, 7) == 21, "INVALID_REQUIRED_ACKS"
    assert produce_error(connection, 5, b"codes", good, -1, transactional=b"tx") == 53
    assert produce_error(connection, 6, b"codes", b"", -1) == 87, "INVALID_RECORD"
    assert produce_error(connection, 7, b"codes", good, -1) == 0
    # With a refusal come no offsets.
    connection.send(produce(8, b"codes", bytes(broken), -1, version=5))
    _, body = connection.answer()
    assert struct.unpack(">hqqq", body[4 + 2 + len(b"codes") + 8:][:26]) == (2, -1, -1, -1), body


@check
def each_record_without_a_key_is_named_from_produce_8_on(address):
    connection = Connection(address)
    connection.send(metadata(1, b"named"))
    connection.answer()
    connection.send(alter(44, 2, b"named", [(b"cleanup.policy", 0, b"compact")]))
    assert connection.answer()[1][8:10] == b"\0\0", "empty, so it may become compacted"
    keys = [None, b"a", None, b"b", None]
    mixed = batch(b"", b"", records=b"".join(record(k, b"v", i) for i, k in enumerate(keys)), count=len(keys))
    assert produce_error(connection, 3, b"named", mixed, -1, version=7) == 87
    connection.send(produce(4, b"named", mixed, -1, version=8))
    _, body = connection.answer()
    body = body[4 + 2 + len(b"named") + 4:]
    assert struct.unpack(">ihqq", body[:22]) == (0, 87, -1, -1), body
    named = b"".join(struct.pack(">ih", i, -1) for i in (0, 2, 4))
    assert body[30:].startswith(struct.pack(">i", 3) + named), body
    assert b"record 0: null key on a compacted topic" in body, body
    good = batch(b"", b"", records=record(b"a", b"v") + record(b"b", b"v", 1), count=2)
    assert produce_error(connection, 5, b"named", good, -1, version=8) == 0


@check
def a_position_that_the_log_does_not_have_is_out_of_range(address):
    connection = Connection(address)
    connection.send(metadata(1, b"range"))
    connection.answer()
    connection.send(fetch(2, b"range", 17, 10_000))
    _, body = connection.answer()
    at = 4 + 4 + 2 + len(b"range") + 4
    # Nor are its marks told with it.
    assert struct.unpack(">ihqqi", body[at:at + 26]) == (0, 1, -1, -1, -1), body
    connection.send(fetch(3, b"not.there", 0, 10_000))
    _, body = connection.answer()
    at = 4 + 4 + 2 + len(b"not.there") + 4
    assert struct.unpack(">ihqqi", body[at:at + 26]) == (0, 3, -1, -1, 0), body


@check
def a_topic_name_that_kafka_refuses_is_not_made(address):
    connection = Connection(address)
    for may_create in (True, False):
        connection.send(metadata(1, b"no spaces", may_create=may_create))
        _, body = connection.answer()
        assert struct.pack(">h", 17) + string(b"no spaces") in body, body


@check
def a_name_that_is_not_utf_8_is_repeated_as_text(address):
    connection = Connection(address)
    name, shown = b"caf\xe9", "caf\ufffd".encode()
    for request, error in ((metadata(1, name), 17), (produce(2, name, batch(b"k", b"v"), -1), 3), (fetch(3, name, 0, 0), 3)):
        connection.send(request)
        _, body = connection.answer()
        assert string(shown) in body and name not in body, body
        assert struct.pack(">h", error) in body, (error, body)


def list_offsets(correlation, version, topic, timestamp, epoch=-1):
    """Below the flexible versions, with one partition."""
    body = struct.pack(">ibi", -1, 0, 1) + string(topic) + struct.pack(">ii", 1, 0)
    return frame(LIST_OFFSETS, version, correlation, body + (struct.pack(">i", epoch) if version >= 4 else b"") +
                 struct.pack(">q", timestamp))


def flexible_list_offsets(correlation, version, topic, timestamp):
    body = b"\0" + struct.pack(">ib", -1, 0) + b"\2" + compact(topic) + b"\2" + struct.pack(">iiq", 0, -1, timestamp)
    return frame(LIST_OFFSETS, version, correlation, body + b"\0\0\0")


def offset_of(connection, request):
    """(error, timestamp, offset) of the one partition, by its fixed tail."""
    flexible = struct.unpack(">h", request[6:8])[0] >= 6
    connection.send(request)
    _, body = connection.answer()
    tail = body[:-3] if flexible else body
    return struct.unpack(">hqqi", tail[-22:])[:3]


@check
def special_times_are_known_from_their_versions_on(address):
    connection = Connection(address)
    connection.send(metadata(1, b"times"))
    connection.answer()
    assert offset_of(connection, flexible_list_offsets(2, 7, b"times", -3)) == (0, -1, -1), "no record, no newest"
    for _ in range(3):
        connection.send(produce(2, b"times", batch(b"k", b"v"), -1))
        connection.answer()
    connection.send(produce(3, b"times", batch(b"k", b"v", 1_800_000_000_000), -1))
    connection.answer()
    connection.send(produce(4, b"times", batch(b"k", b"v"), -1))
    connection.answer()
    assert offset_of(connection, flexible_list_offsets(5, 7, b"times", -3)) == (0, 1_800_000_000_000, 3)
    assert offset_of(connection, flexible_list_offsets(6, 8, b"times", -4)) == (0, -1, 0)
    assert offset_of(connection, flexible_list_offsets(7, 9, b"times", -5)) == (0, -1, -1)
    assert offset_of(connection, list_offsets(8, 5, b"times", -1)) == (0, -1, 5)
    for timestamp, epoch in ((1_800_000_000_000, 0), (1_800_000_000_001, -1)):
        connection.send(list_offsets(9, 4, b"times", timestamp))
        assert struct.unpack(">i", connection.answer()[1][-4:])[0] == epoch, "an epoch comes with an offset only"
    for version, timestamp in ((6, -3), (7, -4), (8, -5)):
        assert offset_of(connection, flexible_list_offsets(9, version, b"times", timestamp))[0] == 35, timestamp


@check
def a_client_with_another_leader_epoch_is_told_so(address):
    connection = Connection(address)
    connection.send(metadata(1, b"epochs"))
    connection.answer()
    connection.send(produce(2, b"epochs", batch(b"k", b"v"), -1))
    connection.answer()
    connection.send(frame(LEADER_EPOCH, 2, 3, struct.pack(">i", 1) + string(b"epochs") +
                          struct.pack(">iiii", 1, 0, -1, 1_000_000)))
    _, body = connection.answer()
    assert struct.unpack(">hiiq", body[-18:]) == (0, 0, -1, -1), "an epoch that has not been"
    for epoch, error in ((-1, 0), (0, 0), (7, 75), (-2, 74)):
        assert offset_of(connection, list_offsets(4, 4, b"epochs", -1, epoch))[0] == error, epoch
        body = struct.pack(">iiiibii", -1, 10_000, 1, 1 << 20, 0, 0, -1) + struct.pack(">i", 1) + string(b"epochs")
        body += struct.pack(">iiiqqi", 1, 0, epoch, 0, -1, 1 << 20) + struct.pack(">i", 0)
        started = time.monotonic()
        connection.send(frame(FETCH, 9, 5, body))
        _, answer = connection.answer()
        at = 4 + 2 + 4 + 4 + 2 + len(b"epochs") + 4 + 4
        assert struct.unpack(">h", answer[at:at + 2])[0] == error, (epoch, answer[at:at + 2])
        assert time.monotonic() - started < 5, "a refusal does not wait"
    connection.send(frame(LEADER_EPOCH, 2, 6, struct.pack(">i", 1) + string(b"epochs") + struct.pack(">iiii", 1, 0, 0, 0)))
    _, body = connection.answer()
    assert struct.unpack(">hiiq", body[-18:]) == (0, 0, 0, 1), body


@check
def a_name_that_stands_for_many_partitions_becomes_no_gigabytes(address, pid):
    before = resident_bytes(pid)
    name, count = b"n" * 30_000, 100_000
    body = struct.pack(">iBi", -1, 0, 1) + string(name) + struct.pack(">i", count)
    body += b"".join(struct.pack(">iiq", partition, -1, -1) for partition in range(count))
    connection = Connection(address)
    connection.send(frame(LIST_OFFSETS, 4, 1, body))
    try:
        connection.answer()
        raise AssertionError("partitions of 3 GB with their names were listed")
    except EOFError:
        pass
    assert resident_bytes(pid) - before < 100 << 20, "the names stayed"
    # An id stands for as long a name as there may be.
    count = 150_000
    body = b"\0" + struct.pack(">iiibii", 0, 1, 1 << 20, 0, 0, -1) + b"\2" + topic_id(Connection(address), b"n" * 200)
    body += bytes([(count + 1) & 0x7F | 0x80, (count + 1) >> 7 & 0x7F | 0x80, (count + 1) >> 14])
    body += b"".join(struct.pack(">iiqiqi", partition, -1, 0, -1, -1, 1) + b"\0" for partition in range(count))
    connection = Connection(address)
    connection.send(frame(FETCH, 17, 1, body + b"\0\0\1\1\0"))
    assert connection.ends(), "so many partitions were looked at"
    Connection(address).send(frame(API_VERSIONS, 0, 1))


@check
def zstd_is_sent_to_those_who_know_it(address):
    import subprocess
    connection = Connection(address)
    connection.send(metadata(1, b"packed"))
    connection.answer()
    try:
        packed = subprocess.run(["zstd", "-q", "-c"], input=record(b"k", b"v"), stdout=subprocess.PIPE, check=True).stdout
    except FileNotFoundError:
        print("SKIPPED: zstd is not installed (package zstd)")
        return
    connection.send(produce(2, b"packed", batch(b"k", b"v", attributes=4, records=packed), -1, version=7))
    connection.answer()
    for version, error in ((4, 76), (10, 0)):
        body = struct.pack(">iiiib", -1, 0, 1, 1 << 20, 0) + (struct.pack(">ii", 0, -1) if version >= 7 else b"")
        body += struct.pack(">i", 1) + string(b"packed") + struct.pack(">ii", 1, 0)
        body += struct.pack(">iqqi", -1, 0, -1, 1 << 20) if version >= 9 else struct.pack(">qi", 0, 1 << 20)
        connection.send(frame(FETCH, version, 3, body + (struct.pack(">i", 0) if version >= 7 else b"")))
        _, answer = connection.answer()
        at = 4 + (6 if version >= 7 else 0) + 4 + 2 + len(b"packed") + 4 + 4
        assert struct.unpack(">h", answer[at:at + 2])[0] == error, (version, answer)
        assert (packed in answer) == (error == 0)


@check
def administration_is_answered_one_result_for_each_that_is_asked_for(address):
    connection = Connection(address)
    connection.send(metadata(1, b"ruled"))
    connection.answer()
    connection.send(produce(2, b"ruled", batch(b"k", b"v"), -1))
    connection.answer()
    # DeleteRecords 0: the start moves to the end; beyond it, and in a partition or topic that is not there, refused.
    body = struct.pack(">i", 2) + string(b"ruled") + struct.pack(">iiqiqiq", 3, 0, -1, 1, 99, 50, 0)
    body += string(b"not.there") + struct.pack(">iiq", 1, 0, 0) + struct.pack(">i", 1000)
    connection.send(frame(21, 0, 3, body))
    _, answer = connection.answer()
    expected = struct.pack(">ii", 0, 2) + string(b"ruled") + struct.pack(">iiqhiqhiqh", 3, 0, 1, 0, 1, -1, 1, 50, -1, 3)
    assert answer == expected + string(b"not.there") + struct.pack(">iiqh", 1, 0, -1, 3), answer
    # CreatePartitions 0, only checked: what does not grow, or is not there, is refused by name.
    for count, error in ((9, 0), (1, 37)):
        body = struct.pack(">i", 2) + string(b"ruled") + struct.pack(">ii", count, -1) + string(b"not.there")
        connection.send(frame(37, 0, 4, body + struct.pack(">iiib", 9, -1, 1000, 1)))
        _, answer = connection.answer()
        at = 8 + 2 + len(b"ruled")
        assert struct.unpack(">h", answer[at:at + 2])[0] == error, (count, answer)
        assert string(b"not.there") + struct.pack(">h", 3) in answer, answer
    # The new partition is assigned by hand: to the one broker there is, once.
    for assigned, error in (([[0]], 0), ([[7]], 39), ([[0, 0]], 39), ([[0, 1]], 39), ([[]], 39), ([[0], [0]], 39)):
        body = struct.pack(">i", 1) + string(b"ruled") + struct.pack(">ii", 5, len(assigned))
        body += b"".join(struct.pack(f">i{len(ids)}i", len(ids), *ids) for ids in assigned)
        connection.send(frame(37, 0, 4, body + struct.pack(">ib", 1000, 1)))
        _, answer = connection.answer()
        at = 8 + 2 + len(b"ruled")
        assert struct.unpack(">h", answer[at:at + 2])[0] == error, (assigned, answer)
    # DescribeCluster 0 and ListPartitionReassignments 0, flexible from the first version on.
    connection.send(frame(60, 0, 5, b"\0\0\0") + frame(46, 0, 6, b"\0" + struct.pack(">i", 1000) + b"\0\0"))
    _, cluster = connection.answer()
    assert address.rsplit(":", 1)[0].encode() in cluster, cluster
    _, none = connection.answer()
    assert none == b"\0" + struct.pack(">ih", 0, 0) + b"\0\1\0", none


@check
def one_broker_has_nothing_to_elect_and_nowhere_to_move_a_partition(address):
    connection = Connection(address)
    connection.send(metadata(1, b"settled"))
    connection.answer()

    def elected(topic, partition):
        body = struct.pack(">i", 1) + string(topic) + struct.pack(">iii", 1, partition, 1000)
        connection.send(frame(43, 0, 2, body))
        answer = connection.answer()[1]
        at = 8 + 2 + len(topic)
        return struct.unpack(">iih", answer[at:at + 10])

    assert elected(b"settled", 1) == (1, 1, 84)
    assert elected(b"settled", 9) == (1, 9, 3)
    assert elected(b"not.there", 0) == (1, 0, 3)
    connection.send(frame(43, 0, 3, struct.pack(">ii", -1, 1000)))
    of_all = connection.answer()[1]
    assert string(b"settled") + struct.pack(">i", 0) in of_all, "none of its partitions needs one"
    connection.send(frame(43, 1, 3, struct.pack(">bii", 7, -1, 1000)))
    assert struct.unpack(">ih", connection.answer()[1][:6]) == (0, 42), "no such kind of election"

    def reassigned(topic, replicas):
        listed = b"\0" if replicas is None else bytes([len(replicas) + 1]) + struct.pack(f">{len(replicas)}i", *replicas)
        body = b"\0" + struct.pack(">i", 1000) + b"\2" + compact(topic) + b"\2" + struct.pack(">i", 0) + listed + b"\0\0\0"
        connection.send(frame(45, 0, 4, body))
        answer = connection.answer()[1]
        # Throttle time, error and its text; then the one topic, and its one partition.
        assert answer[1:9] == struct.pack(">ih", 0, 0) + b"\0\2", answer
        at = 9 + len(compact(topic)) + 1
        return struct.unpack(">ih", answer[at:at + 6])

    assert reassigned(b"settled", [0]) == (0, 0)
    for replicas, error in (([1], 39), ([0, 0], 39), ([], 39), (None, 85)):
        assert reassigned(b"settled", replicas) == (0, error), replicas
    assert reassigned(b"not.there", [0]) == (0, 3)

    connection.send(frame(35, 1, 5, struct.pack(">i", 0)))
    answer = connection.answer()[1]
    size = struct.unpack(">h", answer[10:12])[0]
    directory = answer[12:12 + size]

    def moved(path, topic, partition):
        body = struct.pack(">i", 1) + string(path) + struct.pack(">i", 1) + string(topic)
        connection.send(frame(34, 1, 6, body + struct.pack(">ii", 1, partition)))
        at = 8 + 2 + len(topic)
        return struct.unpack(">iih", connection.answer()[1][at:at + 10])

    assert moved(directory, b"settled", 0) == (1, 0, 0), directory
    assert moved(b"/not/there", b"settled", 0) == (1, 0, 57)
    assert moved(directory, b"settled", 9) == (1, 9, 3)
    assert moved(directory, b"not.there", 0) == (1, 0, 3)


@check
def the_producers_of_a_partition_are_told_with_their_last_batch(address):
    connection = Connection(address)
    connection.send(metadata(1, b"made.by"))
    connection.answer()
    connection.send(frame(22, 0, 2, struct.pack(">hi", -1, 60_000)))
    error, number, epoch = struct.unpack(">hqh", connection.answer()[1][4:])
    assert error == 0

    def described(topic, partition):
        """What stands behind the topic's name: its one partition, with error, text and producers."""
        asked = b"\0\2" + compact(topic) + b"\2" + struct.pack(">i", partition) + b"\0\0"
        connection.send(frame(61, 0, 3, asked))
        return connection.answer()[1].split(compact(topic), 1)[1]

    none = b"\2" + struct.pack(">ih", 0, 0) + b"\0\1"
    assert described(b"made.by", 0).startswith(none), "nobody has written"
    before_ms = time.time_ns() // 1_000_000
    for first in (0, 3):
        records = b"".join(record(b"k", b"v", i) for i in range(3))
        connection.send(produce(4, b"made.by", batch(b"", b"", records=records, count=3, producer=(number, epoch, first)), -1))
        connection.answer()
    connection.send(produce(5, b"made.by", batch(b"k", b"v"), -1))
    connection.answer()
    told = described(b"made.by", 0)
    assert told.startswith(b"\2" + struct.pack(">ih", 0, 0) + b"\0\2"), told
    producer = struct.unpack(">qiiqiq", told[9:45])
    assert producer[:3] == (number, epoch, 5) and producer[4:] == (-1, -1), producer
    assert before_ms - 1000 <= producer[3] <= time.time_ns() // 1_000_000 + 1000, producer
    for topic, partition in ((b"made.by", 99), (b"not.there", 0)):
        assert described(topic, partition).startswith(b"\2" + struct.pack(">ih", partition, 3)), (topic, partition)


@check
def what_acks_1_has_taken_is_deleted_by_who_was_told_of_it(address):
    connection = Connection(address)
    connection.send(metadata(1, b"taken"))
    connection.answer()
    for end in range(1, 41):
        connection.send(produce(2, b"taken", batch(b"k", b"v"), 1))
        connection.answer()
        before = end if end % 2 else -1
        connection.send(frame(21, 0, 3, struct.pack(">i", 1) + string(b"taken") + struct.pack(">iiqi", 1, 0, before, 5000)))
        # Of the one partition: its start, and no error.
        assert connection.answer()[1][-10:] == struct.pack(">qh", end, 0), (end, before)


@check
def the_brokers_settings_are_told_with_their_types_and_what_they_mean(address):
    connection = Connection(address)

    def described(names, documented):
        listed = struct.pack(">i", len(names)) + b"".join(string(name) for name in names)
        body = struct.pack(">ib", 1, 4) + string(b"0") + listed + bytes([0, documented])
        connection.send(frame(32, 3, 1, body))
        return connection.answer()[1]

    answer = described([b"advertised.listeners", b"num.partitions"], True)
    for name, value, kind in ((b"advertised.listeners", b"PLAINTEXT://" + address.encode(), 2), (b"num.partitions", b"4", 3)):
        # Read only, set where the broker is started, not secret; no synonyms; then type and documentation.
        setting = string(name) + string(value) + struct.pack(">bbbib", 1, 4, 0, 0, kind)
        assert setting in answer, (name, answer)
        at = answer.index(setting) + len(setting)
        assert struct.unpack(">h", answer[at:at + 2])[0] > 20, name
    assert b"log.dirs" not in answer, "it was not asked for"
    assert b"kafka.num.partitions" not in described([b"num.partitions"], False), "nobody asked what it means"


@check


@check


@check
def a_refused_producer_gets_no_epoch(address):
    connection = Connection(address)
    for name, error in ((b"", 42), (b"tx", 53)):
        connection.send(frame(22, 0, 1, string(name) + struct.pack(">i", 1000)))
        assert struct.unpack(">ihqh", connection.answer()[1]) == (0, error, -1, -1), name


@check
def a_topic_that_goes_by_its_name_is_told_by_its_id_too(address):
    connection = Connection(address)
    known = topic_id(connection, b"goes")
    connection.send(frame(20, 6, 1, b"\0\2" + compact(b"goes") + NO_ID + b"\0" + struct.pack(">i", 5000) + b"\0"))
    assert compact(b"goes") + known + b"\0\0" in connection.answer()[1]


@check
def a_topic_that_is_only_checked_is_told_as_it_would_be(address):
    connection = Connection(address)
    body = b"\0\2" + compact(b"checked") + struct.pack(">ih", 3, 1) + b"\1\1\0" + struct.pack(">ib", 5000, 1) + b"\0"
    connection.send(frame(19, 5, 1, body))
    answer = Cursor(connection.answer()[1].split(compact(b"checked"), 1)[1])
    assert answer.numbers("hb") == (0, 0), "no error, no text"
    assert answer.numbers("ih") == (3, 1), "partitions, replicas"
    assert compact(b"cleanup.policy") + compact(b"delete") in answer.data, answer.data
    connection.send(metadata(2, b"checked", may_create=False))
    assert struct.pack(">h", 3) + string(b"checked") in connection.answer()[1], "it was made"


@check
def the_file_system_is_told_whole_and_free(address):
    connection = Connection(address)
    connection.send(frame(35, 4, 1, b"\0\1\0"))
    total, usable = struct.unpack(">qq", connection.answer()[1][-18:-2])
    assert 0 < usable <= total, (usable, total)


@check
def sizes_of_32_bits_are_described_as_such(address):
    connection = Connection(address)
    connection.send(metadata(1, b"sized"))
    connection.answer()
    for name, kind in ((b"segment.bytes", 3), (b"max.message.bytes", 3), (b"retention.bytes", 5)):
        body = struct.pack(">ib", 1, 2) + string(b"sized") + struct.pack(">i", 1) + string(name)
        connection.send(frame(32, 3, 2, body + b"\0\0"))
        assert struct.unpack(">bh", connection.answer()[1][-3:]) == (kind, -1), name


def alter(api, correlation, name, operations, validate_only=False, kind=2):
    """AlterConfigs 0 (33) and IncrementalAlterConfigs 0 (44)."""
    body = struct.pack(">ib", 1, kind) + string(name) + struct.pack(">i", len(operations))
    for setting, operation, value in operations:
        body += string(setting) + (struct.pack(">b", operation) if api == 44 else b"")
        body += struct.pack(">h", -1) if value is None else string(value)
    return frame(api, 0, correlation, body + bytes([validate_only]))


def setting_of(connection, topic, name):
    connection.send(frame(32, 1, 1, struct.pack(">ib", 1, 2) + string(topic) + struct.pack(">i", 1) + string(name) + b"\0"))
    _, answer = connection.answer()
    at = answer.index(string(name)) + 2 + len(name)
    size = struct.unpack(">h", answer[at:at + 2])[0]
    return answer[at + 2:at + 2 + size]


@check
def settings_are_altered_one_by_one_or_all_at_once_or_only_checked(address):
    connection = Connection(address)
    connection.send(metadata(1, b"settings"))
    connection.answer()

    def error(*args, **kwargs):
        connection.send(alter(*args, **kwargs))
        return struct.unpack(">h", connection.answer()[1][8:10])[0]

    name = b"settings"
    assert error(44, 2, name, [(b"segment.ms", 0, b"3600000"), (b"min.insync.replicas", 0, b"2")]) == 0
    assert setting_of(connection, name, b"segment.ms") == b"3600000"
    assert setting_of(connection, name, b"min.insync.replicas") == b"1", "taken, and not kept"
    assert error(44, 3, name, [(b"segment.ms", 0, b"60000")], validate_only=True) == 0
    assert error(33, 3, name, [(b"flush.ms", 0, b"5")], validate_only=True) == 0
    assert setting_of(connection, name, b"segment.ms") == b"3600000", "only checked"
    for bad in ([(b"no.such", 0, b"1")], [(b"segment.ms", 0, b"soon")], [(b"remote.storage.enable", 0, b"true")],
                [(b"segment.ms", 2, b"1")]):
        assert error(44, 4, name, bad) == 40, bad
        assert error(44, 4, name, bad, validate_only=True) == 40, bad
    assert error(44, 5, name, [(b"segment.ms", 0, b"1000"), (b"segment.ms", 1, None)]) == 42, "named twice"
    assert error(44, 5, b"not.there", [(b"segment.ms", 0, b"1000")]) == 3
    assert error(44, 5, b"0", [(b"log.retention.ms", 0, b"1000")], kind=4) == 42, "the broker's own"
    assert error(44, 6, name, [(b"cleanup.policy", 2, b"delete")]) == 0, "has it already"
    assert error(33, 7, name, [(b"flush.ms", 0, b"50")]) == 0
    assert setting_of(connection, name, b"segment.ms") == b"604800000", "what is not named goes back to its default"
    assert setting_of(connection, name, b"flush.ms") == b"50"
    assert setting_of(connection, name, b"cleanup.policy") == b"delete"
    assert error(44, 8, name, [(b"flush.ms", 1, None)]) == 0
    assert setting_of(connection, name, b"flush.ms") == b"100"
    assert error(44, 9, name, [(b"cleanup.policy", 0, b"compact")], validate_only=True) == 0
    assert setting_of(connection, name, b"cleanup.policy") == b"delete", "only checked"
    assert error(44, 9, name, [(b"cleanup.policy", 0, b"compact")]) == 0, "every record has a key"
    assert setting_of(connection, name, b"cleanup.policy") == b"compact"
    for change in ((0, b"delete"), (3, b"compact")):
        assert error(44, 9, name, [(b"cleanup.policy", *change)]) == 40, "a keydir is never lost"
    assert setting_of(connection, name, b"cleanup.policy") == b"compact"


def a_broker_has_the_number_that_it_was_given(program):
    with broker(program, ["node.id=7"]) as running:
        connection = Connection(running.kafka)
        connection.send(metadata(1, b"numbered", version=1))
        _, body = connection.answer()
        brokers, number = struct.unpack(">ii", body[:8])
        assert (brokers, number) == (1, 7), body
        at = body.index(string(b"numbered"))
        assert body[at - 10:at - 6] == struct.pack(">i", 7), "the controller"
        # Of the first partition: its leader, one replica, one in sync.
        at += 2 + len(b"numbered") + 1 + 4 + 2 + 4
        assert body[at:at + 20] == struct.pack(">iiiii", 7, 1, 7, 1, 7), body
        connection.send(frame(10, 0, 2, string(b"group")))
        assert struct.unpack(">hi", connection.answer()[1][:6]) == (0, 7)

        def broker_settings(name):
            connection.send(frame(32, 1, 3, struct.pack(">ib", 1, 4) + string(name) + struct.pack(">ib", -1, 0)))
            answer = connection.answer()[1]
            return struct.unpack(">h", answer[8:10])[0], answer

        error, described = broker_settings(b"7")
        assert error == 0 and string(b"node.id") + string(b"7") in described, described
        assert broker_settings(b"0")[0] == 42, "there is no such broker"


def main():
    a_broker_has_the_number_that_it_was_given(sys.argv[1])
    print("ok: a broker has the number that it was given")
    with kafka_broker(sys.argv[1]) as (address, pid):
        for function in CHECKS:
            function(*([address, pid][:function.__code__.co_argcount]))
            print("ok:", function.__name__.replace("_", " "))


if __name__ == "__main__":
    main()
