"""confluent-kafka, so librdkafka: what README.md beside this folder lists."""
import sys
import threading
import time

from confluent_kafka import (ConsumerGroupTopicPartitions, Consumer, ConsumerGroupState, KafkaError, KafkaException,
                             Producer, TopicCollection, TopicPartition, libversion)
from confluent_kafka.admin import (AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, OffsetSpec)

BOOTSTRAP, VERB, NAME = sys.argv[1:4]
COUNT = int(sys.argv[4]) if len(sys.argv) > 4 else 0
PARTITIONS = 4
KIP_848 = "kip-848"
AT = 1_700_000_000_000
ADMIN = AdminClient({"bootstrap.servers": BOOTSTRAP})


def until(what, happened, seconds=30):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, f"not in time: {what}"
        time.sleep(0.02)


def only(futures):
    return next(iter(futures.values())).result(20)


def make(topic, partitions, settings=None):
    only(ADMIN.create_topics([NewTopic(topic, partitions, 1, config=settings or {})]))


def send(topic, records, **config):
    producer = Producer({"bootstrap.servers": BOOTSTRAP, "message.max.bytes": 4 << 20,
                         **{name.replace("_", "."): value for name, value in config.items()}})
    failures = []
    for record in records:
        producer.produce(topic, on_delivery=lambda error, _: error and failures.append(error), **record)
        producer.poll(0)
    assert producer.flush(30) == 0
    if failures:
        raise KafkaException(failures[0])


def consumer(**config):
    return Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": f"{NAME}.none", "auto.offset.reset": "earliest",
                     "enable.auto.commit": False, "fetch.wait.max.ms": 100,
                     **{name.replace("_", "."): value for name, value in config.items()}})


def read_all(topic):
    """Without a group, each partition to the end that the client sees."""
    reader = consumer(enable_partition_eof=True)
    partitions = ADMIN.list_topics(topic, 10).topics[topic].partitions
    reader.assign([TopicPartition(topic, p, 0) for p in partitions])
    read, ended = [], set()
    while len(ended) < len(partitions):
        message = reader.poll(20)
        assert message is not None, f"the end of {topic} was not reached"
        if not message.error():
            read.append(message)
        else:
            assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
            ended.add(message.partition())
    reader.close()
    return read


def topic():
    make(f"{NAME}.main", PARTITIONS, {"retention.ms": "-1", "cleanup.policy": "delete"})
    assert len(ADMIN.list_topics(f"{NAME}.main", 10).topics[f"{NAME}.main"].partitions) == PARTITIONS
    try:
        make(f"{NAME}.main", PARTITIONS)
        raise AssertionError("made twice")
    except KafkaException as refused:
        assert refused.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS, refused


def codecs():
    known = ["none", "gzip", "snappy", "lz4", "zstd"]
    for codec in known:
        send(f"{NAME}.main", [{"key": b"k%d" % i, "value": f"{codec} ".encode() * 50} for i in range(100)],
             compression_type=codec)
    read = read_all(f"{NAME}.main")
    for codec in known:
        assert sum(m.value().startswith(codec.encode()) for m in read) == 100, codec
    return " ".join(known)


def idempotent():
    make(f"{NAME}.idempotent", PARTITIONS)
    send(f"{NAME}.idempotent", [{"key": b"k%d" % i, "value": b"v"} for i in range(1000)], enable_idempotence=True,
         linger_ms=0)
    assert len(read_all(f"{NAME}.idempotent")) == 1000


def record():
    name = f"{NAME}.record"
    make(name, 1, {"retention.ms": "-1"})
    headers = [("one", b"eins"), ("null", None), ("one", b"uno")]
    send(name, [{"key": b"null", "value": None, "headers": headers, "timestamp": AT},
                {"key": b"empty", "value": b"", "timestamp": AT + 1}, {"value": b"keyless", "timestamp": AT + 2},
                {"key": b"large", "value": b"x" * 1_000_000}])
    none, empty, keyless, large = read_all(name)
    assert none.value() is None and none.headers() == headers and none.timestamp()[1] == AT, none.headers()
    assert empty.value() == b"" and keyless.key() is None and len(large.value()) == 1_000_000
    try:
        send(name, [{"key": b"larger", "value": b"x" * 2_000_000}])
        raise AssertionError("a record above the limit was taken")
    except KafkaException as refused:
        assert refused.args[0].code() == KafkaError.MSG_SIZE_TOO_LARGE, refused


