#!/usr/bin/env bash
# Runs the fuzz targets (tests/fuzz) with clang, libFuzzer and the sanitizers.
#
#   scripts/fuzz.sh [TARGET...] [--executions N] [--merge]
#
#   TARGET          only these (default: all)
#   --executions N  so many inputs per target (default 1000000)
#   --merge         afterwards adds what was found and is new to tests/fuzz/corpus
#
# Prints one row per target: executions, seconds, executions per second, edges covered, crashes. Inputs that were found
# and crashes stay under build/fuzz-runs. The exit code is 1 when a
# target crashed or did not do them all.
set -euo pipefail
cd "$(dirname "$0")/.."

executions=1000000
merge=no
targets=()
while [ $# -gt 0 ]; do
  case "$1" in
    --executions) executions=${2:?--executions wants a number}; shift ;;
    --merge) merge=yes ;;
    -h | --help) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "fuzz: unknown argument '$1'; see --help" >&2; exit 2 ;;
    *) targets+=("$1") ;;
  esac
  shift
done
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(ls tests/fuzz/corpus)

. scripts/build-env.sh
cmake --preset fuzz > /dev/null
cmake --build --preset fuzz -j "$(build_jobs)" --target "${targets[@]/#/fuzz_}" > /dev/null

# Longer inputs where a header alone takes hundreds of bytes.
max_len() {
  case "$1" in
    segment | log_scan) echo 4096 ;;
    request | offset_index | hint) echo 1024 ;;
    *) echo 512 ;;
  esac
}

# Leaks are the replay's business (ctest, preset asan): looking for them after each input takes most of the time, and so
# does libFuzzer's entropic schedule when a target covers thousands of edges.
export ASAN_OPTIONS=${ASAN_OPTIONS:-quarantine_size_mb=8:malloc_context_size=2}
failed=0
printf '%-14s %12s %8s %8s %8s %8s\n' target executions seconds exec/s edges crashes
for target in "${targets[@]}"; do
  run=build/fuzz-runs/$target
  mkdir -p "$run/found"
  start=$SECONDS
  build/fuzz/tests/fuzz/"fuzz_$target" -runs="$executions" -max_len="$(max_len "$target")" -rss_limit_mb=1024 \
    -entropic=0 -reduce_inputs=0 -detect_leaks=0 -print_final_stats=1 -artifact_prefix="$run/" \
    "$run/found" "tests/fuzz/corpus/$target" > "$run/log" 2>&1 || true
  seconds=$((SECONDS - start))
  done_runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$run/log")
  edges=$(sed -n 's/^#[0-9].* cov: \([0-9]*\) .*/\1/p' "$run/log" | tail -1)
  crashes=$(find "$run" -maxdepth 1 -type f ! -name '*log' | wc -l)
  printf '%-14s %12s %8s %8s %8s %8s\n' "$target" "${done_runs:-?}" "$seconds" \
    "$((${done_runs:-0} / (seconds > 0 ? seconds : 1)))" "${edges:-?}" "$crashes"
  if [ "$crashes" -ne 0 ] || [ "${done_runs:-0}" -lt "$executions" ]; then
    failed=1
    echo "fuzz: $target: a crash, or it ended early; see $run" >&2
  fi
  if [ "$merge" = yes ] && [ "$crashes" -eq 0 ]; then
    build/fuzz/tests/fuzz/"fuzz_$target" -merge=1 -detect_leaks=0 -max_len="$(max_len "$target")" \
      "tests/fuzz/corpus/$target" "$run/found" > "$run/merge.log" 2>&1
  fi
done
exit $failed
