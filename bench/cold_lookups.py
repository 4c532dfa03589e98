#!/usr/bin/env python3
"""Looks up keys that nobody has asked for, and counts: how long does each take, and how often is the disk read?

  bench/cold_lookups.py [--build build/release] [--keys N] [--value-bytes N] [--requests N] [--scratch DIR]

The record cache is off (lookup.cache.bytes=0), so that every lookup is a first one. Two rounds: with the log in the page cache,
and, where the system lets us (root), right after everything has been dropped from it. Prints p50, p99 and p99.9 on one connection
and on 50, and the reads the broker counts for each lookup; exits 1 when that is not exactly one.
"""
import argparse
import json
import subprocess
import sys

import brokers
import harness


def counters(programs, server):
    out = subprocess.run([str(programs.logcask()), "health", "-o", "json", "--broker", server.address],
                         stdout=subprocess.PIPE, text=True).stdout
    return json.loads(out)["counters"]


def drop_page_cache():
    subprocess.run(["sync"], check=True)
    try:
        with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as control:
            control.write("3\n")
        return True
    except OSError:
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--keys", type=int, default=10_000_000)
    parser.add_argument("--value-bytes", type=int, default=100)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--scratch")
    args = parser.parse_args()
    programs = brokers.Programs(args.build)
    exact = True
    print("| | connections | p50 us | p99 us | p99.9 us | lookups | reads a lookup | bytes a read |")
    print("|---|---|---|---|---|---|---|---|")
    with harness.Scratch(args.scratch) as scratch:
        directory = scratch.fresh("logcask")
        with brokers.start_logcask(programs, directory) as server:
            # Segments of 64 MiB, so that nearly all keys lie in closed ones, as they do in a topic that has been there.
            brokers.logcask_load(programs, "produce_load", server, records=args.keys, keys=args.keys,
                                 value_bytes=args.value_bytes, partitions=1, config="segment.bytes=67108864")
        with brokers.start_logcask(programs, directory, "--set", "lookup.cache.bytes=0") as server:
            def get(connections, requests):
                return brokers.logcask_load(programs, "get_load", server, keys=args.keys, requests=requests,
                                            connections=connections, depth=1, multi=1)

            harness.run_load([programs.load("first_answer"), "--broker", server.address, "--key", args.keys - 1,
                              "--since", server.started_ns])  # keydirs are complete
            get(1, 1000)
            for dropped in (False, True):
                for connections in (1, 50):
                    if dropped and not drop_page_cache():
                        print("| without page cache: SKIPPED, needs root | | | | | | | |")
                        break
                    requests = args.requests // 10 if dropped else args.requests
                    before = counters(programs, server)
                    row = get(connections, requests)
                    after = counters(programs, server)
                    lookups, reads, read_bytes = (after[name] - before[name] for name in (
                        "keys_looked_up", "lookup.file_reads", "lookup.file_read_bytes"))
                    exact = exact and lookups == reads >= requests
                    print(f"| {'page cache dropped' if dropped else 'in the page cache'} | {connections} | "
                          f"{row['p50_us']:.0f} | {row['p99_us']:.0f} | {row['p999_us']:.0f} | {lookups:,.0f} | "
                          f"{reads / lookups:.4f} | {read_bytes / reads:,.0f} |", flush=True)
    sys.exit(0 if exact else 1)


if __name__ == "__main__":
    main()
