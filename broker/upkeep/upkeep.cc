#include "broker/upkeep/upkeep.h"

#include <algorithm>
#include <string>

#include "broker/log.h"

namespace logcask {
namespace {

constexpr std::int64_t kRoundMs = 1000;
// While keydirs load, their end is looked for more often.
constexpr std::int64_t kLoadingRoundMs = 50;
constexpr int kReopenPauseRounds = 31;

}  // namespace

Upkeep::Upkeep(Topics& topics, Executor& executor, const Clock& clock, BrokerFacts& facts)
    : topics_(topics), executor_(executor), clock_(clock), facts_(facts) {}

void Upkeep::start() { arm(); }

void Upkeep::arm() {
  executor_.post_after(loaded_ ? kRoundMs : kLoadingRoundMs, [this, gate = gate_] {
    {
      const std::lock_guard lock(gate->mutex);
      if (gate->stopped) return;
      gate->running = true;
    }
    round();
    {
      const std::lock_guard lock(gate->mutex);
      gate->running = false;
      gate->idle.notify_all();
      if (gate->stopped) return;
      arm();
    }
  });
}

void Upkeep::stop() {
  std::unique_lock lock(gate_->mutex);
  gate_->stopped = true;
  gate_->idle.wait(lock, [this] { return !gate_->running; });
}

void Upkeep::round() {
  if (!loaded_) note_loading();
  const std::int64_t now_ns = clock_.monotonic_ns();
  if (now_ns - last_ticks_ns_ < kRoundMs * 1'000'000 / 2) return;
  last_ticks_ns_ = now_ns;
  for (const auto& watch : watches_) watch();
  for (const auto all = topics_.snapshot(); const auto& [name, topic] : *all)
    for (const auto& partition : topic->partitions) partition->tick();
  reopen_offline();
}

// Each attempt may read a log: after one that fails, the next comes later.
void Upkeep::reopen_offline() {
  if (reopen_in_rounds_-- > 0) return;
  const bool left = topics_.reopen_offline([](const std::string& line) { log_info(line); });
  reopen_pause_rounds_ = left ? std::min(reopen_pause_rounds_ * 2 + 1, kReopenPauseRounds) : 0;
  reopen_in_rounds_ = reopen_pause_rounds_;
}

void Upkeep::note_loading() {
  std::uint64_t from_hints = 0, from_scan = 0, entries = 0;
  for (const auto all = topics_.snapshot(); const auto& [name, topic] : *all) {
    for (const auto& partition : topic->partitions) {
      const PartitionSnapshot state = partition->snapshot();
      if (state.state == PartitionSnapshot::State::loading) return;
      from_hints += state.loaded_from_hints;
      from_scan += state.loaded_from_scan;
      entries += state.live_keys + state.deleted_keys;
    }
  }
  loaded_ = true;
  const double seconds = static_cast<double>(clock_.monotonic_ns() - facts_.started_ns) / 1e9;
  facts_.keydir_load_seconds = seconds;
  facts_.keydir_loaded_from_hints = from_hints;
  facts_.keydir_loaded_from_scan = from_scan;
  log_info("keydirs complete: " + std::to_string(entries) + " keys, " + std::to_string(from_hints) +
           " entries from hints, " + std::to_string(from_scan) + " records from logs, " +
           std::to_string(static_cast<std::int64_t>(seconds * 1000)) + " ms after the start");
}

}  // namespace logcask
