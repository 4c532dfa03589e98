"""kafka-python: what README.md beside this folder lists."""
import sys
import threading
import time

import kafka
from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic

BOOTSTRAP, VERB, NAME = sys.argv[1:4]
COUNT = sys.argv[4] if len(sys.argv) > 4 else "0"
PARTITIONS = 4
AT = 1_700_000_000_000
ADMIN = KafkaAdminClient(bootstrap_servers=BOOTSTRAP)


def until(what, happened, seconds=30):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, f"not in time: {what}"
        time.sleep(0.02)


def make(topic, partitions, settings=None):
    ADMIN.create_topics([NewTopic(topic, partitions, 1, topic_configs=settings or {})])


def send(topic, records, **config):
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, max_request_size=4 << 20, **config)
    sent = [producer.send(topic, **record) for record in records]
    answers = [future.get(30) for future in sent]
    producer.close()
    return answers


def consumer(**config):
    return KafkaConsumer(bootstrap_servers=BOOTSTRAP, auto_offset_reset="earliest", fetch_max_wait_ms=100, **config)


def read_all(topic):
    """Without a group, each partition to the end it has now."""
    reader = consumer(group_id=None, max_partition_fetch_bytes=4 << 20)
    places = [TopicPartition(topic, p) for p in sorted(reader.partitions_for_topic(topic))]
    reader.assign(places)
    ends = reader.end_offsets(places)
    read = []
    end = time.monotonic() + 30
    while any(reader.position(place) < ends[place] for place in places):
        assert time.monotonic() < end, f"the end of {topic} was not reached"
        for records in reader.poll(100).values():
            read += records
    reader.close()
    return read


def topic():
    make(f"{NAME}.main", PARTITIONS, {"retention.ms": "-1", "cleanup.policy": "delete"})
    described = ADMIN.describe_topics([f"{NAME}.main"])[0]
    assert len(described["partitions"]) == PARTITIONS, described
    try:
        make(f"{NAME}.main", PARTITIONS)
        raise AssertionError("made twice")
    except kafka.errors.TopicAlreadyExistsError:
        pass


def codecs():
    known = [None, "gzip", "snappy", "lz4", "zstd"]
    for codec in known:
        send(f"{NAME}.main", [{"key": b"k%d" % i, "value": f"{codec} ".encode() * 50} for i in range(100)],
             compression_type=codec, linger_ms=50, acks=1, enable_idempotence=False)
    # The end that is asked for now is behind what acks=1 has just been told.
    read = read_all(f"{NAME}.main")
    for codec in known:
        assert sum(m.value.startswith(str(codec).encode()) for m in read) == 100, codec
    return " ".join(map(str, known))


def idempotent():
    make(f"{NAME}.idempotent", PARTITIONS)
    send(f"{NAME}.idempotent", [{"key": b"k%d" % i, "value": b"v"} for i in range(1000)], enable_idempotence=True,
         acks="all")
    assert len(read_all(f"{NAME}.idempotent")) == 1000


def record():
    name = f"{NAME}.record"
    make(name, 1, {"retention.ms": "-1"})
    send(name, [{"key": b"null", "value": None, "headers": [("one", b"eins"), ("none", b""), ("one", b"uno")],
                 "timestamp_ms": AT},
                {"key": b"empty", "value": b"", "timestamp_ms": AT + 1}, {"value": b"keyless", "timestamp_ms": AT + 2},
                {"key": b"large", "value": b"x" * 1_000_000}])
    none, empty, keyless, large = read_all(name)
    assert none.value is None and list(none.headers) == [("one", b"eins"), ("none", b""), ("one", b"uno")], none
    assert none.timestamp == AT and empty.value == b"" and keyless.key is None and len(large.value) == 1_000_000
    try:
        send(name, [{"key": b"larger", "value": b"x" * 2_000_000}])
        raise AssertionError("a record above the limit was taken")
    except kafka.errors.MessageSizeTooLargeError:
        pass


def by_time():
    name, place = f"{NAME}.time", TopicPartition(f"{NAME}.time", 0)
    make(name, 1, {"retention.ms": "-1"})
    send(name, [{"value": b"%d" % i, "timestamp_ms": AT + i * 1000} for i in range(20)])
    reader = consumer(group_id=None)
    reader.assign([place])
    found = reader.offsets_for_times({place: AT + 5500})[place]
    assert (found.offset, found.timestamp) == (6, AT + 6000), found
    reader.seek(place, found.offset)
    seen = []
    until("what follows that time", lambda: seen.extend(
        m.offset for records in reader.poll(100).values() for m in records) or seen[-1:] == [19])
    assert seen == list(range(6, 20)), seen
    assert reader.offsets_for_times({place: AT + 20_000})[place] is None
    reader.close()


