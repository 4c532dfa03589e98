#!/usr/bin/env bash
# The whole idea in two minutes, on real data: this system's package history becomes a changelog topic.
#
# /var/log/dpkg.log (and its rotations) is read as "the new state of package P": key `package:arch`, value
# `state version time`, `not-installed` deletes the key. The broker takes it, answers lookups, fires a watch, compacts,
# is killed with SIGKILL and restarted; then every key is compared with what dpkg-query says. Where there is no such log,
# or a short one, a history of the same shape is generated together with its truth.
#
#   scripts/demo.sh [--generated]
#
# Safe to run again: own temporary directory, own port, nothing left running. Exit code 1 if one key differs.
set -euo pipefail
cd "$(dirname "$0")/.."

min_lines=500
generated=no
case "${1:-}" in
  "") ;;
  --generated) generated=yes ;;
  *) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

# LOGCASK names a program that is there already; otherwise dependencies and program are made now (quick when they stand).
logcask=${LOGCASK:-}
if [ -z "$logcask" ]; then
  scripts/install-deps.sh
  . scripts/build-env.sh
  cmake --preset release >/dev/null
  cmake --build --preset release -j "$(build_jobs)" --target logcask
  logcask=$PWD/build/release/cli/logcask
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/logcask-demo.XXXXXX")
broker=
watcher=
clean_up() {
  for pid in $watcher $broker; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

say() { printf '\n== %s\n' "$*"; }
die() { echo "demo: $*" >&2; exit 1; }
# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.05
  done
}

# ---- the history and the truth, taken together: again if dpkg was at work meanwhile
take_snapshot() { dpkg-query -W -f '${Package}:${Architecture}\t${db:Status-Status}\t${Version}\n' 2>/dev/null | LC_ALL=C sort; }
take_log() {
  # Oldest rotation first.
  for file in $(ls -r /var/log/dpkg.log.* 2>/dev/null | LC_ALL=C sort -t. -k3,3nr) /var/log/dpkg.log; do
    case "$file" in *.gz) zcat "$file" ;; *) cat "$file" ;; esac
  done 2>/dev/null | grep ' status ' || true
}
if [ "$generated" = no ] && command -v dpkg-query >/dev/null 2>&1; then
  for _ in 1 2 3 4 5; do
    take_snapshot >"$work/truth"
    take_log >"$work/history"
    take_snapshot | cmp -s - "$work/truth" && break
  done
  [ "$(wc -l <"$work/history")" -ge "$min_lines" ] || generated=yes
else
  generated=yes
fi
source="dpkg-query"
if [ "$generated" = yes ]; then
  source="the generated history's own truth"
  awk -v truth="$work/truth.unsorted" 'BEGIN {
    srand(7)
    for (i = 0; i < 40000; i++) {
      n = int(rand() * 2000); key = sprintf("package-%04d:%s", n, n % 5 ? "amd64" : "all")
      version = sprintf("%d.%d-%d", 1 + i / 9000, int(rand() * 30), 1 + int(rand() * 9))
      stamp = sprintf("2026-01-%02d %02d:%02d:%02d", 1 + i / 1400, i / 60 % 24, i % 60, int(rand() * 60))
      if (key in state && rand() < 0.1) { print stamp, "status not-installed", key, "<none>"; delete state[key]; continue }
      print stamp, "status unpacked", key, version
      print stamp, "status half-configured", key, version
      print stamp, "status installed", key, version; state[key] = version
    }
    for (key in state) printf "%s\tinstalled\t%s\n", key, state[key] > truth
  }' >"$work/history"
  LC_ALL=C sort "$work/truth.unsorted" >"$work/truth"
