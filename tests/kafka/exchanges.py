"""Requests of every kind that the Kafka listener serves, in every version: to compare two brokers' answers, or to have
others look at them.

An exchange names an api and what its request holds; where that depends on the version, or on what was answered before
(`known`), it is a function. Each is sent in all versions in order, or in those it names; `keep` takes what later ones need
from an answer.
"""
import dataclasses
import time
import typing

from wire_e2e import Connection, batch

NO_MEMBER = "nobody-00000000-0000-0000-0000-000000000000"
# Version, no topics, no data of one's own: what members subscribe to, and what they are given.
NOTHING = b"\0\0" + b"\0\0\0\0" + b"\xff\xff\xff\xff"
PROTOCOLS = [{"Name": "range", "Metadata": NOTHING}]


@dataclasses.dataclass
class Exchange:
    title: str
    api: str
    values: typing.Any  # of the request: a dict, or (version, known) -> dict
    versions: typing.Any = None
    keep: typing.Any = None  # (version, known, answer) -> None


def produced(topic, records, partition=0, acks=-1):
    return {"Acks": acks, "TimeoutMs": 10_000, "TopicData": [
        {"Name": topic, "PartitionData": [{"Index": partition, "Records": records}]}]}


def learn_topic(version, known, answer):
    known["topic_id"] = answer["Topics"][0].get("TopicId")


def fetched(topic, offset, partition=0, epoch=-1, **more):
    """By name, from version 13 on by the id that Metadata has told of "same"; any other topic has none."""
    def values(version, known):
        topic_id = known["topic_id"] if topic == "same" else bytes(16)
        return {"MaxWaitMs": 0, "MinBytes": 0, "MaxBytes": 1 << 20, "SessionId": 0, "SessionEpoch": -1, "Topics": [
            {"Topic": topic, "TopicId": topic_id, "Partitions": [
                {"Partition": partition, "FetchOffset": offset, "CurrentLeaderEpoch": epoch,
                 "PartitionMaxBytes": 1 << 20}]}], **more}
    return values


def listed(topic, time, partition=0, epoch=-1):
    return {"ReplicaId": -1, "Topics": [{"Name": topic, "Partitions": [
        {"PartitionIndex": partition, "CurrentLeaderEpoch": epoch, "Timestamp": time}]}]}


def created(name, partitions=2, replicas=1, only_check=False, **config):
    return {"timeoutMs": 10_000, "validateOnly": only_check, "Topics": [
        {"Name": name, "NumPartitions": partitions, "ReplicationFactor": replicas,
         "Configs": [{"Name": k.replace("_", "."), "Value": v} for k, v in config.items()]}]}


def joined(group, member="", protocols=PROTOCOLS, session_ms=10_000, kind="consumer"):
    return {"GroupId": group, "SessionTimeoutMs": session_ms, "RebalanceTimeoutMs": 10_000, "MemberId": member,
            "ProtocolType": kind, "Protocols": protocols}


def learn_member(version, known, answer):
    known["member"], known["generation"] = answer["MemberId"], answer["GenerationId"]


def member(known, group, **more):
    return {"GroupId": group, "GenerationId": known["generation"], "MemberId": known["member"], **more}


def committed(group, topic, offset, generation=-1, member_id="", partition=0):
    return {"GroupId": group, "GenerationIdOrMemberEpoch": generation, "MemberId": member_id, "Topics": [
        {"Name": topic, "Partitions": [{"PartitionIndex": partition, "CommittedOffset": offset,
                                        "CommittedMetadata": "a note"}]}]}


def offsets_of(version, group, topic, partitions):
    """Version 8 asks for several groups."""
    topics = None if topic is None else [{"Name": topic, "PartitionIndexes": partitions}]
    if version < 8:
        return {"GroupId": group, "Topics": topics}
    return {"Groups": [{"GroupId": group, "Topics": topics}]}


def coordinator_of(version, name, kind=0):
    return {"Key": name, "KeyType": kind} if version < 4 else {"CoordinatorKeys": [name], "KeyType": kind}


def leaving(version, known, group):
    if version < 3:
        return {"GroupId": group, "MemberId": known["member"]}
    return {"GroupId": group, "Members": [{"MemberId": known["member"]}]}


