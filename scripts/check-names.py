#!/usr/bin/env python3
"""File-local names are distinct within a target, as the presets that compile many files as one need it (CONTRIBUTING.md).

Looks at types, constants and functions in unnamed namespaces, and at static ones, of the .cc files that a CMakeLists.txt
lists for one target. The same alias with the same meaning may stand twice. The compiler says so, too, but only where two
such files happen to share a batch.
"""
import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("base", "sizing", "proto", "segment", "partition", "compactor", "broker", "client", "cli", "tests", "bench")
TARGET = re.compile(r"\b(?:add_library|add_executable|logcask_add_tests)\(\s*([\w-]+)([^)]*)\)")
DECLARATIONS = (
    re.compile(r"(?:struct|class|enum class|enum|union|concept)\s+(\w+)"),
    re.compile(r"(?:using|namespace)\s+(\w+)\s*="),
    re.compile(r"(?!using|namespace|template|return|else|typedef|extern)[\w:<>,&*\s\[\]]+?[\s&*](\w+)\s*(?:\(|=|\{|;|\[)"),
)


def targets():
    """(CMakeLists.txt, target, its .cc files)"""
    for folder in FOLDERS:
        for listing in sorted((ROOT / folder).rglob("CMakeLists.txt")):
            text = re.sub(r"#.*", "", listing.read_text(encoding="utf-8"))
            text = re.sub(r"set\((\w+)\s+([^)]*\.cc[^)]*)\)", lambda m: f"add_library({m[1]} {m[2]})", text)
            for name, sources in TARGET.findall(text):
                files = [listing.parent / word for word in sources.split() if word.endswith(".cc") and "$" not in word]
                yield name, [file.resolve() for file in files if file.exists()]


def local_names(file):
    """name -> the line that declares it"""
    names = {}
    inside = False
    for line in file.read_text(encoding="utf-8").splitlines():
        if line == "namespace {":
            inside = True
        elif re.match(r"}\s*// namespace$", line):
            inside = False
        elif re.match(r"[A-Za-z]", line) and (inside or line.startswith("static ")):
            found = next((m for m in (d.match(line) for d in DECLARATIONS) if m), None)
            if found:
                names.setdefault(found[1], line)
    return names


def main():
    cache = {}
    clashes = set()
    for target, files in targets():
        declared = collections.defaultdict(dict)
        for file in files:
            if file not in cache:
                cache[file] = local_names(file)
            for name, line in cache[file].items():
                declared[name][file] = line
        for name, places in declared.items():
            lines = set(places.values())
            alias = len(lines) == 1 and re.match(r"(using|namespace)\b", next(iter(lines)))
            if len(places) > 1 and not alias:
                files_text = ", ".join(sorted(str(file.relative_to(ROOT)) for file in places))
                clashes.add(f"{target}: '{name}' is local to {files_text}: name each after its noun, or make it one")
    for clash in sorted(clashes):
        print(clash)
    print(f"check-names: {len(clashes)} names clash" if clashes else "check-names: ok")
    return 1 if clashes else 0


if __name__ == "__main__":
    sys.exit(main())
