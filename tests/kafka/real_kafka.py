"""A real Kafka for comparison: its jars by Maven, its tools, and one node (KRaft, both roles) on free ports of loopback.

Missing is raised where Java, Maven or its registry is not there.
"""
import argparse
import contextlib
import fcntl
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE / "clients"))
from prepare import Missing, fetch, tool  # noqa: E402,F401

SOURCES = HERE / "real"
START_S = 120
CLUSTER = "cqsrxFWHSRSM4Vbgv2wy1Q"
METADATA = struct.pack(">hhih4si", 3, 1, 7, 4, b"ping", 0)


def place_of(sources, cache):
    return pathlib.Path(cache).resolve() / f"{sources.name}-jars"


def is_fetched(cache):
    return (place_of(SOURCES, cache) / ".made").exists()


def fetch_jars(sources, cache):
    """The class path of what the pom.xml in `sources` asks for, fetched into `cache` when it is not there yet."""
    tool("java", "-version", 17)
    where = place_of(sources, cache)
    where.mkdir(parents=True, exist_ok=True)
    pom = (sources / "pom.xml").read_text()
    made = where / ".made"
    with open(where / ".lock", "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not made.exists() or made.read_text() != pom:
            made.unlink(missing_ok=True)
            shutil.rmtree(where / "libs", ignore_errors=True)
            shutil.copy(sources / "pom.xml", where)
            fetch(where, tool("mvn"), "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime",
                  "-DoutputDirectory=libs")
            made.write_text(pom)
    return f"{where}/libs/*"


def class_path(cache, home=None):
    """Of an unpacked Kafka in `home`, else fetched."""
    if not home:
        return fetch_jars(SOURCES, cache)
    tool("java", "-version", 17)
    libs = pathlib.Path(home).resolve() / "libs"
    if not any(libs.glob("kafka_2*.jar")):
        raise Missing(f"{libs} has no kafka_2*.jar")
    return f"{libs}/*"


def version(jars):
    """As the name of its jar has it."""
    found = next(pathlib.Path(jars).parent.glob("kafka_2*.jar"))
    return found.stem.split("-", 1)[1]


def java(jars, main, *words, heap="512m"):
    """The command that runs one of Kafka's programs."""
    return ["java", f"-Xms{heap}", f"-Xmx{heap}", f"-Dlog4j2.configurationFile={SOURCES / 'log4j2.properties'}",
            "-cp", jars, main, *map(str, words)]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def make_node(jars, directory, settings=(), node_id=0):
    """(command, port) of a node whose empty log directory lies in `directory`. settings: 'name=value'; they win."""
    port, controller = free_port(), free_port()
    listeners = f"PLAINTEXT://127.0.0.1:{port}"
    lines = [
        "process.roles=broker,controller", f"node.id={node_id}",
        f"controller.quorum.voters={node_id}@127.0.0.1:{controller}",
        f"listeners={listeners},CONTROLLER://127.0.0.1:{controller}", f"advertised.listeners={listeners}",
        "controller.listener.names=CONTROLLER", "inter.broker.listener.name=PLAINTEXT",
        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT", f"log.dirs={directory}/data",
        "offsets.topic.num.partitions=1", "group.initial.rebalance.delay.ms=0",
        # What it shares out it shares out within the heartbeat, as we do.
        "group.consumer.assignment.interval.ms=0", "group.consumer.min.assignment.interval.ms=0",
        "group.consumer.assignor.offload.enable=false",
        *(f"{topic}.replication.factor=1" for topic in
          ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic")),
        *(f"{topic}.min.isr=1" for topic in ("transaction.state.log", "share.coordinator.state.topic")), *settings]
    properties = pathlib.Path(directory) / "server.properties"
    properties.write_text("".join(f"{line}\n" for line in lines))
    done = subprocess.run(java(jars, "kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", properties),
                          capture_output=True, text=True, timeout=START_S)
    if done.returncode != 0:
        raise RuntimeError(f"Kafka's StorageTool: {done.stdout[-500:]}{done.stderr[-500:]}")
    # The collector as Kafka's own start script sets it.
    command = java(jars, "kafka.Kafka", properties, heap="1g")
    return [command[0], "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35",
            "-XX:+ExplicitGCInvokesConcurrent", *command[1:]], port


def answers(port):
    """Whether the node tells of a broker and a controller: an open port says nothing yet."""
    try:
        with socket.create_connection(("127.0.0.1", port), 0.5) as s:
            s.settimeout(2)
            s.sendall(struct.pack(">i", len(METADATA)) + METADATA)
            size = struct.unpack(">i", s.recv(4, socket.MSG_WAITALL))[0]
            body = s.recv(size, socket.MSG_WAITALL)
        brokers = struct.unpack_from(">i", body, 4)[0]
        return brokers > 0 and struct.unpack_from(">i", body, size - 8)[0] >= 0  # the controller; then no topics
    except (OSError, struct.error):
        return False


@contextlib.contextmanager
def kafka(jars, settings=(), node_id=0):
    """A node for one test: (address, its directory)"""
    with tempfile.TemporaryDirectory() as directory:
        command, port = make_node(jars, directory, settings, node_id)
        log = pathlib.Path(directory) / "log"
        with open(log, "wb") as out:
            node = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        try:
            end = time.monotonic() + START_S
            while not answers(port):
                if node.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"Kafka did not start: {log.read_text()[-800:]}")
                time.sleep(0.1)
            yield f"127.0.0.1:{port}", pathlib.Path(directory)
        finally:
            node.terminate()
            try:
                node.wait(60)
            except subprocess.TimeoutExpired:
                node.kill()
                node.wait()


def test_program(description, run, tools=(), flags=()):
    """The main() of a test: run(logcask, jars, args), or SKIPPED where a tool, Java, Maven or its registry is missing."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logcask")
    parser.add_argument("--cache", default=tempfile.gettempdir(), help="where the jars are fetched to")
    parser.add_argument("--kafka-home", help="an unpacked Kafka, in place of one from Maven")
    for flag, meaning in flags:
        parser.add_argument(flag, action="store_true", help=meaning)
    args = parser.parse_args()
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        print(f"SKIPPED: not installed: {', '.join(missing)}")
        return
    try:
        jars = class_path(args.cache, args.kafka_home)
    except Missing as why:
        print(f"SKIPPED: {why}")
        return
    run(args.logcask, jars, args)
