"""franz-go's tests of its client, pkg/kgo: those that need a broker, and those that need none."""
import os
import re
import subprocess

import go_tests

MODULE = "github.com/twmb/franz-go"
NAME = "franz-go"
# Where there are no transactions it goes on trying until its time is over.
APART = ["TestTxnEtl"]


class FranzGo:
    node_id = 0
    advertised = None
    rebalance_delay_ms = 0
    settings = []

    def __init__(self, clients):
        lock = (clients / "franz-go/go.mod").read_text()
        self.version = re.search(rf"{MODULE} v(\S+)", lock)[1]

    def prepare(self, cache):
        self.package = go_tests.copy_of(MODULE, self.version, cache) / "pkg/kgo"
        self.program = cache / "kgo.test"
        go_tests.build_tests(self.package, self.program)

    @staticmethod
    def pattern_of(test):
        return f"^{test}$"

    def run(self, system, log, only):
        listed = subprocess.run([self.program, "-test.list", only or "."], cwd=self.package, capture_output=True,
                                text=True, check=True)
        tests = [line for line in listed.stdout.split() if line.startswith("Test")]
        environment = {**os.environ, "KGO_SEEDS": system.bootstrap, "KGO_TEST_RF": "1", "KGO_TEST_MAX_TOPIC_PARTS": "7",
                       "KGO_LOG_LEVEL": "none"}
        together = [test for test in tests if test not in APART]
        said = go_tests.run_tests(self.program, self.package, together, environment, log, 1200, 120) if together else {}
        for test in set(tests) & set(APART):
            said |= go_tests.run_tests(self.program, self.package, [test], environment, f"{log}-{test}", 180, 1)
        return said
