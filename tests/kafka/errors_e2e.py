#!/usr/bin/python3
"""What Kafka clients do with our errors: which they try again, and which they fail with, and what they say then. Each
row of the table in docs/KAFKA.md that a real broker can be brought to, by each client that is here.

    errors_e2e.py LOGCASK
"""
import pathlib
import shutil
import sys
import tempfile
import time

from kafka_broker import Broker

PATIENCE_S = 60


class Confluent:
    def __init__(self):
        import confluent_kafka
        import confluent_kafka.admin
        self.kafka, self.admin = confluent_kafka, confluent_kafka.admin
        self.name = f"confluent-kafka {confluent_kafka.version()[0]}, librdkafka {confluent_kafka.libversion()[0]}"

    def create(self, address, topic, settings):
        admin = self.admin.AdminClient({"bootstrap.servers": address})
        admin.create_topics([self.admin.NewTopic(topic, 1, 3, config=settings)])[topic].result(20)

    def producer(self, address, tries_for_s):
        return self.kafka.Producer({"bootstrap.servers": address, "message.timeout.ms": tries_for_s * 1000,
                                    "log_level": 0})

    def send(self, producer, topic, key, value):
        """Returns what becomes of it: a function that gives "ok" or the error's name."""
        fate = []
        producer.produce(topic, key=key, value=value, on_delivery=lambda error, _: fate.append(error))

        def outcome():
            producer.flush(PATIENCE_S)
            return "unknown" if not fate else "ok" if fate[0] is None else fate[0].name()
        producer.poll(0)
        return outcome

    def read(self, address, topic, offset):
        consumer = self.kafka.Consumer({"bootstrap.servers": address, "group.id": "g", "auto.offset.reset": "error",
                                        "log_level": 0})
        try:
            consumer.assign([self.kafka.TopicPartition(topic, 0, offset)])
            message = consumer.poll(PATIENCE_S)
            return message.error().name() if message.error() else message.value()
        except self.kafka.KafkaException as refused:
            return refused.args[0].name()
        finally:
            consumer.close()

    policy, storage, out_of_range = "POLICY_VIOLATION", "_MSG_TIMED_OUT", "_AUTO_OFFSET_RESET"
    knows_storage_errors = True


class KafkaPython:
    def __init__(self):
        import kafka
        import kafka.admin
        self.kafka = kafka
        self.name = "kafka-python " + kafka.__version__
        # 2.0.2 does not: whatever the broker, it fails at once, with the error that stands for all it does not know.
        self.knows_storage_errors = hasattr(kafka.errors, "KafkaStorageError")
        self.storage = "KafkaStorageError" if self.knows_storage_errors else "UnknownError"

    def create(self, address, topic, settings):
        admin = self.kafka.admin.KafkaAdminClient(bootstrap_servers=address)
        admin.create_topics([self.kafka.admin.NewTopic(topic, 1, 3, topic_configs=settings)])
        admin.close()

    def producer(self, address, tries_for_s):
        # It counts its tries, and makes one only unless it is told otherwise.
        return self.kafka.KafkaProducer(bootstrap_servers=address, retries=tries_for_s * 10, retry_backoff_ms=100,
                                        request_timeout_ms=30_000)

    def send(self, producer, topic, key, value):
        future = producer.send(topic, key=key, value=value)

        def outcome():
            try:
                future.get(PATIENCE_S)
                return "ok"
            except self.kafka.errors.KafkaError as error:
                return type(error).__name__
        return outcome

    def read(self, address, topic, offset):
        consumer = self.kafka.KafkaConsumer(bootstrap_servers=address, auto_offset_reset="none",
                                            consumer_timeout_ms=PATIENCE_S * 1000)
        try:
            consumer.assign([self.kafka.TopicPartition(topic, 0)])
            consumer.seek(self.kafka.TopicPartition(topic, 0), offset)
            return next(consumer).value
        except self.kafka.errors.KafkaError as error:
            return type(error).__name__
        finally:
            consumer.close()

    policy, out_of_range = "PolicyViolationError", "OffsetOutOfRangeError"


