#!/usr/bin/python3
"""Consumer groups with Python's Kafka clients: who reads what, what is committed, and what is left of it after a crash.

    groups_e2e.py LOGCASK
"""
import json
import subprocess
import sys
import threading
import time

from kafka_broker import broker

try:
    import kafka
    from confluent_kafka import Consumer, KafkaError, TopicPartition
    from kafka.admin import KafkaAdminClient, NewTopic
except ModuleNotFoundError as missing:
    print(f"SKIPPED: {missing} (packages python3-kafka, python3-confluent-kafka)")
    sys.exit(0)

PARTITIONS = 4
DEADLINE_S = 60


def until(what, happened):
    end = time.monotonic() + DEADLINE_S
    while not happened():
        assert time.monotonic() < end, what
        time.sleep(0.05)


class Member:
    """One consumer with a thread of its own; either client."""

    def __init__(self, address, group, topic, instance=None):
        self.read, self.assigned, self.revoked = [], [], 0
        self.stopping = False
        self.open(address, group, topic, instance)
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.stopping:
            self.poll()
        self.close()

    def stop(self):
        self.stopping = True
        self.thread.join(DEADLINE_S)


class Librdkafka(Member):
    def open(self, address, group, topic, instance):
        config = {"bootstrap.servers": address, "group.id": group, "auto.offset.reset": "earliest",
                  "session.timeout.ms": 20_000, "heartbeat.interval.ms": 300, "auto.commit.interval.ms": 200,
                  "partition.assignment.strategy": "range"}
        if instance:
            config["group.instance.id"] = instance
        self.consumer = Consumer(config)
        self.consumer.subscribe([topic], on_assign=self.on_assign, on_revoke=self.on_revoke)

    def on_assign(self, _, partitions):
        self.assigned = sorted(p.partition for p in partitions)

    def on_revoke(self, _, partitions):
        self.revoked += 1
        self.assigned = []

    def poll(self):
        message = self.consumer.poll(0.1)
        if message is not None and not message.error():
            self.read.append((message.partition(), message.offset()))

    def close(self):
        self.consumer.close()


class KafkaPython(Member):
    def open(self, address, group, topic, _):
        self.consumer = kafka.KafkaConsumer(
            topic, bootstrap_servers=address, group_id=group, auto_offset_reset="earliest", session_timeout_ms=20_000,
            heartbeat_interval_ms=300, auto_commit_interval_ms=200)

    def poll(self):
        for partition, messages in self.consumer.poll(100).items():
            self.read += [(partition.partition, message.offset) for message in messages]
        self.assigned = sorted(p.partition for p in self.consumer.assignment())

    def close(self):
        self.consumer.close()


def produce(address, topic, first, count):
    producer = kafka.KafkaProducer(bootstrap_servers=address)
    for i in range(first, first + count):
        producer.send(topic, key=b"%d" % i, value=b"v", partition=i % PARTITIONS)
    producer.flush()
    producer.close()


def shared_by(*members):
    """Every partition is read by one of them, and none by two."""
    owned = sorted(p for member in members for p in member.assigned)
    return owned == list(range(PARTITIONS)) and all(member.assigned for member in members)


def logcask(running, *words):
    return subprocess.run([running.program, *words, "--broker", running.native], capture_output=True, text=True,
                          timeout=60)


def lags(running, group):
    lines = logcask(running, "group", "describe", group, "-o", "json").stdout.splitlines()
    return {entry["partition"]: entry["lag"] for entry in map(json.loads, lines)}


def members_of_two_clients_share_and_resume(running, admin):
    admin.create_topics([NewTopic("shared", PARTITIONS, 1)])
    produce(running.kafka, "shared", 0, 400)
    one = Librdkafka(running.kafka, "mixed", "shared")
    until("one member reads everything", lambda: len(one.read) == 400)
    two = KafkaPython(running.kafka, "mixed", "shared")
    until("two members share", lambda: shared_by(one, two) and len(one.assigned) == len(two.assigned))
    described = admin.describe_consumer_groups(["mixed"])[0]
    assert described.state == "Stable" and described.protocol == "range" and len(described.members) == 2, described
    assert {m.client_host for m in described.members} == {"/127.0.0.1"}, described.members
    listed = json.loads(logcask(running, "group", "list", "-o", "json").stdout)
    assert listed["group"] == "mixed" and listed["state"] == "Stable", listed
    produce(running.kafka, "shared", 400, 400)
    until("what came later is read by both", lambda: len(one.read) + len(two.read) == 800)
    assert {p for p, _ in two.read} == set(two.assigned), "a member read what is another's"
    two.stop()
    until("the one that stays takes over", lambda: shared_by(one))
    until("everything is committed", lambda: set(lags(running, "mixed").values()) == {0})
    one.stop()
    third = KafkaPython(running.kafka, "mixed", "shared")
    produce(running.kafka, "shared", 800, 40)
    until("a later member goes on where the others were", lambda: len(third.read) == 40)
    assert all(offset >= 200 for _, offset in third.read), third.read
    third.stop()


