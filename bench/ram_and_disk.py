#!/usr/bin/env python3
"""Records what RAM and disk do while writes stream in: RAM follows the number of keys, disk follows the bytes.

  bench/ram_and_disk.py [--build build/release] [--keys N] [--svg FILE] [--json FILE] [--scratch DIR]

One topic, one partition, five phases: new keys with small values; the same keys again, twice; the same keys with values
ten times as long; compaction; as many new keys again, with small values. Five times a second it asks the broker for what
its keydirs count and the kernel for the broker's resident memory and for the blocks that the partition's files take.
Prints a line per phase; --svg draws both curves under each other. Exits 1 when RAM did not follow the keys: when the
overwrites moved what the keydir counts, or new keys cost more than the budget counts for them.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import threading
import time

import brokers
import harness
from steady_state import TOPIC, closed_window, partition_bytes

BYTES_PER_KEY = 20
PERIOD_S = 0.2


class Recorder(threading.Thread):
    """Samples until stop(): seconds, keys, bytes the keydir counts, resident bytes, bytes of the partition's files."""

    def __init__(self, programs, server, data):
        super().__init__()
        self.words = [str(programs.logcask()), "topic", "describe", TOPIC, "-o", "json", "--broker", server.address]
        self.server, self.data = server, data
        self.samples, self.over = [], threading.Event()
        self.began = time.monotonic()

    def now(self):
        return time.monotonic() - self.began

    def sample(self):
        described = subprocess.run(self.words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if described.returncode != 0:
            return
        partition = json.loads(described.stdout)["partitions"][0]
        self.samples.append((self.now(), partition["live_keys"], partition["keydir_bytes"], self.server.rss_mb() * 1e6,
                             partition_bytes(self.data)))

    def run(self):
        while not self.over.wait(PERIOD_S):
            self.sample()

    def stop(self):
        self.over.set()
        self.join()


def record(programs, scratch, keys):
    directory = scratch.fresh("logcask")
    # Compaction waits for its phase, so that each curve has one cause at a time.
    config = "segment.bytes=67108864,compaction.window=" + closed_window()
    marks = []
    with brokers.start_logcask(programs, directory) as server:
        recorder = Recorder(programs, server, directory / "data")
        small = dict(value_bytes=100, acks="all", partitions=1, config=config)

        def phase(name, work):
            started = recorder.now()
            work()
            recorder.sample()
            marks.append((started, name, recorder.samples[-1]))

        def produce(number, **load):
            brokers.logcask_load(programs, "produce_load", server, records=number, **{**small, **load})

        produce(1, keys=1)  # the topic is there from the first sample on
        recorder.sample()
        recorder.start()
        try:
            phase("new keys, 100 B", lambda: produce(keys, keys=keys))
            phase("same keys, twice", lambda: produce(2 * keys, keys=keys))
            phase("same keys, 1 KB", lambda: produce(keys, keys=keys, value_bytes=1000))
            phase("compaction", lambda: subprocess.run(
                [str(programs.logcask()), "compact", TOPIC, "--wait", "--broker", server.address],
                stdout=subprocess.DEVNULL, check=True))
            phase("new keys, 100 B", lambda: produce(2 * keys, keys=2 * keys))
        finally:
            recorder.stop()
    return recorder.samples, marks


# ---- the picture

WIDTH, PANEL, LEFT, TOP, GAP = 860, 190, 74, 44, 46


def path_of(points, scale_x, scale_y, bottom):
    return "M" + " L".join(f"{LEFT + x * scale_x:.1f},{bottom - y * scale_y:.1f}" for x, y in points)


def panel(title, series, marks, end, top):
    """`series`: (name, colour, points). Bytes up, seconds to the right."""
    bottom, highest = top + PANEL, max(y for _, _, points in series for _, y in points)
    scale_x, scale_y = (WIDTH - LEFT - 20) / end, (PANEL - 24) / highest
    out = [f'<text x="{LEFT}" y="{top - 8}" class="title">{title}</text>']
    for share in (0, 0.5, 1):
        y = bottom - highest * share * scale_y
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - 20}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" class="axis" text-anchor="end">{highest * share / 1e6:,.0f} MB</text>')
    for started, name, _ in marks:
        x = LEFT + started * scale_x
        out.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}" class="mark"/>')
    for name, colour, points in series:
        out.append(f'<path d="{path_of(points, scale_x, scale_y, bottom)}" fill="none" stroke="{colour}" stroke-width="2"/>')
    for number, (name, colour, _) in enumerate(series):
        x = WIDTH - 20 - 190 * (len(series) - number)
        out.append(f'<line x1="{x}" x2="{x + 18}" y1="{top - 12}" y2="{top - 12}" stroke="{colour}" stroke-width="3"/>')
        out.append(f'<text x="{x + 24}" y="{top - 8}" class="axis">{name}</text>')
    return out


def svg(samples, marks, keys):
    end = samples[-1][0]
    bottom_panel = TOP + PANEL + GAP
    height = bottom_panel + PANEL + 70
    scale_x = (WIDTH - LEFT - 20) / end
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
           '<style>.title{font-size:14px;font-weight:bold}.axis{font-size:12px;fill:#444}.grid{stroke:#ddd}'
           '.mark{stroke:#999;stroke-dasharray:3 3}</style>',
           f'<rect width="{WIDTH}" height="{height}" fill="white"/>']
    first = samples[0]
    out += panel("RAM", [("keydir, as counted", "#b3261e", [(s[0], s[2]) for s in samples]),
                         ("resident, above the start", "#8a8a8a", [(s[0], max(0, s[3] - first[3])) for s in samples])],
                 marks, end, TOP)
    out += panel("Disk", [("files of the partition", "#1f5fa8", [(s[0], s[4]) for s in samples])], marks, end, bottom_panel)
    ends = [mark[0] for mark in marks[1:]] + [end]
    for (started, name, _), until in zip(marks, ends):
        x = LEFT + (started + until) / 2 * scale_x
        narrow = (until - started) * scale_x < 90
        y = bottom_panel + PANEL + (34 if narrow else 18)
        out.append(f'<text x="{x:.1f}" y="{y}" class="axis" text-anchor="middle">{name}</text>')
    out.append(f'<text x="{LEFT}" y="{height - 8}" class="axis">{keys:,} keys of 16 B, then as many more; {end:.0f} s from '
               'left to right</text></svg>')
    return "\n".join(out) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--svg", type=pathlib.Path)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--scratch")
    args = parser.parse_args()
    programs = brokers.Programs(args.build)
    with harness.Scratch(args.scratch) as scratch:
        samples, marks = record(programs, scratch, args.keys)
    print("| phase | keys | keydir MB | B a key | resident MB | disk MB |")
    print("|---|---|---|---|---|---|")
    for _, name, (_, keys, counted, resident, disk) in marks:
        print(f"| {name} | {keys:,} | {counted / 1e6:.1f} | {counted / keys:.1f} | {resident / 1e6:.1f} | {disk / 1e6:.0f} |")
    if args.svg:
        args.svg.write_text(svg(samples, marks, args.keys), encoding="utf-8")
    if args.json:
        args.json.write_text(json.dumps({"samples": samples, "marks": marks}) + "\n", encoding="utf-8")
    counted = [mark[2][2] for mark in marks]
    overwrites_moved = max(counted[:4]) - min(counted[:4]) > 4096
    too_much = any(mark[2][2] > BYTES_PER_KEY * mark[2][1] for mark in marks)
    if overwrites_moved or too_much:
        print("RAM did not follow the keys alone")
        sys.exit(1)


if __name__ == "__main__":
    main()
