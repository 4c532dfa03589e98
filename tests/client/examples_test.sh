#!/usr/bin/env bash
# The example programs, as built against the installed package, with a real broker: what they print, how they end.
# One line per failed check. usage: examples_test.sh PATH_OF_LOGCASK FOLDER_OF_EXAMPLES
set -u
logcask=$1
examples=$2
work=$(mktemp -d "${TMPDIR:-/tmp}/logcask-examples.XXXXXX")
broker=
follower=
clean_up() {
  for pid in $follower $broker; do kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; done
  rm -rf "$work"
}
trap clean_up EXIT
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
# example CODE NAME ARGUMENTS... <INPUT: runs it; output in $work/out, its complaint in $work/err.
example() {
  local code=$1 name=$2
  shift 2
  timeout 60 "$examples/$name" "$@" >"$work/out" 2>"$work/err"
  local got=$?
  [ "$got" -eq "$code" ] || fail "exit $got instead of $code: $name $* -- $(head -c 300 "$work/err")"
  if [ "$code" -eq 0 ] && [ -s "$work/err" ]; then fail "$name $* complained: $(head -c 300 "$work/err")"; fi
}
# printed LINES: all that it printed, in any order of lines.
printed() { diff <(printf '%s\n' "$@" | sort) <(sort "$work/out") >"$work/diff" || fail "not as expected: $(cat "$work/diff")"; }
complained() { grep -qF -- "$1" "$work/err" || fail "no '$1' in: $(head -c 300 "$work/err")"; }
wait_for() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.05
  done
}
topic() { "$logcask" topic create "$@" >/dev/null || fail "no topic $*"; }

# ---- without a broker, without their arguments
for program in "produce" "consume" "table k" "replay"; do
  read -r name key <<<"$program"
  example 2 "$name"
  complained "usage: $name BROKER TOPIC"
  example 1 "$name" 127.0.0.1:1 t $key </dev/null
  complained connect_failed
done

"$logcask" serve --data "$work/data" --listen 127.0.0.1:0 --set group.initial.rebalance.delay.ms=0 >"$work/serve.out" 2>"$work/serve.err" &
broker=$!
wait_for 60 grep -q '^listening native ' "$work/serve.out" || { cat "$work/serve.err"; echo "FAILED: no broker"; exit 1; }
LOGCASK_BROKER=$(sed -n 's/^listening native //p' "$work/serve.out")
export LOGCASK_BROKER
at=$LOGCASK_BROKER

# ---- produce: one line a record, in order of its partition; a key alone deletes
topic t --partitions 1
example 0 produce "$at" t <<<$'a 1\nb 2 and more\na 3\nb\nc '
printed 'a -> 0:0' 'b -> 0:1' 'a -> 0:2' 'b -> 0:3' 'c -> 0:4'
example 1 produce "$at" nowhere <<<'a 1'
complained unknown_topic
topic small --partitions 1 --config max.message.bytes=1000
{ echo 'fits 1'; head -c 5000 /dev/zero | sed 's/^/large /' | tr '\0' x; echo; } >"$work/in"
example 1 produce "$at" small <"$work/in"
complained 'large: message_too_large'
grep -q '^fits -> 0:' "$work/out" || fail "a record beside one that is too large must be written"

# ---- consume: everything; in a group, what is new to it
example 0 consume "$at" t
printed '0:0 a 1' '0:1 b 2 and more' '0:2 a 3' '0:3 b (deleted)' '0:4 c '
example 0 consume "$at" t readers
printed '0:0 a 1' '0:1 b 2 and more' '0:2 a 3' '0:3 b (deleted)' '0:4 c '
example 0 produce "$at" t <<<'d 4'
example 0 consume "$at" t readers
printed '0:5 d 4'
example 0 consume "$at" t readers
[ ! -s "$work/out" ] || fail "a group that has seen everything saw: $(cat "$work/out")"
example 1 consume "$at" nowhere
complained unknown_topic

# ---- table: a counter that several writers share loses no step
topic counts --partitions 3
example 0 table "$at" counts visits
grep -qE '^visits = 1 at offset [0-9]+$' "$work/out" || fail "the first count: $(cat "$work/out")"
writers=
for i in 1 2 3 4 5 6 7 8; do
  timeout 60 "$examples/table" "$at" counts visits >>"$work/counted" &
  writers="$writers $!"
done
for pid in $writers; do wait "$pid" || fail "a writer of eight ended with $?"; done
diff <(seq 2 9) <(sed 's/^visits = \([0-9]*\) .*/\1/' "$work/counted" | sort -n) >"$work/diff" || fail "counts: $(cat "$work/diff")"
[ "$("$logcask" get counts visits)" = 9 ] || fail "nine steps lead to 9, not $("$logcask" get counts visits)"
example 0 produce "$at" counts <<<'visits'
example 0 table "$at" counts visits
grep -q '^visits = 1 at' "$work/out" || fail "a deleted counter begins anew: $(cat "$work/out")"
example 0 produce "$at" counts <<<'visits many'
example 1 table "$at" counts visits
complained "holds no number: 'many'"
example 1 table "$at" nowhere k
complained unknown_topic

# ---- replay: the live state, then the changes as they come
example 0 replay "$at" t once
printed 'a = 3' 'c = ' 'd = 4'
example 1 replay "$at" nowhere once
complained unknown_topic
"$examples/replay" "$at" t >"$work/followed" 2>"$work/followed.err" &
follower=$!
wait_for 60 grep -q '^d = 4$' "$work/followed" || fail "no state from a replay that follows: $(cat "$work/followed.err")"
example 0 produce "$at" t <<<$'e 5\na'
wait_for 60 grep -q '^changed: a = (deleted)$' "$work/followed" || fail "no change from a replay that follows: $(cat "$work/followed")"
grep -q '^changed: e = 5$' "$work/followed" || fail "a change is missing: $(cat "$work/followed")"
kill "$follower"
wait "$follower"
follower=

kill "$broker"
wait "$broker" || fail "serve must exit 0 on SIGTERM: $(tail -3 "$work/serve.err")"
broker=
[ "$failures" -eq 0 ] || exit 1
echo "all checks hold"