def a_crash_within_the_session_timeout_moves_no_partition(running, admin):
    admin.create_topics([NewTopic("crash", PARTITIONS, 1)])
    produce(running.kafka, "crash", 0, 40)
    members = [Librdkafka(running.kafka, "survivors", "crash") for _ in range(2)]
    until("two members share", lambda: shared_by(*members))
    until("they have read", lambda: sum(len(m.read) for m in members) == 40)
    until("and committed", lambda: set(lags(running, "survivors").values()) == {0})
    before = [(list(m.assigned), m.revoked) for m in members]
    running.kill()
    running.start()
    produce(running.kafka, "crash", 40, 40)
    until("they go on", lambda: sum(len(m.read) for m in members) == 80)
    assert [(m.assigned, m.revoked) for m in members] == before, "the crash caused a rebalance"
    until("and commit", lambda: set(lags(running, "survivors").values()) == {0})
    assert KafkaAdminClient(bootstrap_servers=running.kafka).describe_consumer_groups(["survivors"])[0].state == "Stable"
    for member in members:
        member.stop()


def a_static_member_that_restarts_disturbs_nobody(running, admin):
    admin.create_topics([NewTopic("static", PARTITIONS, 1)])
    one, two = (Librdkafka(running.kafka, "statics", "static", f"instance-{i}") for i in range(2))
    until("two members share", lambda: shared_by(one, two))
    held, revoked = two.assigned, one.revoked
    two.stop()
    again = Librdkafka(running.kafka, "statics", "static", "instance-1")
    until("the one that comes back has its partitions", lambda: again.assigned == held)
    assert one.revoked == revoked and shared_by(one, again), "the others were disturbed"
    again.stop()
    one.stop()


def commits_are_taken_as_kafka_takes_them(running, admin):
    admin.create_topics([NewTopic("commits", PARTITIONS, 1)])
    produce(running.kafka, "commits", 0, 40)
    simple = Consumer({"bootstrap.servers": running.kafka, "group.id": "simple", "enable.auto.commit": False})
    beyond = TopicPartition("commits", 0, 1000)
    simple.commit(offsets=[beyond, TopicPartition("commits", 1, 3)], asynchronous=False)
    fetched = simple.committed([TopicPartition("commits", p) for p in range(3)], timeout=20)
    assert [p.offset for p in fetched] == [1000, 3, -1001], fetched
    until("the lag counts what is on disk, is never negative, and is all where nothing is committed",
          lambda: lags(running, "simple") == {0: 0, 1: 7, **{p: 10 for p in range(2, PARTITIONS)}})
    refused = logcask(running, "group", "reset", "simple", "--topic", "commits", "--to", "500", "--partition", "0")
    assert refused.returncode != 0 and "before offset 500" in refused.stderr, refused
    member = Librdkafka(running.kafka, "simple", "commits")
    until("a member joins", lambda: shared_by(member))
    try:
        simple.commit(offsets=[TopicPartition("commits", 1, 5)], asynchronous=False)
        raise AssertionError("somebody who is no member committed for a group that has one")
    except Exception as error:
        assert error.args[0].code() == KafkaError.UNKNOWN_MEMBER_ID, error
    refused = logcask(running, "group", "reset", "simple", "--topic", "commits", "--to", "earliest")
    assert refused.returncode != 0 and "members" in refused.stderr, refused
    assert dict(admin.delete_consumer_groups(["simple"]))["simple"] is kafka.errors.NonEmptyGroupError
    member.stop()
    simple.close()
    assert dict(admin.delete_consumer_groups(["simple"]))["simple"] is kafka.errors.NoError
    assert dict(admin.delete_consumer_groups(["simple"]))["simple"] is kafka.errors.GroupIdNotFoundError
    assert lags(running, "simple") == {}, "commits outlived their group"


def the_topic_of_offsets_is_listed_and_marked_internal(running, admin):
    internal = {topic["topic"]: topic["is_internal"] for topic in admin.describe_topics()}
    assert internal["__consumer_offsets"] and not internal["shared"], internal


def main():
    with broker(sys.argv[1], ["group.initial.rebalance.delay.ms=100"]) as running:
        for test in (members_of_two_clients_share_and_resume, a_crash_within_the_session_timeout_moves_no_partition,
                     a_static_member_that_restarts_disturbs_nobody, commits_are_taken_as_kafka_takes_them,
                     the_topic_of_offsets_is_listed_and_marked_internal):
            start = time.monotonic()
            admin = KafkaAdminClient(bootstrap_servers=running.kafka)
            test(running, admin)
            admin.close()
            print(f"ok: {test.__name__} ({time.monotonic() - start:.1f} s)", flush=True)


if __name__ == "__main__":
    main()
