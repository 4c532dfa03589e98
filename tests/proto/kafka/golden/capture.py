#!/usr/bin/env python3
"""Stands between Kafka clients and a Kafka broker, and keeps what they say to each other.

  capture.py --fields KAFKA_FIELDS --listen PORT --broker PORT --out FILE.hex [--offer newest|middle|oldest]
             [--cap API=VERSION]... [--rename OLD=NEW]

The broker must advertise PORT of --listen (advertised.listeners=PLAINTEXT://127.0.0.1:PORT). Of every request and
response that `kafka_fields` (the path of that program) lists, in a version we read, the longest is kept; what FILE.hex
has already counts, too. --offer cuts what the broker offers in its answer to ApiVersions, so that a client of today speaks
old versions, too; --cap cuts it for one api. --rename replaces bytes by as many others, for paths of the machine. Ends, and writes, on SIGTERM.
"""
import argparse
import json
import pathlib
import signal
import socket
import struct
import subprocess
import threading

API_VERSIONS, METADATA = 18, 3

parser = argparse.ArgumentParser()
parser.add_argument("--fields", required=True)
parser.add_argument("--listen", type=int, required=True)
parser.add_argument("--broker", type=int, required=True)
parser.add_argument("--out", required=True)
parser.add_argument("--offer", choices=["newest", "middle", "oldest"])
parser.add_argument("--cap", action="append", default=[])
parser.add_argument("--rename", default="")
arguments = parser.parse_args()

listed = json.loads(subprocess.run([arguments.fields], check=True, stdout=subprocess.PIPE).stdout)
ranges = {message["key"]: message["versions"] for message in listed}
names = {message["key"]: message["name"] for message in listed}
caps = {name: int(version) for name, version in (cap.split("=") for cap in arguments.cap)}
assert caps.keys() <= set(names.values()), "--cap names an api as kafka_fields does"
old, new = (arguments.rename.split("=") + [""])[:2]
assert len(old) == len(new), "--rename must keep the length"
kept = {}
lock = threading.Lock()


def keep(kind, key, version, content):
    if key not in ranges or not ranges[key][0] <= version <= ranges[key][1]:
        return
    content = content.replace(old.encode(), new.encode()) if old else content
    with lock:
        at = (key, version, kind)
        if len(content) > len(kept.get(at, b"")):
            kept[at] = content


def cut_offer(version, content):
    """The answer to ApiVersions with fewer versions, in place: no length changes."""
    if not arguments.offer and not caps:
        return content
    out = bytearray(content)
    count, at, step = (out[6] - 1, 7, 7) if version >= 3 else (struct.unpack(">i", out[6:10])[0], 10, 6)
    for _ in range(count):
        key, lowest, highest = struct.unpack(">hhh", out[at:at + 6])
        if key in ranges and key != API_VERSIONS:
            first, last = max(ranges[key][0], lowest), min(ranges[key][1], highest)
            offered = {"newest": last, "middle": (first + last) // 2, "oldest": first}[arguments.offer or "newest"]
            if key == METADATA:
                offered = max(offered, 4)  # a Java client wants to say that no topic is to be made
            offered = min(offered, caps.get(names[key], offered))
            struct.pack_into(">h", out, at + 4, offered)
        at += step
    return bytes(out)


def read(sock, size):
    got = b""
    while len(got) < size:
        more = sock.recv(size - len(got))
        if not more:
            raise EOFError
        got += more
    return got


def pump(source, sink, see):
    try:
        while True:
            content = see(read(source, struct.unpack(">i", read(source, 4))[0]))
            sink.sendall(struct.pack(">i", len(content)) + content)
    except (EOFError, OSError):
        for sock in (source, sink):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def connect(client):
    broker = socket.create_connection(("127.0.0.1", arguments.broker))
    asked = {}

    def request(content):
        key, version, correlation = struct.unpack(">hhi", content[:8])
        asked[correlation] = key, version
        keep("request", key, version, content)
        return content

    def response(content):
        key, version = asked.pop(struct.unpack(">i", content[:4])[0])
        keep("response", key, version, content)
        return cut_offer(version, content) if key == API_VERSIONS else content

    threading.Thread(target=pump, args=(client, broker, request), daemon=True).start()
    threading.Thread(target=pump, args=(broker, client, response), daemon=True).start()


def write_and_end(*_):
    with lock:
        lines = [f"{kind} {names[key]} {version} {content.hex()}" for (key, version, kind), content in sorted(kept.items())]
        pathlib.Path(arguments.out).write_text("\n".join(lines) + "\n")
    raise SystemExit(0)


numbers = {name: key for key, name in names.items()}
if pathlib.Path(arguments.out).exists():
    for line in pathlib.Path(arguments.out).read_text().splitlines():
        kind, name, version, content = line.split()
        kept[numbers[name], int(version), kind] = bytes.fromhex(content)
signal.signal(signal.SIGTERM, write_and_end)
server = socket.create_server(("127.0.0.1", arguments.listen), backlog=64)
while True:
    connect(server.accept()[0])
