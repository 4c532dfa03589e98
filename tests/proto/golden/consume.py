"""Lets librdkafka consume ours-<codec>.bin from a folder and compares every record: consume.py DIR"""
import ctypes as c
import sys

import fake_broker
import rdkafka
from golden_records import records

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def bytes_at(pointer, size):
    return c.string_at(pointer, size) if pointer else None


def headers_of(message):
    handle, found = c.c_void_p(), []
    if rdkafka.message_headers(message, c.byref(handle)):
        return found
    name, value, size = c.c_char_p(), c.c_void_p(), c.c_size_t()
    while not rdkafka.header_get_all(handle, len(found), c.byref(name), c.byref(value), c.byref(size)):
        found.append((name.value, bytes_at(value.value, size.value)))
    return found


def next_record(topic):
    for _ in range(20):
        message = rdkafka.consume(topic, 0, 1000)
        if not message:
            continue
        m = message.contents
        assert m.err == 0, rdkafka.err2str(m.err)
        record = (m.offset, bytes_at(m.key, m.key_len), bytes_at(m.payload, m.len),
                  rdkafka.message_timestamp(message, None), headers_of(message))
        rdkafka.message_destroy(message)
        return record
    raise AssertionError("no record came")


def check(codec, path):
    broker = fake_broker.FakeBroker()
    with open(path, "rb") as source:
        broker.served.append((0, 100, source.read()))
    handle = rdkafka.client(rdkafka.CONSUMER, {"bootstrap.servers": "127.0.0.1:%d" % broker.port, "check.crcs": "true"})
    topic = rdkafka.topic_new(handle, fake_broker.TOPIC, None)
    assert rdkafka.consume_start(topic, 0, 0) == 0
    for offset, (key, value, timestamp, headers) in enumerate(records()):
        want = (offset, key, value, timestamp, headers)
        got = next_record(topic)
        assert got == want, "%s: got %r, want %r" % (codec, got, want)
    rdkafka.consume_stop(topic, 0)
    rdkafka.topic_destroy(topic)
    rdkafka.destroy(handle)
    print("ours-%s.bin: 100 records consumed by librdkafka" % codec)


for name in CODECS:
    check(name, "%s/ours-%s.bin" % (sys.argv[1], name))
