#!/usr/bin/python3
"""Watches and replays over HTTP, as server-sent events: complete, resumed without a gap, and told when they cannot be.

    streams_e2e.py LOGCASK
"""
import http.client
import json
import socket
import subprocess
import sys
import threading
import time
import urllib.parse

from kafka_broker import broker

DEADLINE_S = 30


class Events:
    """One stream. next() is (event, id, data)."""

    def __init__(self, running, path, token=None):
        self.connection = http.client.HTTPConnection(running.http, timeout=DEADLINE_S)
        self.connection.request("GET", path, headers={"Last-Event-ID": token} if token else {})
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, (self.answer.status, self.answer.read())
        assert self.answer.getheader("Content-Type") == "text/event-stream"
        self.token = token

    def next(self):
        name, data, seen = "message", None, False
        while True:
            line = self.answer.readline()
            if not line:
                return None
            line = line.decode().rstrip("\n")
            if not line:
                if data is not None:
                    return name, json.loads(data)
                continue
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "id":
                self.token = value
            elif field == "data":
                data = value

    def close(self):
        self.answer.close()
        self.connection.close()


def cli(running, *words, stdin=None):
    done = subprocess.run([running.program, *words, "--broker", running.native], capture_output=True, timeout=60,
                          input=stdin)
    assert done.returncode == 0, (words, done)
    return done.stdout


def put(running, topic, key, value):
    connection = http.client.HTTPConnection(running.http, timeout=DEADLINE_S)
    method, headers = ("DELETE", {}) if value is None else ("PUT", {"Content-Type": "application/octet-stream"})
    connection.request(method, f"/v1/topics/{topic}/keys/{urllib.parse.quote(key, safe='')}", value, headers)
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    return json.loads(answer.read())["offset"]


def a_watch_tells_the_value_and_every_change(running):
    put(running, "t", "w", b"1")
    events = Events(running, "/v1/topics/t/keys/w/watch")
    name, data = events.next()
    assert (name, data["value"]) == ("value", "1"), (name, data)
    for value in (b"2", b"3", None, b"4"):
        put(running, "t", "w", value)
        name, data = events.next()
        assert name == ("deleted" if value is None else "value"), (name, data)
        assert value is None or data["value"] == value.decode()
    events.close()


def a_resumed_watch_misses_nothing_and_repeats_nothing(running):
    events = Events(running, "/v1/topics/t/watch?key=r1&key=r2")
    assert sorted(events.next()[0] for _ in range(2)) == ["absent", "absent"]
    put(running, "t", "r1", b"1")
    assert events.next()[1]["value"] == "1"
    token = events.token
    events.close()
    put(running, "t", "r2", b"while away")
    events = Events(running, "/v1/topics/t/watch?key=r1&key=r2", token)
    name, data = events.next()
    assert (data["key"], data["value"]) == ("r2", "while away"), (name, data)
    put(running, "t", "r1", b"2")
    assert events.next()[1]["value"] == "2"
    token = events.token
    events.close()
    running.stop()
    running.start()
    put(running, "t", "r2", None)
    events = Events(running, "/v1/topics/t/watch?key=r1&key=r2", token)
    name, data = events.next()
    assert (name, data["key"]) == ("deleted", "r2"), (name, data)
    events.close()


def a_token_that_is_of_something_else_is_told_and_begins_anew(running):
    cli(running, "topic", "create", "short")
    put(running, "short", "k", b"1")
    events = Events(running, "/v1/topics/short/keys/k/watch")
    events.next()
    watch_token = events.token
    events.close()
    events = Events(running, "/v1/topics/short/replay")
    while events.next()[0] != "caught_up":
        pass
    replay_token = events.token
    events.close()
    cli(running, "topic", "delete", "short")
    cli(running, "topic", "create", "short")
    put(running, "short", "k", b"anew")
    for token, path, code in ((watch_token, "keys/k/watch", "topic_changed"), ("garbage", "keys/k/watch", "stale_token"),
                              (watch_token, "watch?key=other", "topic_changed"), (replay_token, "replay", None),
                              ("garbage!", "replay", "stale_token")):
        events = Events(running, f"/v1/topics/short/{path}", token)
        name, data = events.next()
        assert name == "snapshot_required" and (not code or data["error"]["code"] == code), (name, data)
        name, data = events.next()
        assert data.get("value") == "anew" or name == "absent", (name, data)
        events.close()


