#!/usr/bin/python3
"""What is built on Kafka and knows nothing of us: Streams, Connect and Kafka's own test of compaction.

    ecosystem_e2e.py PROGRAM --cache FOLDER

Where Java, Maven or its registry is missing the last line says SKIPPED and why.
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from kafka_broker import broker  # noqa: E402
from real_kafka import Missing, fetch_jars, free_port  # noqa: E402

SETTINGS = ["group.initial.rebalance.delay.ms=100"]
LINES = 500
REDUCED_PERCENT = 50
WAIT_S = 90
TEXT = "1\tall streams lead to kafka\n2\thello kafka streams\n3\tjoin kafka summit\n"
COUNTS = {"all": 1, "streams": 2, "lead": 1, "to": 1, "kafka": 3, "hello": 1, "join": 1, "summit": 1}


class Place:
    """A broker of ours, the jars, and a folder for what the programs write."""

    def __init__(self, running, jars, folder):
        self.running, self.jars, self.folder = running, jars, pathlib.Path(folder)

    def ours(self, *words, given=None):
        done = subprocess.run([self.running.program, *words, "--broker", self.running.native], input=given,
                              capture_output=True, timeout=60)
        return done.stdout if done.returncode == 0 else None

    def properties(self, name, **settings):
        path = self.folder / name
        path.write_text("".join(f"{key.replace('_', '.')}={value}\n" for key, value in settings.items()))
        return str(path)

    def java(self, main, *words):
        return ["java", "-Xmx512m", "-cp", self.jars, main, *map(str, words)]

    @contextlib.contextmanager
    def runs(self, main, *words):
        """Ends it, as its users do, when the block is over; what it has said is shown when the block fails."""
        log = self.folder / f"{main.rsplit('.', 1)[1]}.log"
        with open(log, "w") as out:
            process = subprocess.Popen(self.java(main, *words), stdout=out, stderr=subprocess.STDOUT, cwd=self.folder)
        try:
            yield process
        except BaseException:
            lines = [line for line in log.read_text().splitlines() if "WARN" in line or "ERROR" in line]
            print("\n".join(line[:300] for line in lines[-20:]), file=sys.stderr)
            raise
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(what, happened, process=None):
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        found = happened()
        if found:
            return found
        assert process is None or process.poll() is None, f"the program ended while the test waited for {what}"
        time.sleep(0.2)
    raise AssertionError(f"not in {WAIT_S} s: {what}")


def streams(place):
    """The word count of Kafka's examples; what it has counted is looked up by key."""
    place.ours("topic", "create", "streams-plaintext-input", "--partitions", "2", "--config", "cleanup.policy=delete")
    place.ours("topic", "create", "streams-wordcount-output", "--partitions", "2")
    assert place.ours("produce", "streams-plaintext-input", given=TEXT.encode()) is not None
    settings = place.properties("streams.properties", bootstrap_servers=place.running.kafka,
                                state_dir=place.folder / "state")

    def counted():
        # The values are big-endian, of 8 bytes.
        values = {word: place.ours("get", "streams-wordcount-output", word, "--output", "raw") for word in COUNTS}
        return {word: int.from_bytes(value, "big") for word, value in values.items() if value} == COUNTS

    with place.runs("org.apache.kafka.streams.examples.wordcount.WordCountDemo", settings) as process:
        wait_for("every word's count", counted, process)
    print("ok streams")


def connect_settings(place, **more):
    plugins = place.folder / "plugins"
    plugins.mkdir(exist_ok=True)
    for jar in pathlib.Path(place.jars).parent.glob("connect-file-*.jar"):
        shutil.copy(jar, plugins)
    string = "org.apache.kafka.connect.storage.StringConverter"
    return dict(bootstrap_servers=place.running.kafka, key_converter=string, value_converter=string,
                offset_flush_interval_ms=500, plugin_path=plugins, plugin_discovery="only_scan", **more)


def connectors(place, name):
    """(source, sink): a file's lines into a topic, and out of it into another file."""
    lines = place.folder / f"{name}.in"
    lines.write_text("".join(f"line {i}\n" for i in range(LINES)))
    common = {"tasks.max": "1"}
    source = {**common, "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
              "file": str(lines), "topic": f"{name}-lines"}
    sink = {**common, "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
            "file": str(place.folder / f"{name}.out"), "topics": f"{name}-lines"}
    return source, sink


