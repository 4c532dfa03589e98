#!/usr/bin/python3
"""Python's Kafka clients against a real broker: kafka-python (its own protocol code, old versions) and confluent-kafka
(librdkafka). Topics made and deleted, idempotent writing, null values, headers, a large record, times, transactions
refused.

    python_e2e.py LOGCASK
"""
import sys

from kafka_broker import kafka_broker


def with_kafka_python(address):
    import kafka
    from kafka.admin import KafkaAdminClient, NewTopic

    admin = KafkaAdminClient(bootstrap_servers=address)
    admin.create_topics([NewTopic("python", 2, 1, topic_configs={"cleanup.policy": "compact"})])
    try:
        admin.create_topics([NewTopic("python", 2, 1)])
        raise AssertionError("a topic was made twice")
    except kafka.errors.TopicAlreadyExistsError:
        pass
    try:
        admin.create_topics([NewTopic("other", 1, 1, topic_configs={"no.such.setting": "1"})])
        raise AssertionError("an unknown setting was taken")
    except kafka.errors.InvalidConfigurationError:
        pass
    producer = kafka.KafkaProducer(bootstrap_servers=address, acks="all")
    sent = {}
    for i in range(200):
        key, value = b"k%d" % (i % 20), None if i % 7 == 0 else b"v%d" % i
        at = producer.send("python", key=key, value=value, headers=[("n", b"%d" % i)], timestamp_ms=1_600_000_000_000 + i)
        sent[(at, i)] = (key, value, [("n", b"%d" % i)], 1_600_000_000_000 + i)
    big = producer.send("python", key=b"big", value=b"x" * 1_000_000).get(20)
    written = {}
    for (future, _), record in sent.items():
        meta = future.get(20)
        written[(meta.partition, meta.offset)] = record
    places = [kafka.TopicPartition("python", p) for p in (0, 1)]
    consumer = kafka.KafkaConsumer(bootstrap_servers=address, auto_offset_reset="earliest", consumer_timeout_ms=1500,
                                   group_id=None, max_partition_fetch_bytes=2 << 20)
    consumer.assign(places)
    read = {(m.partition, m.offset): (m.key, m.value, m.headers, m.timestamp) for m in consumer}
    assert len(read.pop((big.partition, big.offset))[1]) == 1_000_000
    assert read == written, (len(read), len(written))
    ends = consumer.end_offsets(places)
    assert sum(ends.values()) == 201, ends
    at = consumer.offsets_for_times({places[0]: 1_600_000_000_100})[places[0]]
    first = min(offset for (p, offset), r in written.items() if p == 0 and r[3] >= 1_600_000_000_100)
    assert at.offset == first, (at, first)
    from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions

    def settings():
        answer = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, "python")])[0]
        return {config[0]: config[1] for config in answer.resources[0][4]}

    assert settings()["cleanup.policy"] == "compact" and settings()["min.insync.replicas"] == "1", settings()
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, "python", {"segment.ms": "3600000"})])
    assert settings()["segment.ms"] == "3600000", settings()
    assert settings()["cleanup.policy"] == "compact", settings()
    try:
        admin.create_partitions({"python": NewPartitions(9)})
        raise AssertionError("a topic grew")
    except kafka.errors.InvalidPartitionsError:
        pass
    admin.delete_topics(["python"])
    assert "python" not in kafka.KafkaConsumer(bootstrap_servers=address).topics()
    return "kafka-python " + kafka.__version__


def with_confluent(address):
    import confluent_kafka
    from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": address})
    for future in admin.create_topics([NewTopic("confluent", 3, 1, config={"cleanup.policy": "compact"})]).values():
        future.result(20)
    producer = Producer({"bootstrap.servers": address, "enable.idempotence": True, "compression.type": "lz4"})
    failures = []
    for i in range(10_000):
        while True:
            try:
                producer.produce("confluent", key=b"k%d" % (i % 100), value=b"%d" % i,
                                 on_delivery=lambda error, _: failures.append(error) if error else None)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    assert producer.flush(30) == 0 and not failures, failures
    consumer = Consumer({"bootstrap.servers": address, "group.id": "unused", "enable.auto.commit": False,
                         "enable.partition.eof": True})
    consumer.assign([TopicPartition("confluent", p, 0) for p in range(3)])
    values, ends = [], 0
    while ends < 3:
        message = consumer.poll(20)
        assert message is not None, "the end was not reached"
        if message.error():
            assert message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF, message.error()
            ends += 1
        else:
            values.append(int(message.value()))
    consumer.close()
    assert sorted(values) == list(range(10_000)), len(values)
    from confluent_kafka.admin import ConfigResource, NewPartitions

    # A plain topic grows, and takes any replication factor; so do records into the new partitions.
    admin.create_topics([NewTopic("plain.topic", 2, 3, config={"segment.bytes": "1048576"})])["plain.topic"].result(20)
    admin.create_partitions([NewPartitions("plain.topic", 5)], validate_only=True)["plain.topic"].result(20)
    assert len(admin.list_topics("plain.topic", 20).topics["plain.topic"].partitions) == 2
    admin.create_partitions([NewPartitions("plain.topic", 5)])["plain.topic"].result(20)
    assert len(admin.list_topics("plain.topic", 20).topics["plain.topic"].partitions) == 5
    for partition in range(5):
        producer.produce("plain.topic", value=b"v", partition=partition,
                         on_delivery=lambda error, _: failures.append(error) if error else None)
    assert producer.flush(30) == 0 and not failures, failures
    for grown, code in ((admin.create_partitions([NewPartitions("plain.topic", 5)])["plain.topic"],
                         confluent_kafka.KafkaError.INVALID_PARTITIONS),
                        (admin.create_topics([NewTopic("plain_topic", 2, 1)])["plain_topic"],
                         confluent_kafka.KafkaError.TOPIC_EXCEPTION)):
        try:
            grown.result(20)
            raise AssertionError("it was granted")
        except KafkaException as refused:
            assert refused.args[0].code() == code, refused
    topic = ConfigResource("topic", "confluent")
    assert admin.describe_configs([topic])[topic].result(20)["cleanup.policy"].value == "compact"
    topic.set_config("segment.ms", "3600000")
    admin.alter_configs([topic], validate_only=True)[topic].result(20)
    assert admin.describe_configs([topic])[topic].result(20)["segment.ms"].is_default, "only checked"
    admin.alter_configs([topic])[topic].result(20)
    assert admin.describe_configs([topic])[topic].result(20)["segment.ms"].value == "3600000"
    unknown = ConfigResource("topic", "confluent", set_config={"no.such": "1"})
    for future in (admin.alter_configs([unknown])[unknown],
                   admin.create_partitions([NewPartitions("confluent", 9)])["confluent"]):
        try:
            future.result(20)
            raise AssertionError("what is not there was granted")
        except KafkaException as refused:
            assert "no.such" in str(refused) or "does not change" in str(refused), refused
    transactional = Producer({"bootstrap.servers": address, "transactional.id": "t"})
    try:
        transactional.init_transactions(5)
        raise AssertionError("transactions were begun")
    except KafkaException as refused:
        assert refused.args[0].fatal(), refused
    return "confluent-kafka " + confluent_kafka.version()[0] + ", librdkafka " + confluent_kafka.libversion()[0]


def main():
    with kafka_broker(sys.argv[1]) as (address, _):
        for client in (with_kafka_python, with_confluent):
            try:
                print("ok:", client(address))
            except ModuleNotFoundError as missing:
                print(f"SKIPPED: {client.__name__[5:]}: {missing} (packages python3-kafka, python3-confluent-kafka)")


if __name__ == "__main__":
    main()
