#!/usr/bin/env bash
# A broker whose files another user owns, as after an accidental start as root: nothing of it is called damage, nothing
# is made in its place, and all is there again once the files may be read. Started by root, the broker runs as another
# user and the files are root's; else they are its own, with a mode that lets nobody read. One line per failed check.
# usage: unreadable_e2e.sh PATH_OF_LOGCASK
set -u
logcask=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/logcask-unreadable-e2e.XXXXXX")
. "$(dirname "$0")/e2e_checks.sh"
user=
owner=$(id -u)
if [ "$owner" -eq 0 ]; then
  user=65534
  as_user=(setpriv --reuid=$user --regid=$user --clear-groups)
  command -v setpriv >/dev/null || { echo "skipped: root, and no setpriv to be somebody else"; exit 77; }
  # Where that user may not come the program is copied.
  cp "$logcask" "$work/logcask" && chmod 755 "$work/logcask" && chmod 711 "$work" && logcask=$work/logcask
  mkdir "$work/data" && chown $user:$user "$work/data"
fi
# take FILE...: nobody but the owner may read them, and in root's case that is root. give: as they were.
take() { if [ -n "$user" ]; then chown 0:0 "$@" && chmod 600 "$@"; else chmod 000 "$@"; fi; }
give() { if [ -n "$user" ]; then chown $user:$user "$@"; fi; chmod "$mode" "$@"; }
listing() { (cd "$work/data" && find . -type f ! -name LOCK -printf '%p %s %T@\n' | LC_ALL=C sort); }

start_broker 127.0.0.1:0
"$logcask" topic create t --partitions 1 >/dev/null || fail "no topic"
"$logcask" topic create other --partitions 1 >/dev/null || fail "no topic"
seq 1 200 | awk '{print "key-" $1 "\tvalue-" $1}' | "$logcask" produce t >/dev/null || fail "produce"
"$logcask" put other k v >/dev/null || fail "put"
"$logcask" records delete t --before 50 >/dev/null || fail "records delete"
"$logcask" consume t --exit-at-end -o json >"$work/before"
[ "$(wc -l <"$work/before")" -eq 150 ] || fail "150 records must be there, not $(wc -l <"$work/before")"
stop_broker

# ---- the manifests of one partition
partition=$(echo "$work"/data/t-0.*)
mode=$(stat -c %a "$partition/manifest.a")
for taken in "manifest.a manifest.b" manifest.a manifest.b; do
  files=$(for file in $taken; do echo "$partition/$file"; done)
  first=$(echo "$files" | head -1)
  take $files
  listing >"$work/listed"
  for repair in "" --repair; do
    expect 1 "NOT READ" "${as_user[@]}" "$logcask" verify "$work/data" $repair
    grep -qF "$first: Permission denied; it belongs to user id $owner, mode " "$work/out" || fail "verify $repair must name file and owner: $(cat "$work/out")"
  done
  grep -qi "rebuilt" "$work/out" "$work/err" && fail "--repair must make nothing in place of what it cannot read"
  listing >"$work/listed-then"
  same "$work/listed" "$work/listed-then" "verify touches nothing where $taken may not be read"
  start_broker 127.0.0.1:0
  expect 1 "$first: Permission denied; it belongs to user id $owner, mode " "$logcask" health
  grep -qF "chown -R" "$work/out" "$work/err" || fail "health must name the mend: $(cat "$work/out" "$work/err")"
  grep -qiE "damage|corrupt|rebuil" "$work/out" "$work/err" && fail "not readable is not damaged: $(cat "$work/out" "$work/err")"
  expect 1 "partition_offline" "$logcask" put t key-1 never
  expect 0 "v" "$logcask" get other k
  # Mended under the running broker, and then over a restart.
  give $files
  if [ "$taken" = manifest.b ]; then
    expect 0 "" "$logcask" reopen t
  else
    stop_broker
    start_broker 127.0.0.1:0
  fi
  expect 0 "healthy" "$logcask" health
  "$logcask" consume t --exit-at-end -o json >"$work/after"
  same "$work/before" "$work/after" "the records and where the log starts, after $taken"
  expect 0 '"log_start":50' "$logcask" topic describe t -o json
  stop_broker
done

# ---- a partition's directory, and the data directory itself
for directory in "$partition" "$work/data"; do
  mode=$(stat -c %a "$directory")
  take "$directory"
  if [ "$directory" = "$work/data" ]; then
    expect 1 "it belongs to user id $owner, mode " "${as_user[@]}" timeout 60 "$logcask" serve --data "$work/data" --listen 127.0.0.1:0
    grep -qF "chown -R" "$work/err" || fail "serve must name the mend: $(cat "$work/err")"
  else
    start_broker 127.0.0.1:0
    expect 1 "it belongs to user id $owner, mode " "$logcask" health
    stop_broker
  fi
  expect 1 "it belongs to user id $owner, mode " "${as_user[@]}" "$logcask" verify "$work/data" --repair
  give "$directory"
  start_broker 127.0.0.1:0
  expect 0 "healthy" "$logcask" health
  "$logcask" consume t --exit-at-end -o json >"$work/after"
  same "$work/before" "$work/after" "the records after $directory"
  stop_broker
done

finish
