#include "tests/client/memory_broker.h"

#include "proto/lookup_codec.h"
#include "tests/support/catch.h"

namespace logcask::client {

MemoryBroker::MemoryBroker(int partitions) : partitions_(static_cast<std::size_t>(partitions)) {
  server_ = std::make_unique<FakeBroker>(
      [this](const auto& peer, const auto& request, const auto& attachment) { handle(peer, request, attachment); });
}

void MemoryBroker::handle(const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request,
                          const std::string& attachment) {
  switch (request.body_case()) {
    case v1::RequestHeader::kMetadata:
      return metadata(peer, request);
    case v1::RequestHeader::kProduce:
      return produce(peer, request, attachment);
    case v1::RequestHeader::kFetch:
      return fetch(peer, request);
    case v1::RequestHeader::kListOffsets:
      return list_offsets(peer, request);
    case v1::RequestHeader::kGet:
      return get(peer, request, attachment);
    case v1::RequestHeader::kCommitOffsets:
      return commit(peer, request);
    case v1::RequestHeader::kFetchOffsets:
      return fetch_offsets(peer, request);
    case v1::RequestHeader::kInitProducerId: {
      v1::ResponseHeader header;
      header.mutable_init_producer_id()->set_producer_id(next_producer_id_++);
      return peer->reply(request.correlation_id(), std::move(header));
    }
    case v1::RequestHeader::kCancel:
    case v1::RequestHeader::kCredit:
      return;
    default:
      return peer->refuse(request.correlation_id(), Errc::unknown_request);
  }
}

void MemoryBroker::metadata(const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request) {
  v1::ResponseHeader header;
  for (const std::string& name : request.metadata().topics()) {
    auto* topic = header.mutable_metadata()->add_topics();
    topic->set_name(name);
    if (name != "t") {
      topic->mutable_error()->set_code(static_cast<std::int32_t>(Errc::unknown_topic));
      topic->mutable_error()->set_message("topic '" + name + "' does not exist");
      continue;
    }
    topic->set_partitions(static_cast<std::uint32_t>(partitions_.size()));
    topic->set_partitioner("any");
    topic->set_compacted(true);
  }
  peer->reply(request.correlation_id(), std::move(header));
}

void MemoryBroker::produce(const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request,
                           const std::string& attachment) {
  const int number = ++produce_requests_;
  const auto& entry = request.produce().entries(0);
  std::vector<ModelCondition> conditions;
  for (const auto& from : entry.conditions())
    conditions.push_back({from.record_index(),
                          {static_cast<Condition::Kind>(static_cast<int>(from.kind()) + 1), Offset(from.offset())}});
  const ModelAnswer answer =
      with(static_cast<int>(entry.partition()), [&](ModelPartition& p) { return p.append(attachment, conditions); });
  const int every = cut_every_;
  if (every > 0 && number % every == 0) return peer->hang_up();
  if (request.produce().acks() == v1::ProduceRequest::ACKS_NONE) return;
  v1::ResponseHeader header;
  auto* result = header.mutable_produce()->add_results();
  result->mutable_error()->set_code(static_cast<std::int32_t>(answer.code));
  result->set_base_offset(answer.base_offset);
  result->set_log_append_time_ms(-1);
  result->set_duplicate(answer.duplicate);
  result->set_failed_record_index(answer.failed_record);
  result->set_current_offset(answer.current_offset);
  result->set_current_is_tombstone(answer.current_is_tombstone);
  for (const std::uint32_t index : answer.refused) result->add_refused_records(index);
  peer->reply(request.correlation_id(), std::move(header));
}

void MemoryBroker::fetch(const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request) {
  v1::ResponseHeader header;
  std::string attachment;
  for (const auto& asked : request.fetch().partitions()) {
    auto* part = header.mutable_fetch()->add_partitions();
    with(static_cast<int>(asked.partition()), [&](ModelPartition& partition) {
      const auto end = static_cast<std::int64_t>(partition.records().size());
      const std::string batches = partition.batches_from(asked.offset());
      part->set_committed_end(end);
      part->set_next_fetch_offset(end);
      part->set_records_bytes(static_cast<std::uint32_t>(batches.size()));
      if (asked.offset() > end) part->mutable_error()->set_code(static_cast<std::int32_t>(Errc::offset_out_of_range));
      attachment += batches;
      return 0;
    });
  }
  // A long poll in small: an empty answer is held back a little.
  if (attachment.empty() && request.fetch().max_wait_ms() > 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  peer->reply(request.correlation_id(), std::move(header), attachment);
}

void MemoryBroker::list_offsets(const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request) {
  v1::ResponseHeader header;
  for (const auto& asked : request.list_offsets().partitions()) {
    auto* part = header.mutable_list_offsets()->add_partitions();
    const auto end = with(static_cast<int>(asked.partition()),
                          [](ModelPartition& p) { return static_cast<std::int64_t>(p.records().size()); });
    part->set_offset(asked.timestamp_ms() == -2 ? 0 : asked.timestamp_ms() == -1 ? end : -1);
    part->set_timestamp_ms(-1);
  }
  peer->reply(request.correlation_id(), std::move(header));
}

void MemoryBroker::get(const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request,
                       const std::string& attachment) {
  const auto keys = decode_keys(attachment, request.get().key_count());
  std::string answers;
  for (std::uint32_t i = 0; i < keys.value().size(); ++i) {
    LookupResult result;
    result.key_index = i;
    const std::lock_guard lock(mutex_);
    for (std::size_t p = 0; p < partitions_.size(); ++p) {
      const std::int64_t offset = partitions_[p].latest(std::string((*keys)[i]));
      if (offset < 0) continue;
      const ModelRecord& record = partitions_[p].records()[static_cast<std::size_t>(offset)];
      result.status = record.value ? LookupStatus::found : LookupStatus::deleted;
      result.offset = Offset(offset);
      result.partition = PartitionId(static_cast<std::int32_t>(p));
      if (record.value) result.value = *record.value;
    }
    append_lookup_result(answers, result);
  }
  v1::ResponseHeader header;
  header.mutable_get()->set_key_count(request.get().key_count());
  peer->reply(request.correlation_id(), std::move(header), answers);
}

void MemoryBroker::commit(const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request) {
  v1::ResponseHeader header;
  const std::lock_guard lock(mutex_);
  for (const auto& entry : request.commit_offsets().entries()) {
    commits_[{request.commit_offsets().group(), entry.partition()}] = entry.offset();
    header.mutable_commit_offsets()->add_errors();
  }
  peer->reply(request.correlation_id(), std::move(header));
}

void MemoryBroker::fetch_offsets(const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request) {
  v1::ResponseHeader header;
  const std::lock_guard lock(mutex_);
  for (const auto& asked : request.fetch_offsets().entries()) {
    auto* entry = header.mutable_fetch_offsets()->add_entries();
    entry->set_topic(asked.topic());
    entry->set_partition(asked.partition());
    const auto found = commits_.find({request.fetch_offsets().group(), asked.partition()});
    entry->set_offset(found == commits_.end() ? -1 : found->second);
  }
  peer->reply(request.correlation_id(), std::move(header));
}

Client connect(const std::string& address) {
  Options options;
  options.brokers = address;
  options.reconnect_backoff_ms = 5;
  auto client = Client::connect(options);
  REQUIRE_OK(client);
  return std::move(client).value();
}

ProducerOptions quick() {
  ProducerOptions options;
  options.linger_ms = 1;
  options.retry_backoff_ms = 5;
  return options;
}

OutRecord record_of(ByteView key, ByteView value) {
  OutRecord record;
  record.key = key;
  record.value = value;
  return record;
}

}  // namespace logcask::client
