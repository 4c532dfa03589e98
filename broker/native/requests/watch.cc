// Watch: a stream of the current values of some keys and every change after.
#include <map>

#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {
namespace {

constexpr std::uint32_t kWatchKeysMax = 10'000;
constexpr std::size_t kEventsBytesMax = 256u << 10;

class NativeWatchSink final : public WatchSink {
 public:
  explicit NativeWatchSink(const NativeRequest& request)
      : protocol_(request.protocol.shared_from_this()), correlation_id_(request.correlation_id) {}

  void event(const LookupResult& event) override {
    append_lookup_result(events_, event);
    ++count_;
    if (events_.size() >= kEventsBytesMax) flush();
  }
  void run(PartitionId partition, RunId run) override { runs_[partition] = run; }
  void flush() override {
    if (count_ == 0) return;
    ArenaMessage<v1::ResponseHeader> response;
    response->set_correlation_id(correlation_id_);
    response->mutable_watch()->set_event_count(std::exchange(count_, 0));
    for (const auto& [partition, run] : std::exchange(runs_, {})) {
      auto* told = response->mutable_watch()->add_runs();
      told->set_partition(static_cast<std::uint32_t>(partition.value()));
      told->set_run(run.value());
    }
    protocol_->send(*response, std::exchange(events_, {}));
  }
  void ended(Status status) override { protocol_->end_stream(correlation_id_, status); }

 private:
  const std::shared_ptr<NativeProtocol> protocol_;
  const std::uint64_t correlation_id_;
  std::string events_;
  std::uint32_t count_ = 0;
  std::map<PartitionId, RunId> runs_;  // told with the next response
};

}  // namespace

void handle_watch(const NativeRequest& request) {
  const v1::WatchRequest& watch = request.header.watch();
  if (watch.key_count() > kWatchKeysMax)
    return request.refuse(
        Error{Errc::invalid_argument, "one Watch takes at most " + std::to_string(kWatchKeysMax) + " keys"});
  if (!may_open_stream(request)) return;
  const auto keys = decode_keys(request.attachment, watch.key_count());
  if (!keys.ok()) return request.refuse(keys.error());
  WatchOptions options;
  options.partition = partition_from_wire(watch.partition());
  for (const std::int64_t offset : watch.last_seen_offsets()) options.last_seen.push_back(Offset(offset));
  for (const auto& seen : watch.positions())
    options.positions.push_back(
        {PartitionId(static_cast<std::int32_t>(seen.partition())), Offset(seen.offset()), RunId(seen.run())});
  const std::uint64_t lent = request.protocol.first_loan(watch.credit_bytes());
  options.credit_bytes = lent;
  auto open = request.services().watch.watch(request.protocol.context(), watch.topic(), *keys, std::move(options),
                                             std::make_unique<NativeWatchSink>(request));
  if (!open.ok()) return request.refuse(open.error());
  request.protocol.open_stream(request.correlation_id, std::move(open).value(), watch.credit_bytes(), lent);
}

}  // namespace logcask
