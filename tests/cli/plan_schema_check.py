#!/usr/bin/env python3
"""Holds what `logcask plan -o json` prints for some workloads against docs/plan.schema.json, which must refuse what is
broken on purpose.

usage: plan_schema_check.py PATH_OF_LOGCASK

The words of JSON Schema that the file uses are checked here, so that no package is needed; any other word is an error.
"""
import copy
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCHEMA = json.loads((ROOT / "docs" / "plan.schema.json").read_text(encoding="utf-8"))
NOTES = {"$schema", "$defs", "title", "description"}
TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
}


def breaches(value, schema, where="$"):
    """Lines that say where the value is not what the schema says."""
    for word, rule in schema.items():
        if word in NOTES or word == "properties":
            continue
        if word == "$ref":
            yield from breaches(value, SCHEMA["$defs"][rule.rsplit("/", 1)[1]], where)
        elif word == "type":
            names = rule if isinstance(rule, list) else [rule]
            if not any(TYPES[name](value) for name in names):
                yield f"{where}: {value!r} is not of type {rule}"
                return
        elif word == "enum":
            if value not in rule:
                yield f"{where}: {value!r} is none of {rule}"
        elif word == "minimum":
            if value is not None and value < rule:
                yield f"{where}: {value} is below {rule}"
        elif word == "maximum":
            if value > rule:
                yield f"{where}: {value} is above {rule}"
        elif word == "minItems":
            if len(value) < rule:
                yield f"{where}: fewer than {rule} items"
        elif word == "maxItems":
            if len(value) > rule:
                yield f"{where}: more than {rule} items"
        elif word == "required":
            for name in rule:
                if name not in value:
                    yield f"{where}: {name} is missing"
        elif word == "additionalProperties":
            for name, item in value.items():
                if name in schema["properties"]:
                    yield from breaches(item, schema["properties"][name], f"{where}.{name}")
                elif rule is False:
                    yield f"{where}: {name} is not in the schema"
        elif word == "items":
            for number, item in enumerate(value):
                yield from breaches(item, rule, f"{where}[{number}]")
        else:
            sys.exit(f"plan_schema_check: teach me the word {word!r}")


PLANS = [
    ([], 0),
    (["--model", "bitcask"], 0),
    (["--model", "bare-entry", "--ram-budget", "32GiB", "--value-bytes", "8KiB", "--disk", "16TiB"], 0),
    (["--workload", "photo-blobs"], 0),
    (["--workload", "event-tags"], 0),
    (["--workload", "idempotency-keys"], 0),
    (["--keys", "1B", "--key-bytes", "16", "--value-bytes", "100"], 10),
    (["--keys", "10M"], 9),
    (["--keys", "4M"], 0),
    (["--keys", "4M", "--strict"], 9),
    (["--needs-range"], 10),
    (["--ram-budget", "1PiB", "--value-bytes", "1MiB"], 0),
    (["--workload", "HUGE"], 10),
    (["--ram-budget-per-topic", "19999999"], 10),
    (["--value-bytes", "1MiB", "--partitions", "20000", "--sync", "none"], 0),
    (["--max-loss", "50ms", "--deletes-and-recreates", "--bursty", "--replication", "3", "--partitions", "16"], 0),
]


def spoilt(plan):
    """The same plan, broken in one place each."""
    for change in (lambda p: p.pop("verdict"), lambda p: p.update(verdict="MAYBE"), lambda p: p.update(more=1),
                   lambda p: p["findings"].pop(), lambda p: p["models"]["logcask"].update(ram_bytes=-1),
                   lambda p: p["models"]["bitcask"].update(ram_bytes="76"), lambda p: p["scores"][0].update(value=6),
                   lambda p: p["workload"]["knobs"].pop("keys"), lambda p: p["workload"]["told"].append("nothing")):
        broken = copy.deepcopy(plan)
        change(broken)
        yield broken


# The largest that a file may say: more bytes than any integer of JSON readers.
HUGE = """keys = "1T"
value-bytes = 2147483647
key-bytes = 65536
updates-per-key = "1M"
segment-bytes = "1 KiB"
partitions = 100000
"""


def main():
    with tempfile.TemporaryDirectory() as folder:
        huge = pathlib.Path(folder) / "huge.toml"
        huge.write_text(HUGE, encoding="utf-8")
        return check([([str(huge) if word == "HUGE" else word for word in words], code) for words, code in PLANS])


def check(plans):
    failures = 0
    for arguments, code in plans:
        run = subprocess.run([sys.argv[1], "plan", "-o", "json", *arguments], capture_output=True, text=True, check=False)
        found = []
        if run.returncode != code:
            found.append(f"exit code {run.returncode} instead of {code}: {run.stderr}")
        if run.stdout.count("\n") != 1:
            found.append("not one line")
        plan = json.loads(run.stdout)
        found += breaches(plan, SCHEMA)
        if plan["exit_code"] != run.returncode:
            found.append("exit_code is not the exit code")
        found += [f"the schema takes a plan broken in place {number}" for number, broken in enumerate(spoilt(plan))
                  if not list(breaches(broken, SCHEMA))]
        for line in found:
            print(f"FAILED: plan {' '.join(arguments)}: {line}")
        failures += len(found)
    if failures:
        return 1
    print(f"plan_schema_check: {len(PLANS)} plans, ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
