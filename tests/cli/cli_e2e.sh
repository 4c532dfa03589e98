#!/usr/bin/env bash
# The program against a real broker: exit codes, forms of records, round trips, signals. One line per failed check.
# usage: cli_e2e.sh PATH_OF_LOGCASK
set -u
logcask=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/logcask-cli-e2e.XXXXXX")
. "$(dirname "$0")/e2e_checks.sh"

# ---- without a broker
expect 4 "is 'logcask serve' running there?" "$logcask" topic list --broker 127.0.0.1:1
expect 2 "did you mean 'produce'" "$logcask" prodcue t
expect 2 "did you mean 'create'" "$logcask" topic crate t
expect 2 "did you mean 'topic list' or 'group list'" "$logcask" list
expect 2 "did you mean '--data'" "$logcask" serve --data-dir "$work/x"
expect 2 "did you mean '--set io.threads=VALUE'" "$logcask" serve --data "$work/x" --io.threads 3
expect 0 "Usage: logcask topic create" "$logcask" help topic create
expect 2 "unknown flag '--https-listen'" "$logcask" serve --data "$work/x" --https-listen 127.0.0.1:9092
expect 2 "'plan' says what a workload costs" "$logcask" sizing
expect 2 "TOPIC is missing" "$logcask" get
expect 0 "logcask 0" "$logcask" --version
expect 0 "Exit codes" "$logcask" topic create --help
for shell in bash zsh fish; do expect 0 "logcask" "$logcask" completion $shell; done
"$logcask" completion bash | bash -n || fail "the bash completion is no bash"
printf 'nosuch = 1\n' >"$work/bad.toml"
expect 2 "nosuch" "$logcask" serve --data "$work/x" --config "$work/bad.toml"

start_broker 127.0.0.1:0

# ---- topics
expect 0 "created: t, 4 partitions" "$logcask" topic create t --partitions 4
expect 1 "topic_exists" "$logcask" topic create t
expect 0 "exists already" "$logcask" topic create t --if-not-exists
expect 1 "more than this broker may hold" "$logcask" topic create huge --partitions 100000
expect 1 "invalid_config" "$logcask" topic create bad --config segment.bites=5
expect 1 "unknown_topic" "$logcask" topic describe nosuch
expect 0 '"topic":"t"' "$logcask" topic list -o json
expect 0 "cleanup.policy" "$logcask" topic describe t
expect 0 "" "$logcask" topic alter t --config segment.ms=3600000
expect 0 '"segment.ms":"3600000"' "$logcask" topic describe t -o json
expect 0 "" "$logcask" topic create copy --partitions 2 --config segment.bytes=1000000 --config max.message.bytes=20000

# A topic's limit given with a unit, and records up to it.
expect 0 "created" "$logcask" topic create wide --config max.message.bytes=3MiB
expect 0 '"max.message.bytes":"3145728"' "$logcask" topic describe wide -o json
{ printf 'k\t'; head -c 2000000 /dev/zero | tr '\0' v; echo; } >"$work/wide"
expect 0 "1 record, " "$logcask" produce wide --file "$work/wide"
"$logcask" get wide k | tr -d '\n' | wc -c | grep -qx 2000000 || fail "a record above 1 MB must come back whole"
expect 2 "both name segment.ms" "$logcask" topic alter t --config segment.ms=5 --unset segment.ms

# ---- values of flags are checked before anything is done
expect 2 "no place to start" "$logcask" consume t --from yesterday
expect 2 "--if must be" "$logcask" produce t --if maybe
expect 2 "PARTITION:OFFSET" "$logcask" get t k --min-offset 5
expect 2 "NAME=VALUE" "$logcask" topic create u --config segment.ms