def a_replay_is_the_state_then_the_changes(running):
    cli(running, "topic", "create", "r", "--partitions", "3", "--config", "segment.bytes=1048576")
    lines = "".join(f"k{number % 500}\tv{number}\n" for number in range(5000))
    cli(running, "produce", "r", stdin=lines.encode())
    for number in range(0, 500, 7):
        put(running, "r", f"k{number}", None)
    state, ended, events = {}, set(), Events(running, "/v1/topics/r/replay")
    tokens = []
    while len(ended) < 3:
        name, data = events.next()
        if name == "caught_up":
            ended.add(data["partition"])
        elif data["tombstone"]:
            state.pop(data["key"], None)
        else:
            state[data["key"]] = data["value"]
        tokens.append(events.token)
    assert state == {f"k{number}": f"v{4500 + number}" for number in range(500) if number % 7}, len(state)
    put(running, "r", "k1", b"changed")
    assert events.next()[1]["value"] == "changed"
    token = events.token
    events.close()
    for number in range(100):
        put(running, "r", f"new{number}", b"x")
    events = Events(running, "/v1/topics/r/replay", token)
    wanted, others = {f"new{number}" for number in range(100)}, []
    while wanted:
        name, data = events.next()
        if name == "record" and data["key"] in wanted:
            wanted.discard(data["key"])
        elif name != "caught_up":
            others.append((name, data["key"]))
    assert others in ([], [("record", "k1")]), others  # what came after the last token comes again
    events.close()
    stopped = Events(running, "/v1/topics/r/replay?stop_at_caught_up=true&keys_only=true&key_prefix=new")
    keys = set()
    while (event := stopped.next()) is not None:
        if event[0] == "record":
            keys.add(event[1]["key"])
    assert keys == {f"new{number}" for number in range(100)}, keys


def tokens_of_many_partitions_come_back(running):
    cli(running, "topic", "create", "wide", "--partitions", "300")
    put(running, "wide", "k", b"1")
    events, ended = Events(running, "/v1/topics/wide/replay"), 0
    while ended < 300:
        ended += events.next()[0] == "caught_up"
    sent = 0
    while events.token is None:  # within a second
        line = events.answer.readline()
        sent += len(line)
        if line.startswith(b"id: "):
            events.token = line[4:].decode().strip()
    assert sent < 100_000, sent
    token = events.token
    events.close()
    put(running, "wide", "k", b"2")
    events = Events(running, "/v1/topics/wide/replay", token)
    while (event := events.next())[0] == "caught_up":
        pass
    assert event[1]["value"] == "2", event
    events.close()
    keys = "&".join(f"key=a-key-of-16-{number:06}" for number in range(1000))
    events = Events(running, "/v1/topics/t/watch?" + keys)
    for _ in range(1000):
        events.next()
    token = events.token
    events.close()
    put(running, "t", "a-key-of-16-000500", b"x")
    events = Events(running, "/v1/topics/t/watch?" + keys, token)
    while (event := events.next())[0] == "absent":
        pass  # nothing has been seen of it
    assert event[1]["value"] == "x", event
    events.close()


def a_token_goes_on_with_the_records_that_it_is_of(running):
    events = Events(running, "/v1/topics/r/replay?key_prefix=zz&stop_at_caught_up=true")
    while events.next():
        pass
    again = Events(running, "/v1/topics/r/replay?key_prefix=k&stop_at_caught_up=true", events.token)
    assert again.next()[0] == "snapshot_required"
    assert again.next()[1]["key"].startswith("k")
    again.close()


def partitions_that_are_added_are_read_by_who_comes_again(running):
    cli(running, "topic", "create", "grows", "--config", "cleanup.policy=delete")
    events = Events(running, "/v1/topics/grows/replay?live_only=false")
    assert events.next()[0] == "caught_up"
    cli(running, "topic", "alter", "grows", "--partitions", "4")
    cli(running, "produce", "grows", stdin="".join(f"k{number}\tv\n" for number in range(40)).encode())
    keys = set()
    while True:
        event = events.next()
        if event is None:
            events = Events(running, "/v1/topics/grows/replay?live_only=false", events.token)
        elif event[0] == "record":
            keys.add(event[1]["key"])
        if len(keys) == 40:
            return events.close()


