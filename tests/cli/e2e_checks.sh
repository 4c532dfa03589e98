# What the scripts beside this one share; sourced, with $work set to a directory that it removes. One line per failed
# check. `broker` and `readers` are ended when the script ends.
broker=
readers=
as_user=()  # what the broker is started with, to run as somebody else
clean_up() {
  for pid in $readers $broker; do kill -9 "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; done
  rm -rf "$work"
}
trap clean_up EXIT
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
finish() {
  [ "$failures" -eq 0 ] || exit 1
  echo "all checks hold"
}
# expect CODE WORDS COMMAND...: the exit code, and words that its output (both streams) must hold. An error is one line;
# the broker's log is on stderr, too.
expect() {
  local code=$1 words=$2
  shift 2
  "$@" >"$work/out" 2>"$work/err" </dev/null
  local got=$?
  [ "$got" -eq "$code" ] || fail "exit $got instead of $code: $* -- $(head -c 300 "$work/err")"
  [ -z "$words" ] || cat "$work/out" "$work/err" | grep -qF -- "$words" || fail "no '$words' from: $* -- $(cat "$work/out" "$work/err" | head -c 300)"
  if [ "$code" -ne 0 ] && ! grep -q ' info ' "$work/err" && [ "$(wc -l <"$work/err")" -gt 1 ]; then fail "more than one line on stderr: $*"; fi
}
same() { cmp -s "$1" "$2" || fail "$3: $(diff "$1" "$2" | head -5)"; }
wait_for() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.05
  done
}
# start_broker ADDRESS: on $work/data; its address goes to LOGCASK_BROKER. The first member of a group need not wait for
# others.
start_broker() {
  local others=()
  # Else they would be on ports of everybody's.
  case $1 in *:0) ;; *) others=(--kafka-listen 127.0.0.1:0 --http-listen 127.0.0.1:0) ;; esac
  : >"$work/serve.out"
  "${as_user[@]}" "$logcask" serve --data "$work/data" --listen "$1" "${others[@]}" \
    --set group.initial.rebalance.delay.ms=0 >"$work/serve.out" 2>>"$work/serve.err" &
  broker=$!
  wait_for 60 grep -q '^listening native ' "$work/serve.out" || { cat "$work/serve.err"; echo "FAILED: no broker"; exit 1; }
  LOGCASK_BROKER=$(sed -n 's/^listening native //p' "$work/serve.out")
  export LOGCASK_BROKER
}
stop_broker() {
  kill "$broker"
  wait "$broker" || fail "serve must exit 0 on SIGTERM: $(tail -3 "$work/serve.err")"
  broker=
}