def of_topic(name, configs, **more):
    return {"Resources": [{"ResourceType": 2, "ResourceName": name, "Configs": configs}], **more}


def deleted(version, name):
    return {"TimeoutMs": 10_000, **({"TopicNames": [name]} if version < 6 else {"Topics": [{"Name": name}]})}


def learn_directory(version, known, answer):
    known["directory"] = answer["Results"][0]["LogDir"]


def moved(directory, topic, partition):
    return {"Dirs": [{"Path": directory, "Topics": [{"Name": topic, "Partitions": [partition]}]}]}


def elected(topic, partitions, kind=0):
    return {"ElectionType": kind, "TimeoutMs": 10_000, "TopicPartitions": [{"Topic": topic, "Partitions": partitions}]}


def reassigned(topic, replicas, partition=0):
    return {"TimeoutMs": 10_000, "Topics": [
        {"Name": topic, "Partitions": [{"PartitionIndex": partition, "Replicas": replicas}]}]}


def epoch_of(topic, epoch, current=-1):
    return {"ReplicaId": -1, "Topics": [{"Topic": topic, "Partitions": [
        {"Partition": 0, "CurrentLeaderEpoch": current, "LeaderEpoch": epoch}]}]}


def numbered(producer, sequence):
    """A record of an idempotent producer."""
    return batch(b"key", b"value", producer=(7_000 + producer, 0, sequence))


GOOD = batch(b"key", b"value")
BROKEN = GOOD[:-1] + bytes([GOOD[-1] ^ 1])
NO_TEXT = b"caf\xe9"

