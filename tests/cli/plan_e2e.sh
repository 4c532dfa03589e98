#!/usr/bin/env bash
# `logcask plan` as a person uses it: what it shows, how wide, which exit code. One line per failed check.
# usage: plan_e2e.sh PATH_OF_LOGCASK
set -u
logcask=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/logcask-plan-e2e.XXXXXX")
. "$(dirname "$0")/e2e_checks.sh"
# plan CODE WORDS ARGUMENTS...: and no line of text is wider than 80 columns.
plan() {
  local code=$1 words=$2
  shift 2
  expect "$code" "$words" "$logcask" plan "$@"
  awk 'length($0) > 80 { exit 1 }' "$work/out" || fail "wider than 80 columns: plan $*"
}

# ---- no flags: the default workload, every knob named, both bars
plan 0 "verdict FITS"
for knob in keys key-bytes value-bytes updates-per-key ram-budget ram-budget-per-partition partitions replication \
  segment-bytes sync max-loss needs-range deletes-and-recreates; do
  grep -qE "(^|  )$knob " "$work/out" || fail "plan without flags must name the knob $knob"
done
grep -q '^  RAM   \[#' "$work/out" && grep -q '^  disk  \[#' "$work/out" || fail "plan must draw both bars"
sed -n 's/^  ok  *\([a-z-]*\).*/\1/p' "$work/out" | tr '\n' ' ' |
  grep -qx 'keydir-ram range-query sync-strategy tombstone merge-cadence hint-files ' || fail "the checks must come in their order"

# ---- the presets
plan 0 "76.5 MB" --keys 1M --key-bytes 32 --value-bytes 4KiB --model bitcask
grep -q '4.14 GB' "$work/out" || fail "session cache: 4.1 GB of disk"
plan 0 "1 TB" --value-bytes 1MB --model bitcask
plan 10 "60.5 GB" --keys 1B --key-bytes 16 --value-bytes 100 --model bitcask
grep -q '^verdict OOM, rejected' "$work/out" || fail "tiny tags must be OOM"

# ---- exactly at the limits
plan 0 "verdict FITS" --ram-budget 26666667 # 20 MB are just below three quarters of it
plan 9 "verdict TIGHT" --ram-budget 26666666
plan 9 "verdict TIGHT" --ram-budget 20MB
plan 10 "verdict OOM" --ram-budget 19999999
plan 0 "verdict FITS" --ram-budget 80MB --strict
plan 9 "above a quarter" --ram-budget 79999999 --strict
plan 0 "above a quarter" --ram-budget 79999999

# ---- shipped workloads by name, one's own by path, and flags over both
plan 0 "2,442" --workload photo-blobs --model bitcask
grep -q '9,768' "$work/out" && grep -q '182.39 MiB' "$work/out" && grep -q '20.97 TB' "$work/out" || fail "the photo card's figures"
for card in event-tags idempotency-keys; do plan 0 "verdict FITS" --workload "$card"; done
printf 'keys = "400M"\nneeds-range = true\nabout = "audit log by time"\nram-budget = "1 TB"\n' >"$work/audit.toml"
plan 10 "Wall B" --workload "$work/audit.toml"
plan 0 "* needs-range false" --workload "$work/audit.toml" --needs-range=false
expect 2 "--needs-range takes no value, or =true or =false" "$logcask" plan --needs-range=no
printf 'keys = "500M"\nvalue-bytes = "1 KiB"\nram-budget = "4 GB"\npartitions = 64\n' >"$work/sessions.toml"
plan 10 "Wall A" --workload "$work/sessions.toml"
plan 0 "verdict FITS" --workload "$work/sessions.toml" --ram-budget 64GB
printf 'kees = 5\n' >"$work/typo.toml"
expect 1 "did you mean 'keys'" "$logcask" plan --workload "$work/typo.toml"
printf 'keys = [1\n' >"$work/broken.toml"
expect 1 "broken.toml line" "$logcask" plan --workload "$work/broken.toml"
expect 1 "photo-blobs" "$logcask" plan --workload photos
printf 'keys = 10M\n' >"$work/unquoted.toml"
expect 1 'in quotes: keys = "10M"' "$logcask" plan --workload "$work/unquoted.toml"
printf 'about = "two\\nlines \\u001b[2J \\u009b31m caf\\u00e9"\n' >"$work/about.toml"
plan 0 'two\x0alines \x1b[2J \xc2\x9b31m café' --workload "$work/about.toml"
expect 2 "give one of them" "$logcask" plan --workload photo-blobs --from-topic t

