#!/usr/bin/env python3
"""Checks the include direction of docs/ARCHITECTURE.md: between folders, between the rooms inside broker/; that storage
stays free of sockets, threads and clocks; and that what is installed includes nothing that is not.

Prints one line per breach, with file and line, and exits 1 when there is any.

    check-includes.py                            the check, after a check of itself
    check-includes.py --graph [REV] [--as-now]   the includes between the rooms of broker/, counted; upward ones named.
                                                 REV: as they stood there; --as-now: each file in the room where a file
                                                 of that name stands now.
"""
import argparse
import collections
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Whose headers a folder may include, besides its own.
ALLOWED = {
    "base": set(),
    "sizing": {"base"},
    "proto": {"base"},
    "segment": {"base", "proto"},
    "partition": {"base", "sizing", "proto", "segment"},
    "compactor": {"base", "sizing", "proto", "segment", "partition"},
    "broker": {"base", "sizing", "proto", "segment", "partition", "compactor"},
    "client": {"base", "proto"},
    "cli": {"base", "sizing", "proto", "segment", "partition", "compactor", "broker", "client"},
}
FOLDERS = set(ALLOWED) | {"tests", "bench"}
# Public headers, "logcask/NAME" everywhere: which folder each belongs to.
PUBLIC = {"logcask/" + path.name: path.parts[len(ROOT.parts)] for path in ROOT.glob("*/include/logcask/*.h")}

# The same inside broker/. The files at its root stand at the top, but for these nouns, which are rooms of their own at
# the bottom.
ROOT_NOUNS = {"authorizer", "data_directory", "log", "metrics"}
TOP = "broker"
ROOMS = {
    "authorizer": set(),
    "data_directory": set(),
    "log": set(),
    "metrics": set(),
    "settings": set(),
    "threads": set(),
    "door": {"threads"},
    "net": {"authorizer", "log", "metrics", "settings", "threads"},
    "topics": {"data_directory", "door", "log", "settings", "threads"},
    "services": {"authorizer", "door", "log", "metrics", "settings", "threads", "topics"},
    "kafka": {"authorizer", "door", "log", "metrics", "net", "services", "settings", "threads", "topics"},
    "http": {"authorizer", "door", "log", "metrics", "net", "services", "settings", "threads", "topics"},
    "native": {"authorizer", "door", "log", "metrics", "net", "services", "settings", "threads", "topics"},
    "upkeep": {"data_directory", "door", "log", "metrics", "services", "settings", "threads", "topics"},
}
ROOMS[TOP] = set(ROOMS)

STORAGE = {"base", "sizing", "segment", "partition", "compactor"}
# Of proto, storage knows the one batch format and its codecs, nothing of the wire.
STORAGE_PROTO = {"proto/record_batch.h", "proto/compression.h", "logcask/compression.h"}
STORAGE_BANNED_HEADERS = re.compile(
    r"^(boost/asio.*|boost/beast.*|google/protobuf/.*|logcask/v1/.*|spdlog/.*|thread|future|condition_variable|"
    r"stop_token|semaphore|latch|barrier|pthread\.h|sys/socket\.h|sys/epoll\.h)$")
STORAGE_BANNED_WORDS = re.compile(
    r"\b(std::thread|std::jthread|std::async|std::random_device|system_clock::now|steady_clock::now|clock_gettime|"
    r"gettimeofday|std::time\()")