def arrived(place, name, lines=LINES):
    out = place.folder / f"{name}.out"
    return out.exists() and out.read_text() == "".join(f"line {i}\n" for i in range(lines))


def connect_standalone(place):
    worker = place.properties("standalone.properties", **connect_settings(
        place, listeners="http://127.0.0.1:0", offset_storage_file_filename=place.folder / "offsets"))
    files = []
    for kind, settings in zip(("source", "sink"), connectors(place, "standalone")):
        path = place.folder / f"{kind}.properties"
        path.write_text("".join(f"{key}={value}\n" for key, value in {"name": kind, **settings}.items()))
        files.append(str(path))
    with place.runs("org.apache.kafka.connect.cli.ConnectStandalone", worker, *files) as process:
        wait_for("every line in the other file", lambda: arrived(place, "standalone"), process)
    print("ok connect standalone")


def rest(address, path, body=None):
    request = urllib.request.Request(f"http://{address}{path}", data=json.dumps(body).encode() if body else None,
                                     headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def connect_distributed(place):
    """Its three compacted topics hold connectors, their offsets and their state: a second worker goes on from them."""
    address = f"127.0.0.1:{free_port()}"
    worker = place.properties("distributed.properties", **connect_settings(
        place, listeners=f"http://{address}", group_id="workers", config_storage_topic="workers-configs",
        offset_storage_topic="workers-offsets", status_storage_topic="workers-status"))
    main = "org.apache.kafka.connect.cli.ConnectDistributed"

    def answers():
        with contextlib.suppress(OSError):
            return rest(address, "/connectors") is not None

    with place.runs(main, worker) as process:
        wait_for("the worker's answer", answers, process)
        for kind, settings in zip(("source", "sink"), connectors(place, "distributed")):
            rest(address, "/connectors", {"name": kind, "config": settings})
        wait_for("every line in the other file", lambda: arrived(place, "distributed"), process)
    with open(place.folder / "distributed.in", "a") as lines:
        lines.write(f"line {LINES}\n")
    with place.runs(main, worker) as process:
        wait_for("the line of after the restart, and none twice", lambda: arrived(place, "distributed", LINES + 1),
                 process)
    print("ok connect distributed")


def compaction(place):
    """Kafka's LogCompactionTester. It makes its topic itself, so its segments are made small once it is there."""
    with place.runs("org.apache.kafka.tools.LogCompactionTester", "--bootstrap-server", place.running.kafka,
                    "--messages", 200000, "--percent-deletes", 20, "--sleep", 20) as process:

        def made():
            listed = place.ours("topic", "list") or b""
            return re.search(rb"log-cleaner-test-\S+", listed)

        topic = wait_for("the tester's topic", made, process)[0].decode()
        assert place.ours("topic", "alter", topic, "--config", "segment.bytes=262144") is not None
        assert process.wait(WAIT_S) == 0, "the tester has found a difference"
        said = (place.folder / "LogCompactionTester.log").read_text()
    reduced = re.search(r"\((\d+(?:\.\d+)?)% reduction\)", said)
    assert reduced and float(reduced[1]) >= REDUCED_PERCENT, said[-2000:]
    assert ", 0 mismatches" in said, said[-2000:]
    print(f"ok compaction, {reduced[1]} % reduction")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--cache", required=True)
    parser.add_argument("--only", choices=["streams", "connect_standalone", "connect_distributed", "compaction"])
    args = parser.parse_args()
    try:
        jars = fetch_jars(HERE / "ecosystem", args.cache)
    except Missing as missing:
        print(f"SKIPPED: {missing}")
        return
    parts = [streams, connect_standalone, connect_distributed, compaction]
    with broker(args.program, SETTINGS) as running, tempfile.TemporaryDirectory() as folder:
        for part in parts:
            if args.only in (None, part.__name__):
                part(Place(running, jars, folder))


if __name__ == "__main__":
    os.environ.pop("CLASSPATH", None)
    main()