# ---- null, empty and the text null, in and out, in every form
cat >"$work/in" <<'END'
null-value	once
\:null-value	\N
empty-value	
text-null	null
text-N	\N
\:binary	\x00\xff\t\n
\:tab\tkey	v
json	{"name":"a\nb","path":"C:\\temp","u":"\u00e9","q":"\""}
path	C:\temp\new
regex	^\d+\.\d{2}\s*$	and a tab
\:\\:marker	v
\:cr	v\r
END
"$logcask" produce t <"$work/in" >/dev/null 2>"$work/err" || fail "produce of the special values"
[ "$(wc -l <"$work/err")" -eq 1 ] && grep -qF 'line 2 begins with \:' "$work/err" || fail "produce must say once that it read an escaped line: $(cat "$work/err")"
"$logcask" get t json | grep -qxF '{"name":"a\nb","path":"C:\\temp","u":"\u00e9","q":"\""}' || fail "JSON must come back as it was given"
"$logcask" get t path | grep -qxF 'C:\temp\new' || fail "a path must come back as it was given"
LC_ALL=C sort -o "$work/in" "$work/in"
"$logcask" consume t --exit-at-end | LC_ALL=C sort >"$work/back"
same "$work/in" "$work/back" "text in, text out"
for form in text json raw; do
  expect 0 "" "$logcask" topic create "via-$form"
  "$logcask" consume t --exit-at-end -o $form | "$logcask" produce "via-$form" --input $form >/dev/null 2>&1 || fail "copy through $form"
  "$logcask" consume "via-$form" --exit-at-end | LC_ALL=C sort >"$work/back"
  same "$work/in" "$work/back" "round trip through $form"
done
# Lines stand for themselves: sorted, filtered and cut they are the same records.
for way in 'sort' 'grep -a e' 'head -5' 'sort -r | uniq'; do
  topic=way-$(echo "$way" | tr -dc a-z)
  expect 0 "" "$logcask" topic create "$topic"
  "$logcask" consume t --exit-at-end | LC_ALL=C bash -c "$way" >"$work/lines"
  "$logcask" produce "$topic" --file "$work/lines" >/dev/null 2>&1 || fail "produce after $way"
  "$logcask" consume "$topic" --exit-at-end >"$work/back"
  same "$work/lines" "$work/back" "the same lines after $way"
done
# With a separator of one's own, too.
expect 0 "" "$logcask" topic create separated
"$logcask" consume t --exit-at-end --key-separator = | "$logcask" produce separated --key-separator = >/dev/null 2>&1
"$logcask" consume separated --exit-at-end | LC_ALL=C sort >"$work/back"
same "$work/in" "$work/back" "another separator, out and in"
expect 2 "no backslash" "$logcask" consume t --key-separator '\\'

# ---- files of other makes
expect 0 "" "$logcask" topic create files
printf '\357\273\277a\t1\r\nb\t2\r\nb\t\r\n' >"$work/windows.txt"
"$logcask" produce files --tombstone-on-empty --file "$work/windows.txt" >"$work/out" 2>"$work/err" || fail "a file with CR LF and a mark"
[ "$(wc -l <"$work/err")" -eq 2 ] && grep -q 'byte order mark' "$work/err" && grep -q 'CR LF' "$work/err" || fail "what was adapted must be said once: $(cat "$work/err")"
"$logcask" get files a -o raw | cmp -s - <(printf 1) || fail "the CR of a line end is no part of a value"
expect 3 "deleted" "$logcask" get files b
printf '\377\376a\0\t\0v\0\n\0' >"$work/wide.txt"
expect 7 "iconv -f UTF-16" "$logcask" produce files --file "$work/wide.txt"
cat >"$work/users.json" <<'END'
[
  {"id": 17, "name": "a\nb", "price": 1.10},
  {
    "id": "u-2",
    "big": 12345678901234567890123
  }
]
END
expect 0 "2 records" "$logcask" produce files --input json --key-field id --file "$work/users.json"
"$logcask" get files 17 | grep -qxF '{"id": 17, "name": "a\nb", "price": 1.10}' || fail "a document must stand as it was"
"$logcask" get files u-2 | grep -qxF '{"id":"u-2","big":12345678901234567890123}' || fail "a number must keep its digits"
printf '{"id":1}\n{"ID":2}\n' >"$work/bad.json"
expect 7 "line 2: no field 'id'" "$logcask" produce files --input json --key-field id --file "$work/bad.json"
printf 'id,name,note\r\nc1,"Smith, ""J""",\r\nc2,,"two\nlines"\r\n' >"$work/users.csv"
expect 0 "2 records" "$logcask" produce files --input csv --header --key-column id --file "$work/users.csv"
"$logcask" get files c1 | grep -qxF '{"id":"c1","name":"Smith, \"J\"","note":""}' || fail "a row must be an object of its columns: $("$logcask" get files c1)"
expect 0 "2 records" "$logcask" produce files --input csv --header --key-column id --value-column name --file "$work/users.csv"
expect 0 'Smith, "J"' "$logcask" get files c1
expect 7 "the header has 'id', 'name', 'note'" "$logcask" produce files --input csv --header --key-column ID --file "$work/users.csv"
expect 2 "--key-field is for --input json" "$logcask" produce files --key-field id --file "$work/users.json"