fi
# date time "status" STATE KEY VERSION -> KEY <tab> STATE VERSION TIME, or \N for a package that is gone
# While a system is being made, dpkg does not know a package's architecture yet and logs the bare name.
awk 'FILENAME == ARGV[1] { split($1, part, ":"); architecture[part[1]] = part[2]; next }
  { if ($5 !~ /:/ && $5 in architecture) $5 = $5 ":" architecture[$5] }
  { if ($4 == "not-installed") print "\\:" $5 "\t\\N"; else print $5 "\t" $4 " " $6 " " $1 "T" $2 }' "$work/truth" "$work/history" >"$work/records"
records=$(wc -l <"$work/records")
keys=$(cut -f1 "$work/records" | sed 's/^\\://' | LC_ALL=C sort -u | wc -l)

start_broker() {
  : >"$work/serve.out"
  "$logcask" serve --data "$work/data" --listen 127.0.0.1:0 >"$work/serve.out" 2>>"$work/serve.log" &
  broker=$!
  wait_for 60 grep -q '^listening native ' "$work/serve.out" || { tail -5 "$work/serve.log" >&2; die "the broker did not start"; }
  LOGCASK_BROKER=$(sed -n 's/^listening native //p' "$work/serve.out")
  export LOGCASK_BROKER
}

say "logcask serve on a fresh data directory"
start_broker
"$logcask" --version
"$logcask" topic create dpkg --partitions 4 --config segment.bytes=65536 --config max.message.bytes=16384

say "a watch on the package that changed last"
watched=$(tail -n 1 "$work/records" | cut -f1 | sed 's/^\\://')
"$logcask" watch dpkg "$watched" >"$work/watch" 2>&1 &
watcher=$!
wait_for 30 test -s "$work/watch" || die "the watch said nothing"
echo "before: $(cat "$work/watch")"

say "$records state changes of $keys packages into 4 partitions, each acknowledged when it is on disk"
"$logcask" produce dpkg --file "$work/records"
wanted=$(tail -n 1 "$work/records" | cut -f2)
last_event() { tail -n 1 "$work/watch" | cut -f2 | grep -qxF -- "$wanted"; }
wait_for 30 last_event || die "the watch did not show the last change of $watched"
kill -INT "$watcher"
wait "$watcher" || die "the watch did not end cleanly"
watcher=
echo "watch:  $(tail -n 1 "$work/watch")"

say "a lookup: the latest state of one package, from the broker"
"$logcask" get dpkg "$watched" -o json

say "segments before, compaction, segments after"
"$logcask" segments dpkg | head -8
"$logcask" compact dpkg --wait
"$logcask" segments dpkg | head -8

say "kill -9, and back again"
kill -9 "$broker"
wait "$broker" 2>/dev/null || true
started=$(date +%s%N)
start_broker
wait_for 60 "$logcask" health || die "the broker is not healthy after the restart"
echo "serving again after $((($(date +%s%N) - started) / 1000000)) ms"
"$logcask" health | grep '^last start'

say "live-only replay against the truth"
"$logcask" replay dpkg --live-only --exit-at-end >"$work/live" 2>"$work/replay.err" || { cat "$work/replay.err" >&2; die "replay failed"; }
LC_ALL=C awk -F '\t' -v source="$source" '
  FILENAME == ARGV[1] { status[$1] = $2; version[$1] = $3; next }
  FILENAME == ARGV[2] { seen[$1] = 1; next }
  { sub(/^\\:/, ""); if ($2 == "\\N") delete live[$1]; else live[$1] = $2 }
  END {
    for (key in live) if (!(key in seen)) { print "never written: " key; differ++ }
    for (key in seen) {
      checked++
      if (key in live) {
        split(live[key], part, " ")
        if (part[1] != status[key] || part[2] != version[key]) {
          print "differs: " key " is " part[1] " " part[2] ", truth " status[key] " " version[key]; differ++
        }
      } else if (key in status && status[key] != "not-installed") {
        print "lost: " key " is " status[key] " " version[key]; differ++
      }
    }
    printf "%d keys checked against %s, %d differ\n", checked, source, differ
    exit differ > 0
  }' "$work/truth" "$work/records" "$work/live"
