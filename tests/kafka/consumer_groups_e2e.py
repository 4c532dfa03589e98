#!/usr/bin/python3
"""Groups whose partitions the broker shares out (KIP-848), with librdkafka: members come, leave and are killed, the broker is
killed in the middle, and every record is read.

    consumer_groups_e2e.py LOGCASK --cache FOLDER
"""
import argparse
import collections
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE / "clients"))
from kafka_broker import broker  # noqa: E402
from prepare import Missing, prepare  # noqa: E402

PARTITIONS = 4
DEADLINE_S = 60
SETTINGS = ["group.consumer.heartbeat.interval.ms=300", "group.consumer.session.timeout.ms=4000"]


def until(what, happened, seconds=DEADLINE_S):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def be_member(address, name, *settings):
    """A member of group g that says what it is given and what it reads, as lines of JSON, until it is told to leave."""
    from confluent_kafka import Consumer

    def say(**what):
        print(json.dumps(what), flush=True)

    config = {"bootstrap.servers": address, "group.id": "g", "group.protocol": "consumer", "client.id": name,
              "auto.offset.reset": "earliest", "auto.commit.interval.ms": 100, **dict(s.split("=") for s in settings)}
    consumer = Consumer(config)
    leaving = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: leaving.set())
    consumer.subscribe(["^t$"] if name == "by-pattern" else ["t"],
                       on_assign=lambda _, more: say(gets=[p.partition for p in more]),
                       on_revoke=lambda _, gone: say(gives=[p.partition for p in gone]),
                       on_lost=lambda _, gone: say(loses=[p.partition for p in gone]))
    while not leaving.is_set():
        message = consumer.poll(0.1)
        if message and not message.error():
            say(reads=[message.partition(), message.offset()])
    consumer.close()


class Member:
    def __init__(self, address, name, environment, *settings):
        self.name, self.has, self.lost, self.read = name, set(), 0, collections.Counter()
        self.process = subprocess.Popen([sys.executable, __file__, "member", address, name, *settings],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
        self.thread = threading.Thread(target=self.listen)
        self.thread.start()

    def listen(self):
        for line in self.process.stdout:
            said = json.loads(line)
            self.has |= set(said.get("gets", ()))
            self.has -= set(said.get("gives", ())) | set(said.get("loses", ()))
            self.lost += "loses" in said
            if "reads" in said:
                self.read[tuple(said["reads"])] += 1

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait(DEADLINE_S)
        self.thread.join(DEADLINE_S)


class Group:
    def __init__(self, running, environment):
        self.running, self.environment, self.members, self.written = running, environment, [], 0
        self.own("topic", "create", "t", "--partitions", str(PARTITIONS), "--config", "cleanup.policy=delete")

    def own(self, *words, given=None):
        done = subprocess.run([self.running.program, *words, "--broker", self.running.native], input=given,
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    def join(self, name, *settings):
        self.members.append(Member(self.running.kafka, name, self.environment, *settings))
        return self.members[-1]

    def write(self):
        self.own("produce", "t", given="".join(f"k{i}\tv\n" for i in range(100)))
        self.written += 100

    def counted(self):
        return sum((member.read for member in self.members), collections.Counter())

    def reads_all(self):
        until(f"all {self.written} are read", lambda: len(self.counted()) == self.written)

    def shares(self, *members):
        """Each has its part, and nobody a partition of another."""
        def settled():
            parts = [m.has for m in members]
            sizes = [len(p) for p in parts]
            return sum(sizes) == len(set().union(*parts)) == PARTITIONS and max(sizes) - min(sizes) <= 1
        until(f"{len(members)} share", settled)

    def is_shown(self, *members):
        """As `logcask group describe` has it."""
        rows = [json.loads(line) for line in self.own("group", "describe", "g", "-o", "json").splitlines()]
        listed = [json.loads(line) for line in self.own("group", "list", "-o", "json").splitlines()]
        epoch = rows[0]["epoch"]
        for row in rows:
            assert (row["kind"], row["state"], row["protocol"]) == ("consumer", "Stable", "uniform"), row
            assert row["epoch"] == row["target_epoch"] == row["member_epoch"] == epoch, row
        assert [(g["group"], g["kind"], g["state"]) for g in listed] == [("g", "consumer", "Stable")], listed
        shown = {row["partition"]: row["client_id"] for row in rows}
        assert shown == {partition: m.name for m in members for partition in m.has}, (shown, rows)
        return epoch

    def end(self):
        for member in self.members:
            member.process.kill()
            member.thread.join(DEADLINE_S)


def run(program, environment):
    with broker(program, SETTINGS) as running:
        group = Group(running, environment)
        try:
            live(group, running)
        finally:
            group.end()


def live(group, running):
    first = group.join("first")
    group.shares(first)
    group.write()
    group.reads_all()
    second = group.join("by-pattern")
    group.shares(first, second)
    static = group.join("static", "group.instance.id=one")
    group.shares(first, second, static)
    group.write()
    group.reads_all()
    epoch = group.is_shown(first, second, static)
    assert max(group.counted().values()) == 1, "read twice though nobody has failed"
    # A broker that is back in time fences nobody, and nothing moves.
    before = [set(member.has) for member in (first, second, static)]
    time.sleep(0.5)  # what is read is committed
    running.kill()
    running.start()
    group.write()
    group.reads_all()
    time.sleep(1)
    assert [member.has for member in (first, second, static)] == before
    assert group.is_shown(first, second, static) == epoch
    assert [member.lost for member in (first, second, static)] == [0, 0, 0]
    # Who is killed is missed after its session, and what it had goes on where its commits end.
    second.end(signal.SIGKILL)
    second.has.clear()
    group.write()
    group.shares(first, static)
    group.reads_all()
    # A static member keeps its share while it is away.
    its = set(static.has)
    static.end(signal.SIGTERM)
    back = group.join("static-again", "group.instance.id=one")
    until("the static member is back", lambda: back.has == its)
    assert first.has == set(range(PARTITIONS)) - its
    first.end(signal.SIGTERM)
    group.shares(back)
    group.write()
    group.reads_all()
    twice = sum(count > 1 for count in group.counted().values())
    back.end(signal.SIGTERM)
    print(f"ok: {group.written} records, {twice} read twice over kill -9 of the broker and of a member")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logcask")
    parser.add_argument("--cache", required=True, type=pathlib.Path)
    asked = parser.parse_args()
    try:
        _, version, environment = prepare("confluent-kafka", asked.cache)
    except Missing as missing:
        print(f"SKIPPED: {missing}")
        return
    print(f"confluent-kafka {version}", flush=True)
    run(asked.logcask, {**os.environ, **environment})


if __name__ == "__main__":
    if sys.argv[1] == "member":
        be_member(*sys.argv[2:])
    else:
        main()
