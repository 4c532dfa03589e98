"""A Kafka broker of one partition, just enough for a librdkafka client to produce to or consume from.

It is a tool of the golden files only: `produced` collects the record batches a client sent, `served`
holds the batches a client may fetch (offset of the batch's end -> bytes).
"""
import socket
import struct
import threading

PRODUCE, FETCH, LIST_OFFSETS, METADATA, API_VERSIONS, INIT_PRODUCER_ID = 0, 1, 2, 3, 18, 22
# librdkafka turns features on by what is listed here, group support included.
VERSIONS = {0: (0, 7), 1: (0, 11), 2: (0, 1), 3: (0, 4), 8: (0, 7), 9: (0, 7), 10: (0, 2), 11: (0, 5), 12: (0, 3),
            13: (0, 1), 14: (0, 3), 18: (0, 0), 22: (0, 1)}
TOPIC = b"golden"


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        piece = self.data[self.at:self.at + size]
        assert len(piece) == size, "request cut short"
        self.at += size
        return piece

    def num(self, code):
        return struct.unpack(">" + code, self.take(struct.calcsize(">" + code)))[0]

    def string(self):
        size = self.num("h")
        return None if size < 0 else self.take(size)


def string(text):
    return struct.pack(">h", len(text)) + text


class FakeBroker:
    def __init__(self):
        self.produced = []
        self.served = []  # (first offset, next offset, bytes)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            peer, _ = self.listener.accept()
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        stream = peer.makefile("rb")
        while True:
            size = stream.read(4)
            if len(size) < 4:
                return
            request = Reader(stream.read(struct.unpack(">i", size)[0]))
            key, version, correlation = request.num("h"), request.num("h"), request.num("i")
            request.string()  # client id
            body = self._answer(key, version, request)
            if body is not None:
                peer.sendall(struct.pack(">ii", len(body) + 4, correlation) + body)

    def _answer(self, key, version, request):
        if key == API_VERSIONS:
            listed = b"".join(struct.pack(">hhh", k, low, high) for k, (low, high) in sorted(VERSIONS.items()))
            return struct.pack(">hi", 0 if version == 0 else 35, len(VERSIONS)) + listed
        if key == METADATA:
            return self._metadata(version)
        if key == INIT_PRODUCER_ID:
            return struct.pack(">ihqh", 0, 0, 4711, 3)
        if key == PRODUCE:
            return self._produce(version, request)
        if key == LIST_OFFSETS:
            end = self.served[-1][1] if self.served else 0
            return (struct.pack(">i", 1) + string(TOPIC) + struct.pack(">iih", 1, 0, 0) +
                    (struct.pack(">qq", -1, end) if version == 1 else struct.pack(">iq", 1, end)))
        if key == FETCH:
            return self._fetch(version, request)
        raise ValueError("no answer for request %d version %d" % (key, version))

    def _metadata(self, version):
        rack = struct.pack(">h", -1) if version >= 1 else b""
        out = struct.pack(">i", 0) if version >= 3 else b""
        out += struct.pack(">ii", 1, 1) + string(b"127.0.0.1") + struct.pack(">i", self.port) + rack
        if version >= 2:
            out += string(b"golden-cluster")
        if version >= 1:
            out += struct.pack(">i", 1)
        out += struct.pack(">ih", 1, 0) + string(TOPIC) + (b"\0" if version >= 1 else b"")
        return out + struct.pack(">ihiiiiii", 1, 0, 0, 1, 1, 1, 1, 1)

    def _produce(self, version, request):
        if version >= 3:
            request.string()  # transactional id
        request.num("h"), request.num("i")
        assert request.num("i") == 1
        request.string()
        assert request.num("i") == 1 and request.num("i") == 0
        batch = request.take(request.num("i"))
        self.produced.append(batch)
        out = struct.pack(">i", 1) + string(TOPIC) + struct.pack(">iihq", 1, 0, 0, 0)
        if version >= 2:
            out += struct.pack(">q", -1)
        if version >= 5:
            out += struct.pack(">q", 0)
        return out + struct.pack(">i", 0)

    def _fetch(self, version, request):
        request.take(4 + 4 + 4)  # replica, max wait, min bytes
        if version >= 3:
            request.num("i")
        if version >= 4:
            request.num("b")
        if version >= 7:
            request.take(8)
        offset = None
        if request.num("i"):
            request.string()
            assert request.num("i") == 1 and request.num("i") == 0
            if version >= 9:
                request.num("i")
            offset = request.num("q")
        records = b"".join(batch for _, end, batch in self.served if offset is not None and end > offset)
        high = self.served[-1][1] if self.served else 0
        out = struct.pack(">i", 0)
        if version >= 7:
            out += struct.pack(">hi", 0, 0)
        if offset is None:
            return out + struct.pack(">i", 0)
        out += struct.pack(">i", 1) + string(TOPIC) + struct.pack(">iihq", 1, 0, 0, high)
        if version >= 4:
            out += struct.pack(">q", high)
        if version >= 5:
            out += struct.pack(">q", 0)
        if version >= 4:
            out += struct.pack(">i", -1)
        if version >= 11:
            out += struct.pack(">i", -1)
        return out + struct.pack(">i", len(records)) + records
