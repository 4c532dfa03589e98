#!/usr/bin/python3
"""The own test suites of Kafka's clients, against a real Kafka and against us, test by test.

    run.py LOGCASK [SUITE...] --cache FOLDER [--kafka-home DIR] [--only PATTERN] [--against kafka|logcask] [--json FILE]

Each suite is fetched by its toolchain into FOLDER and run there, first against a Kafka that is started for it, then against
a broker of ours. Their whole output stays in FOLDER. It fails for a test that passes with Kafka and not with us, and for
which reasons.py has no line; and for a line there whose test passes. Where a toolchain or a registry is missing a suite is
SKIPPED. The tests rest on timers: one that fails is run once more, by itself.

--only: tests whose names match, as the suite itself understands it; nothing is said of others then.
"""
import argparse
import collections
import json
import pathlib
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "clients")]
import real_kafka  # noqa: E402
import systems  # noqa: E402
from franz_go import FranzGo  # noqa: E402
from kafka_python import KafkaPython  # noqa: E402
from librdkafka import Librdkafka  # noqa: E402
from prepare import Missing  # noqa: E402
from reasons import reason_of  # noqa: E402
from sarama import Sarama  # noqa: E402

SUITES = {"franz-go": FranzGo, "librdkafka": Librdkafka, "sarama": Sarama, "kafka-python": KafkaPython}


def run_against(system, name, suite, cache, only):
    """{test: verdict}. What fails and has no reason to is run again, by itself: the machine may have been busy."""
    with system as running:
        start = time.monotonic()
        said = suite.run(running, cache / f"{running.name}.log", only)
        for test in [test for test, verdict in said.items() if verdict == "fail"]:
            if running.name == "logcask" and reason_of(name, test):
                continue
            again = suite.run(running, cache / f"{running.name}-again.log", suite.pattern_of(test))
            if again.get(test) == "pass":
                print(f"  {test}: passes with {running.name} by itself", flush=True)
                said[test] = "pass"
        count = collections.Counter(said.values())
        print(f"  {running.name}: {count['pass']} pass, {count['fail']} fail, {count['skip']} are skipped, in "
              f"{time.monotonic() - start:.0f} s", flush=True)
        assert count["pass"] or only, f"the suite has not run: {cache}/{running.name}.log"
        return said


def compare(name, kafka, ours):
    """Lines for what differs; how many of them nothing explains."""
    wrong = 0
    for test in sorted({*kafka, *ours}):
        there, here = kafka.get(test, "-"), ours.get(test, "-")
        why = reason_of(name, test)
        if there == "pass" and here != "pass":
            wrong += why is None
            print(f"  {test}: {here}: {why or 'NOT EXPLAINED'}")
        elif why and here == "pass" and there == "pass":
            wrong += 1
            print(f"  {test}: passes; STRIKE IT from reasons.py")
        elif there != here and not {there, here} <= {"skip", "-"}:
            print(f"  {test}: {here}, and {there} with Kafka")
        elif there == "fail":
            print(f"  {test}: fails with both")
    return wrong


def run_suite(name, asked, jars):
    cache = asked.cache.resolve() / name
    cache.mkdir(parents=True, exist_ok=True)
    suite = SUITES[name](HERE.parent / "clients")
    print(f"{name} {suite.version}", flush=True)
    suite.prepare(cache)
    said = {}
    if asked.against != "logcask":
        said["kafka"] = run_against(systems.kafka(jars, suite), name, suite, cache, asked.only)
    if asked.against != "kafka":
        said["logcask"] = run_against(systems.ours(asked.logcask, jars, suite), name, suite, cache, asked.only)
    wrong = compare(name, said["kafka"], said["logcask"]) if len(said) == 2 else 0
    return {"version": suite.version, **said}, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logcask")
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=", ".join(SUITES))
    parser.add_argument("--cache", default=tempfile.gettempdir(), type=pathlib.Path)
    parser.add_argument("--kafka-home")
    parser.add_argument("--only")
    parser.add_argument("--against", choices=["kafka", "logcask"])
    parser.add_argument("--json", type=pathlib.Path)
    asked = parser.parse_args()
    try:
        jars = real_kafka.class_path(asked.cache, asked.kafka_home)
    except Missing as why:
        print(f"SKIPPED: {why}")
        return 0
    results, wrong, skipped = {}, 0, []
    for name in asked.suites or SUITES:
        try:
            results[name], unexplained = run_suite(name, asked, jars)
            wrong += unexplained
        except Missing as why:
            skipped.append(f"{name}: {why}")
            print(f"  not run: {why}", flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    if not results:
        print(f"SKIPPED: {'; '.join(skipped)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
