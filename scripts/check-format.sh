#!/usr/bin/env bash
# Are all C++ files formatted as .clang-format says?
#
#   scripts/check-format.sh [--fix] [--allow-missing]
#
#   --fix            formats them
#   --allow-missing  where clang-format-14 is not installed nothing is checked, which is no error then
#
# Only clang-format 14 is asked: other versions disagree about details. scripts/install-deps.sh installs it where the
# distribution has it.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=(--dry-run --Werror)
allow_missing=no
for argument in "$@"; do
  case "$argument" in
    --fix) mode=(-i) ;;
    --allow-missing) allow_missing=yes ;;
    -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "check-format: unknown argument '$argument'; see --help" >&2; exit 2 ;;
  esac
done
tool=$(command -v clang-format-14 || true)
if [ -z "$tool" ]; then
  echo "check-format: SKIPPED: clang-format-14 is not installed, NOTHING WAS CHECKED" >&2
  [ "$allow_missing" = yes ] && exit 0
  echo "check-format: run scripts/install-deps.sh, or say --allow-missing where the distribution lacks it" >&2
  exit 3
fi
git ls-files -z '*.cc' '*.h' | xargs -0 -r -n 16 -P "$(nproc)" "$tool" "${mode[@]}" ||
  { echo "check-format: run scripts/check-format.sh --fix" >&2; exit 1; }
echo "check-format: ok"