def by_time():
    name, place = f"{NAME}.time", TopicPartition(f"{NAME}.time", 0)
    make(name, 1, {"retention.ms": "-1"})
    send(name, [{"value": b"%d" % i, "timestamp": AT + i * 1000} for i in range(20)])
    reader = consumer()
    found = reader.offsets_for_times([TopicPartition(name, 0, AT + 5500)], 20)[0]
    assert found.offset == 6, found
    reader.assign([found])
    seen = []
    while seen[-1:] != [19]:
        message = reader.poll(20)
        assert message is not None and not message.error(), message and message.error()
        seen.append(message.offset())
    assert seen == list(range(6, 20)), seen
    assert reader.get_watermark_offsets(place, 20) == (0, 20)
    reader.close()
    newest = only(ADMIN.list_offsets({place: OffsetSpec.max_timestamp()}))
    assert (newest.offset, newest.timestamp) == (19, AT + 19_000), newest


def group():
    name = f"{NAME}.group"
    make(name, 1)
    send(name, [{"value": b"%d" % i} for i in range(100)])
    # The newer protocol's group goes on where the classic one has stopped, and takes its place.
    for first, last, protocol in ((0, 39, "classic"), (40, 59, "consumer"), (60, 99, "consumer")):
        reader = consumer(group_id=f"{NAME}.resumes", group_protocol=protocol)
        reader.subscribe([name])
        seen = []
        while seen[-1:] != [99]:
            message = reader.poll(20)
            assert message is not None and not message.error(), message and message.error()
            seen.append(message.offset())
        assert seen[0] == first, f"began at {seen[0]}, not at {first}"
        reader.commit(offsets=[TopicPartition(name, 0, last + 1, "a note")], asynchronous=False)
        reader.close()
    committed = only(ADMIN.list_consumer_group_offsets([ConsumerGroupTopicPartitions(f"{NAME}.resumes")]))
    committed = committed.topic_partitions[0]
    assert (committed.offset, committed.metadata) == (100, "a note"), committed


class Member(threading.Thread):
    def __init__(self, name, assignor):
        super().__init__()
        self.owned, self.seen, self.stopping = set(), 0, False
        shared = ({"group_protocol": "consumer", "group_remote_assignor": "uniform"} if assignor == KIP_848 else
                  {"heartbeat_interval_ms": 300, "partition_assignment_strategy": assignor})
        self.reader = consumer(group_id=f"{NAME}.share.{assignor}", **shared)
        self.reader.subscribe([name], on_assign=lambda _, more: self.owned.update(p.partition for p in more),
                              on_revoke=lambda _, gone: self.owned.difference_update(p.partition for p in gone))
        self.start()

    def run(self):
        while not self.stopping:
            message = self.reader.poll(0.1)
            self.seen += message is not None and not message.error()
        self.reader.close()

    def stop(self):
        self.stopping = True
        self.join(30)


def rebalance():
    for assignor in ("range", "cooperative-sticky", KIP_848):
        name = f"{NAME}.shared.{assignor}"
        make(name, PARTITIONS)
        members = [Member(name, assignor)]
        try:
            until("one has them all", lambda: len(members[0].owned) == PARTITIONS)
            members.append(Member(name, assignor))
            until("two share", lambda: [len(m.owned) for m in members] == [2, 2])
            send(name, [{"value": b"%d" % i, "partition": i % PARTITIONS} for i in range(400)])
            until("both have read", lambda: [m.seen for m in members] == [200, 200])
            described = only(ADMIN.describe_consumer_groups([f"{NAME}.share.{assignor}"]))
            assert described.state == ConsumerGroupState.STABLE and len(described.members) == 2, described.state
            members[1].stop()
            until("the other takes over", lambda: len(members[0].owned) == PARTITIONS)
        finally:
            for member in members:
                member.stop()
    return f"range, cooperative-sticky, {KIP_848}"