# The one place where storage's house asks the operating system for the time.
CLOCK_FILES = {"base/clock.cc", "base/clock.h"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def files():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.h", "*.cc"], cwd=ROOT, check=True,
                            capture_output=True, text=True)
    return [line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def room_of(name):
    """The room inside broker/ of a file of broker/: "broker/net/session.h" is in "net"."""
    parts = name.split("/")
    if len(parts) > 2:
        return parts[1]
    noun = parts[1].split(".")[0]
    return noun if noun in ROOT_NOUNS else TOP


def room_breach(name, header):
    source, target = room_of(name), room_of(header)
    if source not in ROOMS:
        return f"broker/{source} is a room that ROOMS in scripts/check-includes.py does not know"
    if target != source and target not in ROOMS[source]:
        return f"inside broker, {source} must not include {target} ({header})"
    return None


def breaches(name, text):
    folder = name.split("/")[0]
    if folder not in ALLOWED:
        return
    for number, line in enumerate(text.splitlines(), 1):
        found = INCLUDE.match(line)
        if found:
            header = found.group(2)
            ours = found.group(1) == '"' or header in PUBLIC
            target = PUBLIC.get(header, header.split("/")[0])
            if "/include/" in name and found.group(1) == '"':
                yield number, f"an installed header includes <logcask/...> and the standard library only, not \"{header}\""
            elif "/" in header and target in FOLDERS and ours:
                if target != folder and target not in ALLOWED[folder]:
                    yield number, f"{folder} must not include {target} ({header})"
                elif target == "proto" and folder in STORAGE and header not in STORAGE_PROTO:
                    yield number, f"storage includes of proto only record_batch.h and compression.h, not {header}"
                elif target == folder == "broker" and (breach := room_breach(name, header)):
                    yield number, breach
            elif found.group(1) == '"' and "/" not in header:
                yield number, f'includes start at the root of the repository: "{folder}/{header}"'
            if folder in STORAGE and STORAGE_BANNED_HEADERS.match(header):
                yield number, f"storage knows no sockets, threads or logs: <{header}>"
        elif folder in STORAGE and name not in CLOCK_FILES:
            word = STORAGE_BANNED_WORDS.search(line.split("//")[0])
            if word:
                yield number, f"storage is handed its time, threads and randomness: {word.group(1)}"


# A file, a line of it, and whether that line is a breach.
PLANTED = [
    ("client/a.cc", '#include "partition/keydir.h"', True),
    ("cli/a.cc", '#include "partition/keydir.h"', False),
    ("segment/a.cc", '#include "partition/keydir.h"', True),
    ("segment/a.cc", '#include "proto/frame.h"', True),
    ("segment/a.cc", '#include "proto/record_batch.h"', False),
    ("segment/a.cc", '#include "segment.h"', True),
    ("segment/a.h", "#include <thread>", True),
    ("partition/a.cc", "const auto now = std::chrono::system_clock::now();", True),
    ("base/clock.cc", "const auto now = std::chrono::system_clock::now();", False),
    ("base/include/logcask/a.h", '#include "base/types.h"', True),
    ("base/include/logcask/a.h", "#include <logcask/errc.h>", False),
    ("base/a.h", "#include <logcask/client.h>", True),
    ("client/a.cc", "#include <logcask/result.h>", False),
    ("sizing/a.cc", '#include "partition/keydir_budget.h"', True),
    ("sizing/a.cc", '#include "base/result.h"', False),
    ("partition/a.h", '#include "sizing/keydir_cost.h"', False),
    ("segment/a.h", '#include "sizing/keydir_cost.h"', True),
    ("broker/services/a.cc", '#include "broker/native/native_protocol.h"', True),
    ("broker/services/a.cc", '#include "broker/net/out_queue.h"', True),
    ("broker/services/a.cc", '#include "broker/door/partition_runner.h"', False),
    ("broker/net/a.h", '#include "broker/native/native_services.h"', True),
    ("broker/net/a.h", '#include "broker/services/call_context.h"', True),
    ("broker/net/a.h", '#include "broker/metrics.h"', False),
    ("broker/door/a.cc", '#include "broker/services/call_context.h"', True),
    ("broker/door/a.cc", '#include "broker/topics/topics.h"', True),
    ("broker/settings/a.h", '#include "broker/topics/topics.h"', True),
    ("broker/threads/a.h", '#include "broker/metrics.h"', True),
    ("broker/topics/a.cc", '#include "broker/services/admin_service.h"', True),
    ("broker/native/requests/a.cc", '#include "broker/upkeep/upkeep.h"', True),
    ("broker/native/requests/a.cc", '#include "broker/services/admin_service.h"', False),
    ("broker/native/requests/a.cc", '#include "broker/broker.h"', True),
    ("broker/metrics.h", '#include "broker/services/counted.h"', True),
    ("broker/broker.cc", '#include "broker/upkeep/upkeep.h"', False),
    ("broker/attic/a.h", '#include "broker/metrics.h"', True),
]


def check_itself():
    for name, line, is_breach in PLANTED:
        if (list(breaches(name, f"#pragma once\n{line}\n")) != []) != is_breach:
            sys.exit(f"check-includes: wrong about `{line}` in {name}: {'passed' if is_breach else 'refused'}")
    edges = [(room, lower) for room, below in ROOMS.items() for lower in below]
    for room, lower in edges:
        if reaches(edges, lower, room):
            sys.exit(f"check-includes: ROOMS lets {lower} include {room} above it")


def broker_files(revision):
    """Names and texts of broker's files, as they are or as they stood."""
    if not revision:
        return {name: (ROOT / name).read_text(encoding="utf-8") for name in files() if name.startswith("broker/")}

    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    names = git("ls-tree", "-r", "--name-only", revision, "broker/").splitlines()
    return {name: git("show", f"{revision}:{name}") for name in names if name.endswith((".h", ".cc"))}


def reaches(edges, start, goal):
    seen, todo = set(), [start]
    while todo:
        room = todo.pop()
        if room == goal:
            return True
        if room not in seen:
            seen.add(room)
            todo.extend(target for source, target in edges if source == room)
    return False


def print_graph(revision, as_now):
    now = {pathlib.PurePath(name).name: room_of(name) for name in files() if name.startswith("broker/")}

    def room(name):
        return now.get(pathlib.PurePath(name).name, room_of(name)) if as_now else room_of(name)
    texts = broker_files(revision)
    edges = collections.defaultdict(list)
    for name, text in texts.items():
        for line in text.splitlines():
            found = INCLUDE.match(line)
            if found and found.group(2).startswith("broker/") and found.group(2) in texts:
                source, target = room(name), room(found.group(2))
                if source != target:
                    edges[source, target].append((name, found.group(2)))
    upward = 0
    for (source, target), includes in sorted(edges.items()):
        known = source in ROOMS and target in ROOMS
        is_upward = known and target not in ROOMS[source]
        is_cycle = reaches(edges, target, source)
        upward += len(includes) if is_upward else 0
        print(f"{source:>14} -> {target:<14} {len(includes):3}"
              f"{'  upward' if is_upward else ''}{'  in a cycle' if is_cycle else ''}")
        if is_upward or is_cycle:
            for name, header in includes:
                print(f"{'':>18}{name} includes {header}")
    print(f"{sum(map(len, edges.values()))} includes between {len(edges)} pairs of rooms, {upward} upward")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--graph", nargs="?", const="", metavar="REV")
    parser.add_argument("--as-now", action="store_true")
    arguments = parser.parse_args()
    if arguments.graph is not None:
        print_graph(arguments.graph, arguments.as_now)
        return 0
    check_itself()
    bad = 0
    checked = files()
    for name in checked:
        for number, what in breaches(name, (ROOT / name).read_text(encoding="utf-8")):
            print(f"{name}:{number}: {what}")
            bad += 1
    if bad:
        return 1
    print(f"check-includes: {len(checked)} files, ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
