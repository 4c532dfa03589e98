#pragma once
// Which engine a workload wants, how the plan scores, and the table that compares the engines. Pure functions; any
// thread.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sizing/checks.h"
#include "sizing/figures.h"
#include "sizing/workload.h"

namespace logcask::sizing {

enum class Engine { logcask, lsm_tree, b_plus_tree };
// "logcask", "lsm-tree", "b+tree"
std::string_view engine_text(Engine engine);

struct Recommendation {
  Engine engine = Engine::logcask;
  std::string reason;
  bool delete_mode_keep = false;  // with it
  // An engine that would do as well; the same as `engine` when there is none.
  Engine alternative = Engine::logcask;
};
Recommendation recommend_engine(const Workload& workload, const Figures& figures);

struct ScoreMove {
  int by = 0;
  std::string_view rule;
  std::string why;
};
struct Score {
  std::string_view name;
  int begins = 0;
  int value = 0;  // 1 to 5
  std::vector<ScoreMove> moves;
};
// Throughput, durability, complexity.
std::vector<Score> scores(const Workload& workload, const Figures& figures);

// One line of the comparison of engines.
struct Axis {
  std::string_view name;
  std::string logcask;  // measured here, or by construction
  std::string_view lsm_tree;
  std::string_view b_plus_tree;
};
std::vector<Axis> axes(const Workload& workload, const Figures& figures);

// Defaults and bounds of the broker's settings; sums alone need no broker to be linked (a test compares them).
inline constexpr std::uint64_t kMessageBytesDefault = 1'048'588;
inline constexpr std::uint64_t kFrameBytesDefault = 8u << 20;
inline constexpr std::uint64_t kFrameBytesMax = 1u << 30;
inline constexpr std::uint64_t kConnectionBytesDefault = 64u << 20;
inline constexpr std::uint64_t kAroundMessage = 65536;  // of a frame, beside the largest batch in it
inline constexpr std::uint64_t kPartitionsDefault = 10'000;
inline constexpr std::uint64_t kLongestFlushMs = 3'600'000;

// The topic that the plan means: "logcask topic create NAME --partitions 4 --config delete.mode=keep".
// NAME stands for a workload's name that is none for a topic.
std::string create_command(const Workload& workload, const Recommendation& recommendation);
// What a broker with its default settings would refuse of that topic, a sentence each: the setting to raise.
std::vector<std::string> broker_needs(const Workload& workload);

}  // namespace logcask::sizing
