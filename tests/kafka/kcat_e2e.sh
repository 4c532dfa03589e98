#!/usr/bin/env bash
# kcat (librdkafka) against a real broker: every codec, keys, null values, headers, offsets, and what logcask says of them.
#     kcat_e2e.sh LOGCASK
set -euo pipefail
LOGCASK=$1
command -v kcat >/dev/null || { echo "SKIPPED: kcat is not installed (package kcat)"; exit 0; }
DIR=$(mktemp -d)
trap 'kill "$BROKER" 2>/dev/null || true; wait "$BROKER" 2>/dev/null || true; rm -rf "$DIR"' EXIT
"$LOGCASK" serve --data "$DIR/data" --listen 127.0.0.1:0 --kafka-listen 127.0.0.1:0 --set kafka.cleanup.policy=compact \
  >"$DIR/out" 2>"$DIR/err" &
BROKER=$!
for _ in $(seq 100); do grep -q native "$DIR/out" && break; sleep 0.1; done
KAFKA=$(sed -n 's/listening kafka //p' "$DIR/out")
LOGCASK_BROKER=$(sed -n 's/listening native //p' "$DIR/out")
export LOGCASK_BROKER
fail() { echo "FAILED: $1"; cat "$DIR/err"; exit 1; }
kafka() { timeout 60 kcat -b "$KAFKA" -X topic.metadata.refresh.interval.ms=200 "$@"; }

for codec in none gzip snappy lz4 zstd; do
  seq 1000 | sed "s/.*/key-&:value of $codec &/" >"$DIR/in"
  kafka -P -t "codec-$codec" -K: -z "$codec" -X enable.idempotence=true <"$DIR/in" || fail "produce with $codec"
  kafka -C -q -e -t "codec-$codec" -o beginning -K: | sort >"$DIR/read"
  sort "$DIR/in" | cmp - "$DIR/read" || fail "what was produced with $codec is not what was read"
  [ "$("$LOGCASK" get "codec-$codec" key-777)" = "value of $codec 777" ] || fail "get after $codec"
done

# A null value is a tombstone on both sides, whoever wrote it.
printf 'gone:there\nkept:there\n' | kafka -P -t marks -K: -H origin=kcat || fail "produce"
printf 'gone:\n' | kafka -P -t marks -K: -Z || fail "produce a null value"
"$LOGCASK" get marks gone >/dev/null && fail "a tombstone of kcat's was found"
"$LOGCASK" get marks kept >/dev/null || fail "a record of kcat's was not found"
printf 'native\tone\n' | "$LOGCASK" produce marks >/dev/null || fail "native produce"
kafka -C -q -e -t marks -o beginning -f '%k %S %h\n' | sort >"$DIR/read"
printf '%s\n' 'gone -1 ' 'gone 5 origin=kcat' 'kept 5 origin=kcat' 'native 3 ' | sort | cmp - "$DIR/read" ||
  { cat "$DIR/read"; fail "keys, sizes and headers as kcat reads them"; }

# kcat places keys by CRC32, logcask by murmur2: a write of ours meets the value wherever it stands.
seq 40 | sed 's/.*/m&:kcat/' | kafka -P -t mixed -K: || fail "produce to mixed"
for n in 1 2 3 4 5 6 7 8; do "$LOGCASK" delete mixed "m$n" >/dev/null || fail "delete m$n"; done
for n in 9 10 11 12 13 14 15 16; do "$LOGCASK" put mixed "m$n" ours --if exists >/dev/null || fail "put m$n"; done
"$LOGCASK" put mixed m17 ours --if absent >/dev/null 2>&1 && fail "a key that kcat has written counts as absent"
seq 18 24 | sed 's/.*/m&\tbulk/' | "$LOGCASK" produce mixed >/dev/null || fail "produce m18 to m24"
"$LOGCASK" put mixed new ours --if absent >/dev/null || fail "create a key"
{ seq 9 16 | sed 's/.*/m& ours/'; seq 17 17 | sed 's/.*/m& kcat/'; seq 18 24 | sed 's/.*/m& bulk/'
  seq 25 40 | sed 's/.*/m& kcat/'; echo "new ours"; } | sort >"$DIR/expected"
mixed_as_kcat_reads() {
  kafka -C -q -e -t mixed -o beginning -f '%p %k %S %s\n' |
    awk '{last[$1 " " $2] = $3 < 0 ? "" : $4}
         END {for (at in last) {split(at, place, " "); if (last[at] != "") print place[2], last[at]}}' | sort
}
mixed_as_kcat_reads | cmp - "$DIR/expected" || { mixed_as_kcat_reads; fail "kcat finds other values than ours"; }
while read -r key value; do [ "$("$LOGCASK" get mixed "$key")" = "$value" ] || fail "get $key"; done <"$DIR/expected"
for n in 1 2 3 4 5 6 7 8; do "$LOGCASK" get mixed "m$n" >/dev/null 2>&1 && fail "m$n is still there"; done
# A key that stands in three partitions: one tombstone for each.
for p in 0 1 2; do echo "thrice:$p" | kafka -P -t mixed -K: -p "$p" || fail "produce to partition $p"; done
"$LOGCASK" put mixed thrice x --if exists >/dev/null 2>"$DIR/several" && fail "a condition on three values held"
grep -q "partitions 0, 1, 2" "$DIR/several" || { cat "$DIR/several"; fail "the partitions are not named"; }
"$LOGCASK" delete mixed thrice >/dev/null || fail "delete of three values"
[ "$(kafka -C -q -e -t mixed -o beginning -f '%k %S\n' | grep -c '^thrice -1$')" = 3 ] || fail "not one tombstone each"
"$LOGCASK" compact mixed --wait >/dev/null || fail "compact mixed"
mixed_as_kcat_reads | cmp - "$DIR/expected" || { mixed_as_kcat_reads; fail "other values after compaction"; }
"$LOGCASK" get mixed thrice >/dev/null 2>&1 && fail "a deleted key is back after compaction"

# A record without a key has no place in a compacted topic.
echo "no key" | kafka -P -t marks >"$DIR/keyless" 2>&1 && fail "a record without a key was taken"
grep -q "failed to validate record" "$DIR/keyless" || { cat "$DIR/keyless"; fail "the refusal is not named"; }

# Reading on from an offset, and by time.
kafka -C -q -e -t codec-none -p 0 -o 3 -f '%o\n' | head -1 | grep -qx 3 || fail "read from an offset"
END=$(kafka -C -q -e -t codec-none -p 0 -o beginning -f '%o\n' | tail -1)
[ "$(kafka -Q -t codec-none:0:-1 | awk '{print $4}')" = "$((END + 1))" ] || fail "the end as kcat asks for it"
[ "$(kafka -Q -t codec-none:0:1 | awk '{print $4}')" = 0 ] || fail "the first record after a time"

# Compaction leaves holes; a reader steps over them to the end.
for round in 1 2 3 4 5; do seq 500 | sed "s/.*/k&:$round/"; done | kafka -P -t holes -p 0 -K: || fail "produce rounds"
"$LOGCASK" compact holes --wait >/dev/null || fail "compact"
# What is still in memory may come whole; what each key had last is the same.
kafka -C -q -e -t holes -p 0 -o beginning -K: | awk -F: '{last[$1] = $2} END {for (key in last) print key ":" last[key]}' |
  sort | cmp - <(seq 500 | sed 's/.*/k&:5/' | sort) || fail "after compaction"

kill -TERM "$BROKER"; wait "$BROKER" || fail "the broker did not stop in order"
echo "ok"
