#include "cli/topic_workload.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "logcask/admin.h"
#include "sizing/advice.h"
#include "sizing/figures.h"
#include "sizing/quantity.h"

namespace logcask::cli {
namespace {

using client::Admin;

std::string setting_of(const client::TopicDescription& topic, std::string_view name) {
  for (const auto& setting : topic.settings)
    if (setting.name == name) return setting.value;
  return "";
}

double number_of(const std::string& text, double otherwise) {
  double number = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

struct Counted {
  double entries = 0, values = 0;         // of the keydirs
  double live_bytes = 0, dead_bytes = 0;  // of the logs
  double records = 0, live_records = 0;
};

Result<Counted> count(Admin& admin, const client::TopicDescription& topic) {
  Counted counted;
  for (const auto& p : topic.partitions) {
    if (p.state == "loading")
      return Error{Errc::loading,
                   "topic '" + topic.name + "' is still loading its keys; ask again when logcask health says healthy"};
    if (p.state == "offline")
      return Error{Errc::partition_offline,
                   "partition " + std::to_string(p.partition.value()) + " of topic '" + topic.name +
                       "' is offline and its keys are not counted (" + p.reason +
                       "); mend it, or plan without --from-topic and say how many keys there are"};
    counted.entries += static_cast<double>(p.live_keys + p.deleted_keys);
    counted.values += static_cast<double>(p.live_keys);
  }
  LOGCASK_ASSIGN(const auto segments, admin.segments(topic.name));
  for (const auto& s : segments) {
    const auto dead = static_cast<double>(std::min(s.dead_bytes_estimate, s.size_bytes));
    counted.dead_bytes += dead;
    counted.live_bytes += static_cast<double>(s.size_bytes) - dead;
    counted.records += static_cast<double>(s.records);
    counted.live_records += static_cast<double>(s.live_values + s.live_tombstones);
  }
  return counted;
}

void take_figures(ToldWorkload& told, const Counted& counted) {
  sizing::Workload& w = told.workload;
  w.keys = static_cast<std::uint64_t>(counted.entries);
  w.live_disk_bytes = counted.live_bytes;
  w.dead_disk_bytes = counted.dead_bytes;
  told.told.insert("keys");
  if (counted.values > 0) {
    told.reckoned.insert("value-bytes");
    const double record = counted.live_bytes / counted.values;
    w.value_bytes = static_cast<std::uint64_t>(
        std::max(0.0, record - static_cast<double>(w.key_bytes) - sizing::kLogcaskRecordOverhead));
  }
  // Of what the log still holds: compaction has taken some.
  if (counted.live_records > 0) {
    told.reckoned.insert("updates-per-key");
    w.updates_per_key =
        static_cast<std::uint64_t>(std::ceil((counted.records - counted.live_records) / counted.live_records));
  }
}

void take_settings(ToldWorkload& told, const client::TopicDescription& topic) {
  sizing::Workload& w = told.workload;
  const auto whole = [&](const char* name, std::uint64_t otherwise) {
    return static_cast<std::uint64_t>(number_of(setting_of(topic, name), static_cast<double>(otherwise)));
  };
  w.partitions = std::max<std::size_t>(1, topic.partitions.size());
  // The number of partitions is for ever.
  w.max_partitions = w.partitions;
  w.segment_bytes = whole("segment.bytes", w.segment_bytes);
  // As the broker counts it.
  w.flush_ms = std::clamp<std::uint64_t>(whole("flush.ms", w.flush_ms), 1, sizing::kLongestFlushMs);
  w.delete_mode = setting_of(topic, "delete.mode") == "keep" ? "keep" : "drop";
  const double ratio = number_of(setting_of(topic, "min.cleanable.dirty.ratio"), 0.5);
  w.dead_percent = static_cast<std::uint64_t>(std::clamp(std::round(100 * ratio), 1.0, 99.0));
  w.off_peak = setting_of(topic, "compaction.window") != "always";
  told.told.insert(
      {"partitions", "max-partitions", "segment-bytes", "flush-ms", "delete-mode", "dead-percent", "off-peak"});
}

void take_budgets(ToldWorkload& told, const client::TopicDescription& topic, const client::BrokerDescription& broker,
                  const Counted& counted) {
  sizing::Workload& w = told.workload;
  // As the broker judges by it: whole entries.
  const auto judged = [&](std::string_view limit, std::uint64_t setting) {
    return topic.sizing.limit == limit ? topic.sizing.limit_bytes : setting;
  };
  w.ram_budget = judged(sizing::kNodeLimit, broker.keydir_budget_bytes);
  w.other_entries = std::max(0.0, static_cast<double>(broker.keydir_entries) - counted.entries);
  told.told.insert("ram-budget");
  // -1: no limit of its own.
  if (const double own = number_of(setting_of(topic, "keydir.max.bytes"), -1); own >= 0) {
    w.ram_budget_per_topic = judged(sizing::kTopicLimit, static_cast<std::uint64_t>(own));
    told.told.insert("ram-budget-per-topic");
  }
}

// Nobody knows its keys; as a compacted topic it has at most one a record.
Error plain_topic(const client::TopicDescription& topic) {
  std::uint64_t records = 0;
  for (const auto& p : topic.partitions)
    records += static_cast<std::uint64_t>(std::max<std::int64_t>(0, p.committed_end - p.log_start));
  const std::string partitions = std::to_string(topic.partitions.size());
  const sizing::Knob& knob = *sizing::find_knob("keys");
  const auto keys = std::clamp(records, knob.min, knob.max);
  return {Errc::unsupported,
          "topic '" + topic.name +
              "' is not compacted (cleanup.policy=delete): it has no keydir, and its keys cost no "
              "RAM. Its " +
              std::to_string(records) + " records have at most as many keys: 'logcask plan --keys " +
              std::to_string(keys) + " --partitions " + partitions + "' says what they would cost. 'logcask replay " +
              topic.name +
              " --keys-only --exit-at-end | LC_ALL=C sort -u | wc -l' counts its keys, and 'logcask topic alter " +
              topic.name + " --config cleanup.policy=compact' refuses more than there is room for"};
}

}  // namespace

Result<ToldWorkload> topic_workload(const client::Client& client, const std::string& name, std::uint64_t key_bytes) {
  Admin admin(client);
  LOGCASK_ASSIGN(const auto topic, admin.describe_topic(name));
  if (setting_of(topic, "cleanup.policy").find("compact") == std::string::npos) return plain_topic(topic);
  LOGCASK_ASSIGN(const Counted counted, count(admin, topic));
  LOGCASK_ASSIGN(const auto broker, admin.describe_broker());
  ToldWorkload told;
  told.workload.name = name;
  told.workload.key_bytes = key_bytes;
  told.workload.exists = true;
  told.workload.about = "topic " + name + " as it stands";
  take_settings(told, topic);
  take_figures(told, counted);
  if (told.reckoned.contains("value-bytes"))
    told.workload.about += "; value-bytes reckoned for keys of " +
                           sizing::quantity_text(sizing::Unit::bytes, key_bytes) + " (--key-bytes tells)";
  take_budgets(told, topic, broker, counted);
  return told;
}

void free_partitions(ToldWorkload& told) {
  if (told.told.contains("ram-budget-per-partition")) return;
  told.workload.ram_budget_per_partition = told.workload.ram_budget;
  told.reckoned.insert("ram-budget-per-partition");
}

}  // namespace logcask::cli