def administer():
    resource = ConfigResource(ConfigResource.Type.TOPIC, f"{NAME}.main")

    def setting(named):
        return only(ADMIN.describe_configs([resource]))[named].value

    assert setting("retention.ms") == "-1"
    change = ConfigEntry("segment.ms", "3600000", incremental_operation=AlterConfigOpType.SET)
    only(ADMIN.incremental_alter_configs([ConfigResource(ConfigResource.Type.TOPIC, f"{NAME}.main",
                                                         incremental_configs=[change])]))
    assert setting("segment.ms") == "3600000" and setting("retention.ms") == "-1"
    groups = [f"{NAME}.resumes", f"{NAME}.share.range"]
    listed = {g.group_id for g in ADMIN.list_consumer_groups().result(20).valid}
    assert set(groups) <= listed, listed
    for future in ADMIN.delete_consumer_groups(groups).values():
        future.result(20)
    place = TopicPartition(f"{NAME}.time", 0, 5)
    only(ADMIN.delete_records([place]))
    assert only(ADMIN.list_offsets({TopicPartition(place.topic, 0): OffsetSpec.earliest()})).offset == 5
    cluster = ADMIN.describe_cluster(include_authorized_operations=True).result(20)
    assert len(cluster.nodes) == 1 and len(cluster.authorized_operations) == 7, cluster.authorized_operations
    described = only(ADMIN.describe_topics(TopicCollection([f"{NAME}.main"]), include_authorized_operations=True))
    assert len(described.authorized_operations) == 8, described.authorized_operations
    described = only(ADMIN.describe_consumer_groups([f"{NAME}.share.cooperative-sticky"],
                                                    include_authorized_operations=True))
    assert len(described.authorized_operations) == 3, described.authorized_operations
    only(ADMIN.delete_topics([f"{NAME}.time"]))
    assert f"{NAME}.time" not in ADMIN.list_topics(timeout=10).topics


def gaps():
    last = {m.key(): m.value() for m in read_all(f"{NAME}.gaps")}
    assert len(last) == 500 and set(last.values()) == {b"5"}, len(last)


def keyed():
    make(f"{NAME}.keyed", PARTITIONS, {"cleanup.policy": "compact"})
    send(f"{NAME}.keyed", [{"key": b"key-%d" % i, "value": b"value-%d" % i} for i in range(40)])
    send(f"{NAME}.keyed", [{"key": b"key-%d" % i, "value": None} for i in (3, 13, 23, 33)])
    return "CRC32"


def transactions():
    begun = time.monotonic()
    producer = Producer({"bootstrap.servers": BOOTSTRAP, "transactional.id": f"{NAME}.t"})
    try:
        producer.init_transactions(20)
        raise AssertionError("transactions were begun")
    except KafkaException as refused:
        assert time.monotonic() - begun < 5, f"refused after {time.monotonic() - begun} s: {refused!r}"
        return refused.args[0].str()


def check():
    print("librdkafka", libversion()[0])
    for name, run in {"topic": topic, "codecs": codecs, "idempotent": idempotent, "record": record, "time": by_time,
                      "group": group, "rebalance": rebalance, "admin": administer, "gaps": gaps, "keyed": keyed,
                      "transactions": transactions}.items():
        print(f"ok {name} {run() or ''}".rstrip(), flush=True)


def write():
    send(NAME, [{"key": b"key-%d" % (i % 2500), "value": None if i % 7 == 3 else b"value-%d" % i,
                 "headers": [("n", b"%d" % i), ("empty", b"")], "timestamp": AT + i} for i in range(COUNT)],
         compression_type="snappy", enable_idempotence=True)


def read():
    for m in read_all(NAME):
        headers = ",".join(f"{key}={value.decode()}" for key, value in m.headers())
        value = "\\N" if m.value() is None else m.value().decode()
        print(m.partition(), m.offset(), m.key().decode(), value, headers, m.timestamp()[1], sep="\t")


{"check": check, "write": write, "read": read}[VERB]()
