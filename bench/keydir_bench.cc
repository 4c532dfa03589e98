// Memory and speed of the keydir: `keydir_bench [millions of entries]...` (default 0.1 1 5 10 50).
//
// Per size and key length, each in a process of its own: resident memory above the empty state at the
// end and its peak while growing (sampled every 65,536 inserts) by final entries, the same as the keydir
// counts it and the worst count by entries at that moment; then random inserts in batches of 64, loading
// of sorted hints, finds one by one and in batches of 64, and the slowest of a million single inserts; last the same
// inserts and loading into a table that expects them (keydir.expected.keys), and what that takes ahead.
// Times are processor time, except that one, and include hashing the key, except those of load and table.

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "base/key_hash.h"
#include "base/random.h"
#include "partition/keydir.h"

namespace logcask {
namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kSample = 65'536;
constexpr std::size_t kProbes = 4'000'000;

using Seconds = std::chrono::duration<double>;
using SteadyClock = std::chrono::steady_clock;

std::uint64_t resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  unsigned long total = 0, resident = 0;
  const bool read = file != nullptr && std::fscanf(file, "%lu %lu", &total, &resident) == 2;
  if (file != nullptr) std::fclose(file);
  return read ? resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

class Keys {
 public:
  explicit Keys(std::size_t key_bytes) : key_(key_bytes, 'k'), hasher_(secret()) {}
  KeyIdentity identity(std::uint64_t number) {
    std::memcpy(key_.data(), &number, sizeof number);
    return hasher_.identity(key_);
  }

