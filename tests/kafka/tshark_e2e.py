#!/usr/bin/env python3
"""What the Kafka listener answers, dissected by Wireshark.

    tshark_e2e.py LOGCASK [--cache DIR] [--kafka-home DIR]

Every exchange of exchanges.py with us and with a real Kafka: Wireshark finds an answer of ours malformed only where it
finds Kafka's malformed, too (version 4.0 is wrong about some, JoinGroup among them), and it dissects at least one version of
every api. The bytes are written as a capture of one TCP connection; no right to capture is needed.
"""
import pathlib
import struct
import subprocess
import tempfile

import real_kafka
from exchanges import ALL, Speaker, served, versions_of, wait_until_ready
from kafka_broker import broker
from kafka_messages import Messages

CLIENT_PORT, BROKER_PORT, LINK_RAW_IP, TIMEOUT_S = 40_000, 9092, 101, 120
SEGMENT_BYTES = 60_000
UNKNOWN_TO_WIRESHARK = {"AlterPartitionReassignments", "ConsumerGroupDescribe", "ConsumerGroupHeartbeat", "DescribeCluster",
                         "DescribeProducers", "ListPartitionReassignments"}


class Capture:
    """A pcap file of one connection that has been there before."""

    def __init__(self, path):
        self.file = open(path, "wb")
        self.file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 0xFFFF, LINK_RAW_IP))
        self.next = {CLIENT_PORT: 1, BROKER_PORT: 1}
        self.packets = 0

    def add(self, source, data):
        target = CLIENT_PORT + BROKER_PORT - source
        for at in range(0, len(data), SEGMENT_BYTES):
            part = data[at:at + SEGMENT_BYTES]
            tcp = struct.pack(">HHIIBBHHH", source, target, self.next[source], self.next[target], 0x50, 0x18, 0xFFFF, 0, 0)
            ip = struct.pack(">BBHHHBBHII", 0x45, 0, 40 + len(part), 0, 0, 64, 6, 0, 0x7F000001, 0x7F000001)
            packet = ip + tcp + part
            self.file.write(struct.pack("<IIII", self.packets, 0, len(packet), len(packet)) + packet)
            self.next[source] += len(part)
            self.packets += 1


class Session:
    """All exchanges with one broker, as frames of a capture."""

    def __init__(self, messages, address, path):
        self.messages, self.path, self.frames = messages, path, {}
        self.capture = Capture(path)
        speaker = Speaker(messages, address, self.observe)
        wait_until_ready(speaker)
        self.ranges = served(messages, address)
        for exchange in ALL:
            self.title = exchange.title
            for version in versions_of(exchange, *self.ranges[messages.of[f"{exchange.api}Request"].key]):
                if exchange.api != "Produce" or version >= 3:  # below they are advertised and refused
                    speaker.ask(exchange, version)
        self.capture.file.close()

    title = "first"

    def observe(self, api, version, request, correlation, body):
        self.capture.add(CLIENT_PORT, request)
        asked = self.capture.packets
        self.capture.add(BROKER_PORT, struct.pack(">ii", len(body) + 4, correlation) + body)
        self.frames[api, self.title, version] = asked, self.capture.packets

    def dissect(self):
        """(the exchanges whose answer is malformed, the apis of which some answer is not)"""
        frames = dissect(self.path)
        malformed, known = set(), set()
        for exchange, (asked, answered) in self.frames.items():
            if "Unsupported" in frames[asked][1]:
                continue  # a version that this Wireshark does not know
            if frames[answered][0]:
                malformed.add(exchange)
            elif not frames[asked][0]:
                known.add(exchange[0])
        return malformed, known


def dissect(path):
    """frame number -> (malformed or empty, what else Wireshark remarks)"""
    done = subprocess.run(
        ["tshark", "-n", "-r", str(path), "-d", f"tcp.port=={BROKER_PORT},kafka", "-T", "fields", "-e", "frame.number", "-e",
         "_ws.malformed", "-e", "_ws.expert.message"], capture_output=True, text=True, timeout=TIMEOUT_S)
    assert done.returncode == 0, done.stderr
    rows = (line.split("\t") for line in done.stdout.splitlines())
    return {int(row[0]): (row[1], row[2]) for row in rows}


def finds_what_is_malformed(messages, path):
    """One topic more is announced than there is."""
    capture = Capture(path)
    capture.add(CLIENT_PORT, messages.request("Metadata", 1, 1, {"Topics": []}))
    body = struct.pack(">ii", 0, 0) + struct.pack(">i", 1)
    capture.add(BROKER_PORT, struct.pack(">ii", len(body) + 4, 1) + body)
    capture.file.close()
    assert dissect(path)[2][0], "Wireshark takes a malformed answer for a good one"


def run(program, jars):
    messages = Messages(jars)
    with tempfile.TemporaryDirectory() as directory, real_kafka.kafka(jars) as (theirs, _), \
            broker(program, ["group.initial.rebalance.delay.ms=0"]) as ours:
        folder = pathlib.Path(directory)
        finds_what_is_malformed(messages, folder / "malformed.pcap")
        here = Session(messages, ours.kafka, folder / "logcask.pcap")
        there = Session(messages, theirs, folder / "kafka.pcap")
        malformed, known = here.dissect()
        malformed_there, _ = there.dissect()
    ours_alone = malformed & there.frames.keys() - malformed_there
    assert not ours_alone, f"malformed here and not there: {sorted(ours_alone)}"
    names = {m.key: name.removesuffix("Request") for name, m in messages.of.items() if name.endswith("Request")}
    unknown = {names[key] for key in here.ranges} - known
    assert unknown <= UNKNOWN_TO_WIRESHARK, f"no version was dissected of {unknown}"
    print(f"ok: {len(here.frames)} exchanges, {len(known)} apis dissected; malformed to Wireshark: {len(malformed)}, the "
          f"same of Kafka's")


if __name__ == "__main__":
    real_kafka.test_program(__doc__, lambda logcask, jars, _: run(logcask, jars), tools=("tshark",))