def is_(what, expected):
    assert what == expected, f"{what} instead of {expected}"


def a_key_beyond_the_budget_fails_at_once_and_known_keys_pass(client, program, directory):
    broker = Broker(program, directory, ["keydir.total.max.bytes=65536"])
    try:
        client.create(broker.kafka, "keys", {"cleanup.policy": "compact"})
        producer = client.producer(broker.kafka, 30)
        is_(client.send(producer, "keys", b"known", b"1")(), "ok")
        fates = [client.send(producer, "keys", b"%d" % i, b"1") for i in range(10_000)]
        started = time.monotonic()
        outcomes = {fate() for fate in fates}
        assert client.policy in outcomes and outcomes <= {"ok", client.policy}, outcomes
        assert time.monotonic() - started < 20, "it was tried again"
        is_(client.send(producer, "keys", b"known", b"2")(), "ok")
    finally:
        broker.stop()


def a_record_for_a_full_disk_is_tried_again_and_arrives_when_there_is_room(client, program, directory):
    broker = Broker(program, directory, file_bytes=2 << 20)  # a file that may not grow is a disk that is full
    try:
        client.create(broker.kafka, "full", {"cleanup.policy": "delete"})
        # 4 MB do not fit; who does not wait for room hears of it.
        impatient = client.producer(broker.kafka, 2)
        fates = [client.send(impatient, "full", b"k", b"x" * 500_000) for _ in range(8)]
        outcomes = {fate() for fate in fates}
        assert client.storage in outcomes and outcomes <= {"ok", client.storage}, outcomes
        patient = client.producer(broker.kafka, PATIENCE_S)
        fate = client.send(patient, "full", b"k", b"y" * 500_000)
        time.sleep(1)  # for a try that fails; the outcome does not depend on it
        broker.kill()
        broker.file_bytes = None
        broker.start()
        is_(fate(), "ok" if client.knows_storage_errors else client.storage)
        is_(client.send(patient, "full", b"k", b"z")(), "ok")
    finally:
        broker.stop()


def a_broker_without_its_directory_takes_nothing_and_its_clients_hear_of_it(client, program, directory):
    broker = Broker(program, directory)
    try:
        client.create(broker.kafka, "gone", {"cleanup.policy": "delete"})
        producer = client.producer(broker.kafka, 2)
        is_(client.send(producer, "gone", b"k", b"v")(), "ok")
        shutil.rmtree(pathlib.Path(directory) / "data", ignore_errors=True)
        deadline = time.monotonic() + PATIENCE_S
        while (outcome := client.send(producer, "gone", b"k", b"v")()) == "ok":
            assert time.monotonic() < deadline, "it goes on acknowledging"
        is_(outcome, client.storage)
    finally:
        broker.kill()


def an_offset_outside_of_the_log_is_named_so(client, program, directory):
    broker = Broker(program, directory)
    try:
        client.create(broker.kafka, "range", {"cleanup.policy": "delete"})
        producer = client.producer(broker.kafka, 30)
        is_(client.send(producer, "range", b"k", b"v")(), "ok")
        is_(client.read(broker.kafka, "range", 0), b"v")
        is_(client.read(broker.kafka, "range", 1000), client.out_of_range)
    finally:
        broker.stop()


def main():
    for kind in (Confluent, KafkaPython):
        try:
            client = kind()
        except ModuleNotFoundError as missing:
            print(f"SKIPPED: {kind.__name__}: {missing} (packages python3-kafka, python3-confluent-kafka)")
            continue
        for check in (a_key_beyond_the_budget_fails_at_once_and_known_keys_pass,
                      a_record_for_a_full_disk_is_tried_again_and_arrives_when_there_is_room,
                      a_broker_without_its_directory_takes_nothing_and_its_clients_hear_of_it,
                      an_offset_outside_of_the_log_is_named_so):
            with tempfile.TemporaryDirectory() as directory:
                try:
                    check(client, sys.argv[1], directory)
                except Exception as failed:
                    raise AssertionError(f"{client.name}: {check.__name__}") from failed
        print("ok:", client.name)


if __name__ == "__main__":
    main()