TOPICS = [
    Exchange("what is served", "ApiVersions", {"ClientSoftwareName": "t", "ClientSoftwareVersion": "1"}),
    Exchange("a topic is made", "CreateTopics", lambda v, known: created(f"made-{v}", retention_ms="1000000000")),
    Exchange("the topic of what follows", "CreateTopics", created("same"), versions=[5]),
    Exchange("a topic that is there", "CreateTopics", created("same")),
    Exchange("a name that is none", "CreateTopics", created("no/name")),
    Exchange("no partitions", "CreateTopics", created("none", partitions=0)),
    Exchange("as many partitions as the broker likes", "CreateTopics",
             lambda v, known: created(f"usual-{v}", -1, -1), versions=range(4, 8)),
    Exchange("three replicas", "CreateTopics", lambda v, known: created(f"thrice-{v}", replicas=3)),
    Exchange("a setting that is none", "CreateTopics", created("odd", no_such="1")),
    Exchange("a value that is none", "CreateTopics", created("odd", retention_ms="soon")),
    Exchange("only checked", "CreateTopics", created("checked", only_check=True)),
    Exchange("a name that is not UTF-8", "CreateTopics", created(NO_TEXT)),
    Exchange("a compacted topic of what follows", "CreateTopics", created("keyed", cleanup_policy="compact"), versions=[5]),
    Exchange("one topic", "Metadata", {"Topics": [{"Name": "same"}]}, keep=learn_topic),
    Exchange("no topic", "Metadata", {"Topics": []}, versions=range(1, 13)),
    Exchange("a topic that is not there", "Metadata", {"Topics": [{"Name": "absent"}], "AllowAutoTopicCreation": False},
             versions=range(4, 13)),
    Exchange("a name that is none", "Metadata", {"Topics": [{"Name": "no/name"}], "AllowAutoTopicCreation": False},
             versions=range(4, 13)),
    Exchange("a name that is not UTF-8", "Metadata", {"Topics": [{"Name": NO_TEXT}]}),
    Exchange("a topic that is made by asking", "Metadata", lambda v, known: {
             "Topics": [{"Name": f"asked-{v}"}], "AllowAutoTopicCreation": True}),
]
RECORDS = [
    # The last one finds all of them on disk.
    Exchange("a batch, acks=1", "Produce", produced("same", GOOD, acks=1)),
    Exchange("a batch", "Produce", produced("same", GOOD)),
    Exchange("a partition that is not there", "Produce", produced("same", GOOD, partition=7)),
    Exchange("a topic that is not there", "Produce", produced("absent", GOOD)),
    Exchange("a broken batch", "Produce", produced("same", BROKEN)),
    Exchange("no batch", "Produce", produced("same", b"")),
    Exchange("a record without a key", "Produce", produced("keyed", batch(None, b"value"))),
    Exchange("two batches", "Produce", produced("same", GOOD + GOOD)),
    Exchange("the first of a producer", "Produce", lambda v, known: produced("same", numbered(v, 0))),
    Exchange("a gap behind it", "Produce", lambda v, known: produced("same", numbered(v, 5))),
    Exchange("a name that is not UTF-8", "Produce", produced(NO_TEXT, GOOD)),
    Exchange("acks=2", "Produce", produced("same", GOOD, acks=2)),
    Exchange("from the start", "Fetch", fetched("same", 0)),
    Exchange("at the end", "Fetch", fetched("same", 0, partition=1)),
    Exchange("beyond the end", "Fetch", fetched("same", 10_000)),
    Exchange("a partition that is not there", "Fetch", fetched("same", 0, partition=7)),
    Exchange("a topic that is not there", "Fetch", fetched("absent", 0)),
    Exchange("a name that is not UTF-8", "Fetch", fetched(NO_TEXT, 0), versions=range(4, 13)),
    Exchange("an epoch to come", "Fetch", fetched("same", 0, epoch=100), versions=range(9, 13)),
    Exchange("a session begins", "Fetch", fetched("same", 0, SessionEpoch=0), versions=range(7, 13)),
    Exchange("a session that is none", "Fetch",
             fetched("same", 0, SessionId=12345, SessionEpoch=3), versions=range(7, 13)),
    *(Exchange(f"time {time}", "ListOffsets",
               listed("same", time)) for time in (-1, -2, 0, 1_700_000_000_000, 1_800_000_000_000)),
    Exchange("time -3", "ListOffsets", listed("same", -3), versions=range(7, 10)),
    Exchange("time -4", "ListOffsets", listed("same", -4), versions=range(8, 10)),
    Exchange("time -5", "ListOffsets", listed("same", -5), versions=[9]),
    Exchange("the newest of none", "ListOffsets", listed("same", -3, partition=1), versions=range(7, 10)),
    Exchange("a name that is not UTF-8", "ListOffsets", listed(NO_TEXT, -1)),
    Exchange("a partition that is not there", "ListOffsets", listed("same", -1, partition=7)),
    Exchange("a topic that is not there", "ListOffsets", listed("absent", -1)),
    Exchange("an epoch to come", "ListOffsets", listed("same", -1, epoch=100), versions=range(4, 10)),
    Exchange("the first epoch", "OffsetForLeaderEpoch", epoch_of("same", 0)),
    Exchange("an epoch to come", "OffsetForLeaderEpoch", epoch_of("same", 100)),
    Exchange("of a leader to come", "OffsetForLeaderEpoch", epoch_of("same", 0, current=100)),
    Exchange("a topic that is not there", "OffsetForLeaderEpoch", epoch_of("absent", 0)),
    Exchange("an idempotent producer", "InitProducerId", {"TransactionalId": None, "TransactionTimeoutMs": 10_000}),
    Exchange("a transactional producer", "InitProducerId", {"TransactionalId": "", "TransactionTimeoutMs": 10_000}),
    Exchange("records go", "DeleteRecords", {"TimeoutMs": 10_000, "Topics": [
             {"Name": "same", "Partitions": [{"PartitionIndex": 0, "Offset": 2}]}]}),
    Exchange("records beyond the end go", "DeleteRecords", {"TimeoutMs": 10_000, "Topics": [
             {"Name": "same", "Partitions": [{"PartitionIndex": 0, "Offset": 10_000}]}]}),
    Exchange("below the start of the log", "Fetch", fetched("same", 0)),
]
GROUPS = [
    Exchange("of a group", "FindCoordinator", lambda v, known: coordinator_of(v, "group")),
    Exchange("of an odd kind", "FindCoordinator", lambda v, known: coordinator_of(v, "group", 9), versions=range(1, 5)),
    Exchange("without a member id", "JoinGroup",
             lambda v, known: joined(f"group-{v}"), versions=range(4, 10), keep=learn_member),
    Exchange("a member joins", "JoinGroup",
             lambda v, known: joined(f"old-{v}"), versions=range(0, 4), keep=learn_member),
    Exchange("it syncs", "SyncGroup",
             lambda v, known: member(known, "old-3", ProtocolType="consumer", ProtocolName="range",
             Assignments=[{"MemberId": known["member"], "Assignment": NOTHING}])),
    Exchange("its heart beats", "Heartbeat", lambda v, known: member(known, "old-3")),
    Exchange("another generation", "Heartbeat", lambda v, known: {**member(known, "old-3"), "GenerationId": 99}),
    Exchange("it commits", "OffsetCommit",
             lambda v, known: committed("old-3", "same", 2, known["generation"], known["member"])),
    Exchange("a commit from outside", "OffsetCommit", committed("old-3", "same", 2)),
    Exchange("with a member", "DescribeGroups", {"Groups": ["old-3"]}),
    Exchange("with members", "DeleteGroups", {"GroupsNames": ["old-3"]}),
    Exchange("with members", "OffsetDelete",
             {"GroupId": "old-3", "Topics": [{"Name": "same", "Partitions": [{"PartitionIndex": 0}]}]}),
    Exchange("it leaves", "LeaveGroup", lambda v, known: leaving(v, known, "old-3")),
    Exchange("an unknown member joins", "JoinGroup", joined("group", NO_MEMBER)),
    Exchange("a session of a moment", "JoinGroup", joined("group", session_ms=1)),
    Exchange("a group without a name", "JoinGroup", joined("")),
    Exchange("no protocols", "JoinGroup", joined("group", protocols=[])),
    Exchange("an unknown member", "SyncGroup", {"GroupId": "group", "GenerationId": 1, "MemberId": NO_MEMBER,
             "ProtocolType": "consumer", "ProtocolName": "range"}),
    Exchange("an unknown member", "Heartbeat", {"GroupId": "group", "GenerationId": 1, "MemberId": NO_MEMBER}),
    Exchange("a commit without members", "OffsetCommit", committed("plain", "same", 3)),
    Exchange("a topic that is not there", "OffsetCommit", committed("plain", "absent", 3)),
    Exchange("a partition that is not there", "OffsetCommit", committed("plain", "same", 3, partition=7)),
    Exchange("a topic whose name is not UTF-8", "OffsetCommit", committed("plain", NO_TEXT, 3)),
    Exchange("what was committed", "OffsetFetch", lambda v, known: offsets_of(v, "plain", "same", [0, 1])),
    Exchange("all that was committed", "OffsetFetch",
             lambda v, known: offsets_of(v, "plain", None, None), versions=range(2, 10)),
    Exchange("a group that is not there", "OffsetFetch", lambda v, known: offsets_of(v, "absent", "same", [0])),
    Exchange("without members", "DescribeGroups", {"Groups": ["plain"]}),
    Exchange("a group that is not there", "DescribeGroups", {"Groups": ["absent"]}),
    Exchange("all", "ListGroups", {}),
    Exchange("those with members", "ListGroups", {"StatesFilter": ["Stable"]}, versions=range(4, 6)),
    Exchange("one that is not committed", "OffsetDelete",
             {"GroupId": "plain", "Topics": [{"Name": "same", "Partitions": [{"PartitionIndex": 1}]}]}),
    Exchange("a group that is not there", "OffsetDelete",
             {"GroupId": "absent", "Topics": [{"Name": "same", "Partitions": [{"PartitionIndex": 0}]}]}),
    Exchange("without members", "DeleteGroups", lambda v, known: {"GroupsNames": ["plain" if v == 0 else f"old-{v}"]}),
    Exchange("a group that is not there", "DeleteGroups", {"GroupsNames": ["absent"]}),
]


