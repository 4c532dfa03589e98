"""Test programs of Go modules: fetched, built from a copy that may be changed, run, and their verdicts read."""
import pathlib
import re
import shutil
import stat
import subprocess

from prepare import build, fetch, tool

# The Go that is installed, not another that it would fetch.
SETTINGS = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod -buildvcs=false"}
VERDICT = re.compile(r"(?:^|\x16)--- (PASS|FAIL|SKIP): ([^/\s]+) \(", re.M)
MEANING = {"PASS": "pass", "FAIL": "fail", "SKIP": "skip"}


def copy_of(module, version, where):
    """The module's sources in `where`, from Go's own cache, for writing."""
    where.mkdir(parents=True, exist_ok=True)
    (where / "go.mod").write_text("module suites\n")
    fetch(where, tool("go"), "mod", "download", f"{module}@v{version}", **SETTINGS)
    said = subprocess.run([tool("go"), "env", "GOMODCACHE"], capture_output=True, text=True, check=True).stdout.strip()
    # Go writes !i for I in the names of its cache.
    stored = re.sub(r"[A-Z]", lambda letter: "!" + letter[0].lower(), module)
    copy = where / "sources"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(f"{said}/{stored}@v{version}", copy)
    for path in (copy, *copy.rglob("*")):
        path.chmod(path.stat().st_mode | stat.S_IWUSR)
    return copy


def build_tests(package, program, *flags):
    """What the tests need beside the module is fetched on the way."""
    fetch(package, tool("go"), "mod", "download", GOTOOLCHAIN="local")
    build(package, tool("go"), "test", "-c", *flags, "-o", str(program), ".", GOTOOLCHAIN="local")


def verdicts(text):
    return {name: MEANING[said] for said, name in VERDICT.findall(text)}


def start(program, package, tests, environment, log, limit_s):
    with open(log, "ab") as out:
        subprocess.run([program, "-test.v=test2json", f"-test.timeout={limit_s}s", "-test.run",
                        f"^({'|'.join(tests)})$"], cwd=package, env=environment, stdin=subprocess.DEVNULL, stdout=out,
                       stderr=subprocess.STDOUT, timeout=limit_s + 60, check=False)
    return verdicts(pathlib.Path(log).read_text(errors="replace"))


def run_tests(program, package, tests, environment, log, limit_s, limit_of_one_s):
    """{test: verdict}. One that never ends takes those behind it along: they are run again, each by itself."""
    pathlib.Path(log).write_bytes(b"")
    said = start(program, package, tests, environment, log, limit_s)
    for test in tests:
        if test not in said and len(tests) > 1:
            said[test] = start(program, package, [test], environment, log, limit_of_one_s).get(test, "fail")
    return {test: said.get(test, "fail") for test in tests}
