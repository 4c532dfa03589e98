#!/usr/bin/env python3
"""Our descriptions of Kafka's messages beside Kafka's own schemas: schema_check.py PATH_OF_kafka_fields

The schemas are the files common/message/*.json in a kafka-clients jar: the newest one below ~/.m2/repository and the
folder that LOGCASK_KAFKA_JARS names. In every version that we read or write (proto/kafka/api.cc), a message of ours
must have the plain fields of Kafka's, in order, with their types and nulls. Tagged fields of Kafka's may be missing.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import zipfile


def newest_jar():
    jars = list((pathlib.Path.home() / ".m2/repository/org/apache/kafka/kafka-clients").glob("*/kafka-clients-*.jar"))
    if os.environ.get("LOGCASK_KAFKA_JARS"):
        jars += pathlib.Path(os.environ["LOGCASK_KAFKA_JARS"]).glob("kafka-clients-*.jar")
    known = []
    for jar in jars:
        version = re.fullmatch(r"kafka-clients-(\d+)\.(\d+)\.(\d+)\.jar", jar.name)
        if version:
            known.append(([int(part) for part in version.groups()], str(jar)))
    return max(known)[1] if known else None


def without_comments(text):
    # A comment is outside of the strings: what follows // in one is left alone.
    return re.sub(r'("(?:\\.|[^"\\])*")|//[^\n]*', lambda match: match.group(1) or "", text)


def schemas(jar):
    found = {}
    with zipfile.ZipFile(jar) as archive:
        for name in archive.namelist():
            if re.fullmatch(r"common/message/\w+(Request|Response)\.json", name):
                found[pathlib.PurePath(name).stem] = json.loads(without_comments(archive.read(name).decode()))
    return found


class Versions:
    """Kafka's way to write versions: 3, 3+, 3-5, none."""

    def __init__(self, text):
        match = re.fullmatch(r"(\d+)(\+|-(\d+))?", text)
        self.first = int(match.group(1)) if match else 1
        self.last = 0 if not match else 32767 if match.group(2) == "+" else int(match.group(3) or self.first)

    def __contains__(self, version):
        return self.first <= version <= self.last


class Field:
    """A field as both sides are brought to: kind is the type with any struct's name as `struct`."""

    def __init__(self, name, kind, versions, nulls, tag, tagged, initial, holds_null=True):
        self.name, self.kind, self.versions, self.nulls = name, kind, versions, nulls
        self.tag, self.tagged, self.initial, self.holds_null = tag, tagged, initial, holds_null
        self.fields = []


PRIMITIVES = {"bool", "int8", "int16", "uint16", "int32", "uint32", "int64", "float64", "string", "uuid", "bytes", "records"}


def theirs(fields, structs):
    tree = []
    for field in fields:
        prefix, element = ("[]", field["type"][2:]) if field["type"].startswith("[]") else ("", field["type"])
        primitive = element in PRIMITIVES
        initial = str(field.get("default", ""))
        if initial.startswith("0x"):
            initial = str(int(initial, 16))
        if not initial and not prefix:
            initial = "false" if element == "bool" else "0" if "int" in element and primitive else ""
        entry = Field(field["name"], prefix + (element if primitive else "struct"), Versions(field["versions"]),
                      Versions(field.get("nullableVersions", "none")), field.get("tag"),
                      Versions(field.get("taggedVersions", "none")), initial.lower() if element == "bool" else initial)
        if not primitive:
            entry.fields = theirs(field.get("fields") or structs[element], structs)
        tree.append(entry)
    return tree


def ours(rows):
    root = []
    levels = [root]
    for row in rows:
        versions = Versions("%d-%d" % tuple(row["versions"]))
        nulls = Versions("%d-%d" % tuple(row["null_versions"]) if row["null_versions"] else "none")
        tagged = versions if row["tag"] is not None else Versions("none")
        field = Field(row["name"], row["type"], versions, nulls, row["tag"], tagged, row["initial"], row["holds_null"])
        del levels[row["depth"] + 1:]
        levels[-1].append(field)
        levels.append(field.fields)
    return root


