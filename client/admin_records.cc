#include "client/ask.h"
#include "client/blocking.h"
#include "logcask/admin.h"

namespace logcask::client {
void Admin::list_offsets_async(const std::string& topic, const std::vector<OffsetQuery>& queries, CallOptions call,
                               Callback<std::vector<ListedOffset>> done) {
  v1::RequestHeader request;
  std::vector<PartitionId> asked;
  for (const OffsetQuery& query : queries) {
    auto* partition = request.mutable_list_offsets()->add_partitions();
    partition->set_topic(topic);
    partition->set_partition(static_cast<std::uint32_t>(query.partition.value()));
    partition->set_timestamp_ms(query.timestamp_ms);
    asked.push_back(query.partition);
  }
  request.mutable_list_offsets();
  using Listed = std::vector<ListedOffset>;
  ask<Listed>(
      *core_, request, spec_of(call, OnLost::resend), std::move(done),
      [asked](const Response& response) -> Result<Listed> {
        const auto& partitions = response.header.list_offsets().partitions();
        if (static_cast<std::size_t>(partitions.size()) != asked.size())
          return Error{Errc::malformed_frame, "the broker answered " + std::to_string(partitions.size()) + " of " +
                                                  std::to_string(asked.size()) + " offset queries"};
        Listed listed;
        for (std::size_t i = 0; i < asked.size(); ++i) {
          const auto& from = partitions[static_cast<int>(i)];
          listed.push_back({asked[i], error_of(from.error()), Offset(from.offset()), TimestampMs(from.timestamp_ms())});
        }
        return listed;
      });
}
Result<std::vector<ListedOffset>> Admin::list_offsets(const std::string& topic, const std::vector<OffsetQuery>& queries,
                                                      CallOptions call) {
  return wait_for<std::vector<ListedOffset>>(*core_,
                                             [&](auto done) { list_offsets_async(topic, queries, call, done); });
}

void Admin::delete_records_async(const std::string& topic, PartitionId partition, Offset before, CallOptions call,
                                 Callback<std::vector<DeletedRecords>> done) {
  v1::RequestHeader request;
  request.mutable_delete_records()->set_topic(topic);
  request.mutable_delete_records()->set_partition(partition.value());
  request.mutable_delete_records()->set_before_offset(before.value());
  using Deleted = std::vector<DeletedRecords>;
  ask<Deleted>(
      *core_, request, spec_of(call, OnLost::resend), std::move(done), [](const Response& response) -> Result<Deleted> {
        Deleted deleted;
        for (const auto& from : response.header.delete_records().partitions())
          deleted.push_back({partition_of(from.partition()), error_of(from.error()), Offset(from.log_start_offset())});
        return deleted;
      });
}
Result<std::vector<DeletedRecords>> Admin::delete_records(const std::string& topic, PartitionId partition,
                                                          Offset before, CallOptions call) {
  return wait_for<std::vector<DeletedRecords>>(
      *core_, [&](auto done) { delete_records_async(topic, partition, before, call, done); });
}

}  // namespace logcask::client