# ---- what any verb prints as JSON, produce takes
expect 0 "" "$logcask" topic create copies
printf '{"key":"old","value":"v","timestamp":-86400000,"headers":[["h",null],["h","x"]]}\n' | "$logcask" produce copies --input json >/dev/null || fail "a time before 1970"
"$logcask" consume copies --exit-at-end -o json | grep -q '"timestamp":-86400000,.*"headers":\[\["h",null\],\["h","x"\]\]' || fail "timestamp and headers in JSON: $("$logcask" consume copies --exit-at-end -o json)"
for print in 'replay copies --exit-at-end' 'consume copies --exit-at-end' 'get copies old' 'get copies old nothing' 'put copies new v' 'delete copies new'; do
  "$logcask" $print -o json >"$work/printed" 2>/dev/null
  "$logcask" produce copies --input json --file "$work/printed" >"$work/out" 2>"$work/err" || fail "produce must take what $print printed: $(cat "$work/printed" "$work/err")"
done
expect 3 "deleted" "$logcask" get copies new
"$logcask" consume copies --exit-at-end 2>&1 >/dev/null | grep -q 'has headers' || fail "text must say that it leaves headers out"

# ---- single keys
expect 0 "written at" "$logcask" put t single one
expect 0 "one" "$logcask" get t single
expect 5 "latest record is a value at offset" "$logcask" put t single two --if absent
expect 5 "latest record is a value at offset" "$logcask" delete t single --if offset:0
offset=$("$logcask" get t single -o json | sed 's/.*"offset":\([0-9]*\).*/\1/')
expect 0 "deleted at" "$logcask" delete t single --if "offset:$offset"
expect 5 "latest record is a delete" "$logcask" delete t single --if exists
printf 'two\nlines\n\0' >"$work/value"
expect 0 "written at" "$logcask" put t single --file "$work/value"
"$logcask" get t single -o raw | cmp -s - "$work/value" || fail "put --file must take every byte"
expect 2 "VALUE is missing" "$logcask" put t single
expect 0 "written at" "$logcask" put t single ""
"$logcask" get t single | cmp -s - <(echo) || fail "an empty value is a value"
"$logcask" delete t single >/dev/null
expect 0 "" "$logcask" topic create plain --config cleanup.policy=delete
expect 1 "unsupported: 'plain' has cleanup.policy=delete" "$logcask" delete plain k
expect 1 "unsupported: 'plain' has cleanup.policy=delete" "$logcask" put plain k v
"$logcask" consume plain --exit-at-end | wc -l | grep -qx 0 || fail "nothing may be appended by a refused delete"
expect 0 "" "$logcask" topic create grows --config cleanup.policy=delete
printf '{"key":null,"value":"no key"}\n{"key":"k","value":"old"}\n{"key":"k","value":"new"}\n' |
  "$logcask" produce grows --input json >/dev/null || fail "a grows topic takes records without a key"
expect 1 "offset 0 of partition 0 of topic 'grows' has no key" "$logcask" topic alter grows --config cleanup.policy=compact
expect 0 "" "$logcask" records delete grows --before 1
expect 1 "Its 2 records have at most as many keys: 'logcask plan --keys 1000 --partitions 1'" "$logcask" plan --from-topic grows
expect 0 "grows is a compacted topic now" "$logcask" topic alter grows --config cleanup.policy=compact
expect 0 "" "$logcask" topic alter grows --config cleanup.policy=compact
[ ! -s "$work/out" ] || fail "nothing has become compacted: $(cat "$work/out")"
expect 0 "new" "$logcask" get grows k
expect 0 "deleted" "$logcask" delete grows k
expect 1 "unsupported" "$logcask" topic alter grows --config cleanup.policy=delete