# ---- the sums the other way
plan 0 "715,827,882 keys" --model bare-entry --ram-budget 32GiB --key-bytes 32 --value-bytes 8KiB --disk 16TiB
grep -q '5.36 TiB' "$work/out" && grep -q '95.44 GiB' "$work/out" || fail "the inverse sums"

grep -q '^  RAM a key .* 48 B$' "$work/out" || fail "the model that judges has figures"

# ---- what is proposed can be made: the broker's settings are named
printf 'value-bytes = "100 MiB"\nupdates-per-key = 0\n' >"$work/big.toml"
plan 0 "frame.max.bytes=" --workload "$work/big.toml"
plan 0 "partitions.max=20000" --partitions 20000 --updates-per-key 0

# ---- ranges name the knob
expect 2 "--keys must be between 1k and 1B" "$logcask" plan --keys 999
expect 2 "--key-bytes must be between 8 B and 256 B" "$logcask" plan --key-bytes 257
expect 2 "--value-bytes must be between 16 B and 1 MiB" "$logcask" plan --value-bytes 2MB
expect 2 "--segment-bytes must be between" "$logcask" plan --segment-bytes 4GiB
expect 2 "KB is 1000, KiB 1024" "$logcask" plan --value-bytes 4K
expect 2 "a comma stands before three digits" "$logcask" plan --ram-budget 1,5GB
expect 2 "--sync must be one of none, interval, every" "$logcask" plan --sync sometimes

# ---- every rule explains itself
for rule in keydir-ram range-query sync-strategy tombstone merge-cadence hint-files verdict engine scores sums; do
  plan 0 "$rule" --explain "$rule"
  expect 0 "\"rule\":\"$rule\"" "$logcask" plan --explain "$rule" -o json
done
expect 2 "--explain must be one of keydir-ram" "$logcask" plan --explain nothing

# ---- mends mend
plan 0 "Add partitions: 4 " --keys 40M --ram-budget 8GB --segment-bytes 64MiB
plan 0 "" --keys 40M --ram-budget 8GB --segment-bytes 64MiB --partitions 4 --strict
plan 9 "] 3.91 GiB, " --keys 210M --ram-budget 4GiB # 4.2 GB, which are less than 4 GiB
grep -q 'B are 3.9 GiB, .* of the node.s 4 GiB' <(tr -s ' \n' ' ' <"$work/out") || fail "the check tells a need in the units of its budget"
plan 9 "Set flush.ms below 50 ms" --max-loss 50ms --strict
plan 0 "" --max-loss 50ms --flush-ms 49 --strict
plan 9 "Set delete.mode=keep" --deletes-and-recreates --strict
plan 0 "delete.mode=keep" --deletes-and-recreates --delete-mode keep --segment-bytes 64MiB --strict
plan 9 "off-peak" --bursty --strict
plan 0 "compaction.window=1-5" --bursty --off-peak --strict

# ---- a live topic: the plan's word is the broker's, at each of the three
export LOGCASK_KEYDIR_TOTAL_MAX_BYTES=65540
start_broker 127.0.0.1:0
field() { grep -o "\"$1\":\"\?[^,\"}]*" "$work/$2" | head -1 | sed 's/.*:"\?//'; }
expect 0 "created" "$logcask" topic create prices --partitions 4 --config segment.bytes=1MiB
expect 0 "created" "$logcask" topic create other
expect 0 "created" "$logcask" topic create plain --config cleanup.policy=delete
# keys so far, keys more, verdict, exit code of plan: 65,540 bytes hold 3277 keys, three quarters of them 2457.
live() {
  seq "$1" "$2" | sed 's/.*/key-&\tvalue of &/' | "$logcask" produce prices >/dev/null || fail "produce $1 to $2"
  "$logcask" health -o json >"$work/health"
  "$logcask" plan --from-topic prices -o json >"$work/plan"
  local code=$?
  [ "$code" -eq "$4" ] || fail "plan --from-topic with $2 keys: exit $code instead of $4"
  [ "$(field keydir_verdict health)" = "$3" ] || fail "the broker with $2 keys says $(field keydir_verdict health), not $3"
  [ "$(field verdict plan)" = "$3" ] || fail "plan with $2 keys says $(field verdict plan), not $3"
  "$logcask" topic describe prices -o json >"$work/topic"
  for name in limit limit_bytes limit_used_bytes; do
    [ "$(field $name plan)" = "$(field $name topic)" ] || fail "plan's $name $(field $name plan), the topic's $(field $name topic)"
  done
  [ "$(field ram_bytes_needed plan)" -eq $((20 * $(field keydir_entries health))) ] ||
    fail "plan needs $(field ram_bytes_needed plan) bytes, the broker has $(field keydir_entries health) keys"
}
printf 'a\t1\n' | "$logcask" produce other >/dev/null # counts, too: the budget is the node's
live 1 2456 FITS 0
live 2457 2457 TIGHT 9
live 2458 3275 TIGHT 9
grep -q '"partitions":4' "$work/plan" && grep -q '"segment-bytes":1048576' "$work/plan" && grep -q '"ram-budget":65540' "$work/plan" ||
  fail "plan must take the topic's settings and the broker's budget: $(cat "$work/plan")"
