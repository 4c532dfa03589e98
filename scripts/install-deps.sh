#!/usr/bin/env bash
# Installs everything that building, testing, the demo and the benches need, from the distribution's own packages.
# Debian 12 is the reference; Debian 13 and Ubuntu 24.04 are served by the alternatives. Safe to run again: when
# nothing is missing it says so after one look, without touching the package lists or asking for root.
#
#   scripts/install-deps.sh [--dry-run] [--allow-removals]
#
# Exit codes: 0 all there, 1 apt failed, 2 wrong usage, 4 something installed would have to go, 5 no apt here.
set -euo pipefail

required="cmake, ninja-build, g++, git, ca-certificates, pkg-config | pkgconf,
  libboost1.81-dev | libboost-dev (>= 1.81), protobuf-compiler, libprotobuf-dev, libspdlog-dev, libfmt-dev,
  catch2 (>= 2.13), libtomlplusplus-dev, libzstd-dev, liblz4-dev, libsnappy-dev, zlib1g-dev, libre2-dev,
  libxxhash-dev, libhighwayhash-dev, ccache, mold, python3"
# Wanted by the fuzz preset, the format check, the tests beside Kafka clients (jq and tshark at night) and the comparison
# benches.
# What a distribution does not carry of these is named and left out; the product builds and tests without.
extras=("clang-14 | clang" "libclang-rt-14-dev | libclang-rt-dev" "clang-format-14 | clang-format" librdkafka-dev kcat python3-kafka
  python3-confluent-kafka jq tshark redis-server redis-tools nats-server)
servers=(redis-server nats-server)

dry_run=no
allow_removals=no
for argument in "$@"; do
  case "$argument" in
    --dry-run) dry_run=yes ;;
    --allow-removals) allow_removals=yes ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "install-deps: unknown argument '$argument'; see --help" >&2; exit 2 ;;
  esac
done

if ! command -v apt-get >/dev/null 2>&1; then
  cat >&2 <<TEXT
install-deps: this system has no apt-get. Install by hand: g++ >= 12, cmake >= 3.25, ninja, pkg-config, Boost >= 1.81
(headers), protobuf 3.21 or newer with protoc, spdlog, fmt, Catch2 >= 2.13, toml++, zstd, lz4, snappy, zlib, re2,
xxhash, highwayhash, python3; then 'scripts/test.sh --no-install'.
TEXT
  exit 5
fi

export DEBIAN_FRONTEND=noninteractive LC_ALL=C
wanted=$required
for extra in "${extras[@]}"; do wanted="$wanted, $extra"; done

simulate() { apt-get satisfy --simulate --no-install-recommends "$1" 2>&1; }
missing_count() { grep -c '^Inst ' <<<"$1" || true; }

# One look without lists or root: is all of it installed already?
if plan=$(simulate "$wanted") && [ "$(missing_count "$plan")" -eq 0 ]; then
  echo "install-deps: everything is installed"
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ] && [ "$dry_run" = no ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo "install-deps: packages are missing and this is not root, and there is no sudo: run it as root" >&2
    exit 1
  fi
  as_root=(sudo env DEBIAN_FRONTEND=noninteractive LC_ALL=C)
fi

if [ "$dry_run" = no ]; then
  "${as_root[@]}" apt-get update -q || { echo "install-deps: apt-get update failed: is the network there?" >&2; exit 1; }
fi

# Extras this distribution does not carry are left out one by one.
if ! plan=$(simulate "$wanted"); then
  wanted=$required
  if ! plan=$(simulate "$wanted"); then
    printf '%s\n' "$plan" >&2
    echo "install-deps: this distribution lacks a required package (the lines above name it)" >&2
    exit 1
  fi
  for extra in "${extras[@]}"; do
    if simulate "$wanted, $extra" >/dev/null; then wanted="$wanted, $extra"; else echo "install-deps: not available here, left out: $extra"; fi
  done
  plan=$(simulate "$wanted")
fi

removals=$(sed -n 's/^Remv \([^ ]*\).*/\1/p' <<<"$plan" | tr '\n' ' ')
if [ -n "$removals" ] && [ "$allow_removals" = no ]; then
  cat >&2 <<TEXT
install-deps: installing would remove: $removals
(Debian 12 allows one Boost header tree: libboost1.81-dev replaces libboost1.74-dev.) Nothing was changed.
If they may go, run: scripts/install-deps.sh --allow-removals
TEXT
  exit 4
fi
if [ "$dry_run" = yes ]; then
  grep -E '^(Inst|Remv) ' <<<"$plan" || true
  exit 0
fi

# Installed servers must not start: a policy file for the time of the installation, unless the system has its own.
policy=/usr/sbin/policy-rc.d
made_policy=no
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
  made_policy=yes
fi
restore_policy() { if [ "$made_policy" = yes ]; then "${as_root[@]}" rm -f "$policy"; fi; }
trap restore_policy EXIT
new_servers=()
for server in "${servers[@]}"; do
  dpkg-query -W -f '${db:Status-Status}\n' "$server" 2>/dev/null | grep -q '^installed$' || new_servers+=("$server")
done

"${as_root[@]}" apt-get satisfy -q -y --no-install-recommends "$wanted" ||
  { echo "install-deps: apt-get failed (its lines are above)" >&2; exit 1; }

if [ -d /run/systemd/system ] && [ "${#new_servers[@]}" -gt 0 ]; then
  for server in "${new_servers[@]}"; do "${as_root[@]}" systemctl disable --now "$server" >/dev/null 2>&1 || true; done
fi
echo "install-deps: everything is installed"
