"""librdkafka's test-runner, without the tests that need no broker (-L) or break its sockets (-E).

Its sources, tests included, are in the npm package of a client that is built on it.
"""
import os
import pathlib
import re
import shutil
import subprocess

from prepare import build, fetch, tool

PACKAGE, PACKAGE_VERSION = "@confluentinc/kafka-javascript", "1.10.1"
# What its tests call of a Kafka's bin/, and Kafka's own programs behind it.
SCRIPTS = {"kafka-topics.sh": "org.apache.kafka.tools.TopicCommand", "kafka-acls.sh": "org.apache.kafka.tools.AclCommand"}


class Librdkafka:
    node_id = 0
    advertised = None
    # Two members that subscribe at once are to be assigned at once.
    rebalance_delay_ms = 1000
    settings = []
    version = "2.15.1"

    def __init__(self, _clients):
        pass

    def prepare(self, cache):
        self.tests = cache / "package/deps/librdkafka/tests"
        made = cache / ".built"
        if made.exists() and made.read_text() == PACKAGE_VERSION:
            return
        shutil.rmtree(cache / "package", ignore_errors=True)
        for old in cache.glob("*.tgz"):
            old.unlink()
        fetch(cache, tool("npm"), "pack", "--ignore-scripts", "--silent", f"{PACKAGE}@{PACKAGE_VERSION}")
        shutil.unpack_archive(next(cache.glob("*.tgz")), cache, "gztar")
        sources = self.tests.parent
        for script in ("configure", "lds-gen.py"):
            if (sources / script).exists():
                (sources / script).chmod(0o755)
        build(sources, "bash", "./configure")
        build(sources, tool("make"), "-j2", "libs")
        build(self.tests, tool("make"), "-j2", "test-runner")
        made.write_text(PACKAGE_VERSION)

    def write_scripts(self, jars):
        """A folder that its tests take for an unpacked Kafka."""
        folder = self.tests / "kafka"
        (folder / "bin").mkdir(parents=True, exist_ok=True)
        for name, program in SCRIPTS.items():
            script = folder / "bin" / name
            script.write_text(f"#!/bin/sh\nexec java -cp '{jars}' {program} \"$@\"\n")
            script.chmod(0o755)
        return folder

    @staticmethod
    def pattern_of(test):
        return test

    def run(self, system, log, only):
        configuration = pathlib.Path(f"{log}.conf")
        # Fresh names: what an earlier run has left is not met.
        configuration.write_text(f"bootstrap.servers={system.bootstrap}\ntest.topic.random=true\n")
        # Its own library, not the distribution's.
        environment = {**os.environ, "RDKAFKA_TEST_CONF": str(configuration),
                       "TEST_KAFKA_VERSION": system.kafka_version, "LD_LIBRARY_PATH": "../src:../src-cpp",
                       "KAFKA_PATH": str(self.write_scripts(system.jars)), "BROKERS": system.bootstrap,
                       **({"TESTS": only} if only else {})}
        with open(log, "wb") as out:
            subprocess.run(["./test-runner", "-Q", "-L", "-E", "-p2"], cwd=self.tests, env=environment, stdout=out,
                           stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=2400, check=False)
        return self.read(pathlib.Path(log).read_text(errors="replace"))

    @staticmethod
    def read(text):
        """By the lines of single tests: after a failure there may be no table at the end, and the exit code says no more."""
        said = {name: "skip" for name in re.findall(r"(\d{4}_\w+)\S* +\|\s+SKIPPED \|", text)}
        said.update((name, "pass") for name in re.findall(r"=== Test (\d{4}_\w+) PASSED ===", text))
        said.update((name, "fail") for name in re.findall(r'### Test "(\d{4}_\w+)[^"]*" failed at', text))
        return said
