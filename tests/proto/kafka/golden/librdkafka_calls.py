#!/usr/bin/env python3
"""What librdkafka can be made to ask by way of confluent-kafka, for capture.py: librdkafka_calls.py PORT"""
import sys
import time

from confluent_kafka import Consumer, Producer, TopicPartition, libversion
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

common = {"bootstrap.servers": f"127.0.0.1:{sys.argv[1]}", "client.id": "confluent-kafka"}
admin = AdminClient(common)


def wait(futures):
    for future in futures.values():
        future.result(10)


wait(admin.create_topics([NewTopic("fig", 2, 1)]))
producer = Producer({**common, "enable.idempotence": True})
producer.produce("fig", "value", "key", partition=0)
assert producer.flush(10) == 0
wait(admin.create_partitions([NewPartitions("fig", 3)]))
wait(admin.describe_configs([ConfigResource("topic", "fig")]))
wait(admin.alter_configs([ConfigResource("topic", "fig", set_config={"retention.ms": "4000000"})]))
for instance in ({}, {"group.instance.id": "static-1"}):
    consumer = Consumer({**common, **instance, "group.id": f"group-{len(instance)}", "auto.offset.reset": "earliest",
                         "heartbeat.interval.ms": 300, "session.timeout.ms": 6000})
    consumer.subscribe(["fig"])
    until = time.monotonic() + 20
    while consumer.poll(0.5) is None:
        assert time.monotonic() < until, "no record came"
    time.sleep(1)
    consumer.commit(asynchronous=False)
    consumer.committed([TopicPartition("fig", 0)])
    admin.list_groups(timeout=10)
    consumer.close()
if libversion()[1] >= 0x02010000:  # knows epochs, and asks where that of its position ends
    consumer = Consumer({**common, "group.id": "group-none", "auto.offset.reset": "earliest"})
    consumer.assign([TopicPartition("fig", 0, 0, leader_epoch=0)])
    assert consumer.poll(20), "no record came"
    consumer.close()
wait(admin.delete_topics(["fig"]))
