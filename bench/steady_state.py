#!/usr/bin/env python3
"""Overwrites a bounded set of keys at full rate, and watches the disk: does compaction keep up?

  bench/steady_state.py [--build build/release] [--segment-bytes N,N,...] [--seconds N] [--keys N] [--value-bytes N]
                        [--scratch DIR] [--json FILE]

For each segment size two runs, each on a fresh broker: one in which compaction may run, one in which the topic's
compaction.window is closed. In both a writer overwrites random keys as fast as it can while lookups go on one at a time.
Each second all blocks that the partition's files take are counted (as du does) and divided by the live bytes: those of the log
that is left when the writer has stopped and everything has been compacted. Prints the curve, its highest point beside the
bound, and p99 of the lookups with and without compaction. Exits 1 when the disk passes the bound.

The bound, for all files: 2.5 x live where live >= 16 x segment.bytes; below that live + 8 x (segment.bytes + 16 KiB).
"""
import argparse
import datetime
import json
import os
import pathlib
import subprocess
import sys
import time

import brokers
import harness

FIXED = 16 * 1024
TOPIC = "bench"


def partition_bytes(data, pattern="*"):
    """Blocks on disk; a file that goes meanwhile counts no more."""
    total = 0
    for directory in pathlib.Path(data).glob(f"{TOPIC}-*"):
        for entry in directory.glob(pattern):
            try:
                total += os.stat(entry).st_blocks * 512
            except FileNotFoundError:
                pass
    return total


def log_sizes(data):
    """Bytes of the logs, once no file goes any more: what a rewrite has replaced goes in the background."""
    before = None
    while True:
        sizes = {}
        for log in pathlib.Path(data).glob(f"{TOPIC}-*/*.log"):
            try:
                sizes[log] = log.stat().st_size
            except FileNotFoundError:
                pass
        if sizes == before:
            return sum(sizes.values())
        before = sizes
        time.sleep(0.5)


def bound(live, segment_bytes):
    return 2.5 * live if live >= 16 * segment_bytes else live + 8 * (segment_bytes + FIXED)


def closed_window():
    hour = datetime.datetime.now(datetime.timezone.utc).hour
    return f"{(hour + 11) % 24}-{(hour + 12) % 24}"


class Lookups:
    """Rounds of lookups, one at a time, until stop()."""

    def __init__(self, programs, server, keys):
        self.words = [programs.load("get_load"), "--broker", server.address, "--topic", TOPIC, "--keys", keys,
                      "--requests", 20_000, "--connections", 1, "--depth", 1, "--multi", 1]
        self.process = None
        self.p99_us = []

    def poll(self):
        if self.process is not None and self.process.poll() is None:
            return
        self.take()
        self.process = subprocess.Popen([str(w) for w in self.words], stdout=subprocess.PIPE, text=True)

    def take(self):
        if self.process is None:
            return
        out = self.process.communicate()[0]
        self.p99_us += [float(line.split()[1]) for line in out.splitlines() if line.startswith("p99_us ")]

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
        self.process = None


def one_run(programs, scratch, args, segment_bytes, compacts):
    directory = scratch.fresh("logcask")
    config = f"segment.bytes={segment_bytes},max.message.bytes={min(1048588, segment_bytes)}"
    if not compacts:
        config += f",compaction.window={closed_window()}"
    batch = max(200, min(65_536, segment_bytes // 4))
    load = dict(keys=args.keys, value_bytes=args.value_bytes, acks="all", partitions=1, batch_bytes=batch)
    samples = []
    with brokers.start_logcask(programs, directory) as server:
        data = directory / "data"
        brokers.logcask_load(programs, "produce_load", server, records=args.keys, config=config, **load)
        words = [programs.load("produce_load"), "--broker", server.address, "--records", 10_000_000_000, "--config", config]
        for flag, value in load.items():
            words += ["--" + flag.replace("_", "-"), value]
        writer = subprocess.Popen([str(w) for w in words], stdout=subprocess.DEVNULL)
        lookups = Lookups(programs, server, args.keys)
        started = time.monotonic()
        try:
            while time.monotonic() - started < args.seconds:
                lookups.poll()
                time.sleep(0.5)
                files = sum(len(list(d.glob("*.log"))) for d in data.glob(f"{TOPIC}-*"))
                samples.append((time.monotonic() - started, partition_bytes(data), files))
                if writer.poll() is not None:
                    raise SystemExit("the writer ended")
        finally:
            writer.terminate()
            writer.wait()
            lookups.stop()
        described = subprocess.run([str(programs.logcask()), "topic", "describe", TOPIC, "-o", "json", "--broker",
                                    server.address], stdout=subprocess.PIPE, text=True, check=True).stdout
        records = sum(partition["next_offset"] for partition in json.loads(described)["partitions"])
        live = None
        if compacts:
            subprocess.run([str(programs.logcask()), "compact", TOPIC, "--wait", "--broker", server.address],
                           stdout=subprocess.DEVNULL, check=True)
            live = log_sizes(data)
    return samples, live, records, sorted(lookups.p99_us)


def curve(samples, live, points=12):
    step = max(1, len(samples) // points)
    return ", ".join(f"{at:.0f} s {size / live:.2f}" for at, size, _ in samples[::step])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--segment-bytes", default="1024,65536,1048576,67108864")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--keys", type=int, default=20_000)
    parser.add_argument("--value-bytes", type=int, default=100)
    parser.add_argument("--scratch")
    parser.add_argument("--json", help="append every sample, one JSON object a run")
    args = parser.parse_args()
    programs = brokers.Programs(args.build)
    passed = False
    print("| segment.bytes | records | live bytes | bound | highest | logs then | p99 of a lookup, us, with / without compaction |")
    print("|---|---|---|---|---|---|---|")
    curves = []
    with harness.Scratch(args.scratch) as scratch:
        for segment_bytes in map(int, args.segment_bytes.split(",")):
            samples, live, records, with_us = one_run(programs, scratch, args, segment_bytes, True)
            _, _, _, without_us = one_run(programs, scratch, args, segment_bytes, False)
            most = bound(live, segment_bytes)
            top = max(samples, key=lambda sample: sample[1])
            passed |= top[1] > most
            p99 = [us[len(us) // 2] if us else float("nan") for us in (with_us, without_us)]
            print(f"| {segment_bytes:,} | {records:,} | {live:,} | {most / live:.2f} x live | {top[1] / live:.2f} x live = "
                  f"{top[1]:,} {'PASSES THE BOUND' if top[1] > most else ''} | {top[2]} | "
                  f"{p99[0]:.0f} / {p99[1]:.0f} = {p99[0] / p99[1]:.2f} |", flush=True)
            curves.append(f"- {segment_bytes:,}: {curve(samples, live)}")
            if args.json:
                with open(args.json, "a", encoding="utf-8") as out:
                    out.write(json.dumps({"segment_bytes": segment_bytes, "live": live, "samples": samples,
                                          "p99_with_us": with_us, "p99_without_us": without_us}) + "\n")
    print("\nDisk over live bytes at each moment:\n\n" + "\n".join(curves))
    sys.exit(1 if passed else 0)


if __name__ == "__main__":
    main()
