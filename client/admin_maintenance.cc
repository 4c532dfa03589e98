#include <map>

#include "client/ask.h"
#include "client/blocking.h"
#include "client/keydir_sizing.h"
#include "logcask/admin.h"

namespace logcask::client {
namespace {

SegmentInfo segment_of(const v1::SegmentsResponse::Segment& from) {
  SegmentInfo info;
  info.partition = partition_of(from.partition());
  info.base_offset = Offset(from.base_offset());
  info.generation = Generation(from.generation());
  info.next_offset = Offset(from.next_offset());
  info.state = from.state();
  info.records = from.records();
  info.live_values = from.live_values();
  info.live_tombstones = from.live_tombstones();
  info.due_tombstones = from.due_tombstones();
  info.size_bytes = from.size_bytes();
  info.dead_bytes_estimate = from.dead_bytes_estimate();
  info.has_hint = from.has_hint();
  info.readers = from.readers();
  info.compacted_through = Offset(from.compacted_through());
  info.first_append = TimestampMs(from.first_append_ms());
  info.last_append = TimestampMs(from.last_append_ms());
  info.due = from.due();
  info.why = from.why();
  return info;
}

CompactionProgress progress_of(const v1::CompactResponse& from) {
  CompactionProgress progress;
  progress.partition = partition_of(from.partition());
  progress.error = error_of(from.error());
  progress.finished = from.finished();
  progress.bytes_read = from.bytes_read();
  progress.bytes_written = from.bytes_written();
  progress.bytes_before = from.bytes_before();
  progress.bytes_after = from.bytes_after();
  progress.records_kept = from.records_kept();
  progress.records_dropped = from.records_dropped();
  progress.tombstones_dropped = from.tombstones_dropped();
  progress.rewrites = from.rewrites();
  progress.seconds = from.seconds();
  return progress;
}

BrokerDescription broker_of(const v1::DescribeBrokerResponse& from) {
  BrokerDescription broker;
  broker.version = from.version();
  broker.cluster_id = from.cluster_id();
  broker.data_directory = from.data_directory();
  broker.uptime_ms = from.uptime_ms();
  broker.io_threads = from.io_threads();
  broker.topics = from.topics();
  broker.partitions = from.partitions();
  broker.partitions_loading = from.partitions_loading();
  broker.loading_progress = from.loading_progress();
  broker.connections = from.connections();
  broker.rss_bytes = from.rss_bytes();
  broker.keydir_entries = from.keydir_entries();
  broker.keydir_bytes = from.keydir_bytes();
  broker.keydir_budget_bytes = from.keydir_budget_bytes();
  broker.keydir_verdict = from.keydir_verdict();
  broker.disk_free_bytes = from.disk_free_bytes();
  broker.open_files = from.open_files();
  broker.recovery_seconds = from.recovery_seconds();
  broker.keydir_load_seconds = from.keydir_load_seconds();
  broker.keydir_loaded_from_hints = from.keydir_loaded_from_hints();
  broker.keydir_loaded_from_scan = from.keydir_loaded_from_scan();
  for (const auto& problem : from.problems())
    broker.problems.push_back({problem.topic(), partition_of(problem.partition()), problem.state(), problem.reason()});
  for (const auto& note : from.notes())
    broker.notes.push_back({note.topic(), partition_of(note.partition()), note.state(), note.reason()});
  broker.sizing = keydir_sizing_of(from.sizing());
  for (const auto& counter : from.counters()) broker.counters.emplace_back(counter.name(), counter.value());
  return broker;
}

}  // namespace

void Admin::segments_async(const std::string& topic, PartitionId partition, CallOptions call,
                           Callback<std::vector<SegmentInfo>> done) {
  v1::RequestHeader request;
  request.mutable_segments()->set_topic(topic);
  request.mutable_segments()->set_partition(partition.value());
  using Segments = std::vector<SegmentInfo>;
  ask<Segments>(*core_, request, spec_of(call, OnLost::resend), std::move(done),
                [](const Response& response) -> Result<Segments> {
                  Segments segments;
                  for (const auto& from : response.header.segments().segments()) segments.push_back(segment_of(from));
                  return segments;
                });
}
Result<std::vector<SegmentInfo>> Admin::segments(const std::string& topic, PartitionId partition, CallOptions call) {
  return wait_for<std::vector<SegmentInfo>>(*core_, [&](auto done) { segments_async(topic, partition, call, done); });
}

// With `wait` the answer is a stream of reports, the last of each partition counts; else one report.
void Admin::compact_async(const std::string& topic, PartitionId partition, bool wait,
                          std::function<void(const CompactionProgress&)> progress, CallOptions call,
                          Callback<std::vector<CompactionProgress>> done) {
  v1::RequestHeader request;
  request.mutable_compact()->set_topic(topic);
  request.mutable_compact()->set_partition(partition.value());
  request.mutable_compact()->set_wait(wait);
  CallSpec spec = spec_of(call, OnLost::fail_if_sent);
  spec.lane = wait ? Lane::bulk : Lane::requests;
  spec.stream = wait;
  if (wait && call.timeout_ms == 0) spec.timeout_ms = kNoTimeout;
  auto last = std::make_shared<std::map<PartitionId, CompactionProgress>>();
  core_->call(request, {}, spec,
              [wait, last, progress = std::move(progress), done = std::move(done)](Result<Response> response) {
                if (!response.ok()) return done(std::move(response).error());
                const v1::ResponseHeader& header = response->header;
                if (header.has_compact()) {
                  const CompactionProgress report = progress_of(header.compact());
                  if (progress) progress(report);
                  (*last)[report.partition] = report;
                }
                if (wait && !header.end()) return;
                std::vector<CompactionProgress> reports;
                for (const auto& [number, report] : *last) reports.push_back(report);
                done(std::move(reports));
              });
}
Result<std::vector<CompactionProgress>> Admin::compact(const std::string& topic, PartitionId partition, bool wait,
                                                       std::function<void(const CompactionProgress&)> progress,
                                                       CallOptions call) {
  return wait_for<std::vector<CompactionProgress>>(
      *core_, [&](auto done) { compact_async(topic, partition, wait, progress, call, done); });
}

void Admin::reopen_async(const std::string& topic, PartitionId partition, CallOptions call,
                         Callback<std::vector<ReopenReport>> done) {
  v1::RequestHeader request;
  request.mutable_reopen()->set_topic(topic);
  request.mutable_reopen()->set_partition(partition.value());
  using Reports = std::vector<ReopenReport>;
  ask<Reports>(*core_, request, spec_of(call, OnLost::fail_if_sent), std::move(done),
               [](const Response& response) -> Result<Reports> {
                 Reports reports;
                 for (const auto& from : response.header.reopen().partitions())
                   reports.push_back({partition_of(from.partition()), error_of(from.error()), from.report()});
                 return reports;
               });
}
Result<std::vector<ReopenReport>> Admin::reopen(const std::string& topic, PartitionId partition, CallOptions call) {
  return wait_for<std::vector<ReopenReport>>(*core_, [&](auto done) { reopen_async(topic, partition, call, done); });
}

void Admin::describe_broker_async(CallOptions call, Callback<BrokerDescription> done) {
  v1::RequestHeader request;
  request.mutable_describe_broker();
  ask<BrokerDescription>(*core_, request, spec_of(call, OnLost::resend), std::move(done),
                         [](const Response& response) -> Result<BrokerDescription> {
                           return broker_of(response.header.describe_broker());
                         });
}
Result<BrokerDescription> Admin::describe_broker(CallOptions call) {
  return wait_for<BrokerDescription>(*core_, [&](auto done) { describe_broker_async(call, done); });
}

}  // namespace logcask::client
