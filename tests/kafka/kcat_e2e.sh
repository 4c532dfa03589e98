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
