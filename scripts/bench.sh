#!/usr/bin/env bash
# Builds the release preset and measures everything bench/README.md names; prints Markdown.
#
#   scripts/bench.sh [--quick]     --quick: a tenth of the operations, one round
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/build-env.sh
case "${1:-}" in
  "") run=(--rounds 5) rounds=5 keys=10000000 ;;
  --quick) run=(--rounds 1 --scale 0.1) rounds=1 keys=1000000 ;;
  -h | --help) sed -n '2,4s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) echo "bench: unknown argument '$1'; see --help" >&2; exit 2 ;;
esac
cmake --preset release >&2
cmake --build --preset release -j "$(build_jobs)" >&2
bench/run.py "${run[@]}"
bench/kafka_wire.py "${run[@]}"
bench/compaction.py
bench/restart.py --keys "$keys" --rounds "$rounds"
bench/startup.py --rounds "$rounds"
build/release/bench/keydir_bench