# ---- which keys
expect 0 "" "$logcask" topic create listed --partitions 3 --config partitioner=murmur2
seq 1 300 | awk '{print "key-" $1 "\tv"}' | "$logcask" produce listed >/dev/null
"$logcask" delete listed key-7 >/dev/null
expect 0 "" "$logcask" put listed "$(printf 'two\nlines')" v
"$logcask" keys listed | LC_ALL=C sort >"$work/out"
{ seq 1 300 | awk '$1 != 7 {print "key-" $1}'; echo '\:two\nlines'; } | LC_ALL=C sort >"$work/wanted"
same "$work/wanted" "$work/out" "keys must list every key with a value once"
expect 0 "300" "$logcask" keys listed --count
"$logcask" keys listed --prefix key-29 | wc -l | grep -qx 11 || fail "keys --prefix"
"$logcask" keys listed -o json --prefix key-30 | grep -q '"key":"key-30","tombstone":false}' || fail "keys -o json"
expect 0 "PARTITION" "$logcask" keys t --count
expect 2 "know no prefixes" "$logcask" keys listed --count --prefix key
expect 1 "unsupported" "$logcask" keys plain
"$logcask" keys listed | head -1 >/dev/null
[ "${PIPESTATUS[0]}" -eq 0 ] || fail "a closed pipe must end keys quietly"
expect 2 "keys --prefix" "$logcask" get listed --prefix key

# ---- the first and the last of them
"$logcask" consume listed --max-records 5 | wc -l | grep -qx 5 || fail "consume --max-records"
"$logcask" consume listed --last 2 --exit-at-end | wc -l | grep -qx 6 || fail "consume --last counts per partition"
"$logcask" consume listed --last 1000000 --exit-at-end | wc -l | grep -qx 302 || fail "consume --last of more than there are"
"$logcask" consume listed --last 0 --exit-at-end | wc -l | grep -qx 0 || fail "consume --last 0"
for n in 1 2 3 4; do "$logcask" consume listed --group slow --max-records 100 --exit-at-end; done >"$work/out"
[ "$(wc -l <"$work/out")" -eq 302 ] && [ "$(LC_ALL=C sort -u "$work/out" | wc -l)" -eq 302 ] || fail "a group with --max-records must go on behind what was printed: $(wc -l <"$work/out")"
expect 2 "not with --from" "$logcask" consume listed --last 2 --from earliest

# ---- words of other tools
expect 2 "put TOPIC KEY VALUE" "$logcask" set t k v
expect 2 "delete TOPIC KEY" "$logcask" del t k
expect 2 "--broker HOST:PORT" "$logcask" consume t --bootstrap-server localhost:9092
expect 2 "the topic is an argument" "$logcask" consume -t t
expect 2 "--max-records N" "$logcask" consume t -n 5

expect 0 '"value":null,"headers":[],"tombstone":true' "$logcask" consume t --exit-at-end -o json --key null-value
expect 0 '"value":"","headers":[],"tombstone":false' "$logcask" consume t --exit-at-end -o json --key empty-value
expect 0 '"value":"null"' "$logcask" consume t --exit-at-end -o json --key text-null
expect 0 '"value_base64":"AP8JCg=="' "$logcask" consume t --exit-at-end -o json --key binary

# ---- get
expect 0 "null" "$logcask" get t text-null
expect 0 "" "$logcask" get t empty-value
expect 3 "deleted" "$logcask" get t null-value
expect 3 "absent" "$logcask" get t never-written
expect 0 '"status":"found"' "$logcask" get t text-null -o json
expect 3 '"status":"deleted"' "$logcask" get t text-null null-value never-written
"$logcask" get t binary -o raw >"$work/raw" || fail "get -o raw"
printf '\0\377\t\n' | cmp -s - "$work/raw" || fail "get -o raw is not the bytes of the value"
expect 0 "" "$logcask" get t -- text-null

# ---- conditions
printf 'lock=a\n' | "$logcask" produce t --key-separator = --if absent >/dev/null || fail "--if absent on an absent key"
printf 'lock=b\n' | "$logcask" produce t --key-separator = --if absent >"$work/out" 2>"$work/err"
[ $? -eq 5 ] || fail "--if absent on a live key must exit 5"
grep -q 'line 1.*latest record is a value at offset' "$work/err" || fail "a failed condition must name line and offset: $(cat "$work/err")"
offset=$("$logcask" get t lock -o json | sed 's/.*"offset":\([0-9]*\).*/\1/')
printf 'lock=c\n' | "$logcask" produce t --key-separator = --if "offset:$offset" >/dev/null || fail "--if offset:N"
expect 0 "c" "$logcask" get t lock
expect 0 "deleted at" "$logcask" delete t lock
expect 3 "deleted" "$logcask" get t lock

