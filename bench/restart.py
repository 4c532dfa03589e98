#!/usr/bin/env python3
"""Fills a topic, stops or kills the broker, and times it from exec to the first right answer to a lookup.

  bench/restart.py [--build build/release] [--keys N] [--value-bytes N] [--partitions N] [--rounds 3] [--only-clean]
                   [--scratch DIR]

Each round: a clean stop and a SIGKILL while a producer writes, each with hint files and with them removed. Files are in
the page cache. After each start 100,000 random keys are looked up, and each must come with its own value.
"""
import argparse
import signal
import statistics
import subprocess
import time

import brokers
import harness


def kill_under_load(programs, server):
    """SIGKILL while overwrites of the same keys are on their way."""
    words = [programs.load("produce_load"), "--broker", server.address, "--records", 10**9, "--keys", 1000, "--acks", 1]
    load = subprocess.Popen([str(w) for w in words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    server.stop(signal.SIGKILL)
    load.kill()
    load.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--keys", type=int, default=10_000_000)
    parser.add_argument("--value-bytes", type=int, default=100)
    parser.add_argument("--partitions", type=int, default=1)
    parser.add_argument("--config", default="", help="settings of the topic")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only-clean", action="store_true", help="no SIGKILL, hints stay")
    parser.add_argument("--scratch")
    args = parser.parse_args()
    programs = brokers.Programs(args.build)
    with harness.Scratch(args.scratch) as scratch:
        directory = scratch.fresh("logcask")

        def start():
            server = brokers.start_logcask(programs, directory, ready=None)
            try:
                row = harness.run_load([programs.load("first_answer"), "--broker", server.address, "--key",
                                        args.keys - 1, "--since", server.started_ns])
                row.update(cpu=server.cpu(), rss=server.rss_mb())
                lookups = harness.run_load([programs.load("get_load"), "--broker", server.address, "--keys", args.keys,
                                            "--requests", 100_000, "--depth", 16])
                row.update(lookup_p50_us=lookups["p50_us"], lookup_p99_us=lookups["p99_us"], full_rss=server.rss_mb())
                return server, row
            except BaseException:
                server.stop()
                raise

        with brokers.start_logcask(programs, directory) as server:
            idle = server.rss_mb()
            brokers.logcask_load(programs, "produce_load", server, records=args.keys, keys=args.keys,
                                 value_bytes=args.value_bytes, partitions=args.partitions, config=args.config)
            loaded = server.rss_mb()
        rows = {}
        # What is timed is the start after the stop, so every case begins by stopping a running broker its way. A
        # start without hints writes them again; the pause lets it.
        server, _ = start()
        try:
            for _ in range(args.rounds):
                # First those with hints: a start without them takes as long to write them again as it takes to read the logs.
                for hints in ("with hints", "without hints"):
                    for how in ("clean stop", "SIGKILL under load"):
                        if args.only_clean and (how, hints) != ("clean stop", "with hints"):
                            continue
                        time.sleep(3)
                        kill_under_load(programs, server) if how != "clean stop" else server.stop()
                        if hints == "without hints":
                            for hint in (directory / "data").glob("*/*.hint"):
                                hint.unlink()
                        server, row = start()
                        rows.setdefault(f"{how}, {hints}", []).append(row)
        finally:
            server.stop()
        print(f"\n### restart: {args.keys:,} keys, {args.value_bytes} B values, {args.partitions} partition(s)\n")
        print("| | Hello s, min / median / max | first right answer s, min / median / max | broker CPU s | RSS MB |")
        print("|---|---|---|---|---|")
        for name, cases in rows.items():
            spread = {f: " / ".join(f"{pick([r[f] for r in cases]):.3f}" for pick in (min, statistics.median, max))
                      for f in ("hello_s", "first_answer_s")}
            print(f"| {name} | {spread['hello_s']} | {spread['first_answer_s']} | "
                  f"{harness.median(cases, 'cpu'):.2f} | {harness.median(cases, 'rss'):.0f} |")
        print("\nLookups of 100,000 random keys right after a start, 50 connections with 16 out on each: " + "; ".join(
            f"{name}: p50 {harness.median(cases, 'lookup_p50_us'):.0f} us, p99 {harness.median(cases, 'lookup_p99_us'):.0f} us, "
            f"RSS then {harness.median(cases, 'full_rss'):.0f} MB" for name, cases in rows.items()))
        print(f"\nRSS idle {idle:.1f} MB, after writing the keys {loaded:.0f} MB.")


if __name__ == "__main__":
    main()
