"""aiokafka: what README.md beside this folder lists."""
import asyncio
import sys
import time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.structs import OffsetAndMetadata

BOOTSTRAP, VERB, NAME = sys.argv[1:4]
COUNT = int(sys.argv[4]) if len(sys.argv) > 4 else 0
PARTITIONS = 4
AT = 1_700_000_000_000
admin = None


async def until(what, happened, seconds=30):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, f"not in time: {what}"
        await asyncio.sleep(0.02)


async def make(topic, partitions, settings=None):
    answer = await admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=settings or {})])
    return [entry[1] for entry in answer.topic_errors]


async def send(topic, records, **config):
    """With acks=1, this client's default: who asks for the end then expects these records below it."""
    producer = AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, max_request_size=4 << 20, **config)
    await producer.start()
    try:
        return await asyncio.gather(*[await producer.send(topic, **record) for record in records])
    finally:
        await producer.stop()


def consumer(*topics, **config):
    return AIOKafkaConsumer(*topics, bootstrap_servers=BOOTSTRAP, auto_offset_reset="earliest", fetch_max_wait_ms=100,
                            **config)


async def read_all(topic):
    """Without a group, each partition to the end it has now."""
    reader = consumer(group_id=None, max_partition_fetch_bytes=4 << 20)
    await reader.start()
    described = (await admin.describe_topics([topic]))[0]
    places = [TopicPartition(topic, p) for p in range(len(described["partitions"]))]
    reader.assign(places)
    ends = await reader.end_offsets(places)
    read, end = [], time.monotonic() + 30
    while any([await reader.position(place) < ends[place] for place in places]):
        assert time.monotonic() < end, f"the end of {topic} was not reached"
        for records in (await reader.getmany(timeout_ms=100)).values():
            read += records
    await reader.stop()
    return read


async def topic():
    assert await make(f"{NAME}.main", PARTITIONS, {"retention.ms": "-1", "cleanup.policy": "delete"}) == [0]
    described = (await admin.describe_topics([f"{NAME}.main"]))[0]
    assert len(described["partitions"]) == PARTITIONS, described
    assert await make(f"{NAME}.main", PARTITIONS) == [36], "made twice"


async def codecs():
    known = [None, "gzip", "snappy", "lz4", "zstd"]
    for codec in known:
        await send(f"{NAME}.main", [{"key": b"k%d" % i, "value": f"{codec} ".encode() * 50} for i in range(100)],
                   compression_type=codec, linger_ms=50)
    read = await read_all(f"{NAME}.main")
    for codec in known:
        assert sum(m.value.startswith(str(codec).encode()) for m in read) == 100, (codec, len(read))
    return " ".join(map(str, known))


async def idempotent():
    await make(f"{NAME}.idempotent", PARTITIONS)
    await send(f"{NAME}.idempotent", [{"key": b"k%d" % i, "value": b"v"} for i in range(1000)], enable_idempotence=True)
    assert len(await read_all(f"{NAME}.idempotent")) == 1000


async def record():
    name = f"{NAME}.record"
    await make(name, 1, {"retention.ms": "-1"})
    await send(name, [{"key": b"null", "value": None, "headers": [("one", b"eins"), ("none", b""), ("one", b"uno")],
                       "timestamp_ms": AT},
                      {"key": b"empty", "value": b"", "timestamp_ms": AT + 1},
                      {"value": b"keyless", "timestamp_ms": AT + 2}, {"key": b"large", "value": b"x" * 1_000_000}])
    none, empty, keyless, large = await read_all(name)
    assert none.value is None and list(none.headers) == [("one", b"eins"), ("none", b""), ("one", b"uno")], none
    assert none.timestamp == AT and empty.value == b"" and keyless.key is None and len(large.value) == 1_000_000
    try:
        await send(name, [{"key": b"larger", "value": b"x" * 2_000_000}])
        raise AssertionError("a record above the limit was taken")
    except MessageSizeTooLargeError:
        pass


async def by_time():
    name, place = f"{NAME}.time", TopicPartition(f"{NAME}.time", 0)
    await make(name, 1, {"retention.ms": "-1"})
    await send(name, [{"value": b"%d" % i, "timestamp_ms": AT + i * 1000} for i in range(20)])
    reader = consumer(group_id=None)
    await reader.start()
    reader.assign([place])
    found = (await reader.offsets_for_times({place: AT + 5500}))[place]
    assert (found.offset, found.timestamp) == (6, AT + 6000), found
    reader.seek(place, found.offset)
    seen = []
    while seen[-1:] != [19]:
        seen.append((await asyncio.wait_for(reader.getone(), 20)).offset)
    assert seen == list(range(6, 20)), seen
    assert (await reader.offsets_for_times({place: AT + 20_000}))[place] is None
    await reader.stop()


