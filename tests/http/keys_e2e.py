#!/usr/bin/python3
"""Keys over HTTP: what stands there, in each form; writes under conditions; what other clients and the CLI see of it.

    keys_e2e.py LOGCASK
"""
import base64
import http.client
import json
import subprocess
import sys
import threading
import urllib.parse

from kafka_broker import broker
from wire_e2e import Connection, batch, produce

JSON = {"Content-Type": "application/json"}
OCTETS = {"Content-Type": "application/octet-stream"}


class Client:
    def __init__(self, running):
        self.connection = http.client.HTTPConnection(running.http, timeout=30)

    def ask(self, method, path, body=None, **headers):
        self.connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = self.connection.getresponse()
        return answer, answer.read()

    def key(self, method, topic, key, body=None, query="", **headers):
        path = f"/v1/topics/{topic}/keys/{urllib.parse.quote(key, safe='')}{query}"
        if body is not None:
            headers.setdefault("Content_Type", "application/octet-stream")
        return self.ask(method, path, body, **headers)


def cli(running, *words, code=0):
    done = subprocess.run([running.program, *words, "--broker", running.native], capture_output=True, timeout=60)
    assert done.returncode == code, (words, done)
    return done.stdout


def expect(answer, status):
    assert answer[0].status == status, (answer[0].status, answer[0].getheaders(), answer[1])
    return answer[1]


def a_value_comes_back_in_each_form(client, running):
    tag = client.key("PUT", "t", "a/b c", b"caf\xc3\xa9")[0].getheader("ETag")
    found = json.loads(expect(client.key("GET", "t", "a/b c"), 200))
    assert found["value"] == "caf\N{LATIN SMALL LETTER E WITH ACUTE}" and found["key"] == "a/b c", found
    assert found["headers"] == [] and found["offset"] == 0 and found["timestamp"] > 0, found
    assert client.key("GET", "t", "a/b c")[0].getheader("ETag") == tag
    octets = client.key("GET", "t", "a/b c", Accept="application/octet-stream")
    assert expect(octets, 200) == b"caf\xc3\xa9"
    assert octets[0].getheader("Logcask-Offset") == "0" and octets[0].getheader("ETag") != tag
    in_base64 = json.loads(expect(client.key("GET", "t", "a/b c", query="?encoding=base64"), 200))
    assert base64.b64decode(in_base64["value_base64"]) == b"caf\xc3\xa9"
    assert cli(running, "get", "t", "a/b c") == b"caf\xc3\xa9\n"
    head = client.key("HEAD", "t", "a/b c")
    assert expect(head, 200) == b"" and head[0].getheader("ETag") == tag


def any_bytes_are_a_key_and_a_value(client, running):
    key, value = b"\x00\xff/\n", bytes(range(256))
    path = "/v1/topics/t/keys/" + base64.urlsafe_b64encode(key).decode().rstrip("=") + "?key_encoding=base64url"
    expect(client.ask("PUT", path, value, **{"Content-Type": "application/octet-stream"}), 200)
    assert expect(client.ask("GET", path, Accept="application/octet-stream"), 200) == value
    found = json.loads(expect(client.ask("GET", path), 200))
    assert base64.b64decode(found["value_base64"]) == value and base64.b64decode(found["key_base64"]) == key
    percent = "/v1/topics/t/keys/" + urllib.parse.quote(key, safe="")
    assert expect(client.ask("GET", percent, Accept="application/octet-stream"), 200) == value


def absent_is_not_deleted(client, running):
    assert json.loads(expect(client.key("GET", "t", "never"), 404))["state"] == "absent"
    client.key("PUT", "t", "gone", b"1")
    deleted = json.loads(expect(client.key("DELETE", "t", "gone"), 200))
    told = json.loads(expect(client.key("GET", "t", "gone"), 404))
    assert told["state"] == "deleted" and told["offset"] == deleted["offset"], told
    assert json.loads(expect(client.ask("GET", "/v1/topics/none/keys/x"), 404))["error"]["code"] == "unknown_topic"