# Each member's epoch is what it was told last, as in "now"; where brokers begin to count is their own affair.
def beating(epoch="now", member="one", group="shared", **more):
    """A heartbeat of KIP-848, of a group of its own for each version."""
    def values(version, known):
        now = known.get(f"{version}.{member}", 0)
        return {"GroupId": f"{group}-{version}", "MemberId": member, **more,
                "MemberEpoch": now if epoch == "now" else now + 7 if epoch == "later" else
                known[f"{version}.one before"] if epoch == "before" else epoch}
    return values


def holding(epoch="now"):
    """One of the member that has what it was told to keep."""
    return lambda v, known: {**beating(epoch)(v, known), "TopicPartitions": known[f"{v}.share"]}


def entering(member="one", **more):
    return beating(0, member, **{"RebalanceTimeoutMs": 30_000, "SubscribedTopicNames": ["same"],
                                 "TopicPartitions": [], **more})


def learn_epoch(member):
    def keep(version, known, answer):
        known[f"{version}.{member} before"] = known.get(f"{version}.{member}")
        known[f"{version}.{member}"] = answer["MemberEpoch"]
    return keep


def learn_share(version, known, answer):
    known[f"{version}.share"] = answer["Assignment"]["TopicPartitions"]


def of_a_member(epochs_more):
    return lambda v, known: committed("shared-1", "same", 2, known["1.one"] + epochs_more, "one")


