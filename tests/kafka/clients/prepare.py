"""Fetches a client and builds its program in a folder of the build tree, by its own toolchain and that one's settings."""
import fcntl
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
FETCH_S = 600


class Missing(Exception):
    """The toolchain is not there, or its registry does not answer."""


def tool(name, *version):
    found = shutil.which(name)
    if not found:
        raise Missing(f"{name} is not installed")
    if version:
        said = subprocess.run([found, version[0]], capture_output=True, text=True, timeout=60)
        number = re.search(r"(\d+)\.\d+", said.stdout + said.stderr)
        if not number or int(number[1]) < version[1]:
            raise Missing(f"{name} is older than {version[1]}")
    return found


def fetch(where, *command, **environment):
    """A registry that does not answer is a reason to skip, whatever its client calls it."""
    try:
        done = subprocess.run(command, cwd=where, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=FETCH_S, env={**os.environ, **environment})
    except subprocess.TimeoutExpired:
        raise Missing(f"{command[0]} did not end in {FETCH_S} s") from None
    if done.returncode != 0:
        lines = [line for line in done.stdout.splitlines() if line.strip()]
        raise Missing(f"{' '.join(command[:3])}: {' / '.join(lines[-3:])[:300]}")


def build(where, *command, **environment):
    """What does not build is a fault of ours, not a missing registry."""
    done = subprocess.run(command, cwd=where, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=FETCH_S, env={**os.environ, **environment})
    assert done.returncode == 0, "\n".join(done.stdout.splitlines()[-30:])


def with_npm(where, package, fresh):
    node = tool("node", "--version", 18)
    if not fresh:
        # What is compiled on the way takes Node's own headers, where they are installed.
        prefix = pathlib.Path(node).resolve().parent.parent
        headers = {"npm_config_nodedir": str(prefix)} if (prefix / "include/node/node.h").exists() else {}
        fetch(where, tool("npm"), "ci", "--no-audit", "--no-fund", "--loglevel=error", **headers)
    lock = (where / "package.json").read_text()
    version = re.search(rf'"{re.escape(package)}": "([^"]+)"', lock)[1]
    return [node, str(where / "client.mjs")], version, {}


def with_go(where, module, fresh):
    go = tool("go")
    if not fresh:
        # The Go that is installed, not another that it would fetch.
        settings = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false"}
        fetch(where, go, "mod", "download", **settings)
        build(where, go, "build", "-o", "client", ".", **settings)
    version = re.search(rf"{re.escape(module)} v(\S+)", (where / "go.mod").read_text())[1]
    return [str(where / "client")], version, {}


def with_pip(where, package, fresh):
    """In a folder of its own, before what the distribution has of the same name."""
    pythons = [p for p in (sys.executable, shutil.which("python3")) if p and subprocess.run(
        [p, "-m", "pip", "--version"], capture_output=True).returncode == 0]
    if not pythons:
        raise Missing("python3 has no pip")
    if not fresh:
        shutil.rmtree(where / "packages", ignore_errors=True)
        fetch(where, pythons[0], "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile",
              "--target", "packages", "-r", "requirements.txt")
    version = re.search(rf"^{re.escape(package)}==(\S+)", (where / "requirements.txt").read_text(), re.M)[1]
    return [pythons[0], str(where / "client.py")], version, {"PYTHONPATH": str(where / "packages")}


def with_maven(where, artifact, fresh):
    """One source file, run as it is; the jars are those of pom.xml."""
    pom = (where / "pom.xml").read_text()
    java, mvn = tool("java", "-version", 17), tool("mvn")
    if not fresh:
        shutil.rmtree(where / "libs", ignore_errors=True)
        fetch(where, mvn, "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=libs")
        build(where, tool("javac"), "-cp", "libs/*", "-d", "classes", "Client.java")
    version = re.search(rf"<artifactId>{artifact}</artifactId><version>([^<]+)<", pom)[1]
    return [java, "-cp", f"{where / 'classes'}:{where / 'libs'}/*", "Client"], version, {}


# How each is fetched, its package, and the folder whose program it shares.
CLIENTS = {
    "kafkajs": (with_npm, "kafkajs"),
    "kafka-python": (with_pip, "kafka-python"),
    "franz-go": (with_go, "github.com/twmb/franz-go"),
    "aiokafka": (with_pip, "aiokafka"),
    "confluent-kafka": (with_pip, "confluent-kafka"),
    "sarama": (with_go, "github.com/IBM/sarama"),
    "platformatic": (with_npm, "@platformatic/kafka"),
    "node-rdkafka": (with_npm, "node-rdkafka"),
    "java": (with_maven, "kafka-clients"),
    "java-3.9": (with_maven, "kafka-clients", "java"),
}


def prepare(client, cache):
    """(command, version, environment): what starts the program. Two tests that want one client take turns."""
    how, package, *shared = CLIENTS[client]
    where = cache.resolve() / client
    where.mkdir(parents=True, exist_ok=True)
    with open(where / ".lock", "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        # What both folders have is the client's own.
        sources = {f.name: f for folder in (*shared, client) for f in sorted((HERE / folder).iterdir()) if f.is_file()}
        stamp = "".join(f"{name}\n{f.read_text()}" for name, f in sources.items())
        made = where / ".made"
        fresh = made.exists() and made.read_text() == stamp
        if not fresh:
            made.unlink(missing_ok=True)
            for source in sources.values():
                shutil.copy(source, where)
        answer = how(where, package, fresh)
        made.write_text(stamp)
        return answer
