#!/usr/bin/python3
"""`logcask consume --group` as a member: two of them share, one and a Kafka client share whoever leads, and what becomes
of the shares when a member or the broker is killed.

    native_groups_e2e.py LOGCASK
"""
import json
import signal
import subprocess
import sys
import threading
import time

from kafka_broker import broker

try:
    import kafka
    from confluent_kafka import Consumer
    from kafka.admin import KafkaAdminClient, NewTopic
except ModuleNotFoundError as missing:
    print(f"SKIPPED: {missing} (packages python3-kafka, python3-confluent-kafka)")
    sys.exit(0)

PARTITIONS = 4
DEADLINE_S = 40  # below the session timeout of 45 s: what takes a session timeout to happen does not happen in time


def until(what, happened):
    end = time.monotonic() + DEADLINE_S
    while not happened():
        assert time.monotonic() < end, what
        time.sleep(0.05)


class Native:
    """`logcask consume --group`."""
    client = "logcask"

    def __init__(self, running, group, topic, *words):
        self.read = []
        self.process = subprocess.Popen(
            [running.program, "consume", topic, "--group", group, "-o", "json", "--broker", running.native, *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        for line in self.process.stdout:
            record = json.loads(line)
            self.read.append((record["partition"], record["offset"]))

    def end(self, how):
        self.process.send_signal(how)
        self.thread.join(DEADLINE_S)
        complaint = self.process.stderr.read()
        return self.process.wait(DEADLINE_S), complaint

    def stop(self):
        code, complaint = self.end(signal.SIGINT)
        assert code == 0, (code, complaint)

    def kill(self):
        self.end(signal.SIGKILL)


class Librdkafka:
    client = "rdkafka"

    def __init__(self, running, group, topic, strategy="range"):
        self.read, self.revoked, self.stopping = [], 0, False
        self.consumer = Consumer({
            "bootstrap.servers": running.kafka, "group.id": group, "auto.offset.reset": "earliest", "client.id": "rdkafka",
            "session.timeout.ms": 20_000, "heartbeat.interval.ms": 300, "auto.commit.interval.ms": 200,
            "partition.assignment.strategy": strategy})
        self.consumer.subscribe([topic], on_revoke=self.on_revoke)
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def on_revoke(self, *_):
        self.revoked += 1

    def run(self):
        while not self.stopping:
            message = self.consumer.poll(0.1)
            if message is not None and not message.error():
                self.read.append((message.partition(), message.offset()))
        self.consumer.close()

    def stop(self):
        self.stopping = True
        self.thread.join(DEADLINE_S)


class Topic:
    """A topic, the group that reads it, and what its members have read."""

    def __init__(self, running, admin, name):
        self.running, self.admin, self.name, self.written = running, admin, name, 0
        admin.create_topics([NewTopic(name, PARTITIONS, 1)])

    def write(self, count):
        producer = kafka.KafkaProducer(bootstrap_servers=self.running.kafka)
        for i in range(self.written, self.written + count):
            producer.send(self.name, key=b"%d" % i, value=b"v", partition=i % PARTITIONS)
        producer.flush()
        producer.close()
        self.written += count

    def shares(self):
        """What the broker says each member of the group reads, as (client id, partitions)."""
        described = KafkaAdminClient(bootstrap_servers=self.running.kafka).describe_consumer_groups([self.name])[0]
        if described.state != "Stable":
            return []
        self.protocol = described.protocol
        assert {m.client_host for m in described.members} == {"/127.0.0.1"}, described.members
        for member in described.members:
            assert member.member_metadata.subscription == [self.name], member
        return sorted((m.client_id.split("-")[0],
                       sorted(p for topic, parts in m.member_assignment.assignment for p in parts if topic == self.name))
                      for m in described.members)

    def shared_by(self, *members):
        shares = self.shares()
        owned = sorted(p for _, partitions in shares for p in partitions)
        return ([client for client, _ in shares] == sorted(m.client for m in members) and owned == list(range(PARTITIONS))
                and {len(partitions) for _, partitions in shares} == {PARTITIONS // len(members)})

    def all_read(self, *members):
        return sum(len(m.read) for m in members) >= self.written

    def read_once(self, *members):
        read = [place for member in members for place in member.read]
        assert len(read) == len(set(read)) == self.written, f"{len(read)} records, {len(set(read))} of {self.written}"


def partitions_since(member, begin):
    return {partition for partition, _ in member.read[begin:]}


def two_native_members_share_and_one_that_ends_leaves_at_once(running, admin):
    topic = Topic(running, admin, "natives")
    topic.write(400)
    one = Native(running, "natives", "natives")
    until("one member reads everything", lambda: topic.all_read(one))
    two = Native(running, "natives", "natives")
    until("two members share", lambda: topic.shared_by(one, two))
    begin = len(one.read), len(two.read)
    topic.write(400)
    until("what came later is read by both", lambda: topic.all_read(one, two))
    assert not partitions_since(one, begin[0]) & partitions_since(two, begin[1]), "a partition is read by both"
    assert partitions_since(one, begin[0]) and partitions_since(two, begin[1]), "one reads everything"
    topic.read_once(one, two)
    stranger = subprocess.run([running.program, "consume", "natives", "--group", "natives", "--partition", "0",
                               "--exit-at-end", "--broker", running.native], capture_output=True, text=True, timeout=60)
    assert stranger.returncode != 0 and "unknown_member_id" in stranger.stderr, stranger
    two.stop()
    until("the one that stays takes over", lambda: topic.shared_by(one))
    topic.write(40)
    until("and reads on", lambda: topic.all_read(one, two))
    topic.read_once(one, two)
    one.stop()
    ended = subprocess.run([running.program, "consume", "natives", "--group", "natives", "--exit-at-end", "--broker",
                            running.native], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0 and not ended.stdout, ended


def a_native_and_a_kafka_client_share_whoever_leads(running, admin):
    for strategy in ("range", "roundrobin"):
        for first, second in ((Native, Librdkafka), (Librdkafka, Native)):
            topic = Topic(running, admin, f"{first.client}-leads-{strategy}")
            make = {Native: lambda: Native(running, topic.name, topic.name),
                    Librdkafka: lambda: Librdkafka(running, topic.name, topic.name, strategy)}
            topic.write(40)
            leader = make[first]()
            until("one member reads everything", lambda: topic.all_read(leader))
            other = make[second]()
            until("a native and a Kafka member share", lambda: topic.shared_by(leader, other))
            assert topic.protocol == strategy, topic.protocol
            topic.write(400)
            until("both read", lambda: topic.all_read(leader, other))
            topic.read_once(leader, other)
            leader.stop()
            until("the other takes over from its leader", lambda: topic.shared_by(other))
            topic.write(40)
            until("and goes on where that was", lambda: topic.all_read(leader, other))
            topic.read_once(leader, other)
            other.stop()


def a_killed_member_is_replaced_after_its_session(running, admin):
    topic = Topic(running, admin, "killed")
    one, two = (Native(running, "killed", "killed", "--session-timeout-ms", "2000") for _ in range(2))
    until("two members share", lambda: topic.shared_by(one, two))
    two.kill()
    topic.write(400)
    until("the one that lives reads everything", lambda: topic.all_read(one))
    assert topic.shared_by(one)
    one.stop()


def a_broker_back_in_time_causes_no_rebalance(running, admin):
    topic = Topic(running, admin, "crash")
    topic.write(40)
    native = Native(running, "crash", "crash")
    until("one member reads everything", lambda: topic.all_read(native))
    foreign = Librdkafka(running, "crash", "crash")
    until("two members share", lambda: topic.shared_by(native, foreign))
    shares, revoked = topic.shares(), foreign.revoked
    running.kill()
    running.start()
    topic.write(400)
    until("both go on", lambda: topic.all_read(native, foreign))
    until("the group is as it was", lambda: topic.shares() == shares)
    assert foreign.revoked == revoked, "the crash caused a rebalance"
    native.stop()
    foreign.stop()


def a_static_member_that_restarts_disturbs_nobody(running, admin):
    topic = Topic(running, admin, "static")
    native = Native(running, "static", "static", "--group-instance-id", "seat")
    until("it is a member", lambda: topic.shared_by(native))
    foreign = Librdkafka(running, "static", "static")
    until("two members share", lambda: topic.shared_by(native, foreign))
    shares, revoked = topic.shares(), foreign.revoked
    native.stop()
    again = Native(running, "static", "static", "--group-instance-id", "seat")
    topic.write(400)
    until("the one that comes back reads its share", lambda: topic.all_read(native, again, foreign))
    assert topic.shares() == shares and foreign.revoked == revoked, "the other was disturbed"
    again.stop()
    foreign.stop()


def main():
    settings = ["group.initial.rebalance.delay.ms=100", "group.min.session.timeout.ms=1000"]
    with broker(sys.argv[1], settings) as running:
        for test in (two_native_members_share_and_one_that_ends_leaves_at_once,
                     a_native_and_a_kafka_client_share_whoever_leads, a_killed_member_is_replaced_after_its_session,
                     a_broker_back_in_time_causes_no_rebalance, a_static_member_that_restarts_disturbs_nobody):
            start = time.monotonic()
            admin = KafkaAdminClient(bootstrap_servers=running.kafka)
            test(running, admin)
            admin.close()
            print(f"ok: {test.__name__} ({time.monotonic() - start:.1f} s)", flush=True)


if __name__ == "__main__":
    main()