# The same figure of the same limit in the same units, wherever it is told.
expect 0 "65.52 KB of 65.54 KB (keydir.total.max.bytes): TIGHT" "$logcask" topic describe prices
expect 0 "65.52 KB of 65.54 KB: TIGHT" "$logcask" health
plan 9 "] 65.52 KB, " --from-topic prices
grep -q '^budget  65.54 KB a node' "$work/out" || fail "plan must name the budget as health does: $(head -12 "$work/out")"
plan 9 "topic prices as it stands" --from-topic prices
grep -q '^create' "$work/out" && fail "a topic that is there needs no command to create it"
plan 10 "verdict OOM" --from-topic prices --keys 10M
plan 0 "verdict FITS" --from-topic prices --ram-budget 1MB
plan 0 "verdict FITS" --from-topic prices --ram-budget 1MB --keys 30000 # the node's budget is the partitions', too
plan 0 "verdict FITS" --from-topic prices --ram-budget 1MB --partitions 16
grep -q 'max-partitions 16' "$work/out" || fail "more partitions raise max-partitions"
plan 9 "~ value-bytes" --from-topic prices
grep -q -- 'reckoned for keys of 32 B' "$work/out" || fail "plan must say that values are reckoned: $(head -3 "$work/out")"
plan 9 "~ value-bytes" --from-topic prices --key-bytes 9
expect 1 "unknown_topic" "$logcask" plan --from-topic nosuch
expect 1 "it has no keydir" "$logcask" plan --from-topic plain
# What it advises is something that plan takes.
advised=$(sed -n "s/.*'logcask \(plan --keys [0-9]* --partitions [0-9]*\)'.*/\1/p" "$work/err")
expect 0 "FITS" "$logcask" $advised

# ---- a topic with a limit of its own: the plan judges by the fuller one, as the broker does
unset LOGCASK_KEYDIR_TOTAL_MAX_BYTES
stop_broker
export LOGCASK_KEYDIR_TOTAL_MAX_BYTES=400000
start_broker 127.0.0.1:0
wait_for 30 "$logcask" health
expect 0 "created" "$logcask" topic create own --partitions 2 --config keydir.max.bytes=100000
plan 0 "  value-bytes 4 KiB" --from-topic own # empty: nothing to reckon from
own() {
  seq "$1" "$2" | sed 's/.*/key-&\tvalue of &/' | "$logcask" produce own >/dev/null 2>&1
  "$logcask" topic describe own -o json >"$work/topic"
  "$logcask" plan --from-topic own -o json >"$work/plan"
  local code=$?
  [ "$code" -eq "$4" ] || fail "plan --from-topic own with $2 keys: exit $code instead of $4"
  [ "$(field limit topic)" = "$5" ] || fail "own with $2 keys: nearest is $(field limit topic), not $5"
  grep -q "\"limit_bytes\":[0-9]*,\"limit_used_bytes\":[0-9]*,\"verdict\":\"$3\"" "$work/topic" || fail "own with $2 keys is not $3: $(cat "$work/topic")"
  [ "$(field verdict plan)" = "$3" ] || fail "plan of own with $2 keys says $(field verdict plan), not $3"
  for name in limit limit_bytes limit_used_bytes; do
    [ "$(field $name plan)" = "$(field $name topic)" ] || fail "own: plan's $name $(field $name plan), the topic's $(field $name topic)"
  done
}
own 1 3750 FITS 0 keydir.max.bytes
own 3751 3751 TIGHT 9 keydir.max.bytes
plan 9 "-> Raise" --from-topic own
plan 10 "-> Raise" --from-topic own --keys 6000
grep -q 'logcask: the keys fit the node' "$work/out" || fail "keydir.max.bytes mends it, no other engine"
plan 0 "verdict FITS" --from-topic own --keys 6000 --ram-budget-per-topic 200KB

# ---- keys of a partition that is offline are unknown, and nobody guesses them
stop_broker
for file in $(find "$work/data" -path '*/own-1.*/manifest.*'); do printf 'broken' >"$file"; done
start_broker 127.0.0.1:0
expect 1 "partition 1 of topic 'own' is offline" "$logcask" plan --from-topic own
stop_broker
expect 4 "is 'logcask serve' running there?" "$logcask" plan --from-topic prices

finish
