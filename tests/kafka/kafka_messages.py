"""Kafka's messages in every version, written and read by Kafka's own schemas: those that its jar of clients carries."""
import json
import pathlib
import re
import struct
import zipfile

NUMBERS = {"int8": ">b", "int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "int64": ">q", "float64": ">d"}
API_VERSIONS = 18


class Versions:
    """As the schemas write them: 3, 3+, 3-5, none."""

    def __init__(self, text):
        found = re.fullmatch(r"(\d+)(\+|-(\d+))?", text)
        self.first = int(found[1]) if found else 1
        self.last = 0 if not found else 32767 if found[2] == "+" else int(found[3] or found[1])

    def __contains__(self, version):
        return self.first <= version <= self.last


class Field:
    def __init__(self, schema, structs):
        self.name, self.type = schema["name"], schema["type"]
        self.versions = Versions(schema["versions"])
        self.nullable = Versions(schema.get("nullableVersions", "none"))
        self.tagged = Versions(schema.get("taggedVersions", "none"))
        self.tag, self.initial = schema.get("tag"), schema.get("default")
        element = self.type.removeprefix("[]")
        inner = schema.get("fields") or structs.get(element)
        self.fields = [Field(f, structs) for f in inner] if inner else None

    def default(self, version):
        if self.type.startswith("[]"):
            return None if self.initial == "null" else []
        if self.fields is not None:
            return None if self.initial == "null" else {}
        if self.initial == "null" or (self.initial is None and self.type == "records"):
            return None
        if self.type == "bool":
            return self.initial in ("true", True)
        if self.type == "string":
            return self.initial or ""
        if self.type == "bytes":
            return b""
        if self.type == "uuid":
            return bytes(16)
        return float(self.initial or 0) if self.type == "float64" else int(str(self.initial or 0), 0)


class Writer:
    def __init__(self, version, flexible):
        self.version, self.flexible, self.out = version, flexible, bytearray()

    def varint(self, value):
        while value >= 0x80:
            self.out.append(value & 0x7F | 0x80)
            value >>= 7
        self.out.append(value)

    def length(self, count, form):
        """-1 is null."""
        if self.flexible:
            self.varint(count + 1)
        else:
            self.out += struct.pack(form, count)

    def struct(self, fields, values):
        unknown = values.keys() - {f.name for f in fields}
        assert not unknown, f"no such fields: {unknown}"
        there = [f for f in fields if self.version in f.versions]
        for field in there:
            if self.version not in field.tagged:
                self.value(field, field.type, values.get(field.name, field.default(self.version)))
        if self.flexible:
            self.tags([f for f in there if self.version in f.tagged and f.name in values], values)

    def tags(self, fields, values):
        self.varint(len(fields))
        for field in sorted(fields, key=lambda f: f.tag):
            inner = Writer(self.version, True)
            inner.value(field, field.type, values[field.name])
            self.varint(field.tag)
            self.varint(len(inner.out))
            self.out += inner.out

    def value(self, field, kind, value):
        if kind.startswith("[]"):
            self.length(-1 if value is None else len(value), ">i")
            for element in value or ():
                self.value(field, kind[2:], element)
        elif kind in NUMBERS:
            self.out += struct.pack(NUMBERS[kind], value)
        elif kind == "bool":
            self.out.append(value)
        elif kind == "uuid":
            self.out += value
        elif kind in ("string", "bytes", "records"):
            raw = value.encode() if isinstance(value, str) else value
            self.length(-1 if raw is None else len(raw), ">h" if kind == "string" else ">i")
            self.out += raw or b""
        else:
            self.structure(field, value)

    def structure(self, field, value):
        if self.version in field.nullable and not field.type.startswith("[]"):
            self.out += struct.pack(">b", -1 if value is None else 1)
        if value is not None:
            self.struct(field.fields, value)


def varint(take):
    """take(count): the next bytes."""
    value = shift = 0
    while True:
        byte = take(1)[0]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
        shift += 7


class Reader:
    def __init__(self, version, flexible, data):
        self.version, self.flexible, self.data, self.at = version, flexible, data, 0

    def take(self, count):
        assert 0 <= count <= len(self.data) - self.at, f"{count} bytes wanted, {len(self.data) - self.at} are there"
        self.at += count
        return bytes(self.data[self.at - count:self.at])

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def varint(self):
        return varint(self.take)

    def length(self, form):
        return self.varint() - 1 if self.flexible else self.number(form)

    def struct(self, fields):
        there = [f for f in fields if self.version in f.versions]
        values = {f.name: self.value(f, f.type) for f in there if self.version not in f.tagged}
        if self.flexible:
            tagged = {f.tag: f for f in there if self.version in f.tagged}
            for _ in range(self.varint()):
                tag, size = self.varint(), self.varint()
                inner = Reader(self.version, True, self.take(size))
                if tag in tagged:
                    values[tagged[tag].name] = inner.value(tagged[tag], tagged[tag].type)
        return values

    def value(self, field, kind):
        if kind.startswith("[]"):
            count = self.length(">i")
            return None if count < 0 else [self.value(field, kind[2:]) for _ in range(count)]
        if kind in NUMBERS:
            return self.number(NUMBERS[kind])
        if kind == "bool":
            return self.take(1) != b"\0"
        if kind == "uuid":
            return self.take(16)
        if kind in ("string", "bytes", "records"):
            count = self.length(">h" if kind == "string" else ">i")
            raw = None if count < 0 else self.take(count)
            return raw.decode() if raw is not None and kind == "string" else raw
        if self.version in field.nullable and not field.type.startswith("[]") and self.number(">b") < 0:
            return None
        return self.struct(field.fields)


class Message:
    def __init__(self, schema):
        self.key = schema["apiKey"]
        self.versions = Versions(schema["validVersions"])
        self.flexible = Versions(schema["flexibleVersions"])
        structs = {s["name"]: s["fields"] for s in schema.get("commonStructs", [])}
        self.fields = [Field(f, structs) for f in schema["fields"]]


def without_comments(text):
    return re.sub(r'("(?:\\.|[^"\\])*")|//[^\n]*', lambda match: match[1] or "", text)


class Messages:
    """jars: a class path whose folder has kafka-clients."""

    def __init__(self, jars):
        jar = next(pathlib.Path(jars).parent.glob("kafka-clients-*.jar"))
        self.of = {}
        with zipfile.ZipFile(jar) as archive:
            for name in archive.namelist():
                if re.fullmatch(r"common/message/\w+(Request|Response)\.json", name):
                    schema = json.loads(without_comments(archive.read(name).decode()))
                    if schema["validVersions"] != "none":  # else it is gone
                        self.of[schema["name"]] = Message(schema)

    def request(self, api, version, correlation, values, client="t"):
        """The frame of a request; what `values` does not name has its default."""
        message = self.of[f"{api}Request"]
        flexible = version in message.flexible
        body = Writer(version, flexible)
        body.struct(message.fields, values)
        head = struct.pack(">hhih", message.key, version, correlation, len(client)) + client.encode()
        whole = head + (b"\0" if flexible else b"") + bytes(body.out)
        return struct.pack(">i", len(whole)) + whole

    def response(self, api, version, data):
        """Of what follows the correlation id."""
        message = self.of[f"{api}Response"]
        flexible = version in message.flexible
        reader = Reader(version, flexible, data)
        if flexible and message.key != API_VERSIONS:
            assert reader.varint() == 0, "tags in a header"
        values = reader.struct(message.fields)
        assert reader.at == len(data), f"{len(data) - reader.at} bytes behind the message"
        return values
