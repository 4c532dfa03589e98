#!/usr/bin/env bash
# One command from a fresh clone to a tested build: installs what is missing, configures, builds, runs all tests.
#
#   scripts/test.sh [--no-install] [--by-file] [--asan] [--tsan | --tsan-if-quick] [--nightly] [-R REGEX]
#
#   --by-file  in build/dev, where each source file is compiled by itself, in place of build/ci, where many are compiled
#              as one: slower from nothing, quicker after a change
#   --asan     then builds and runs the tests under AddressSanitizer and UndefinedBehaviorSanitizer
#   --tsan     then builds and runs the tests of everything with threads under ThreadSanitizer
#   --tsan-if-quick  the same, unless the plain build took more than ten minutes
#   --nightly  by file, the slow tests too, both sanitizers, the known bugs of scripts/mutants.py, 100,000 inputs for every
#              fuzz target where clang is installed, and the unit tests again under twenty other seeds, those of the whole
#              partition (the model, the schedules) under many
#   -R REGEX   only the tests whose name matches
#
# The last lines are ctest's own summary; the exit code is ctest's.
set -euo pipefail
cd "$(dirname "$0")/.."

install=yes
asan=no
tsan=no
nightly=no
plain=ci
filter=()
while [ $# -gt 0 ]; do
  case "$1" in
    --no-install) install=no ;;
    --by-file) plain=dev ;;
    --asan) asan=yes ;;
    --tsan) tsan=yes ;;
    --tsan-if-quick) tsan=if-quick ;;
    --nightly) nightly=yes plain=dev asan=yes tsan=yes ;;
    -R) filter=(-R "${2:?-R wants a regular expression}"); shift ;;
    -h | --help) sed -n '2,17s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "test: unknown argument '$1'; see --help" >&2; exit 2 ;;
  esac
  shift
done

[ "$install" = no ] || scripts/install-deps.sh
. scripts/build-env.sh
jobs=$(build_jobs)
# One more than there are cores: a test of the real program mostly waits, and another has its core meanwhile. Those that
# measure run alone.
tests_at_once=$(($(nproc) + 1))
slow=(-LE slow)
[ "$nightly" = no ] || slow=()
# The tests that break things on purpose: they bring figures.
trials='crash|damage|schedule|e2e'

# run_preset NAME RUNNER...: configures, builds and tests one preset; what follows the name goes in front of ctest.
run_preset() {
  local preset=$1 began=$SECONDS
  shift
  cmake --preset "$preset"
  cmake --build --preset "$preset" -j "$jobs"
  echo "test: $preset: built in $((SECONDS - began)) s"
  # Told before the tests, so that ctest has the last word.
  if [ "$preset" = "$plain" ] && [ "$tsan" = if-quick ] && [ $((SECONDS - began)) -gt 600 ]; then
    tsan=no
    echo "test: SKIPPED: ThreadSanitizer, because this machine is slow"
  fi
  if [ "$preset" = "$plain" ] && [ ${#filter[@]} -eq 0 ]; then
    ctest --preset "$plain" -j "$tests_at_once" "${slow[@]}" -L "$trials"
    python3 scripts/figures.py "build/$plain"
    ctest --preset "$plain" -j "$tests_at_once" -LE "$trials${slow[1]:+|${slow[1]}}"
  else
    "$@" ctest --preset "$preset" -j "$tests_at_once" "${slow[@]}" "${filter[@]}"
  fi
}

run_preset "$plain"
if [ "$asan" = yes ]; then
  export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1:halt_on_error=1}"
  run_preset asan
fi
if [ "$tsan" != no ]; then
  # ThreadSanitizer of g++ 12 cannot map its shadow where the kernel randomises more than 28 bits.
  runner=()
  [ "$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 28)" -le 28 ] || runner=(setarch "$(uname -m)" -R)
  export TSAN_OPTIONS="${TSAN_OPTIONS:-halt_on_error=1}"
  run_preset tsan "${runner[@]}"
fi
if [ "$nightly" = yes ]; then
  LOGCASK_BUILD_JOBS=$jobs python3 scripts/mutants.py
  if command -v clang++-14 > /dev/null; then
    scripts/fuzz.sh --executions 100000
  else
    echo "test: SKIPPED: fuzzing, clang++-14 is not installed"
  fi
  export LOGCASK_TEST_RUNS=1000 LOGCASK_TEST_ROUNDS=10000
  for seed in $(seq 1 20); do
    export LOGCASK_TEST_SEED=$((RANDOM * 32768 + RANDOM))
    echo "test: round $seed, LOGCASK_TEST_SEED=$LOGCASK_TEST_SEED"
    ctest --preset "$plain" -j "$tests_at_once" -L 'unit|schedule' "${filter[@]}"
  done
fi
