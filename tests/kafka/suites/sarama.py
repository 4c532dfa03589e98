"""sarama's functional tests. They want five brokers with a toxiproxy before each, and docker for their logs.

The five proxies here lead to one broker, which is told to name the first as its address. Topics of the tests get one
replica in place of three.
"""
import contextlib
import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.request

import go_tests
import real_kafka
from prepare import fetch, tool

MODULE = "github.com/IBM/sarama"
PROXY = "github.com/Shopify/toxiproxy/v2/cmd/server@v2.5.0"
# As its tests have them.
PORTS = range(29091, 29096)
DOCKER = """#!/bin/sh
# docker compose logs ... SERVICE: of the one broker. No broker is stopped or started.
case "$2" in logs) exec cat "$BROKER_LOG" ;; *) echo "there is no docker: $*" >&2; exit 1 ;; esac
"""


@contextlib.contextmanager
def proxies(program, upstream, log):
    """The address of a toxiproxy whose proxies kafka1 to kafka5 lead to `upstream`."""
    port = real_kafka.free_port()
    with open(log, "ab") as out:
        running = subprocess.Popen([program, "-host", "127.0.0.1", "-port", str(port)], stdout=out,
                                   stderr=subprocess.STDOUT)
    try:
        address = f"http://127.0.0.1:{port}"
        here = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for number, listen in enumerate(PORTS, 1):
            proxy = {"name": f"kafka{number}", "listen": f"127.0.0.1:{listen}", "upstream": upstream, "enabled": True}
            request = urllib.request.Request(f"{address}/proxies", json.dumps(proxy).encode(), method="POST")
            for _ in range(100):
                try:
                    here.open(request, timeout=5).read()
                    break
                except urllib.error.HTTPError as refused:
                    raise RuntimeError(f"toxiproxy: {refused.read().decode()}") from None
                except urllib.error.URLError:
                    time.sleep(0.1)
            else:
                raise RuntimeError("toxiproxy does not answer")
        yield address
    finally:
        running.terminate()
        running.wait(30)


class Sarama:
    node_id = 1
    advertised = f"127.0.0.1:{PORTS[0]}"
    rebalance_delay_ms = 0
    settings = ["auto.create.topics.enable=false"]

    def __init__(self, clients):
        lock = (clients / "sarama/go.mod").read_text()
        self.version = re.search(rf"{MODULE} v(\S+)", lock)[1]

    def prepare(self, cache):
        self.package = go_tests.copy_of(MODULE, self.version, cache)
        self.tests = []
        for file in sorted(self.package.glob("functional_*test.go")):
            text = file.read_text()
            self.tests += re.findall(r"^func (Test(?!Main)\w+)\(", text, re.M)
            file.write_text(re.sub(r"(ReplicationFactor:\s+)3\b", r"\g<1>1", text))
        self.program = cache / "sarama.test"
        go_tests.build_tests(self.package, self.program, "-tags", "functional")
        self.proxy = cache / "bin/server"
        fetch(cache, tool("go"), "install", PROXY, GOBIN=str(self.proxy.parent), GOTOOLCHAIN="local", GOFLAGS="")
        self.tools = cache / "tools"
        self.tools.mkdir(exist_ok=True)
        (self.tools / "docker").write_text(DOCKER)
        (self.tools / "docker").chmod(0o755)

    @staticmethod
    def pattern_of(test):
        return f"^{test}$"

    def run(self, system, log, only):
        tests = [test for test in self.tests if re.search(only or ".", test)]
        with proxies(self.proxy, system.address, f"{log}.toxiproxy") as address:
            environment = {**os.environ, "TOXIPROXY_ADDR": address, "KAFKA_VERSION": system.kafka_version,
                           "BROKER_LOG": str(system.log), "PATH": f"{self.tools}:{os.environ['PATH']}"}
            return go_tests.run_tests(self.program, self.package, tests, environment, log, 1500, 120)