def a_small_log_that_unpacks_to_much_is_sent_as_it_is_taken(running):
    cli(running, "topic", "create", "dense", "--config", "compression.type=zstd")
    lines = "".join(f"k{number}\t{'a' * 500_000}\n" for number in range(300))
    cli(running, "produce", "dense", stdin=lines.encode())
    before = resident_bytes(running)
    events, keys, most = Events(running, "/v1/topics/dense/replay?stop_at_caught_up=true"), set(), 0
    while event := events.next():
        if event[0] == "record":
            keys.add(event[1]["key"])
        most = max(most, resident_bytes(running) - before)
    assert len(keys) == 300, len(keys)
    assert most < 120_000_000 or not running.memory_is_its_own(), most  # 150 MB of values


def a_stream_that_ends_leaves_its_connection(running):
    """keep-alive: the last chunk ends it, and another request follows."""
    connection = http.client.HTTPConnection(running.http, timeout=DEADLINE_S)
    for _ in range(3):
        connection.request("GET", "/v1/topics/r/replay?stop_at_caught_up=true")
        assert b"event: caught_up" in connection.getresponse().read()
    connection.request("HEAD", "/v1/topics/r/replay")
    assert connection.getresponse().read() == b""
    connection.request("HEAD", "/v1/topics/none/replay")
    answer = connection.getresponse()
    assert answer.status == 404 and answer.read() == b""
    connection.request("GET", "/v1/topics/r/replay?stop_at_caught_up=true", headers={"Connection": "close"})
    answer = connection.getresponse()
    assert answer.getheader("Connection") == "close" and b"caught_up" in answer.read()


def what_cannot_be_watched_is_refused_at_once(running):
    cli(running, "topic", "create", "plain", "--config", "cleanup.policy=delete")
    for path, status in (("none/keys/k/watch", 404), ("plain/keys/k/watch", 501), ("t/watch", 400), ("none/replay", 404),
                         ("t/watch?" + "&".join(["key=k"] * 1001), 400), ("t/replay?live_only=perhaps", 400)):
        connection = http.client.HTTPConnection(running.http, timeout=DEADLINE_S)
        connection.request("GET", "/v1/topics/" + path)
        assert connection.getresponse().status == status, path


def one_who_reads_nothing_fills_no_memory(running):
    """Others are served meanwhile, and it is cut off or waits."""
    cli(running, "topic", "create", "big")
    value = b"x" * 100_000
    for number in range(600):
        put(running, "big", f"k{number}", value)
    before = resident_bytes(running)
    host, port = running.http.split(":")
    idle = [socket.create_connection((host, int(port)), timeout=DEADLINE_S) for _ in range(20)]
    for connection in idle:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /v1/topics/big/replay HTTP/1.1\r\nHost: localhost\r\n\r\n")
    time.sleep(2)
    put(running, "big", "k0", b"1")
    grown = resident_bytes(running) - before
    assert grown < 100_000_000 or not running.memory_is_its_own(), grown  # twenty replays of 60 MB
    for connection in idle:
        connection.close()


def resident_bytes(running):
    with open(f"/proc/{running.process.pid}/statm") as statm:
        return int(statm.read().split()[1]) * 4096


def a_broker_that_stops_ends_its_streams(running):
    events = [Events(running, "/v1/topics/r/replay"), Events(running, "/v1/topics/t/keys/w/watch")]
    ends = []

    def drain(stream):
        last = None
        while (event := stream.next()) is not None:
            last = event
        ends.append(last)

    threads = [threading.Thread(target=drain, args=(stream,)) for stream in events]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    started = time.monotonic()
    assert running.stop() == 0
    for thread in threads:
        thread.join(DEADLINE_S)
    assert time.monotonic() - started < 10
    assert [end[0] for end in ends] == ["error", "error"], ends
    assert {end[1]["error"]["code"] for end in ends} == {"shutting_down"}, ends
    running.start()


def main():
    with broker(sys.argv[1]) as running:
        cli(running, "topic", "create", "t", "--partitions", "4")
        for check in (a_watch_tells_the_value_and_every_change, a_resumed_watch_misses_nothing_and_repeats_nothing,
                      a_token_that_is_of_something_else_is_told_and_begins_anew, a_replay_is_the_state_then_the_changes,
                      tokens_of_many_partitions_come_back, a_token_goes_on_with_the_records_that_it_is_of,
                      partitions_that_are_added_are_read_by_who_comes_again,
                      a_small_log_that_unpacks_to_much_is_sent_as_it_is_taken, a_stream_that_ends_leaves_its_connection, what_cannot_be_watched_is_refused_at_once,
                      one_who_reads_nothing_fills_no_memory, a_broker_that_stops_ends_its_streams):
            check(running)
            print("ok:", check.__name__.replace("_", " "), flush=True)


main()