# ---- bad input names its line and stops there
printf 'a\t1\nb\t2\nbroken\nc\t3\n' | "$logcask" produce t >"$work/out" 2>"$work/err"
[ $? -eq 7 ] || fail "a malformed line must exit 7"
grep -q 'line 3' "$work/err" || fail "a malformed line must be named: $(cat "$work/err")"
expect 0 "2" "$logcask" get t b
expect 3 "absent" "$logcask" get t c
printf 'a\t1\nb\t2\n\\:\\N\t3\n' >"$work/keyless"
"$logcask" produce t --file "$work/keyless" >"$work/out" 2>"$work/err"
[ $? -eq 7 ] && grep -q 'line 3: a null key' "$work/err" || fail "a null key must be refused with its line: $(cat "$work/err")"
"$logcask" produce wide --acks 0 --file "$work/in" 2>/dev/null | grep -q 'last offsets' && fail "acks 0 tells no offsets"
printf 'k\tv\nk\t\n' | "$logcask" produce t --tombstone-on-empty >/dev/null || fail "--tombstone-on-empty"
expect 3 "deleted" "$logcask" get t k

# ---- read your writes across processes
last=$(printf 'ryw\tv\n' | "$logcask" produce t | sed 's/.*last offsets //')
expect 0 "v" "$logcask" get t ryw --min-offset "$last"

# ---- groups
expect 0 "" "$logcask" consume t --group g --exit-at-end
"$logcask" consume t --group g --exit-at-end >"$work/out"
[ ! -s "$work/out" ] || fail "a group must go on where it stopped"
expect 0 "g" "$logcask" group list
expect 0 "t" "$logcask" group describe g
expect 0 "offset 0" "$logcask" group reset g --topic t --to earliest
expect 1 "ends at" "$logcask" group reset g --topic t --to 999999
"$logcask" consume t --group g --exit-at-end >"$work/out"
[ -s "$work/out" ] || fail "a reset group must read again"
expect 1 "'logcask group list' names those there are" "$logcask" group describe nosuch

# ---- a plain topic takes more partitions, a compacted one does not
expect 0 "" "$logcask" topic create wider --config cleanup.policy=delete
expect 0 "wider has 3 partitions now" "$logcask" topic alter wider --partitions 3
expect 0 '"partitions":3' "$logcask" topic list -o json
seq 100 | awk '{print $1 "\tv"}' >"$work/hundred"
expect 0 "100 records" "$logcask" produce wider --file "$work/hundred"
expect 0 '"partition":2' "$logcask" consume wider --exit-at-end -o json
expect 2 "has 3 partitions; their number can only be asked to grow" "$logcask" topic alter wider --partitions 3
expect 1 "is compacted" "$logcask" topic alter t --partitions 9
expect 0 "" "$logcask" topic create placed --partitions 2 --config cleanup.policy=delete --config partitioner=murmur2
expect 1 "set partitioner=any first" "$logcask" topic alter placed --partitions 4
expect 0 "placed has 4 partitions now" "$logcask" topic alter placed --unset partitioner --partitions 4
expect 2 "or --partitions N" "$logcask" topic alter wider
expect 2 "placed has its new settings" "$logcask" topic alter placed --config retention.ms=3600000 --partitions 4
# Compacted it would grow no more.
expect 0 "" "$logcask" topic create both --partitions 2 --config cleanup.policy=delete
expect 0 "both has 3 partitions now" "$logcask" topic alter both --config cleanup.policy=compact --partitions 3
grep -q "both is a compacted topic now" "$work/out" || fail "what the topic has become: $(cat "$work/out")"

