// Get: the latest record of each key.
#include <utility>

#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {
namespace {

constexpr std::uint32_t kGetKeysMax = 65536;
constexpr std::size_t kCountedResultBytes = 256u << 10;

class NativeLookupCall final : public LookupCall {
 public:
  NativeLookupCall(const NativeRequest& request, std::uint32_t key_count)
      : unanswered_(request.protocol, request.correlation_id, request.frame_bytes),
        key_count_(key_count),
        most_bytes_(request.services().limits.output_bytes),
        answers_(request.services().memory.answers) {}
  ~NativeLookupCall() override { answers_.sub(counted_); }

  void result(const LookupResult& result) override {
    if (too_large_) return;
    append_lookup_result(results_, result);
    // One value may be larger than the limit; together they may not.
    too_large_ = key_count_ > 1 && results_.size() > most_bytes_;
    // A long lookup's results count as an answer that waits, since others of its kind go on beside it.
    if (results_.size() >= counted_ + kCountedResultBytes) {
      answers_.add(results_.size() - counted_);
      counted_ = results_.size();
    }
  }
  bool wants_more() const override { return !too_large_; }
  void completed(Status status) override {
    NativeProtocol& protocol = unanswered_.protocol();
    answers_.sub(std::exchange(counted_, 0));
    if (too_large_)
      status = Error{Errc::limit_exceeded, "the values are larger than " + std::to_string(most_bytes_) +
                                               " bytes together; ask for fewer keys at a time"};
    if (status.ok()) {
      ArenaMessage<v1::ResponseHeader> response;
      response->set_correlation_id(unanswered_.correlation_id());
      response->mutable_get()->set_key_count(key_count_);
      protocol.send(*response, std::move(results_));
    } else {
      protocol.send_error(unanswered_.correlation_id(), status.error());
    }
    protocol.closed(unanswered_.correlation_id());
  }

 private:
  const Unanswered unanswered_;
  const std::uint32_t key_count_;
  const std::size_t most_bytes_;
  MemoryShare& answers_;
  std::size_t counted_ = 0;  // of results_, there
  std::string results_;
  bool too_large_ = false;
};

}  // namespace

void handle_get(const NativeRequest& request) {
  const v1::GetRequest& get = request.header.get();
  if (get.key_count() == 0) return request.refuse(prefix_lookup_unsupported());
  if (get.key_count() > kGetKeysMax)
    return request.refuse(
        Error{Errc::invalid_argument, "at most " + std::to_string(kGetKeysMax) + " keys can be looked up at a time"});
  const auto keys = decode_keys(request.attachment, get.key_count());
  if (!keys.ok()) return request.refuse(keys.error());
  LookupOptions options;
  options.partition = partition_from_wire(get.partition());
  for (const auto& wire : get.min_offsets())
    options.min_offsets.emplace_back(partition_from_wire(wire.partition()), Offset(wire.offset()));
  auto topic_id = topic_id_from_wire(get.topic_id());
  if (!topic_id.ok()) return request.refuse(topic_id.error());
  options.topic_id = *topic_id;
  options.timeout_ms = get.timeout_ms();
  options.keys_only = get.keys_only();
  if (auto open = request.services().lookup.get(request.protocol.context(), get.topic(), *keys, std::move(options),
                                                std::make_unique<NativeLookupCall>(request, get.key_count())))
    request.protocol.open(request.correlation_id, std::move(open));
}

}  // namespace logcask
