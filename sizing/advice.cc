#include "sizing/advice.h"

#include <algorithm>

#include "sizing/quantity.h"
#include "sizing/rules.h"

namespace logcask::sizing {
namespace {

constexpr std::uint64_t kEnginesChangeFrom = 100'000'000;

// Letters, digits, '.', '_', '-', as the broker has it; and no flag when it stands on a command line.
bool could_be_topic(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return !name.empty() && name.size() <= 200 && name != "." && name != ".." && !name.starts_with('-') &&
         !name.starts_with("__") && std::all_of(name.begin(), name.end(), allowed);
}

Score finished(Score score) {
  score.value = score.begins;
  for (const ScoreMove& move : score.moves) score.value += move.by;
  score.value = std::clamp(score.value, 1, 5);
  return score;
}

Score throughput(const Workload& workload, const Figures& f) {
  Score score{"throughput", 5, 0, {}};
  if (workload.sync == "every") score.moves.push_back({-1, kSyncStrategy, "a write waits for a sync that it shares"});
  if (f.write_amplification > 3)
    score.moves.push_back({-1, kMergeCadence, "compaction writes each byte more than three times"});
  if (f.verdict == Verdict::oom) score.moves.push_back({-3, kKeydirRam, "new keys are refused at the budget"});
  if (workload.needs_range) score.moves.push_back({-3, kRangeQuery, "each range reads the whole log"});
  return finished(std::move(score));
}

Score durability(const Workload& workload) {
  Score score{"durability", 3, 0, {}};
  if (workload.sync == "every") score.moves.push_back({+1, kSyncStrategy, "nothing acknowledged is lost"});
  if (workload.sync == "none") score.moves.push_back({-2, kSyncStrategy, "nothing bounds what is lost"});
  if (workload.sync == "interval" && workload.max_loss_ms && workload.flush_ms >= *workload.max_loss_ms)
    score.moves.push_back({-1, kSyncStrategy, "more may be lost than is allowed"});
  if (workload.replication > 1) score.moves.push_back({+1, kScoresRule, "there are copies on other nodes"});
  if (workload.deletes_and_recreates && workload.delete_mode == "drop")
    score.moves.push_back({-1, kTombstone, "readers that were away miss deletes"});
  return finished(std::move(score));
}

Score complexity(const Workload& workload, const Figures& f) {
  Score score{"complexity", 1, 0, {}};
  if (workload.partitions > 1) score.moves.push_back({+1, kKeydirRam, "keys are spread over partitions, for ever"});
  if (workload.replication > 1) score.moves.push_back({+1, kScoresRule, "copies are kept on several nodes"});
  if (f.verdict != Verdict::fits) score.moves.push_back({+1, kKeydirRam, "the number of keys must be watched"});
  if (workload.off_peak) score.moves.push_back({+1, kMergeCadence, "compaction has hours of its own"});
  if (workload.deletes_and_recreates)
    score.moves.push_back({+1, kTombstone, "tombstones are kept, or readers are watched"});
  if (workload.needs_range) score.moves.push_back({+2, kRangeQuery, "a second store must keep the order"});
  return finished(std::move(score));
}

}  // namespace

std::string_view engine_text(Engine engine) {
  switch (engine) {
    case Engine::logcask:
      return "logcask";
    case Engine::lsm_tree:
      return "lsm-tree";
    case Engine::b_plus_tree:
      return "b+tree";
  }
  return "";
}

Recommendation recommend_engine(const Workload& workload, const Figures& figures) {
  Recommendation r;
  r.delete_mode_keep = workload.deletes_and_recreates || workload.delete_mode == "keep";
  if (workload.needs_range) {
    r = {Engine::lsm_tree, "keys must be in order, and a hash has none", false, Engine::b_plus_tree};
  } else if (figures.node_verdict == Verdict::oom || beyond_all_partitions(workload, figures)) {
    r = {Engine::lsm_tree, "the keys do not fit in the RAM they are given", false, Engine::b_plus_tree};
  } else {
    r.reason = figures.verdict == Verdict::oom ? "the keys fit the node, though not keydir.max.bytes as it is told"
                                               : "the keys fit, and lookups are by whole key";
    if (workload.keys >= kEnginesChangeFrom)
      r.reason += "; between 100M and 1B keys is where stores of this kind change engines";
  }
  return r;
}

std::vector<Score> scores(const Workload& workload, const Figures& figures) {
  return {throughput(workload, figures), durability(workload), complexity(workload, figures)};
}

std::vector<Axis> axes(const Workload& workload, const Figures& figures) {
  constexpr std::uint64_t kReadBytes = 4096;
  const std::string read = "1 read of " + short_bytes(std::max(kReadBytes, workload.value_bytes));
  return {{"values beyond RAM", "yes", "yes", "yes"},
          {"keys beyond RAM", "no", "yes", "yes"},
          {"range, prefix", "no", "yes", "yes"},
          {"write amplification",
           rounded(figures.write_amplification, 2) + " (measured " + rounded(kMeasuredWriteAmplification, 2) + ")",
           "5-15", "2-5"},
          {"read amplification", read, "levels + Bloom", "depth of tree"}};
}

std::string create_command(const Workload& workload, const Recommendation& recommendation) {
  const Workload defaults;
  const bool named = workload.name != defaults.name && could_be_topic(workload.name);
  std::string text = "logcask topic create " + (named ? workload.name : "NAME") + " --partitions " +
                     std::to_string(workload.partitions);
  const auto set = [&](const std::string& setting) { text += " --config " + setting; };
  if (workload.segment_bytes != defaults.segment_bytes) set("segment.bytes=" + std::to_string(workload.segment_bytes));
  if (workload.sync == "interval" && workload.flush_ms != defaults.flush_ms)
    set("flush.ms=" + std::to_string(workload.flush_ms));
  if (workload.sync == "none") set("flush.ms=" + std::to_string(kLongestFlushMs));
  if (recommendation.delete_mode_keep) set("delete.mode=keep");
  if (workload.dead_percent != defaults.dead_percent)
    set("min.cleanable.dirty.ratio=" + rounded(static_cast<double>(workload.dead_percent) / 100, 2));
  if (workload.ram_budget_per_topic) set("keydir.max.bytes=" + std::to_string(*workload.ram_budget_per_topic));
  if (workload.off_peak) set("compaction.window=1-5");
  const std::uint64_t message = message_bytes(workload);
  if (message > kMessageBytesDefault) set("max.message.bytes=" + std::to_string(message));
  return text;
}

std::vector<std::string> broker_needs(const Workload& workload) {
  std::vector<std::string> needs;
  const std::uint64_t frame = message_bytes(workload) + kAroundMessage;
  if (frame > kFrameBytesMax)
    needs.push_back("A record of " + short_bytes(message_bytes(workload)) +
                    " is more than any request carries (frame.max.bytes ends at 1 GiB): keep such values elsewhere.");
  else if (frame > kFrameBytesDefault)
    needs.push_back("Start the broker with frame.max.bytes=" + std::to_string(frame) +
                    " or more, since a request carries a whole record" +
                    (frame > kConnectionBytesDefault ? ", and connection.inflight.max.bytes no less." : "."));
  if (workload.partitions > kPartitionsDefault)
    needs.push_back("Start the broker with partitions.max=" + std::to_string(workload.partitions) +
                    " or more, and a limit of open files of twice that.");
  return needs;
}

}  // namespace logcask::sizing