# ---- a group with a member, before anything is committed; and what nobody has committed for
expect 0 "" "$logcask" topic create seen --partitions 2 --config cleanup.policy=delete
seq 100 | awk '{print $1 "\tv"}' | "$logcask" produce seen >/dev/null || fail "records in both partitions"
"$logcask" consume seen --group watched --from latest >/dev/null 2>&1 &
readers="$readers $!"
described() { "$logcask" group describe watched >"$work/out" 2>&1 && grep -q "$1" "$work/out"; }
wait_for 30 described 'seen:0,1' || fail "the member with its share: $(cat "$work/out")"
grep -qx 'group watched  Stable, protocol .*' "$work/out" || fail "the group's state: $(cat "$work/out")"
grep -Eq '^seen +1 +- +([1-9][0-9]*) +\1 +- +logcask' "$work/out" || fail "a partition without a commit, its lag from log start: $(cat "$work/out")"
"$logcask" group describe watched -o json >"$work/out"
grep -q '^{"group":"watched","state":"Stable","protocol_type":"consumer","protocol":"range","kind":"classic","topic":"seen","partition":0,.*"client_id":"logcask-cli","host":"/127.0.0.1"}$' "$work/out" || fail "the group as JSON: $(cat "$work/out")"
[ "$(wc -l <"$work/out")" -eq 2 ] || fail "an object a partition: $(cat "$work/out")"
grep -q '"partition":1,"offset":-1,"committed_end":\([1-9][0-9]*\),"lag":\1,.*"member_id":"logcask' "$work/out" || fail "its partitions as JSON: $(cat "$work/out")"
expect 1 "group 'watched' has members (1): only they commit offsets" "$logcask" consume seen --group watched --partition 1 --max-records 1
[ ! -s "$work/out" ] || fail "nothing may be printed before --partition with a group that has members is refused: $(cat "$work/out")"
expect 0 "seen partition 1: offset" "$logcask" group reset g --topic seen --to latest --partition 1
"$logcask" group describe g | grep -Eq '^seen +0 +- +([1-9][0-9]*) +\1 +- +-$' || fail "the other partitions of a topic that is committed for: $("$logcask" group describe g)"
for group in $("$logcask" group list -o json | sed 's/.*"group":"\([^"]*\)".*/\1/'); do expect 0 "group $group" "$logcask" group describe "$group"; done

# ---- large input, output to a reader that leaves, output to a full disk
seq 1 200000 | awk '{print "key-" $1 % 20000 "\tvalue-" $1}' >"$work/large"
# Before any of it is compacted.
expect 0 "" "$logcask" topic alter copy --config min.compaction.lag.ms=3600000
"$logcask" produce copy --file "$work/large" >"$work/out" || fail "produce of 200000 records"
grep -q '^200000 records' "$work/out" || fail "produce must say how many: $(cat "$work/out")"
"$logcask" consume copy --exit-at-end | wc -l | grep -qx 200000 || fail "consume must print every record"
expect 0 "" "$logcask" topic alter copy --unset min.compaction.lag.ms
"$logcask" consume copy --exit-at-end 2>"$work/err" | head -1 >/dev/null
[ "${PIPESTATUS[0]}" -eq 0 ] && [ ! -s "$work/err" ] || fail "a closed pipe must end consume quietly: $(cat "$work/err")"
"$logcask" consume copy --exit-at-end >/dev/full 2>"$work/err"
[ $? -eq 1 ] && grep -q 'standard output' "$work/err" || fail "a full disk must end consume with exit 1"

# ---- compaction, segments, replay
expect 0 "won " "$logcask" compact copy --wait
expect 0 '"state":"active"' "$logcask" segments copy -o json
expect 0 "'logcask compact' closes it now" "$logcask" segments t
expect 0 "the active segments are closed" "$logcask" compact t
wait_for 20 bash -c "'$logcask' segments t | grep -q closed" || fail "compact without --wait must close the active segment"
expect 1 "topic 't' exists and differs from 'T' only in case, or in '.' for '_'; choose another name" "$logcask" topic create T --if-not-exists
grep -q 'that is fine' "$work/err" && fail "a clash of names must not be advised what refuses, too"
"$logcask" replay copy --live-only --exit-at-end -o json >"$work/live" 2>/dev/null || fail "replay --live-only"
[ "$(grep -c '"caught_up":true' "$work/live")" -eq 2 ] || fail "one marker per partition"
[ "$(grep -vc '"caught_up":true' "$work/live")" -eq 20000 ] || fail "live-only replay must show every key once"
expect 0 "" "$logcask" replay t --exit-at-end --key-prefix text-
[ "$(wc -l <"$work/out")" -eq 2 ] || fail "--key-prefix must show two keys: $(cat "$work/out")"

