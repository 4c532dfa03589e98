# Sourced by the other scripts: where ccache keeps its files, how many jobs fit this machine. POSIX shell and bash.
# ccache finds no place without a home directory; the build folder always is one.
if [ -z "${CCACHE_DIR:-}" ] && { [ -z "${HOME:-}" ] || [ ! -w "${HOME:-/nonexistent}" ]; }; then
  mkdir -p "$PWD/build/ccache"
  CCACHE_DIR="$PWD/build/ccache"
  export CCACHE_DIR
fi
# The same sources at another path hit the cache too.
export CCACHE_BASEDIR="${CCACHE_BASEDIR:-$PWD}" CCACHE_NOHASHDIR="${CCACHE_NOHASHDIR:-1}"

# One job a core, but at least 1.3 GiB of free memory for each: the heaviest files (Asio coroutines, broker_tests) take that.
build_jobs() {
  cores=$(nproc)
  fits=$(awk '/^MemAvailable:/ {print int($2 / 1363149)}' /proc/meminfo)
  [ "$fits" -ge 1 ] || fits=1
  if [ "$fits" -lt "$cores" ]; then echo "$fits"; else echo "$cores"; fi
}
