#!/usr/bin/env python3
"""The Kafka listener, by hand-made bytes: what must hold whatever the client.

    wire_e2e.py LOGCASK
"""
import pathlib
import socket
import struct
import sys
import time

from kafka_broker import kafka_broker

API_VERSIONS, METADATA, FETCH, PRODUCE, CREATE_TOPICS = 18, 3, 1, 0, 19


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


def metadata(correlation, *topics, version=4):
    body = struct.pack(">i", len(topics)) + b"".join(string(t) for t in topics)
    return frame(METADATA, version, correlation, body + (b"\1" if version >= 4 else b""))


def fetch(correlation, topic, offset, wait_ms):
    body = struct.pack(">iiiib", -1, wait_ms, 1, 1 << 20, 0) + struct.pack(">i", 1) + string(topic)
    body += struct.pack(">iiqi", 1, 0, offset, 1 << 20)
    return frame(FETCH, 4, correlation, body)


def produce(correlation, topic, batch, acks, transactional=None):
    body = (struct.pack(">h", -1) if transactional is None else string(transactional)) + struct.pack(">hi", acks, 5000)
    body += struct.pack(">i", 1) + string(topic) + struct.pack(">ii", 1, 0)
    return frame(PRODUCE, 3, correlation, body + struct.pack(">i", len(batch)) + batch)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 & -(crc & 1))
    return crc ^ 0xFFFFFFFF


def batch(key, value):
    record = b"\0\0\0" + bytes([len(key) * 2]) + key + bytes([len(value) * 2]) + value + b"\0"
    record = bytes([len(record) * 2]) + record
    tail = struct.pack(">hiqqqhii", 0, 0, 1_700_000_000_000, 1_700_000_000_000, -1, -1, -1, 1) + record
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
    assert produce_error(connection, 6, b"codes", b"", -1) not in (0, -1)
    assert produce_error(connection, 7, b"codes", good, -1) == 0


@check
def a_position_that_the_log_does_not_have_is_out_of_range(address):
    connection = Connection(address)
    connection.send(metadata(1, b"range"))
    connection.answer()
    connection.send(fetch(2, b"range", 17, 10_000))
    _, body = connection.answer()
    at = 4 + 4 + 2 + len(b"range") + 4
    partition, error = struct.unpack(">ih", body[at:at + 6])
    assert (partition, error) == (0, 1), (partition, error)


@check
def a_topic_name_that_kafka_refuses_is_not_made(address):
    connection = Connection(address)
    connection.send(metadata(1, b"no spaces"))
    _, body = connection.answer()
    assert struct.pack(">h", 17) + string(b"no spaces") in body, body


def main():
    with kafka_broker(sys.argv[1]) as (address, pid):
        for function in CHECKS:
            function(*([address, pid][:function.__code__.co_argcount]))
            print("ok:", function.__name__.replace("_", " "))


if __name__ == "__main__":
    main()
