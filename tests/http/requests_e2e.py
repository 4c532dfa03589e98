#!/usr/bin/python3
"""Requests that are none, that come in pieces, that a browser was made to send; a broker that stops or is loading.

    requests_e2e.py LOGCASK
"""
import json
import socket
import subprocess
import sys
import time

from kafka_broker import broker

DEADLINE_S = 20


class Raw:
    def __init__(self, running):
        host, port = running.http.split(":")
        self.host = running.http
        self.socket = socket.create_connection((host, int(port)), timeout=DEADLINE_S)

    def send(self, data):
        self.socket.sendall(data.replace(b"HOST", self.host.encode()))
        return self

    def answer(self):
        """(status, headers, body) of the next one."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = self.socket.recv(1)
            if not byte:
                return None
            head += byte
        lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        body, wanted = b"", int(headers.get("content-length", 0))
        while len(body) < wanted:
            body += self.socket.recv(wanted - len(body))
        return int(lines[0].split()[1]), headers, body

    def closed(self):
        return self.socket.recv(1) == b""


def ask(running, data):
    return Raw(running).send(data).answer()


GET = b"GET /healthz HTTP/1.1\r\nHost: HOST\r\n"


def what_is_no_request_is_told_so_and_cut_off(running):
    for data, status in ((b"garbage\r\n\r\n", 400), (b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\r\n\r\n", 400),
                         (b"GET http://x y HTTP/1.1\r\n\r\n", 400), (b"GET /healthz HTTP/9.9\r\nHost: HOST\r\n\r\n", 400),
                         (GET + b"X: " + b"y" * 70000 + b"\r\n\r\n", 431),
                         (GET + b"Transfer-Encoding: gzip\r\n\r\nGET /x HTTP/1.1\r\n\r\n", 400),
                         (GET + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
                         (b"GET / HTTP/1.0\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
                         (GET + b"Content-Length: x\r\n\r\n", 400), (GET + b"Content-Length: -1\r\n\r\n", 400),
                         (GET + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
                         (GET + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400),
                         (GET + b"Content-Length: 99999999999\r\n\r\n", 413),
                         (GET + b"Transfer-Encoding: chunked\r\n\r\nx\r\n", 400),
                         (GET + b"Transfer-Encoding: chunked\r\n\r\nfffffff\r\n", 413),
                         (GET + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcdefg\r\n0\r\n\r\n", 400),
                         (b"GET /%zz HTTP/1.1\r\nHost: HOST\r\n\r\n", 400)):
        raw = Raw(running).send(data)
        answer = raw.answer()
        assert answer and answer[0] == status, (data[:60], answer)
        assert answer[1]["connection"] == "close" and raw.closed(), data[:60]
        assert json.loads(answer[2])["error"]["message"], answer


def one_request_after_another_is_answered_in_order(running):
    raw = Raw(running)
    raw.send((GET + b"\r\n") * 3 + b"GET /nothing HTTP/1.1\r\nHost: HOST\r\n\r\n" + GET + b"\r\n")
    assert [raw.answer()[0] for _ in range(5)] == [200, 200, 200, 404, 200]
    raw.send(GET + b"Connection: close\r\n\r\n" + GET + b"\r\n")
    assert raw.answer()[0] == 200 and raw.closed()
    assert Raw(running).send(b"GET /healthz HTTP/1.0\r\nHost: HOST\r\n\r\n").answer()[1]["connection"] == "close"


def a_request_may_come_byte_by_byte(running):
    request = (b"POST /v1/topics/t/keys:batchGet HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\n"
               b"Transfer-Encoding: chunked\r\n\r\n5\r\n{\"key\r\n6;x=y\r\ns\":[]}\r\n0\r\nTrailer: x\r\n\r\n")
    raw = Raw(running)
    for byte in request.replace(b"HOST", raw.host.encode()):
        raw.socket.sendall(bytes([byte]))
    assert json.loads(raw.answer()[2]) == {"results": []}
    assert raw.send(request + request).answer()[0] == 200 and raw.answer()[0] == 200


def a_client_that_waits_is_told_to_go_on(running):
    raw = Raw(running).send(b"PUT /v1/topics/t/keys/big HTTP/1.1\r\nHost: HOST\r\nContent-Length: 100000\r\n"
                            b"Content-Type: application/octet-stream\r\nExpect: 100-continue\r\n\r\n")
    assert raw.answer()[0] == 100
    assert raw.send(b"x" * 100000).answer()[0] == 200


def pages_of_others_are_refused(running):
    for headers, status in ((b"Host: evil.example\r\n", 421), (b"Host: 10.1.2.3\r\n", 421), (b"", 400),
                            (b"Host: HOST\r\nHost: HOST\r\n", 400),
                            (b"Host: HOST\r\nOrigin: http://evil.example\r\n", 403),
                            (b"Host: HOST\r\nOrigin: null\r\n", 403), (b"Host: HOST\r\nOrigin: https://HOST\r\n", 403),
                            (b"Host: HOST\r\nSec-Fetch-Site: cross-site\r\n", 403),
                            (b"Host: HOST\r\nOrigin: http://HOST\r\nSec-Fetch-Site: same-origin\r\n", 200),
                            (b"Host: LocalHost:1\r\n", 200), (b"Host: Allowed.Example\r\n", 200)):
        for path in (b"/healthz", b"/v1/topics"):
            answer = ask(running, b"GET " + path + b" HTTP/1.1\r\n" + headers + b"\r\n")
            assert answer[0] == status, (headers, answer)
            assert not [name for name in answer[1] if name.startswith("access-control")], answer
    for media in (b"", b"Content-Type: text/plain\r\n", b"Content-Type: application/x-www-form-urlencoded\r\n"):
        put = b"PUT /v1/topics/t/keys/k HTTP/1.1\r\nHost: HOST\r\nContent-Length: 1\r\n" + media + b"\r\nx"
        assert ask(running, put)[0] == 415
    assert ask(running, b"GET /v1/topics/t/keys/k HTTP/1.1\r\nHost: HOST\r\n\r\n")[0] == 404


def one_who_has_closed_his_side_gets_all_he_asked_for(running):
    raw = Raw(running)
    value = b"v" * 1_000_000
    put = b"PUT /v1/topics/t/keys/large HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/octet-stream\r\n"
    assert raw.send(put + b"Content-Length: 1000000\r\n\r\n" + value).answer()[0] == 200
    get = b"GET /v1/topics/t/keys/large HTTP/1.1\r\nHost: HOST\r\nAccept: application/octet-stream\r\n\r\n"
    raw.send(get * 8).socket.shutdown(socket.SHUT_WR)
    time.sleep(0.5)
    assert [raw.answer()[2] for _ in range(8)] == [value] * 8 and raw.closed()


def nothing_that_is_said_is_passed_over(running):
    for path in (b"/healthz?x=1", b"/v1/topics?x=1", b"/v1/topics/t?x=1", b"/v1/topics/t/watch?key=k&encoding=text&encoding=text"):
        assert ask(running, b"GET " + path + b" HTTP/1.1\r\nHost: HOST\r\n\r\n")[0] == 400, path
    for path in (b"/v1/topics", b"/v1/topics/t", b"/v1/topics/t/keys/k/watch", b"/v1/topics/t/replay"):
        head = b"GET " + path + b" HTTP/1.1\r\nHost: HOST\r\nIf-None-Match: *\r\n\r\n"
        assert ask(running, head)[0] == 400, path
    put = b"PUT /v1/topics/t/keys/k HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\n"
    assert ask(running, put + b"Content-Length: 1\r\nContent-Encoding: gzip\r\n\r\nx")[0] == 415
    assert ask(running, put + b"Content-Length: 1\r\nContent-Range: bytes 0-0/5\r\n\r\nx")[0] == 400
    # What stands behind the last chunk is no header of the request.
    trailers = b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nIf-Match: *\r\n\r\n"
    assert ask(running, put + trailers)[0] == 200
    bare = b"PUT /v1/topics/t/keys/k HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert ask(running, bare + b"1\r\nx\r\n0\r\nContent-Type: application/json\r\n\r\n")[0] == 415


def a_body_of_many_values_takes_little_memory(running):
    body = b'{"keys":[' + b"0," * 3_500_000 + b"0]}"
    post = b"POST /v1/topics/t/keys:batchGet HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\n"
    answer = ask(running, post + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert answer[0] == 400, answer
    with open(f"/proc/{running.process.pid}/status") as status:
        peak = int(next(line for line in status if line.startswith("VmHWM")).split()[1])
    assert peak < 150_000 or not running.memory_is_its_own(), f"{peak} kB"  # 288 MB, where each became a value


def a_method_or_path_that_is_none_is_named(running):
    answer = ask(running, b"POST /v1/topics/t/keys/k HTTP/1.1\r\nHost: HOST\r\n\r\n")
    assert answer[0] == 405 and answer[1]["allow"] == "get, head, put, delete", answer
    assert ask(running, b"OPTIONS /v1/topics HTTP/1.1\r\nHost: HOST\r\n\r\n")[0] == 405
    assert ask(running, b"GET /v1/topics/t/keys/" + b"k" * 4097 + b" HTTP/1.1\r\nHost: HOST\r\n\r\n")[0] == 414


def a_broker_tells_whether_it_is_ready(running):
    answer = ask(running, b"GET /readyz HTTP/1.1\r\nHost: HOST\r\n\r\n")
    assert answer[0] == 200 and json.loads(answer[2])["ready"], answer


def an_idle_connection_does_not_keep_the_broker(running):
    idle, half = Raw(running), Raw(running).send(GET)
    started = time.monotonic()
    assert running.stop() == 0
    assert time.monotonic() - started < 10
    assert idle.closed() and (half.answer() is None or half.closed())
    running.start()


def main():
    with broker(sys.argv[1], ["http.allowed.hosts=other, allowed.example"]) as running:
        subprocess.run([running.program, "topic", "create", "t", "--broker", running.native], check=True, timeout=60,
                       stdout=subprocess.DEVNULL)
        for check in (what_is_no_request_is_told_so_and_cut_off, one_request_after_another_is_answered_in_order,
                      a_request_may_come_byte_by_byte, a_client_that_waits_is_told_to_go_on,
                      pages_of_others_are_refused, one_who_has_closed_his_side_gets_all_he_asked_for,
                      nothing_that_is_said_is_passed_over, a_body_of_many_values_takes_little_memory, a_method_or_path_that_is_none_is_named,
                      a_broker_tells_whether_it_is_ready, an_idle_connection_does_not_keep_the_broker):
            check(running)
            print("ok:", check.__name__.replace("_", " "))


main()