# ---- watch and consume end cleanly with SIGINT, what they printed is whole
"$logcask" watch t watched watched >"$work/watch" 2>"$work/err" &
watcher=$!
wait_for 20 grep -q 'absent: watched' "$work/err" || fail "watch must show the present state"
printf 'watched\tone\n' | "$logcask" produce t >/dev/null
wait_for 20 grep -q 'one' "$work/watch" || fail "watch must show a change"
kill -INT $watcher
wait $watcher
[ $? -eq 0 ] || fail "watch must exit 0 on SIGINT"
[ "$(grep -c one "$work/watch")" -eq 1 ] || fail "a key that is named twice is watched once: $(cat "$work/watch")"
for filter in "--prefix text-" ""; do
  "$logcask" watch t $filter >"$work/watch" 2>"$work/err" &
  watcher=$!
  wait_for 20 grep -qx "text-null	null" "$work/watch" || fail "watch $filter must show the present state: $(cat "$work/err")"
  "$logcask" put t text-new now >/dev/null
  "$logcask" delete t text-new >/dev/null
  wait_for 20 grep -qxF '\:text-new	\N' "$work/watch" || fail "watch $filter must show changes"
  grep -qx "text-new	now" "$work/watch" || fail "watch $filter must show every change"
  kill -INT $watcher
  wait $watcher
  [ $? -eq 0 ] || fail "watch $filter must exit 0 on SIGINT"
done
"$logcask" consume t --from latest >"$work/tail" 2>"$work/err" &
consumer=$!
n=0
until grep -q ping "$work/tail"; do
  printf 'ping\t%s\n' "$n" | "$logcask" produce t >/dev/null
  n=$((n + 1))
  [ $n -lt 100 ] || { fail "consume --from latest must follow"; break; }
done
kill -INT $consumer
wait $consumer
[ $? -eq 0 ] || fail "consume must exit 0 on SIGINT"

# A reader that leaves ends a verb that has nothing more to print, too.
timeout 30 "$logcask" consume t 2>"$work/err" | head -1 >/dev/null
[ "${PIPESTATUS[0]}" -eq 0 ] || fail "consume must end when its reader has gone: $(cat "$work/err")"

# ---- closed standard descriptors stay clear of the data
"$logcask" serve --data "$work/closed" --listen 127.0.0.1:0 <&- >&- 2>&- &
closed=$!
wait_for 20 test -s "$work/closed/LOCK" || fail "a broker without standard descriptors must start"
for descriptor in 0 1 2; do
  [ "$(readlink "/proc/$closed/fd/$descriptor")" = /dev/null ] || fail "descriptor $descriptor of a broker is one of its files"
done
kill "$closed"
wait "$closed" || fail "a broker without standard descriptors must stop cleanly"
"$logcask" produce t <&- >"$work/out" 2>&1 || fail "a closed standard input is an empty one: $(cat "$work/out")"

# ---- RAM of keys that are expected
expect 1 "keydir.expected.keys = 90000000000 needs" "$logcask" topic create expecting --config keydir.expected.keys=90000000000
expect 0 "" "$logcask" topic create expecting --config keydir.expected.keys=100000
keydir_bytes=$("$logcask" topic describe expecting -o json | sed 's/.*"keydir_bytes":\([0-9]*\).*/\1/')
{ [ "$keydir_bytes" -gt 1600000 ] && [ "$keydir_bytes" -le 2000000 ]; } || fail "100,000 expected keys take $keydir_bytes bytes"
expect 0 "" "$logcask" topic delete expecting

# ---- what keys cost in RAM, and keys that never repeat
expect 0 "" "$logcask" topic create unique
expect 0 "" "$logcask" topic create repeating
for topic in unique repeating; do
  keys=100000
  [ $topic = unique ] || keys=20000
  seq 1 100000 | awk -v keys=$keys '{print "key-" $1 % keys "\tv"}' | "$logcask" produce $topic >/dev/null || fail "produce to $topic"
