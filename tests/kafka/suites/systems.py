"""The two that a suite is run against: a real Kafka and us, each one node that is told the same number and address."""
import contextlib
import dataclasses
import pathlib
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import real_kafka  # noqa: E402
from kafka_broker import Broker  # noqa: E402

# What Kafka's defaults and ours do not have in common, and the suites rest on.
KAFKA = ["num.partitions=4", "transaction.state.log.num.partitions=1", "share.coordinator.state.topic.num.partitions=1",
         "group.min.session.timeout.ms=1000",
         "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
         "allow.everyone.if.no.acl.found=true"]
# By Fetch 17; kafka-python looks for no newer version of ours.
INFERRED = "3.9"
OURS = ["frame.max.bytes=64MiB", "group.min.session.timeout.ms=1000"]


@dataclasses.dataclass
class System:
    name: str
    address: str            # where it listens
    bootstrap: str          # where it says that it is
    log: pathlib.Path       # what it says of itself
    jars: str               # Kafka's, whose tools some tests call
    kafka_version: str      # told to suites that choose their tests by it
    inferred_version: str   # what kafka-python takes the answers to ApiVersions for


@contextlib.contextmanager
def kafka(jars, suite):
    settings = [*KAFKA, f"group.initial.rebalance.delay.ms={suite.rebalance_delay_ms}", *suite.settings,
                *([f"advertised.listeners=PLAINTEXT://{suite.advertised}"] if suite.advertised else [])]
    with real_kafka.kafka(jars, settings, suite.node_id) as (address, directory):
        version = real_kafka.version(jars)
        yield System("kafka", address, suite.advertised or address, directory / "log", jars, version, version)


@contextlib.contextmanager
def ours(program, jars, suite):
    settings = [*OURS, f"node.id={suite.node_id}", f"group.initial.rebalance.delay.ms={suite.rebalance_delay_ms}",
                *suite.settings]
    if suite.advertised:
        settings.append(f"kafka.advertised.listener={suite.advertised}")
    with tempfile.TemporaryDirectory() as directory:
        log = pathlib.Path(directory) / "log"
        with open(log, "wb") as out:
            running = Broker(program, directory, settings, log=out)
        try:
            yield System("logcask", running.kafka, suite.advertised or running.kafka, log, jars,
                         real_kafka.version(jars), INFERRED)
        finally:
            code = running.stop()
        assert code == 0, f"the broker ended with {code}"