async def group():
    name, place = f"{NAME}.group", TopicPartition(f"{NAME}.group", 0)
    await make(name, 1)
    await send(name, [{"value": b"%d" % i} for i in range(100)])
    for first, last in ((0, 39), (40, 99)):
        reader = consumer(name, group_id=f"{NAME}.resumes", enable_auto_commit=False)
        await reader.start()
        seen = []
        while seen[-1:] != [99]:
            seen.append((await asyncio.wait_for(reader.getone(), 20)).offset)
        assert seen[0] == first, f"began at {seen[0]}, not at {first}"
        await reader.commit({place: OffsetAndMetadata(last + 1, "a note")})
        await reader.stop()
    committed = (await admin.list_consumer_group_offsets(f"{NAME}.resumes"))[place]
    assert (committed.offset, committed.metadata) == (100, "a note"), committed


class Member(ConsumerRebalanceListener):
    async def start(self, name):
        self.owned, self.seen = set(), 0
        self.reader = consumer(group_id=f"{NAME}.share", heartbeat_interval_ms=300)
        self.reader.subscribe([name], listener=self)
        await self.reader.start()
        self.task = asyncio.create_task(self.run())
        return self

    async def on_partitions_revoked(self, revoked):
        self.owned = set()

    async def on_partitions_assigned(self, assigned):
        self.owned = set(assigned)

    async def run(self):
        async for _ in self.reader:
            self.seen += 1

    async def stop(self):
        await self.reader.stop()
        await asyncio.wait([self.task])


async def rebalance():
    name = f"{NAME}.shared"
    await make(name, PARTITIONS)
    one = await Member().start(name)
    await until("one has them all", lambda: len(one.owned) == PARTITIONS)
    two = await Member().start(name)
    await until("two share", lambda: (len(one.owned), len(two.owned)) == (2, 2))
    await send(name, [{"value": b"%d" % i, "partition": i % PARTITIONS} for i in range(400)])
    await until("both have read", lambda: (one.seen, two.seen) == (200, 200))
    described = (await admin.describe_consumer_groups([f"{NAME}.share"]))[0].groups[0]
    assert described[2] == "Stable" and len(described[5]) == 2, described
    await two.stop()
    await until("the other takes over", lambda: len(one.owned) == PARTITIONS)
    await one.stop()


async def administer():
    main = f"{NAME}.main"

    async def setting(named):
        answer = (await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, main)]))[0]
        return {entry[0]: entry[1] for entry in answer.resources[0][4]}[named]

    assert await setting("retention.ms") == "-1"
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, main,
                                              {"segment.ms": "3600000", "retention.ms": "-1"})])
    assert await setting("segment.ms") == "3600000" and await setting("retention.ms") == "-1"
    listed = {entry[0] for entry in await admin.list_consumer_groups()}
    assert {f"{NAME}.resumes", f"{NAME}.share"} <= listed, listed
    place = TopicPartition(f"{NAME}.time", 0)
    assert await admin.delete_records({place: RecordsToDelete(before_offset=5)}) == {place: 5}
    assert len((await admin.describe_cluster())["brokers"]) == 1
    await admin.delete_topics([f"{NAME}.time"])
    assert f"{NAME}.time" not in await admin.list_topics()
    return "does not delete groups"


async def gaps():
    last = {m.key: m.value for m in await read_all(f"{NAME}.gaps")}
    assert len(last) == 500 and set(last.values()) == {b"5"}, len(last)


async def keyed():
    await make(f"{NAME}.keyed", PARTITIONS, {"cleanup.policy": "compact"})
    await send(f"{NAME}.keyed", [{"key": b"key-%d" % i, "value": b"value-%d" % i} for i in range(40)])
    await send(f"{NAME}.keyed", [{"key": b"key-%d" % i, "value": None} for i in (3, 13, 23, 33)])


async def transactions():
    begun = time.monotonic()
    producer = AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, transactional_id=f"{NAME}.t")
    try:
        await producer.start()
        await producer.begin_transaction()
        raise AssertionError("transactions were begun")
    except KafkaError as refused:
        assert time.monotonic() - begun < 5, f"refused after {time.monotonic() - begun} s: {refused!r}"
        return repr(refused)
    finally:
        await producer.stop()


async def check():
    for name, run in {"topic": topic, "codecs": codecs, "idempotent": idempotent, "record": record, "time": by_time,
                      "group": group, "rebalance": rebalance, "admin": administer, "gaps": gaps, "keyed": keyed,
                      "transactions": transactions}.items():
        print(f"ok {name} {await asyncio.wait_for(run(), 60) or ''}".rstrip(), flush=True)


async def write():
    await send(NAME, [{"key": b"key-%d" % (i % 2500), "value": None if i % 7 == 3 else b"value-%d" % i,
                       "headers": [("n", b"%d" % i), ("empty", b"")], "timestamp_ms": AT + i} for i in range(COUNT)],
               compression_type="gzip", linger_ms=20)


async def read():
    for m in await read_all(NAME):
        headers = ",".join(f"{key}={value.decode()}" for key, value in m.headers)
        value = "\\N" if m.value is None else m.value.decode()
        print(m.partition, m.offset, m.key.decode(), value, headers, m.timestamp, sep="\t")


async def main():
    global admin
    admin = AIOKafkaAdminClient(bootstrap_servers=BOOTSTRAP)
    await admin.start()
    try:
        await {"check": check, "write": write, "read": read}[VERB]()
    finally:
        await admin.close()


asyncio.run(main())