# Groups whose partitions the broker shares out.
SHARED = [
    Exchange("a member joins", "ConsumerGroupHeartbeat", entering(), keep=learn_epoch("one")),
    Exchange("its heart beats", "ConsumerGroupHeartbeat", beating()),
    Exchange("another epoch", "ConsumerGroupHeartbeat", beating("later")),
    Exchange("an unknown member", "ConsumerGroupHeartbeat", beating(1, NO_MEMBER)),
    Exchange("a second member joins", "ConsumerGroupHeartbeat", entering("two"), keep=learn_epoch("two")),
    Exchange("one is to give up", "ConsumerGroupHeartbeat", beating(), keep=learn_share),
    Exchange("nothing is free yet", "ConsumerGroupHeartbeat", beating(member="two")),
    Exchange("one has given up", "ConsumerGroupHeartbeat", holding(), keep=learn_epoch("one")),
    Exchange("the other gets it", "ConsumerGroupHeartbeat", beating(member="two")),
    Exchange("an epoch that is over", "ConsumerGroupHeartbeat", beating("before")),
    Exchange("an epoch that is over with what it has", "ConsumerGroupHeartbeat", holding("before")),
    Exchange("with members", "ConsumerGroupDescribe", lambda v, known: {"GroupIds": [f"shared-{v}"]}),
    Exchange("one of the newer protocol", "DescribeGroups", {"Groups": ["shared-1"]}),
    Exchange("of a member at its epoch", "OffsetCommit", of_a_member(0), [9]),
    Exchange("of a member at an earlier epoch", "OffsetCommit", of_a_member(-1), [9]),
    Exchange("of a member at a later epoch", "OffsetCommit", of_a_member(7), [9]),
    Exchange("of nobody", "OffsetCommit", committed("shared-1", "same", 2), [9]),
    Exchange("of a group of the newer protocol with members", "DeleteGroups", {"GroupsNames": ["shared-1"]}),
    Exchange("those of the newer protocol", "ListGroups", {"TypesFilter": ["consumer"]}, [5]),
    Exchange("an assignor that is none", "ConsumerGroupHeartbeat", entering(ServerAssignor="odd")),
    Exchange("a regular expression that is none", "ConsumerGroupHeartbeat", entering(SubscribedTopicRegex="("), [1]),
    Exchange("without a rebalance timeout", "ConsumerGroupHeartbeat", entering(RebalanceTimeoutMs=-1)),
    Exchange("without a subscription", "ConsumerGroupHeartbeat", entering(SubscribedTopicNames=None)),
    Exchange("without its partitions", "ConsumerGroupHeartbeat", entering(TopicPartitions=None)),
    Exchange("an epoch that is none", "ConsumerGroupHeartbeat", beating(-3)),
    Exchange("away without an instance id", "ConsumerGroupHeartbeat", beating(-2)),
    Exchange("a group without a name", "ConsumerGroupHeartbeat", lambda v, known: {**entering()(v, known), "GroupId": ""}),
    Exchange("a group that is not there", "ConsumerGroupHeartbeat", beating(3, group="absent")),
    Exchange("one leaves", "ConsumerGroupHeartbeat", beating(-1)),
    Exchange("one leaves again", "ConsumerGroupHeartbeat", beating(-1)),
    Exchange("a static member joins", "ConsumerGroupHeartbeat", entering("static", InstanceId="i")),
    Exchange("its instance id is taken", "ConsumerGroupHeartbeat", entering("other", InstanceId="i")),
    Exchange("it is away", "ConsumerGroupHeartbeat", beating(-2, "static", InstanceId="i")),
    Exchange("it is back", "ConsumerGroupHeartbeat", entering("again", InstanceId="i")),
    Exchange("the one of before", "ConsumerGroupHeartbeat", beating(4, "static", InstanceId="i")),
    Exchange("a group that is not there", "ConsumerGroupDescribe", {"GroupIds": ["absent"]}),
    Exchange("one of the classic protocol", "ConsumerGroupDescribe", {"GroupIds": ["old-3"]}),
]
ADMINISTRATION = [
    Exchange("some settings of a topic", "DescribeConfigs", {"Resources": [
             {"ResourceType": 2, "ResourceName": "same", "ConfigurationKeys": ["cleanup.policy", "retention.ms", "segment.bytes"]}]}),
    Exchange("what Kafka counts in few bits", "DescribeConfigs", {"Resources": [{"ResourceType": 2, "ResourceName": "same",
             "ConfigurationKeys": ["max.message.bytes", "retention.bytes", "min.cleanable.dirty.ratio", "compression.type"]}]}),
    Exchange("a name that is not UTF-8", "DescribeConfigs",
             {"Resources": [{"ResourceType": 2, "ResourceName": NO_TEXT, "ConfigurationKeys": None}]}),
    Exchange("a topic that is not there", "DescribeConfigs",
             {"Resources": [{"ResourceType": 2, "ResourceName": "absent", "ConfigurationKeys": None}]}),
    Exchange("a setting is changed", "IncrementalAlterConfigs",
             of_topic("same", [{"Name": "retention.ms", "ConfigOperation": 0, "Value": "900000000"}])),
    Exchange("a value that is none", "IncrementalAlterConfigs",
             of_topic("same", [{"Name": "retention.ms", "ConfigOperation": 0, "Value": "soon"}])),
    Exchange("a setting that is none", "IncrementalAlterConfigs",
             of_topic("same", [{"Name": "no.such", "ConfigOperation": 0, "Value": "1"}])),
    Exchange("a topic that is not there", "IncrementalAlterConfigs",
             of_topic("absent", [{"Name": "retention.ms", "ConfigOperation": 0, "Value": "1"}])),
    Exchange("a setting is changed", "AlterConfigs",
             of_topic("same", [{"Name": "retention.ms", "Value": "800000000"}])),
    Exchange("a value that is none", "AlterConfigs", of_topic("same", [{"Name": "retention.ms", "Value": "soon"}])),
    Exchange("two more partitions", "CreatePartitions",
             lambda v, known: {"TimeoutMs": 10_000, "Topics": [{"Name": f"made-{v + 2}", "Count": 4, "Assignments": None}]}),
    Exchange("fewer partitions", "CreatePartitions",
             {"TimeoutMs": 10_000, "Topics": [{"Name": "same", "Count": 1, "Assignments": None}]}),
    Exchange("a topic that is not there", "CreatePartitions",
             {"TimeoutMs": 10_000, "Topics": [{"Name": "absent", "Count": 4, "Assignments": None}]}),
    Exchange("the cluster", "DescribeCluster", {}),
    Exchange("one topic", "DescribeLogDirs", {"Topics": [{"Topic": "same", "Partitions": [0]}]}, keep=learn_directory),
    Exchange("to where it lies", "AlterReplicaLogDirs", lambda v, known: moved(known["directory"], "same", 0)),
    Exchange("to a directory that is not there", "AlterReplicaLogDirs", moved("/not/there", "same", 0)),
    Exchange("a partition that is not there", "AlterReplicaLogDirs",
             lambda v, known: moved(known["directory"], "same", 77)),
    Exchange("a topic that is not there", "AlterReplicaLogDirs",
             lambda v, known: moved(known["directory"], "absent", 0)),
    Exchange("none is needed", "ElectLeaders", elected("same", [0, 1])),
    Exchange("none is needed, of any replica", "ElectLeaders", elected("same", [0], kind=1), [1, 2]),
    Exchange("a kind that is none", "ElectLeaders", elected("same", [0], kind=7), [1, 2]),
    Exchange("a partition that is not there", "ElectLeaders", elected("same", [77])),
    Exchange("a topic that is not there", "ElectLeaders", elected("absent", [0])),
    Exchange("wherever one is needed", "ElectLeaders", {"ElectionType": 0, "TopicPartitions": None, "TimeoutMs": 10_000}),
    Exchange("of a partition without one", "DescribeProducers", {"Topics": [{"Name": "same", "PartitionIndexes": [1]}]}),
    Exchange("a partition that is not there", "DescribeProducers",
             {"Topics": [{"Name": "same", "PartitionIndexes": [77]}]}),
    Exchange("a topic that is not there", "DescribeProducers", {"Topics": [{"Name": "absent", "PartitionIndexes": [0]}]}),
    Exchange("to where it is", "AlterPartitionReassignments", reassigned("same", [0])),
    Exchange("to a broker that is not there", "AlterPartitionReassignments", reassigned("same", [9])),
    Exchange("twice to one broker", "AlterPartitionReassignments", reassigned("same", [0, 0])),
    Exchange("to no broker", "AlterPartitionReassignments", reassigned("same", [])),
    Exchange("ended, and not begun", "AlterPartitionReassignments", reassigned("same", None)),
    Exchange("a partition that is not there", "AlterPartitionReassignments", reassigned("same", [0], 77)),
    Exchange("a topic that is not there", "AlterPartitionReassignments", reassigned("absent", [0])),
    Exchange("none under way", "ListPartitionReassignments",
             {"TimeoutMs": 10_000, "Topics": [{"Name": "same", "PartitionIndexes": [0]}]}),
    Exchange("a topic goes", "DeleteTopics", lambda v, known: deleted(v, f"made-{v + 1}")),
    Exchange("a name that is not UTF-8", "DeleteTopics", lambda v, known: deleted(v, NO_TEXT)),
    Exchange("a topic that is not there", "DeleteTopics", lambda v, known: deleted(v, "absent")),
]
# Until a broker has what it makes at the first request: answered by an error before.
FIRST = [
    Exchange("of a group", "FindCoordinator", {"Key": "first", "KeyType": 0}, [2]),
    Exchange("an idempotent producer", "InitProducerId",
             {"TransactionalId": None, "TransactionTimeoutMs": 10_000}, [1]),
    Exchange("what was committed", "OffsetFetch", {"GroupId": "first", "Topics": []}, [5]),
]
ALL = TOPICS + RECORDS + GROUPS + SHARED + ADMINISTRATION