def group():
    name, place = f"{NAME}.group", TopicPartition(f"{NAME}.group", 0)
    make(name, 1)
    send(name, [{"value": b"%d" % i} for i in range(100)])
    for first, last in ((0, 39), (40, 99)):
        reader = KafkaConsumer(name, bootstrap_servers=BOOTSTRAP, group_id=f"{NAME}.resumes", enable_auto_commit=False,
                               auto_offset_reset="earliest", fetch_max_wait_ms=100)
        seen = []
        until("the member reads", lambda: seen.extend(
            m.offset for records in reader.poll(100).values() for m in records) or seen[-1:] == [99])
        assert seen[0] == first, f"began at {seen[0]}, not at {first}"
        reader.commit({place: OffsetAndMetadata(last + 1, "a note", -1)})
        reader.close()
    committed = ADMIN.list_group_offsets({f"{NAME}.resumes": None})[f"{NAME}.resumes"][place]
    assert (committed.offset, committed.metadata) == (100, "a note"), committed


class Member(threading.Thread):
    def __init__(self, name):
        super().__init__()
        self.owned, self.seen, self.stopping = [], 0, False
        self.reader = KafkaConsumer(name, bootstrap_servers=BOOTSTRAP, group_id=f"{NAME}.share",
                                    auto_offset_reset="earliest", heartbeat_interval_ms=300, fetch_max_wait_ms=100)
        self.start()

    def run(self):
        while not self.stopping:
            self.seen += sum(map(len, self.reader.poll(100).values()))
            self.owned = self.reader.assignment()
        self.reader.close()

    def stop(self):
        self.stopping = True
        self.join(30)


def rebalance():
    name = f"{NAME}.shared"
    make(name, PARTITIONS)
    members = [Member(name)]
    try:
        until("one has them all", lambda: len(members[0].owned) == PARTITIONS)
        members.append(Member(name))
        until("two share", lambda: [len(m.owned) for m in members] == [2, 2])
        send(name, [{"value": b"%d" % i, "partition": i % PARTITIONS} for i in range(400)])
        until("both have read", lambda: [m.seen for m in members] == [200, 200])
        described = ADMIN.describe_groups([f"{NAME}.share"])[f"{NAME}.share"]
        assert described["group_state"] == "Stable" and len(described["members"]) == 2, described
        members[1].stop()
        until("the other takes over", lambda: len(members[0].owned) == PARTITIONS)
    finally:
        for member in members:
            member.stop()


def administer():
    resource = ConfigResource(ConfigResourceType.TOPIC, f"{NAME}.main")

    def setting(named):
        described = ADMIN.describe_configs([resource], config_filter="all")
        return described["topic"][f"{NAME}.main"][named]["value"]

    assert setting("retention.ms") == "-1"
    ADMIN.alter_configs([ConfigResource(ConfigResourceType.TOPIC, f"{NAME}.main", {"segment.ms": "3600000"})])
    assert setting("segment.ms") == "3600000" and setting("retention.ms") == "-1"
    listed = {g["group_id"] for g in ADMIN.list_groups()}
    assert {f"{NAME}.resumes", f"{NAME}.share"} <= listed, listed
    ADMIN.delete_groups([f"{NAME}.resumes", f"{NAME}.share"])
    place = TopicPartition(f"{NAME}.time", 0)
    ADMIN.delete_records({place: 5})
    reader = consumer(group_id=None)
    assert reader.beginning_offsets([place])[place] == 5
    reader.close()
    assert len(ADMIN.describe_cluster()["brokers"]) == 1
    ADMIN.delete_topics([f"{NAME}.time"])
    assert f"{NAME}.time" not in ADMIN.list_topics()


def gaps():
    last = {m.key: m.value for m in read_all(f"{NAME}.gaps")}
    assert len(last) == 500 and set(last.values()) == {b"5"}, len(last)


def keyed():
    make(f"{NAME}.keyed", PARTITIONS, {"cleanup.policy": "compact"})
    send(f"{NAME}.keyed", [{"key": b"key-%d" % i, "value": b"value-%d" % i} for i in range(40)])
    send(f"{NAME}.keyed", [{"key": b"key-%d" % i, "value": None} for i in (3, 13, 23, 33)])


def transactions():
    begun = time.monotonic()
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, transactional_id=f"{NAME}.t")
    try:
        producer.init_transactions()
        raise AssertionError("transactions were begun")
    except kafka.errors.KafkaError as refused:
        assert time.monotonic() - begun < 5, f"refused after {time.monotonic() - begun} s: {refused!r}"
        return repr(refused)
    finally:
        producer.close(1)


def check():
    for name, run in {"topic": topic, "codecs": codecs, "idempotent": idempotent, "record": record, "time": by_time,
                      "group": group, "rebalance": rebalance, "admin": administer, "gaps": gaps, "keyed": keyed,
                      "transactions": transactions}.items():
        print(f"ok {name} {run() or ''}".rstrip(), flush=True)


def write():
    send(NAME, [{"key": b"key-%d" % (i % 2500), "value": None if i % 7 == 3 else b"value-%d" % i,
                 "headers": [("n", b"%d" % i), ("empty", b"")], "timestamp_ms": AT + i} for i in range(int(COUNT))],
         compression_type="gzip", linger_ms=20)


def read():
    for m in read_all(NAME):
        headers = ",".join(f"{key}={value.decode()}" for key, value in m.headers)
        value = "\\N" if m.value is None else m.value.decode()
        print(m.partition, m.offset, m.key.decode(), value, headers, m.timestamp, sep="\t")


{"check": check, "write": write, "read": read}[VERB]()
ADMIN.close()
