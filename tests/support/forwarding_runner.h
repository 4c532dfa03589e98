#pragma once
// A partition that hands everything on to another: for tests that watch or change some of it.

#include <functional>
#include <memory>
#include <utility>

#include "broker/door/partition_runner.h"

namespace logcask::testing {

class ForwardingRunner : public PartitionRunner {
 public:
  explicit ForwardingRunner(std::shared_ptr<PartitionRunner> inner) : inner_(std::move(inner)) {}

  PartitionRunner& inner() { return *inner_; }

  bool append(PreparedBatch batch, Acks acks, std::function<void(AppendResult)> done) override {
    return inner_->append(std::move(batch), acks, std::move(done));
  }
  bool congested() const override { return inner_->congested(); }
  Result<FetchedBatches> fetch(Offset from, std::size_t max_bytes) override { return inner_->fetch(from, max_bytes); }
  WaitId wait_visible_above(Offset offset, std::function<void(Status)> ready) override {
    return inner_->wait_visible_above(offset, std::move(ready));
  }
  void cancel_wait(WaitId id) override { inner_->cancel_wait(id); }
  Result<std::optional<TimedOffset>> offset_for_time(TimestampMs t) override { return inner_->offset_for_time(t); }
  std::vector<EpochStart> epochs() const override { return inner_->epochs(); }
  void get(const LookupKeys& keys, bool keys_only, const LookupSink& sink) override {
    inner_->get(keys, keys_only, sink);
  }
  Status newest(std::span<const KeyIdentity> identities, std::span<KeyState> out) override {
    return inner_->newest(identities, out);
  }
  bool is_repeat(const BatchHeader& header) const override { return inner_->is_repeat(header); }
  Result<WatchStart> watch(const LookupKeys& keys,
                           std::function<void(Result<std::vector<KeyChange>>)> on_change) override {
    return inner_->watch(keys, std::move(on_change));
  }
  Result<Offset> replay_bound() const override { return inner_->replay_bound(); }
  Result<Offset> replay_mark(Offset from, Offset mark) const override { return inner_->replay_mark(from, mark); }
  Result<FilteredBatches> fetch_filtered(Offset from, Offset end, const ReplayFilter& filter,
                                         std::size_t max_bytes) override {
    return inner_->fetch_filtered(from, end, filter, max_bytes);
  }
  PartitionMarks marks() const override { return inner_->marks(); }
  PartitionSnapshot snapshot() const override { return inner_->snapshot(); }
  std::vector<ProducerTail> producers() const override { return inner_->producers(); }
  std::vector<SegmentReport> segments() const override { return inner_->segments(); }
  Result<Offset> delete_records(Offset before) override { return inner_->delete_records(before); }
  void configure(const PartitionConfig& config) override { inner_->configure(config); }
  bool place_if_empty(std::uint32_t placement) override { return inner_->place_if_empty(placement); }
  Result<KeyScan> scan_keys(const std::function<Status()>& keep_going) override {
    return inner_->scan_keys(keep_going);
  }
  Status become_compacted(const PartitionConfig& config) override { return inner_->become_compacted(config); }
  Status roll() override { return inner_->roll(); }
  Result<LogPin> pin_log() override { return inner_->pin_log(); }
  Status flush() override { return inner_->flush(); }
  void close(const Error& reason) override { inner_->close(reason); }
  void stop_writes(const Error& why) override { inner_->stop_writes(why); }
  Result<std::string> reopen() override { return inner_->reopen(); }
  void wait_loaded(std::int64_t at_most_ms) override { inner_->wait_loaded(at_most_ms); }
  bool may_open_later() const override { return inner_->may_open_later(); }
  void tick() override { inner_->tick(); }

 private:
  const std::shared_ptr<PartitionRunner> inner_;
};

}  // namespace logcask::testing
