#!/usr/bin/env python3
"""Overwrites 100,000 keys a million times in one partition, compacts it, and looks at every key before and after.

  bench/compaction.py [--build build/release] [--records N] [--keys N] [--value-bytes N] [--config k=v,...] [--scratch DIR]

Prints bytes of the log before and after, seconds and CPU seconds, write amplification, and how many keys a lookup and
a replay of the live records get right. Exits 1 when a key is wrong or a replay shows anything but each key once.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import time

import brokers
import harness


def log_bytes(directory, topic, pattern="*.log"):
    return sum(f.stat().st_size for d in pathlib.Path(directory).glob(f"{topic}-*") for f in d.glob(pattern))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--value-bytes", type=int, default=100)
    parser.add_argument("--config", default="", help="settings of the topic")
    parser.add_argument("--scratch")
    args = parser.parse_args()
    programs = brokers.Programs(args.build)
    what = dict(records=args.records, keys=args.keys)
    wrong = False
    with harness.Scratch(args.scratch) as scratch:
        directory = scratch.fresh("logcask")
        with brokers.start_logcask(programs, directory) as server:
            produced = harness.charge(server, lambda: brokers.logcask_load(
                programs, "produce_load", server, value_bytes=args.value_bytes, acks="all", config=args.config, **what))
            appended = server.written()

            def check(when):
                words = [programs.load("state_check"), "--broker", server.address]
                for flag, value in what.items():
                    words += ["--" + flag, value]
                row = harness.run_load(words, check=False)
                print(f"| {when}: keys right by lookup / records replayed live / keys right by replay | "
                      f"{row.get('keys_right_by_lookup', 0):,.0f} / {row.get('replay_records', 0):,.0f} / "
                      f"{row.get('keys_right_by_replay', 0):,.0f} |", flush=True)
                return row["exit"] != 0

            print(f"\n### compaction: {args.records:,} records, {args.keys:,} keys, {args.value_bytes} B values\n")
            print("| | |\n|---|---|")
            wrong |= check("before")
            data = directory / "data"
            before = log_bytes(data, "bench")
            cpu, written, started = server.cpu(), server.written(), time.monotonic()
            done = subprocess.run([str(programs.logcask()), "compact", "bench", "--wait", "-o", "json", "--broker",
                                   server.address], stdout=subprocess.PIPE, text=True, check=True).stdout
            seconds, cpu, written = time.monotonic() - started, server.cpu() - cpu, server.written() - written
            after = log_bytes(data, "bench")
            reports = [json.loads(line) for line in done.splitlines() if line.startswith("{")]
            payload = produced["payload_bytes"]
            print(f"| log bytes before, after | {before:,}, {after:,} ({after / before:.3f}) |")
            print(f"| hint bytes after | {log_bytes(data, 'bench', '*.hint'):,} |")
            print(f"| compact --wait | {seconds:.3f} s = {before / 1e6 / seconds:.0f} MB/s of input, {cpu:.2f} CPU s "
                  f"of the broker = {cpu / (before / 1e9):.2f} s/GB |")
            print(f"| disk bytes written by compaction | {written:,} = {written / before:.3f} per byte of log |")
            print(f"| disk bytes per payload byte: append, in all | {appended / payload:.2f}, "
                  f"{(appended + written) / payload:.2f} |")
            print(f"| write amplification: (log appended + written by compaction) / log appended | "
                  f"{(before + written) / before:.3f} |")
            wrong |= check("after")
            print("\nWhat compact reported: `" + json.dumps(reports[-1] if reports else {}) + "`")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
