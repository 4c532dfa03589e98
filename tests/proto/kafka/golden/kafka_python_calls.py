#!/usr/bin/env python3
"""What kafka-python 2.0.2 can be made to ask, for capture.py: kafka_python_calls.py PORT VERSION

VERSION is the broker's that the client takes it for: 0.11, 1.0, 2.0, 2.3, 2.5. A call that the pair has no version for
fails, says so, and the others go on.
"""
import sys
import time

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewPartitions, NewTopic

server = f"127.0.0.1:{sys.argv[1]}"
version = tuple(int(part) for part in sys.argv[2].split("."))
topic, group = f"pear-{sys.argv[2]}", f"group-{sys.argv[2]}"


def call(what, function):
    try:
        function()
        print("done   ", what)
    except Exception as error:  # whatever it is, the next call is tried
        print("refused", what, repr(error)[:120])


def read_in_a_group():
    consumer = KafkaConsumer(topic, bootstrap_servers=server, client_id="kafka-python", group_id=group, api_version=version,
                             auto_offset_reset="earliest", consumer_timeout_ms=5000, heartbeat_interval_ms=500,
                             session_timeout_ms=6000, request_timeout_ms=15000)
    next(consumer)
    time.sleep(1.2)
    consumer.commit()
    consumer.committed(TopicPartition(topic, 0))
    consumer.close()


def write():
    producer = KafkaProducer(bootstrap_servers=server, client_id="kafka-python", api_version=version)
    producer.send(topic, key=b"key", value=b"value").get(timeout=10)
    producer.close()


admin = KafkaAdminClient(bootstrap_servers=server, client_id="kafka-python", api_version=version)
resource = {"resource_type": ConfigResourceType.TOPIC, "name": topic}
call("make a topic", lambda: admin.create_topics([NewTopic(topic, 1, 1)]))
call("write", write)
call("read in a group", read_in_a_group)
call("list groups", admin.list_consumer_groups)
call("describe a group", lambda: admin.describe_consumer_groups([group]))
call("offsets of a group", lambda: admin.list_consumer_group_offsets(group))
call("settings", lambda: admin.describe_configs([ConfigResource(**resource)]))
call("change settings", lambda: admin.alter_configs([ConfigResource(configs={"retention.ms": "5000000"}, **resource)]))
call("more partitions", lambda: admin.create_partitions({topic: NewPartitions(3)}))
call("delete the group", lambda: admin.delete_consumer_groups([group]))
call("delete the topic", lambda: admin.delete_topics([topic]))
