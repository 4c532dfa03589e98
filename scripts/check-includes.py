#!/usr/bin/env python3
"""Checks the include direction of docs/ARCHITECTURE.md, that storage stays free of sockets, threads and clocks, and that what
is installed includes nothing that is not.

Prints one line per breach, with file and line, and exits 1 when there is any.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Whose headers a folder may include, besides its own.
ALLOWED = {
    "base": set(),
    "proto": {"base"},
    "segment": {"base", "proto"},
    "partition": {"base", "proto", "segment"},
    "compactor": {"base", "proto", "segment", "partition"},
    "broker": {"base", "proto", "segment", "partition", "compactor"},
    "client": {"base", "proto"},
    "cli": {"base", "proto", "segment", "partition", "compactor", "broker", "client"},
}
FOLDERS = set(ALLOWED) | {"tests", "bench"}
# Public headers, "logcask/NAME" everywhere: which folder each belongs to.
PUBLIC = {"logcask/" + path.name: path.parts[len(ROOT.parts)] for path in ROOT.glob("*/include/logcask/*.h")}
STORAGE = {"base", "segment", "partition", "compactor"}
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
            elif found.group(1) == '"' and "/" not in header:
                yield number, f'includes start at the root of the repository: "{folder}/{header}"'
            if folder in STORAGE and STORAGE_BANNED_HEADERS.match(header):
                yield number, f"storage knows no sockets, threads or logs: <{header}>"
        elif folder in STORAGE and name not in CLOCK_FILES:
            word = STORAGE_BANNED_WORDS.search(line.split("//")[0])
            if word:
                yield number, f"storage is handed its time, threads and randomness: {word.group(1)}"


def main():
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
