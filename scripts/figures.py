#!/usr/bin/env python3
"""Prints the figures that the last ctest run of a build folder brought: figures.py build/ci

Crash images, failed operations, planted bugs, damage, schedules, kills, power losses and hostile clients, as the tests
print them, and why which test was skipped. ctest keeps quiet about tests that pass; its log has it all.
"""
import pathlib
import re
import sys

# What a test's name holds, and which of its lines are figures.
FIGURES = [
    ("crash_enumeration: all workloads", r"^(workload|[\w-]+ +\d+ +\d+|all \d+|\d+ workloads)"),
    ("crash_enumeration: planted", r"^ok "),
    ("io_errors", r"^[\w-]+ +\d+ +\d+ +\d+"),
    ("damage_tests", r"^.+: \d+ images in "),
    ("whatever goes on at whatever await point", r"^schedules: "),
    ("kill -9 at random", r"^kills "),
    ("power losses", r"^power losses "),
    ("hostile_tests", r"^(attack .*RSS|.* (no fate|MiB(, too slow)?)$|memory limit|honest client)"),
]


def outputs(log):
    for name, output in re.findall(r"\n\d+/\d+ Test: (.*?)\n(.*?)<end of output>", log, re.S):
        yield name, output.partition("Output:")[2]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    log = pathlib.Path(sys.argv[1], "Testing/Temporary/LastTest.log").read_text(errors="replace")
    found = dict(outputs(log))
    for part, pattern in FIGURES:
        for name in sorted(found):
            lines = [line for line in found[name].splitlines() if re.match(pattern, line)] if part in name else []
            if lines:
                print(f"\n{name}\n" + "\n".join("  " + line for line in lines))
    skipped = [(name, line) for name in sorted(found) for line in found[name].splitlines() if line.startswith("SKIPPED")]
    if skipped:
        print("\nskipped\n" + "\n".join(f"  {name}: {line}" for name, line in skipped))
    print(flush=True)


if __name__ == "__main__":
    main()
