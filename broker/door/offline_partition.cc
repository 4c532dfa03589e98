#include "broker/door/offline_partition.h"

#include <utility>

namespace logcask {
namespace {

class OfflinePartition final : public PartitionRunner {
 public:
  OfflinePartition(std::string reason, bool may_open_later)
      : reason_(std::move(reason)), may_open_later_(may_open_later) {}

  bool append(PreparedBatch, Acks, std::function<void(AppendResult)> done) override {
    AppendResult result;
    result.error = offline();
    done(std::move(result));
    return false;
  }
  bool congested() const override { return false; }
  Result<FetchedBatches> fetch(Offset, std::size_t) override { return offline(); }
  WaitId wait_visible_above(Offset, std::function<void(Status)> ready) override {
    ready(offline());
    return 0;
  }
  void cancel_wait(WaitId) override {}
  Result<std::optional<TimedOffset>> offset_for_time(TimestampMs) override { return offline(); }
  void get(const LookupKeys& keys, bool, const LookupSink& sink) override {
    LookupAnswer answer;
    answer.status = LookupAnswer::Status::failed;
    answer.error = offline();
    for (std::size_t i = 0; i < keys.size(); ++i) sink(i, answer);
  }
  Result<WatchStart> watch(const LookupKeys&, std::function<void(Result<std::vector<KeyChange>>)>) override {
    return offline();
  }
  Result<Offset> replay_bound() const override { return offline(); }
  Result<Offset> replay_mark(Offset, Offset) const override { return offline(); }
  Result<FilteredBatches> fetch_filtered(Offset, Offset, const ReplayFilter&, std::size_t) override {
    return offline();
  }
  PartitionMarks marks() const override {
    PartitionMarks marks;
    marks.state = PartitionMarks::State::offline;
    return marks;
  }
  PartitionSnapshot snapshot() const override {
    PartitionSnapshot snapshot;
    snapshot.state = PartitionSnapshot::State::offline;
    snapshot.reason = reason_;
    snapshot.problems.push_back({"offline", reason_});
    return snapshot;
  }
  std::vector<SegmentReport> segments() const override { return {}; }
  Result<Offset> delete_records(Offset) override { return offline(); }
  void configure(const PartitionConfig&) override {}
  Status roll() override { return offline(); }
  Status flush() override { return offline(); }
  void close(const Error&) override {}
  Result<std::string> reopen() override { return offline(); }
  bool may_open_later() const override { return may_open_later_; }
  void tick() override {}

 private:
  Error offline() const { return Error{Errc::partition_offline, reason_}; }
  const std::string reason_;
  const bool may_open_later_;
};

}  // namespace

std::shared_ptr<PartitionRunner> make_offline_partition(std::string reason, bool may_open_later) {
  return std::make_shared<OfflinePartition>(std::move(reason), may_open_later);
}

}  // namespace logcask