def writes_keep_their_conditions(client, running):
    first = client.key("PUT", "t", "c", b"1", If_None_Match="*")
    expect(first, 201)
    second = client.key("PUT", "t", "c", b"2", If_None_Match="*")
    expect(second, 412)
    assert second[0].getheader("ETag") == first[0].getheader("ETag")
    third = client.key("PUT", "t", "c", b"3", If_Match=first[0].getheader("ETag"))
    expect(third, 200)
    stale = client.key("PUT", "t", "c", b"4", If_Match=first[0].getheader("ETag"))
    expect(stale, 412)
    assert stale[0].getheader("ETag") == third[0].getheader("ETag")
    octets_tag = client.key("GET", "t", "c", Accept="application/octet-stream")[0].getheader("ETag")
    expect(client.key("PUT", "t", "c", b"5", If_Match=octets_tag), 200)  # of another form, of the same record
    expect(client.key("PUT", "t", "no-such", b"1", If_Match="*"), 412)
    expect(client.key("DELETE", "t", "c", If_Match=first[0].getheader("ETag")), 412)
    expect(client.key("DELETE", "t", "c", If_Match="*"), 200)
    expect(client.key("PUT", "t", "c", b"6", If_None_Match="*"), 201)
    assert expect(client.key("GET", "t", "c", Accept="application/octet-stream"), 200) == b"6"


def no_condition_is_passed_over(client, running):
    tag = client.key("PUT", "t", "d", b"1")[0].getheader("ETag")
    for headers in ({"If_Match": tag, "If_None_Match": "*"}, {"If_None_Match": tag}, {"If_Match": f"{tag}, {tag}"},
                    {"If_Match": "no tag"}, {"If_Match": ""}, {"If_Unmodified_Since": "Sun, 06 Nov 1994 08:49:37 GMT"}):
        expect(client.key("PUT", "t", "d", b"2", **headers), 400)
    expect(client.key("DELETE", "t", "d", If_None_Match="*"), 400)
    expect(client.key("PUT", "t", "d", b"2", If_Match='"of somebody else"'), 412)
    assert expect(client.key("GET", "t", "d", Accept="application/octet-stream"), 200) == b"1"
    expect(client.key("GET", "t", "d", If_None_Match=tag), 304)
    expect(client.key("GET", "t", "d", If_None_Match=f'"x", {tag}'), 304)
    expect(client.key("GET", "t", "d", If_None_Match="*"), 304)
    expect(client.key("GET", "t", "d", If_None_Match=tag, Accept="application/octet-stream"), 200)
    expect(client.key("GET", "t", "d", If_Match=tag), 200)
    expect(client.key("GET", "t", "d", If_Match='"x"'), 412)
    expect(client.key("GET", "t", "d", If_Match=tag, If_None_Match='"x"'), 400)
    expect(client.key("PUT", "t", "d", b"1", If_Match="W/" + tag), 412)
    expect(client.key("GET", "t", "never", If_Match="*"), 412)
    expect(client.key("GET", "t", "d", If_Modified_Since="Sun, 06 Nov 1994 08:49:37 GMT"), 400)


def a_tag_is_of_its_topic(client, running):
    cli(running, "topic", "create", "again", "--partitions", "1")
    tag = client.key("PUT", "again", "k", b"1")[0].getheader("ETag")
    cli(running, "topic", "delete", "again")
    cli(running, "topic", "create", "again", "--partitions", "1")
    assert client.key("PUT", "again", "k", b"2")[0].getheader("ETag") != tag
    expect(client.key("PUT", "again", "k", b"3", If_Match=tag), 412)
    assert expect(client.key("GET", "again", "k", Accept="application/octet-stream"), 200) == b"2"


def a_reader_waits_for_what_it_names(client, running):
    written = json.loads(expect(client.key("PUT", "t", "e", b"1"), 200))
    place = f"?min_offset={written['partition']}:"
    expect(client.key("GET", "t", "e", query=f"{place}{written['offset']}"), 200)
    assert json.loads(expect(client.key("GET", "t", "e", query=f"{place}{written['offset'] + 1000}"), 409))
    expect(client.key("GET", "t", "e", query="?min_offset=1"), 400)  # of which partition?
    expect(client.key("GET", "t", "e", query="?min_ofset=1"), 400)