def compare(mine, kafka, version, path, note):
    """The fields of one struct in one version; `note(text)` for what differs."""
    plain = [field for field in mine if version in field.versions and version not in field.tagged]
    plain_kafka = [field for field in kafka if version in field.versions and version not in field.tagged]
    names, names_kafka = [field.name for field in plain], [field.name for field in plain_kafka]
    for name in names:
        if name not in names_kafka:
            note(f"{path}{name} is ours alone: Kafka has no such field there")
    for name in names_kafka:
        if name not in names:
            note(f"{path}{name} is missing: Kafka has it there")
    if names != names_kafka and sorted(names) == sorted(names_kafka):
        note(f"{path}: the order is {', '.join(names)}, Kafka's is {', '.join(names_kafka)}")
    tags = [field for field in mine if version in field.tagged]
    for field in tags:
        if not [other for other in kafka if other.name == field.name and version in other.tagged]:
            note(f"{path}{field.name} is tagged, and in Kafka it is not there or not tagged")
    if [field.tag for field in tags] != sorted(field.tag for field in tags):
        note(f"{path}: tags must be described in ascending order, as they are written")

    checked = 0
    for field in plain + tags:
        for other in kafka:
            if other.name != field.name or version not in other.versions:
                continue
            checked += 1
            here = path + field.name
            if field.kind != other.kind:
                note(f"{here} has type {field.kind}, in Kafka {other.kind}")
            if (version in field.nulls) != (version in other.nulls):
                note(f"{here} may be null {'here' if version in field.nulls else 'in Kafka'} only")
            if version in field.nulls and not field.holds_null:
                note(f"{here} may be null, and our struct has no room for that: make it std::optional")
            if field.tag is not None and field.tag != other.tag:
                note(f"{here} has tag {field.tag}, in Kafka {other.tag}")
            if field.kind.endswith("struct"):
                checked += compare(field.fields, other.fields, version, here + ".", note)
    return checked


def compare_initials(mine, kafka, first, last, path, note, tagged_only):
    """What a request has where its version lacks the field, or a tag is left out, is what Kafka takes it for."""
    for field in mine:
        for other in kafka:
            if other.name != field.name:
                continue
            always = first in field.versions and last in field.versions
            sometimes = field.tag is not None or not (always or tagged_only)
            lists = field.kind.startswith("[]") or field.kind == "struct"
            # A text that may be null and has no default is the empty one in Kafka; to us null says the same.
            same = field.initial == other.initial or (field.initial == "null" and other.initial == "")
            if sometimes and not lists and not same:
                note(f"{path}{field.name} is {field.initial} where it is left out, in Kafka {other.initial}")
            compare_initials(field.fields, other.fields, max(first, field.versions.first),
                             min(last, field.versions.last), f"{path}{field.name}.", note, tagged_only)


def main():
    jar = newest_jar()
    if not jar:
        print("SKIPPED: no kafka-clients jar in ~/.m2/repository; name a folder that has one in LOGCASK_KAFKA_JARS")
        return 0
    kafka = schemas(jar)
    messages = json.loads(subprocess.run([sys.argv[1]], check=True, stdout=subprocess.PIPE).stdout)
    faults = {}
    checked = unknown = 0
    for message in messages:
        name = message["name"] + message["kind"]
        schema = kafka.get(name)
        if not schema:
            faults[f"{name}: Kafka has no such message"] = []
            continue
        if schema["apiKey"] != message["key"]:
            faults[f"{name} has api key {message['key']}, in Kafka {schema['apiKey']}"] = []
        structs = {struct["name"]: struct["fields"] for struct in schema.get("commonStructs", [])}
        mine, wanted = ours(message["fields"]), theirs(schema["fields"], structs)
        first, last = message["versions"]
        for version in range(first, last + 1):
            if version > Versions(schema["validVersions"]).last:
                unknown += 1  # a jar older than the version
                continue
            note = lambda text: faults.setdefault(f"{name}: {text}", []).append(version)
            if (version >= message["flexible"]) != (version in Versions(schema["flexibleVersions"])):
                note(f"flexible from {message['flexible']} on, in Kafka {schema['flexibleVersions']}")
            checked += compare(mine, wanted, version, "", note)
        compare_initials(mine, wanted, first, last, "", lambda text: faults.setdefault(f"{name}: {text}", []),
                         message["kind"] == "Response")
    for fault, versions in faults.items():
        print(fault + (f" (versions {', '.join(map(str, versions))})" if versions else ""))
    print(f"{len(messages)} messages, {checked} fields of all their versions beside {os.path.basename(jar)}: "
          f"{len(faults)} differences" + (f"; {unknown} versions are newer than it" if unknown else ""))
    return 1 if faults or not checked else 0


sys.exit(main())
