"""kafka-python's integration tests, from its source package."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

from prepare import fetch

# Its package leaves out the module by which its tests start brokers of their own, or know one that runs.
SERVICE = """class ExternalService:
    def __init__(self, host, port):
        self.host, self.port = host, port

    def open(self):
        pass

    close = stop = dump_logs = open


class SpawnedService:
    pass
"""
RESULT = re.compile(r"^(test/\S+?::.+?) (PASSED|FAILED|SKIPPED|ERROR|XFAIL|XPASS)\b", re.M)
MEANING = {"PASSED": "pass", "XPASS": "pass", "SKIPPED": "skip", "XFAIL": "skip", "FAILED": "fail", "ERROR": "fail"}
TOOLS = ("pytest==9.2.0", "pytest-mock==3.17.0", "pytest-timeout==2.4.0", "py==1.11.0")


class KafkaPython:
    node_id = 0
    advertised = None
    rebalance_delay_ms = 0
    settings = []

    def __init__(self, clients):
        self.needs = clients / "kafka-python/requirements.txt"
        self.version = re.search(r"^kafka-python==(\S+)", self.needs.read_text(), re.M)[1]

    def prepare(self, cache):
        shutil.rmtree(cache / "packages", ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
        fetch(cache, *pip, "install", "--target", "packages", "-r", str(self.needs), *TOOLS)
        fetch(cache, *pip, "download", "--no-deps", "--no-binary", "kafka-python", f"kafka-python=={self.version}")
        shutil.unpack_archive(next(cache.glob("kafka_python-*.tar.gz")), cache)
        self.sources = cache / f"kafka_python-{self.version}"
        self.packages = cache / "packages"
        (self.sources / "test/__init__.py").touch()
        (self.sources / "test/service.py").write_text(SERVICE)

    @staticmethod
    def pattern_of(test):
        return re.search(r"\w+(?=\[|$)", test)[0]

    def run(self, system, log, only):
        version = system.inferred_version
        (self.sources / "servers" / version / "kafka-bin").mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "PYTHONPATH": str(self.packages), "KAFKA_URI": f"kafka://{system.bootstrap}",
                       "KAFKA_VERSION": version}
        with open(log, "wb") as out:
            subprocess.run([sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "--timeout=120",
                            "test/integration", *(["-k", only] if only else [])], cwd=self.sources, env=environment,
                           stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=1800, check=False)
        text = pathlib.Path(log).read_text(errors="replace")
        return {name.removeprefix("test/integration/"): MEANING[word] for name, word in RESULT.findall(text)}