def one_of_many_writers_creates(running):
    def create(number, won):
        if Client(running).key("PUT", "t", "race", str(number).encode(), If_None_Match="*")[0].status == 201:
            won.append(number)

    won = []
    threads = [threading.Thread(target=create, args=(number, won)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1, won
    assert expect(Client(running).key("GET", "t", "race", Accept="application/octet-stream"), 200) == b"%d" % won[0]


def many_keys_at_a_time(client, running):
    for number in range(100):
        client.key("PUT", "t", f"m{number}", f"v{number}".encode())
    client.key("DELETE", "t", "m7")
    body = json.dumps({"keys": [f"m{number}" for number in range(100)] + [{"base64": "/w=="}]})
    results = json.loads(expect(client.ask("POST", "/v1/topics/t/keys:batchGet", body, **JSON), 200))["results"]
    by_key = {result.get("key") or result["key_base64"]: result for result in results}
    assert len(by_key) == 101 and by_key["m7"]["status"] == "deleted" and by_key["/w=="]["status"] == "absent"
    assert all(by_key[f"m{number}"]["value"] == f"v{number}" for number in range(100) if number != 7)
    for bad in ("", "[]", '{"keys": 1}', '{"keys": [1]}', '{"keys": [{"base64": "?"}]}', '{"keys": [], "x": 1}'):
        expect(client.ask("POST", "/v1/topics/t/keys:batchGet", bad, **JSON), 400)


def foreign_write(running, partition, key, value):
    """Where a producer of another kind puts it."""
    connection = Connection(running.kafka)
    connection.send(produce(1, b"t", batch(key, value), -1, partition=partition))
    assert connection.answer()[0] == 1


def a_write_goes_where_the_key_stands(client, running):
    for partition in range(4):
        key = f"at {partition}"
        foreign_write(running, partition, key.encode(), b"1")
        tag = client.key("GET", "t", key)[0].getheader("ETag")
        written = client.key("PUT", "t", key, b"2", If_Match=tag)
        assert json.loads(expect(written, 200))["partition"] == partition, written
        assert expect(client.key("GET", "t", key, Accept="application/octet-stream"), 200) == b"2"
        assert json.loads(expect(client.key("DELETE", "t", key), 200))["partition"] == partition
        # A tag of another partition is not met by the same offset of this one.
        other = written[0].getheader("ETag").replace(f"-{partition}-", f"-{(partition + 1) % 4}-", 1)
        expect(client.key("PUT", "t", key, b"3", If_Match=other), 412)


def a_deletion_reaches_every_partition_of_the_key(client, running):
    for partition in range(2):
        foreign_write(running, partition, b"both", b"1")
    assert json.loads(expect(client.key("GET", "t", "both"), 200))["ambiguous"]
    tag = client.key("GET", "t", "both")[0].getheader("ETag")
    for given in ("*", tag):
        expect(client.key("PUT", "t", "both", b"x", If_Match=given), 409)  # there is no single record to be about
    assert json.loads(expect(client.key("PUT", "t", "both", b"x"), 200))["ambiguous"]
    expect(client.key("DELETE", "t", "both"), 200)
    assert json.loads(expect(client.key("GET", "t", "both"), 404))["state"] == "deleted"


def main():
    with broker(sys.argv[1]) as running:
        cli(running, "topic", "create", "t", "--partitions", "4")
        client = Client(running)
        for check in (a_value_comes_back_in_each_form, any_bytes_are_a_key_and_a_value, absent_is_not_deleted,
                      writes_keep_their_conditions, no_condition_is_passed_over, a_tag_is_of_its_topic,
                      a_reader_waits_for_what_it_names, many_keys_at_a_time,
                      a_write_goes_where_the_key_stands, a_deletion_reaches_every_partition_of_the_key):
            check(client, running)
            print("ok:", check.__name__.replace("_", " "))
        one_of_many_writers_creates(running)
        print("ok: one of many writers creates")


main()
