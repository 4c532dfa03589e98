#!/usr/bin/env python3
"""The same request bytes to a real Kafka and to us: the answers, read by Kafka's own schemas, differ as listed here.

    beside_kafka_e2e.py LOGCASK [--cache DIR] [--kafka-home DIR] [--print]

Every api and version that both serve. EXPLAINED says what may differ; docs/KAFKA.md has it as a table. Anything else fails,
and so does a line here that nothing differs in any more. --print: all differences, listed or not.
"""
import fnmatch

import real_kafka
from exchanges import ALL, Speaker, served, versions_of, wait_until_ready
from kafka_broker import broker
from kafka_messages import Messages

# Chosen by each broker; only whether there is one is compared.
CHOSEN = {"ClusterId", "Port", "TopicId", "SessionId", "MemberId", "Leader", "ProducerId", "LogDir", "TotalBytes",
          "UsableBytes", "ErrorMessage", "MemberEpoch", "GroupEpoch", "AssignmentEpoch"}
# What tells the entries of a list apart, whose order does not matter.
ORDER = ("Name", "Topic", "TopicName", "GroupId", "NodeId", "PartitionIndex", "Partition", "Index", "ApiKey",
         "ResourceName")
# (api, exchange, field): patterns. What each is for stands in docs/KAFKA.md.
EXPLAINED = [
    ("ApiVersions", "*", "ApiKeys"),
    ("ApiVersions", "*", "SupportedFeatures"),
    ("ApiVersions", "*", "FinalizedFeatures*"),
    ("CreateTopics", "*", "Topics.Configs"),
    ("CreateTopics", "three replicas", "Topics.*"),
    ("CreateTopics", "only checked", "Topics.TopicId"),
    ("Metadata", "a topic that is made by asking", "Topics.*"),
    ("*", "*", "*ErrorMessage"),
    ("ListGroups", "all", "Groups"),
    ("DescribeConfigs", "some settings of a topic", "Results.Configs.ConfigSource"),
    ("ElectLeaders", "wherever one is needed", "ReplicaElectionResults"),
]


def place(entry):
    return [str(entry[k]) for k in ORDER if k in entry] if isinstance(entry, dict) else [str(entry)]


def plain(value, name=""):
    """Without what each broker chooses, lists in one order."""
    if isinstance(value, dict):
        return {k: plain(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return sorted((plain(v, name) for v in value), key=place)
    chosen = name in CHOSEN and value not in (None, "", 0, -1, bytes(16))
    return "chosen" if chosen else value


def differences(ours, theirs, path=""):
    """(path, ours, theirs)"""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in {**ours, **theirs}:
            yield from differences(ours.get(name), theirs.get(name), f"{path}.{name}" if path else name)
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for one, other in zip(ours, theirs):
            yield from differences(one, other, path)
    elif ours != theirs:
        yield path, ours, theirs


class Report:
    def __init__(self):
        self.found, self.compared, self.seen = {}, 0, set()

    def note(self, exchange, version, path, ours, theirs):
        self.found.setdefault((exchange.api, exchange.title, path), []).append((version, ours, theirs))

    def explained(self, key):
        for line in EXPLAINED:
            if all(fnmatch.fnmatchcase(value, pattern) for value, pattern in zip(key, line)):
                self.seen.add(line)
                return True
        return False

    def show(self, keys):
        for key in keys:
            version, ours, theirs = self.found[key][-1]
            versions = sorted({v for v, _, _ in self.found[key]})
            print(f"{' | '.join(key)}, versions {versions[0]} to {versions[-1]}: {ours!r:.400s} here, {theirs!r:.400} there")


def compare(messages, ours, theirs):
    report = Report()
    here, there = Speaker(messages, ours), Speaker(messages, theirs)
    wait_until_ready(here)
    wait_until_ready(there)
    mine, kafkas = served(messages, ours), served(messages, theirs)
    asked = set()
    for exchange in ALL:
        key = messages.of[f"{exchange.api}Request"].key
        first, last = max(mine[key][0], kafkas[key][0]), min(mine[key][1], kafkas[key][1])
        for version in versions_of(exchange, first, last):
            if exchange.api == "Produce" and version < 3:
                continue  # advertised for old clients, served by neither
            asked.add(key)
            answers = here.ask(exchange, version), there.ask(exchange, version)
            report.compared += 1
            for path, one, other in differences(*map(plain, answers)):
                report.note(exchange, version, path, one, other)
    assert asked == mine.keys(), f"not asked: {mine.keys() - asked}"
    return report


def run(program, jars, show_all):
    messages = Messages(jars)
    settings = ["kafka.num.partitions=1", "group.initial.rebalance.delay.ms=0"]
    with real_kafka.kafka(jars) as (theirs, _), broker(program, settings) as ours:
        report = compare(messages, ours.kafka, theirs)
    new = [key for key in report.found if not report.explained(key)]
    report.show(report.found if show_all else new)
    gone = [line for line in EXPLAINED if line not in report.seen]
    assert not gone, f"nothing differs any more in {gone}"
    assert not new, f"{len(new)} differences that nobody has explained"
    print(f"ok: {report.compared} answers beside Kafka {real_kafka.version(jars)}: {len(report.found)} fields differ, "
          f"each explained")


if __name__ == "__main__":
    real_kafka.test_program(__doc__, lambda logcask, jars, args: run(logcask, jars, args.print),
                            flags=[("--print", "all differences")])
