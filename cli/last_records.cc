#include "cli/last_records.h"

#include <algorithm>
#include <deque>

#include "cli/interrupt.h"
#include "logcask/admin.h"
#include "logcask/consumer.h"

namespace logcask::cli {
namespace {

constexpr std::int64_t kLastPollMs = 200;
constexpr std::int64_t kWindowGrows = 8;

// Offsets of the last `count` records in [from, end).
Result<std::deque<Offset>> last_offsets_between(const client::Client& client, const std::string& topic,
                                                PartitionId partition, Offset from, Offset end, std::size_t count) {
  std::deque<Offset> last;
  LOGCASK_ASSIGN(auto consumer, client::Consumer::open(client, topic, client::StartAt::offset(from), {partition}));
  while (consumer.position(partition) < end) {
    if (interrupted()) return Error{Errc::cancelled, "interrupted"};
    LOGCASK_ASSIGN(const auto polled, consumer.poll(kLastPollMs));
    for (const auto& record : polled.records) {
      if (record.offset >= end) break;
      last.push_back(record.offset);
      if (last.size() > count) last.pop_front();
    }
  }
  return last;
}

Result<Offset> nth_from_end(const client::Client& client, const std::string& topic, PartitionId partition,
                            Offset log_start, Offset end, std::size_t count) {
  for (auto window = static_cast<std::int64_t>(count);; window *= kWindowGrows) {
    const Offset from = std::max(log_start, Offset(end.value() - std::min(window, end.value())));
    LOGCASK_ASSIGN(const auto last, last_offsets_between(client, topic, partition, from, end, count));
    if (last.size() == count || from == log_start) return last.empty() ? end : last.front();
  }
}

}  // namespace

Result<std::map<PartitionId, Offset>> find_last_records(const client::Client& client, const std::string& topic,
                                                        const std::vector<PartitionId>& partitions, std::size_t count) {
  std::map<PartitionId, Offset> begins;
  client::Admin admin(client);
  for (const PartitionId partition : partitions) {
    LOGCASK_ASSIGN(const auto ends, admin.list_offsets(topic, {{partition, client::OffsetQuery::kEarliest},
                                                               {partition, client::OffsetQuery::kLatest}}));
    for (const auto& end : ends)
      if (end.error.code != Errc::ok) return Error(end.error).in("partition " + std::to_string(partition.value()));
    LOGCASK_ASSIGN(begins[partition], nth_from_end(client, topic, partition, ends[0].offset, ends[1].offset, count));
  }
  return begins;
}

}  // namespace logcask::cli