def served(messages, address):
    """api key -> (first, last) of what a broker says it serves."""
    connection = Connection(address)
    connection.send(messages.request("ApiVersions", 0, 1, {}))
    answer = messages.response("ApiVersions", 0, connection.answer()[1])
    return {api["ApiKey"]: (api["MinVersion"], api["MaxVersion"]) for api in answer["ApiKeys"]}


class Speaker:
    """Sends exchanges to one broker; a connection lives as long as the broker lets it."""

    def __init__(self, messages, address, observer=None):
        self.messages, self.address, self.known, self.correlation = messages, address, {}, 0
        self.observer, self.connection = observer, None

    def ask(self, exchange, version):
        """The answer's fields, or None when the connection has ended."""
        values = exchange.values(version, self.known) if callable(exchange.values) else exchange.values
        self.correlation += 1
        request = self.messages.request(exchange.api, version, self.correlation, values)
        if self.connection is None:
            self.connection = Connection(self.address)
        self.connection.send(request)
        try:
            correlation, body = self.connection.answer()
        except (EOFError, ConnectionResetError):
            self.connection = None
            return None
        assert correlation == self.correlation
        if self.observer:
            self.observer(exchange.api, version, request, correlation, body)
        answer = self.messages.response(exchange.api, version, body)
        if exchange.keep:
            exchange.keep(version, self.known, answer)
        return answer


def wait_until_ready(speaker):
    end = time.monotonic() + 60
    for exchange in FIRST:
        while speaker.ask(exchange, exchange.versions[0])["ErrorCode"] != 0:
            assert time.monotonic() < end, f"{exchange.api} is refused for a minute"
            time.sleep(0.1)


def versions_of(exchange, first, last):
    return [v for v in exchange.versions or range(first, last + 1) if first <= v <= last]
