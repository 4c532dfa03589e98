"""Writes librdkafka-<codec>.bin: what librdkafka really sends, one record batch each (see README.md)."""
import os

import fake_broker
import rdkafka
from golden_records import records

HERE = os.path.dirname(os.path.abspath(__file__))


def capture(name, settings):
    broker = fake_broker.FakeBroker()
    handle = rdkafka.client(rdkafka.PRODUCER, {"bootstrap.servers": "127.0.0.1:%d" % broker.port, "linger.ms": 1000,
                                               **settings})
    for key, value, timestamp, headers in records():
        rdkafka.produce(handle, fake_broker.TOPIC, key, value, timestamp, headers)
    assert rdkafka.flush(handle, 20000) == 0, "records are left over"
    rdkafka.destroy(handle)
    assert len(broker.produced) == 1, "want one batch, got %d" % len(broker.produced)
    path = os.path.join(HERE, "librdkafka-%s.bin" % name)
    with open(path, "wb") as out:
        out.write(broker.produced[0])
    print(path, len(broker.produced[0]), "bytes")


for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
    capture(codec, {"compression.type": codec})
capture("idempotent", {"compression.type": "lz4", "enable.idempotence": "true"})