 private:
  static KeyHasher::Secret secret() {
    KeyHasher::Secret secret{};
    secret[0] = 1;
    return secret;
  }
  std::string key_;
  KeyHasher hasher_;
};

double thread_cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Processor time, so that other programs of the machine do not count.
template <class Work>
double seconds(Work&& work) {
  const double start = thread_cpu_seconds();
  work();
  return thread_cpu_seconds() - start;
}

template <class Work>
double wall_seconds(Work&& work) {
  const auto start = SteadyClock::now();
  work();
  return Seconds(SteadyClock::now() - start).count();
}

struct Growth {
  double insert_seconds = 0;
  double worst_bytes_per_entry = 0;  // as counted, from 100,000 entries up
  std::uint64_t peak = 0;
};

Growth grow(Keydir& keydir, Keys& keys, std::size_t n, std::uint64_t empty) {
  Growth growth;
  std::array<KeydirRaise, kBatch> batch;
  for (std::size_t done = 0; done < n;) {
    const std::size_t slice_end = std::min(n, done + kSample);
    growth.insert_seconds += seconds([&] {
      while (done < slice_end) {
        const std::size_t count = std::min(kBatch, slice_end - done);
        for (std::size_t i = 0; i < count; ++i)
          batch[i] = {keys.identity(done + i), Offset(static_cast<std::int64_t>(done + i)), false};
        keydir.raise_batch(std::span(batch).first(count));
        done += count;
      }
    });
    const std::uint64_t used = resident_bytes() - empty;
    growth.peak = std::max(growth.peak, used);
    if (done >= 100'000)
      growth.worst_bytes_per_entry = std::max(growth.worst_bytes_per_entry,
                                              static_cast<double>(keydir.memory_bytes()) / static_cast<double>(done));
  }
  return growth;
}

struct Latency {
  double mean_ns, p99999_us, worst_us;
};

// Single inserts of new keys, timed one by one: the slowest grows or splits a shard.
Latency single_inserts(Keydir& keydir, Keys& keys, std::size_t from) {
  std::vector<float> each(1'000'000);
  double total = 0;
  for (std::size_t i = 0; i < each.size(); ++i) {
    const KeyIdentity identity = keys.identity(from + i);
    each[i] = static_cast<float>(
        wall_seconds([&] { keydir.raise(identity, Offset(static_cast<std::int64_t>(from + i)), false); }) * 1e6);
    total += each[i];
  }
  std::sort(each.begin(), each.end());
  return {total * 1e3 / static_cast<double>(each.size()), each[each.size() - 11], each.back()};
}

double find_seconds(const Keydir& keydir, Keys& keys, std::size_t n) {
  Random random(7);
  std::size_t found = 0;
  const double taken = seconds([&] {
    for (std::size_t i = 0; i < kProbes; ++i) found += keydir.find(keys.identity(random.below(n))) ? 1 : 0;
  });
  if (found != kProbes) std::abort();
  return taken;
}

double batch_seconds(const Keydir& keydir, Keys& keys, std::size_t n, bool with_hash) {
  Random random(8);
  std::vector<KeyIdentity> identities(kProbes);
  std::array<std::optional<KeydirEntry>, kBatch> out;
  std::size_t found = 0;
  const auto hash = [&] {
    for (KeyIdentity& identity : identities) identity = keys.identity(random.below(n));
  };
  const auto probe = [&] {
    for (std::size_t i = 0; i < kProbes; i += kBatch) {
      keydir.find_batch(std::span(identities).subspan(i, kBatch), out);
      for (const auto& entry : out) found += entry ? 1 : 0;
    }
  };
  double taken = with_hash ? seconds(hash) : (hash(), 0.0);
  taken += seconds(probe);
  if (found != kProbes) std::abort();
  return taken;
}

// Loading as a restart does: hints of a million keys each, every one in identity order, in blocks.
double sorted_load_seconds(Keys& keys, std::size_t n, std::size_t expected) {
  constexpr std::size_t kBlock = 8192;
  const std::size_t hint_keys = std::min<std::size_t>(1'000'000, n);
  PageArena arena;
  KeydirBudget budget;
  Keydir keydir(arena, budget);
  keydir.reserve(expected);
  std::vector<RaiseOutcome> outcomes(kBlock);
  std::vector<KeydirRaise> hint(hint_keys);
  double taken = 0;
  for (std::size_t done = 0; done < n; done += hint_keys) {
    for (std::size_t i = 0; i < hint_keys; ++i)
      hint[i] = {keys.identity(done + i), Offset(static_cast<std::int64_t>(done + i)), false};
    std::sort(hint.begin(), hint.end(),
              [](const KeydirRaise& a, const KeydirRaise& b) { return a.identity < b.identity; });
    taken += seconds([&] {
      for (std::size_t i = 0; i < hint_keys; i += kBlock)
        keydir.raise_batch(std::span(hint).subspan(i, std::min(kBlock, hint_keys - i)), outcomes);
    });
  }
  return taken;
}

void measure(std::size_t n, std::size_t key_bytes) {
  PageArena arena;
  KeydirBudget budget;
  Keys keys(key_bytes);
  const double entries = static_cast<double>(n);
  const std::uint64_t empty = resident_bytes();
  Keydir keydir(arena, budget);
  const Growth growth = grow(keydir, keys, n, empty);
  const double rss = static_cast<double>(resident_bytes() - empty) / entries;
  const double counted = static_cast<double>(keydir.memory_bytes()) / entries;
  const double find = find_seconds(keydir, keys, n) * 1e9 / kProbes;
  const double batch = batch_seconds(keydir, keys, n, true) * 1e9 / kProbes;
  const double table = batch_seconds(keydir, keys, n, false) * 1e9 / kProbes;
  const Latency single = single_inserts(keydir, keys, n);
  keydir.clear();
  const double sorted = sorted_load_seconds(keys, n, 0) * 1e9 / entries;
  const double sorted_ahead = sorted_load_seconds(keys, n, n) * 1e9 / entries;
  Keydir ahead(arena, budget);
  const double reserve = seconds([&] { ahead.reserve(n); });
  const Growth expected = grow(ahead, keys, n, empty);
  std::printf("%10zu %4zu %8.2f %8.2f %8.2f %8.2f %8.1f %8.1f %8.1f %8.1f %8.1f %8.1f %8.1f %8.1f %8.1f %8.1f %8.2f\n",
              n, key_bytes, rss, static_cast<double>(growth.peak) / entries, counted, growth.worst_bytes_per_entry,
              growth.insert_seconds * 1e9 / entries, sorted, find, batch, table, single.p99999_us, single.worst_us,
              reserve * 1e9 / entries, expected.insert_seconds * 1e9 / entries, sorted_ahead,
              static_cast<double>(ahead.memory_bytes()) / entries);
}

}  // namespace
}  // namespace logcask

int main(int argc, char** argv) {
  std::vector<std::size_t> sizes;
  for (int i = 1; i < argc; ++i) {
    sizes.push_back(static_cast<std::size_t>(std::strtod(argv[i], nullptr) * 1'000'000));
    if (sizes.back() > 0) continue;
    std::fprintf(stderr, "usage: keydir_bench [MILLIONS OF KEYS]...\n");
    return 2;
  }
  if (sizes.empty()) sizes = {100'000, 1'000'000, 5'000'000, 10'000'000, 50'000'000};
  std::printf("%10s %4s %35s %44s %17s %35s\n", "", "", "bytes per entry", "ns", "us per insert",
              "expected: ns and bytes per entry");
  std::printf("%10s %4s %8s %8s %8s %8s %8s %8s %8s %8s %8s %8s %8s %8s %8s %8s %8s\n", "entries", "key", "rss", "peak",
              "counted", "worst", "insert", "load", "find", "batch", "(table)", "p99.999", "slowest", "reserve",
              "insert", "load", "counted");
  std::fflush(stdout);
  for (const std::size_t n : sizes) {
    for (const std::size_t key_bytes : {std::size_t{16}, std::size_t{64}}) {
      const pid_t child = fork();
      if (child == 0) {
        logcask::measure(n, key_bytes);
        std::fflush(stdout);
        _exit(0);
      }
      int status = 0;
      if (child < 0 || waitpid(child, &status, 0) != child || status != 0) return 1;
    }
  }
  return 0;
}
