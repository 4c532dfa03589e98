#!/usr/bin/env bash
# The program while its broker is away for longer than a request may take, two members of one group, and records at the
# exact limit of their topic. One line per failed check. usage: outage_e2e.sh PATH_OF_LOGCASK
set -u
logcask=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/logcask-outage-e2e.XXXXXX")
. "$(dirname "$0")/e2e_checks.sh"
# reader NAME ARGUMENTS...: in the background; prints into $work/NAME, complains into $work/NAME.err.
reader() {
  local name=$1
  shift
  "$logcask" "$@" >"$work/$name" 2>"$work/$name.err" &
  readers="$readers $!"
}
write() { printf '%s\t%s\n' "$1" "$2" | "$logcask" produce o >/dev/null 2>>"$work/write.err" || fail "produce: $(tail -1 "$work/write.err")"; }

start_broker 127.0.0.1:0
"$logcask" topic create o --partitions 1 >/dev/null || fail "no topic"
write a before

# ---- an outage: everybody who follows says so once, goes on, and says when it is over
reader group consume o --group g
reader plain consume o
reader watch watch o a
reader replay replay o
for name in group plain watch replay; do
  wait_for 30 grep -q before "$work/$name" || fail "$name shows nothing: $(cat "$work/$name.err")"
done
wait_for 30 sh -c "'$logcask' group describe g -o json | grep -q '\"metadata\"'" || fail "no position is kept for the group"
write a unseen_commit
kill -9 "$broker"
wait "$broker" 2>/dev/null
began=$SECONDS
for name in group plain watch replay; do
  wait_for 30 grep -q 'no contact with the broker for [3-9] s (.*); still trying' "$work/$name.err" || fail "$name is silent in an outage: $(cat "$work/$name.err")"
done
# The time is what is tried here: longer than the 30 s after which a request is given up.
while [ $((SECONDS - began)) -lt 33 ]; do sleep 0.5; done
start_broker "$LOGCASK_BROKER"
write a after
for name in group plain watch replay; do
  wait_for 60 grep -q after "$work/$name" || fail "$name does not go on after an outage: $(cat "$work/$name.err")"
  wait_for 10 grep -q 'the broker is there again' "$work/$name.err" || fail "$name does not say that it is over: $(cat "$work/$name.err")"
  [ "$(grep -c 'no contact' "$work/$name.err")" -eq 1 ] || fail "$name says it more than once: $(cat "$work/$name.err")"
done
for pid in $readers; do
  kill -INT "$pid"
  wait "$pid" || fail "a reader ended with $?: $(cat "$work"/*.err)"
done
readers=
"$logcask" group describe g -o json | grep -q '"offset":3' || fail "the group's position: $("$logcask" group describe g -o json)"


# ---- who names its partitions is no member, and two of those are told that each of them gets everything
reader first consume o --group shared --partition 0
reader second consume o --group shared --partition 0
told() { write a again; cat "$work/first.err" "$work/second.err" | grep -q "group 'shared'.*not coordinated"; }
wait_for 60 told || fail "nobody is told of the other member: $(cat "$work/first.err" "$work/second.err")"
for pid in $readers; do
  kill -INT "$pid"
  wait "$pid" || fail "a member ended with $?"
done
readers=

# ---- a start beyond the end is refused, and not committed
expect 1 "is beyond the end" "$logcask" consume o --group beyond --from 999999 --exit-at-end
expect 0 "group beyond" "$logcask" group describe beyond
grep -q TOPIC "$work/out" && fail "nothing may be committed that was not read: $(cat "$work/out")"

# ---- the limit of a record is exact: 61 bytes of the batch, 10 around a key of one byte and such a value
"$logcask" topic create small --partitions 1 --config max.message.bytes=2000 >/dev/null || fail "no topic"
value() { head -c "$1" /dev/zero | tr '\0' v; }
for bytes in 1905 1909 1910 1920 1928 1929; do
  printf 'k\t%s\n' "$(value $bytes)" | "$logcask" produce small >/dev/null 2>"$work/err" || fail "a value of $bytes bytes fits: $(cat "$work/err")"
done
printf 'k\t%s\n' "$(value 1930)" >"$work/large"
expect 7 "a record of 1940 bytes; max_record_bytes is 1939" "$logcask" produce small --file "$work/large"
expect 7 "max.message.bytes" "$logcask" produce small --file "$work/large"
{ printf 'k\t'; value 70000000; echo; } >"$work/large"
expect 7 "the most that is read as one" "$logcask" produce small --file "$work/large"
grep -q "max.message.bytes" "$work/err" && fail "no setting of the topic helps a line that is not read: $(cat "$work/err")"

# ---- too large is exit code 7, whichever verb writes it and whichever limit it is
expect 7 "max.message.bytes" "$logcask" put small k "$(value 1930)"
expect 7 "max.message.bytes" "$logcask" delete small "$(value 2000)"
value 70000000 >"$work/large"
expect 7 "invalid_record: $work/large: more than" "$logcask" put small k --file "$work/large"
"$logcask" topic create large --partitions 1 --config max.message.bytes=8200000 >/dev/null || fail "no topic"
value 8199900 >"$work/large"
expect 0 "written at" "$logcask" put large k --file "$work/large"
value 8500000 >"$work/large"
expect 7 "frame.max.bytes" "$logcask" put large k --file "$work/large"

# ---- a broker with no connection left (a watch has two) says so, and is not taken for a dead one
stop_broker
LOGCASK_CONNECTIONS_MAX_PER_ADDRESS=2 start_broker 127.0.0.1:0
reader only watch small nosuch
wait_for 30 grep -q 'absent: nosuch' "$work/only.err" || fail "the only watch: $(cat "$work/only.err")"
expect 6 "the broker is up and has as many connections from 127.0.0.1 as it takes: 2 (connections.max.per.address)" "$logcask" health
for pid in $readers; do
  kill -INT "$pid"
  wait "$pid" || fail "a watch ended with $?"
done
readers=

# ---- --timeout ends the wait of a write whose broker goes away
mkfifo "$work/pipe"
reader late produce small --file "$work/pipe" --timeout 500
exec 9>"$work/pipe"
printf 'k\tbefore\n' >&9
wait_for 30 sh -c "'$logcask' get small k --broker '$LOGCASK_BROKER' 2>/dev/null | grep -q before" || true
kill -9 "$broker"
wait "$broker" 2>/dev/null
broker=
began=$SECONDS
printf 'k\tafter\n' >&9
exec 9>&-
wait $readers && fail "a write that was not acknowledged must not end well"
readers=
[ $((SECONDS - began)) -lt 60 ] || fail "--timeout 500 took $((SECONDS - began)) s: $(cat "$work/late.err")"
expect 2 "--timeout" "$logcask" put small k v --timeout 0

finish
