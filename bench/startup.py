#!/usr/bin/env python3
"""What a broker costs that does nothing: start of an empty directory, memory at rest, and a thousand partitions.

  bench/startup.py [--build build/release] [--partitions 1000] [--busy 10] [--rounds 5] [--scratch DIR]

Start-up: from exec to the answer to Hello. Idle partitions hold a few records each and are not touched again.
"""
import argparse
import pathlib
import statistics
import time

import brokers
import harness


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--partitions", type=int, default=1000)
    parser.add_argument("--busy", type=int, default=10, help="of the partitions, written to all the time")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scratch")
    args = parser.parse_args()
    programs = brokers.Programs(args.build)
    rows = []

    def start(directory, *key):
        server = brokers.start_logcask(programs, directory, ready=None)
        return server, harness.run_load([programs.load("first_answer"), "--broker", server.address, "--since",
                                         server.started_ns, *key])

    def show(what, values, unit):
        rows.append(f"| {what} | {' / '.join(f'{p(values):.1f}' for p in (min, statistics.median, max))} {unit} |")

    with harness.Scratch(args.scratch) as scratch:
        hello, rss = [], []
        for _ in range(args.rounds):
            server, row = start(scratch.fresh("empty"))
            hello.append(row["hello_s"] * 1e3)
            time.sleep(1)
            rss.append(server.rss_mb())
            server.stop()
        show("start of an empty broker to its first answer", hello, "ms")
        show("RSS idle, empty", rss, "MB")

        directory = scratch.fresh("many")
        with brokers.start_logcask(programs, directory) as server:
            idle = args.partitions - args.busy
            brokers.logcask_load(programs, "produce_load", server, topic="idle", partitions=idle, records=idle * 10,
                                 keys=idle * 10, value_bytes=100)
            brokers.logcask_load(programs, "produce_load", server, topic="busy", partitions=args.busy, records=500_000,
                                 keys=100_000, value_bytes=100)
            rows.append(f"| RSS with {args.partitions} partitions after writing, {idle} of them idle | "
                        f"{server.rss_mb():.1f} MB |")
            fds = len(list(pathlib.Path(f"/proc/{server.pid}/fd").iterdir()))
            rows.append(f"| open files then | {fds} |")
            cpu = server.cpu()
            time.sleep(5)
            rows.append(f"| CPU at rest | {(server.cpu() - cpu) / 5 * 100:.1f} % of a core |")
        hello, answer, rss, cpus = [], [], [], []
        for _ in range(args.rounds):
            server, row = start(directory, "--topic", "busy", "--key", 99_999)
            hello.append(row["hello_s"] * 1e3)
            answer.append(row["first_answer_s"] * 1e3)
            cpus.append(server.cpu())
            time.sleep(1)
            rss.append(server.rss_mb())
            server.stop()
        show(f"restart with {args.partitions} partitions to Hello", hello, "ms")
        show("... to the first right lookup", answer, "ms")
        show("... CPU", cpus, "s")
        show(f"RSS after that restart, {idle} partitions idle", rss, "MB")
        print("\n### start-up and rest (min / median / max)\n\n| | |\n|---|---|\n" + "\n".join(rows))


if __name__ == "__main__":
    main()
