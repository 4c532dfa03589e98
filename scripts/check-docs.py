#!/usr/bin/env python3
"""Checks that the pages name only what exists: relative links, and paths of this repository in back quotes.

Prints one line per breach, with file and line, and exits 1 when there is any.
"""
import itertools
import pathlib
import re
import subprocess
import sys
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
QUOTED = re.compile(r"`([^`\n]+)`")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*$")
# A path of ours in a command line: scripts/test.sh, bench/run.sh, .ci/run.
PATHLIKE = re.compile(r"(?<![\w/.$}-])(?:\./)?((?:[\w.{},*-]+/)+[\w.{},*-]*)")
MADE_BY_BUILDING = {"build"}


def listed(*patterns):
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", *patterns], cwd=ROOT, check=True,
                         capture_output=True, text=True)
    return [line for line in out.stdout.splitlines() if (ROOT / line).is_file()]


def expand(path):
    """a/{b,c}.h -> a/b.h, a/c.h"""
    parts = [piece.split(",") if braces else [piece]
             for piece, braces in zip(re.split(r"\{([^}]*)\}", path), itertools.cycle([False, True]))]
    return ["".join(choice) for choice in itertools.product(*parts)]


def exists(path):
    path = path.rstrip("/.,")
    return any(ROOT.glob(path)) if "*" in path else (ROOT / path).exists()


def anchors(page):
    names = set()
    for line in page.read_text(encoding="utf-8").splitlines():
        heading = HEADING.match(line)
        if heading:
            text = re.sub(r"[`*]", "", heading.group(1)).lower()
            names.add(re.sub(r"[^\w\- ]", "", text).replace(" ", "-"))
    return names


def link_breach(name, target):
    if re.match(r"^[a-z]+:", target):
        return None
    path, _, anchor = urllib.parse.unquote(target).partition("#")
    page = (ROOT / name).parent / path if path else ROOT / name
    if not page.exists():
        return f"the link names nothing: {target}"
    if anchor and page.suffix == ".md" and anchor not in anchors(page):
        return f"the page has no such heading: {target}"
    return None


def breaches(name, text, folders):
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
            continue
        if not fenced:
            for target in LINK.findall(line):
                breach = link_breach(name, target)
                if breach:
                    yield number, breach
        for piece in [line] if fenced else QUOTED.findall(line):
            for path in PATHLIKE.findall(piece):
                top = path.split("/")[0]
                if top in folders and top not in MADE_BY_BUILDING:
                    for one in expand(path):
                        if not exists(one):
                            yield number, f"no such path: {one}"


def main():
    folders = {name.split("/")[0] for name in listed() if "/" in name}
    pages = listed("*.md")
    bad = 0
    for name in pages:
        for number, what in breaches(name, (ROOT / name).read_text(encoding="utf-8"), folders):
            print(f"{name}:{number}: {what}")
            bad += 1
    if bad:
        return 1
    print(f"check-docs: {len(pages)} pages, ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