done
expect 0 "for 100000 keys" "$logcask" topic describe unique
expect 0 "note    100% of its records so far brought a new key" "$logcask" topic describe unique
expect 0 '"entries":100000,"bytes":2000000,"limit":"keydir.total.max.bytes"' "$logcask" topic describe unique -o json
expect 0 '"keys_per_record":0.2,"note":""' "$logcask" topic describe repeating -o json
expect 0 "note: unique keys_never_repeat: " "$logcask" health
expect 0 '"notes":[{"topic":"unique","state":"keys_never_repeat"' "$logcask" health -o json
! "$logcask" health | grep -q "repeating" || fail "a topic whose keys repeat is not called out"
expect 0 "" "$logcask" topic delete unique
expect 0 "" "$logcask" topic delete repeating

# ---- health, maintenance
expect 0 "healthy" "$logcask" health
expect 0 "log starts at 1" "$logcask" records delete via-text --before 1
expect 0 "" "$logcask" reopen t
expect 0 "" "$logcask" bench produce --records 2000 --keys 100
expect 0 '"missing":0' "$logcask" bench get --records 1000 --keys 100 -o json
expect 0 "consume: 2000" "$logcask" bench consume
expect 0 "" "$logcask" topic delete via-raw
expect 1 "unknown_topic" "$logcask" consume via-raw --exit-at-end
expect 1 "in_use" "$logcask" verify "$work/data"
expect 1 "is in use by process" "$logcask" serve --data "$work/data" --listen 127.0.0.1:0
expect 1 "" timeout 60 "$logcask" serve --data "$work/other" --listen "$LOGCASK_BROKER"
expect 1 "--kafka-listen" timeout 60 "$logcask" serve --data "$work/other" --listen 127.0.0.1:0 --kafka-listen "$LOGCASK_BROKER"

# ---- a clean stop, then the offline tools, then the same data again
"$logcask" get copy key-5 >"$work/before"
stop_broker
find "$work/data" -printf '%p %T@ %s\n' | LC_ALL=C sort >"$work/before-verify"
expect 0 ": ok" "$logcask" verify "$work/data"
find "$work/data" -printf '%p %T@ %s\n' | LC_ALL=C sort >"$work/after-verify"
same "$work/before-verify" "$work/after-verify" "verify without --repair writes nothing"
for file in "$work"/data/copy-0.*/*; do
  expect 0 "" "$logcask" inspect "$file"
  expect 0 "" "$logcask" inspect "$file" -o json
done
log=$(ls "$work"/data/copy-0.*/*.log | head -1)
expect 0 '"key":"key-' "$logcask" inspect "$log" --records -o json
expect 0 ' key=key-' "$logcask" inspect "$log" --records
expect 0 'position=0 bytes=' "$logcask" inspect "$log"
expect 0 '  segments file=0000000' "$logcask" inspect "$(ls "$work"/data/copy-0.*/manifest.a)"
expect 2 "no file of a partition" "$logcask" inspect "$work/large"
cp "$work/data/FORMAT" "$work/data/cluster.id" "$work"
echo two >"$work/data/FORMAT"
expect 8 "FORMAT does not hold a version" "$logcask" verify "$work/data"
cp "$work/FORMAT" "$work/data"
echo 00 >"$work/data/cluster.id"
expect 8 "cluster.id is damaged" "$logcask" verify "$work/data" -o json
cp "$work/cluster.id" "$work/data"
expect 0 ": ok" "$logcask" verify "$work/data"
for manifest in "$work"/data/copy-*/manifest.*; do : >"$manifest"; done
expect 8 "DAMAGED" "$logcask" verify "$work/data"
expect 0 "rebuilt the manifest" "$logcask" verify "$work/data" --repair
start_broker 127.0.0.1:0
wait_for 60 "$logcask" health || fail "the broker must be healthy after a repair: $("$logcask" health)"
"$logcask" get copy key-5 >"$work/after"
same "$work/before" "$work/after" "a lookup after repair"
"$logcask" replay copy --live-only --exit-at-end 2>/dev/null | wc -l | grep -qx 20000 || fail "every key must be there after the repair"

# Who changed what is in the broker's log.
for line in "topic 't' with 4 partitions made by anonymous from 127.0.0.1" \
  "settings of topic 't' changed: segment.ms=3600000 by anonymous" \
  "records of topic 'via-text' below 1 deleted in 1 of 1 partitions (log start 0:1) by anonymous from 127.0.0.1"; do
  grep -qF "$line" "$work/serve.err" || fail "the broker's log has no line '$line'"
done

finish
