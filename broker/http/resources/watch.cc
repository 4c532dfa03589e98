// GET .../keys/KEY/watch and /v1/topics/TOPIC/watch?key=...: the values of keys now, then every change, as server-sent
// events.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "broker/http/event_stream.h"
#include "broker/http/resources/key_address.h"
#include "broker/http/resources/lookup_json.h"
#include "broker/http/resources/parameters.h"
#include "broker/http/resources/resources.h"
#include "broker/http/resources/watch_token.h"

namespace logcask {
namespace {

constexpr std::size_t kWatchKeysMax = 1000;
constexpr std::size_t kEventsTogetherBytes = 256u << 10;

struct Watched {
  std::string topic;
  std::vector<std::string> keys;
  bool base64 = false;
};

std::string_view event_name(LookupStatus status) {
  switch (status) {
    case LookupStatus::found:
      return "value";
    case LookupStatus::deleted:
      return "deleted";
    case LookupStatus::expired:
      return "expired";
    case LookupStatus::failed:
      return "failed";
    case LookupStatus::absent:
      break;
  }
  return "absent";
}

class HttpWatchSink final : public WatchSink {
 public:
  HttpWatchSink(std::shared_ptr<EventStream> stream, std::shared_ptr<const Watched> watched, WatchToken token)
      : stream_(std::move(stream)), watched_(std::move(watched)), token_(std::move(token)) {}

  void event(const LookupResult& event) override {
    send_last(false);
    token_.seen(event);
    credited_ += kLookupResultFixedBytes + event.value.size() + event.raw_headers.size();
    last_.clear();
    name_ = event_name(event.status);
    JsonWriter json(last_);
    json.begin().field("topic", watched_->topic).field_bytes("key", watched_->keys[event.key_index]);
    if (event.status == LookupStatus::found) {
      append_found(json, event, watched_->base64);
    } else if (event.status == LookupStatus::failed) {
      json.field("error", errc_name(event.error));
    } else if (event.offset != kNoOffset) {
      json.field("partition", event.partition.value()).field("offset", event.offset.value());
    }
    json.end();
    if (stream_->waiting_bytes() >= kEventsTogetherBytes) flush();
  }
  void run(PartitionId partition, RunId run) override { token_.seen(partition, run); }
  void flush() override {
    send_last(true);
    stream_->flush(std::exchange(credited_, 0));
  }
  void ended(Status status) override {
    flush();
    stream_->end(status);
  }

 private:
  // The last event of those that leave together carries the token.
  void send_last(bool with_token) {
    if (last_.empty()) return;
    stream_->add(name_, with_token ? encode_watch_token(token_) : std::string(), last_);
    last_.clear();
  }

  const std::shared_ptr<EventStream> stream_;
  const std::shared_ptr<const Watched> watched_;
  WatchToken token_;
  std::string_view name_;
  std::string last_;
  std::size_t credited_ = 0;
};

// What the client has seen; stale_token or topic_changed when that was something else.
Result<WatchToken> read_watch_token(const std::string& text, const WatchToken& fresh) {
  LOGCASK_ASSIGN(WatchToken token, decode_watch_token(text));
  if (token.topic_id != fresh.topic_id)
    return Error{Errc::topic_changed, "the resume token is of another topic of that name, which has been deleted"};
  if (token.keys_digest != fresh.keys_digest || token.last_seen.size() != fresh.last_seen.size())
    return Error{Errc::stale_token, "the resume token is of a watch of other keys"};
  return token;
}

Status open_watch(const std::shared_ptr<EventStream>& stream, const std::shared_ptr<const Watched>& watched,
                  const WatchToken& token, bool resumed) {
  WatchOptions options;
  if (resumed) {
    options.last_seen = token.last_seen;
    options.positions = token.positions;
  }
  HttpProtocol& protocol = stream->protocol();
  options.credit_bytes = protocol.first_loan();
  const std::vector<ByteView> keys(watched->keys.begin(), watched->keys.end());
  LOGCASK_ASSIGN(auto open, stream->services().watch.watch(protocol.context(), watched->topic, keys, std::move(options),
                                                           std::make_unique<HttpWatchSink>(stream, watched, token)));
  stream->begin();
  protocol.opened(std::move(open));
  return {};
}

// Whom the token says nothing to begins anew, and is told.
bool begin_anew(EventStream& stream, const Error& error) {
  if (error.code != Errc::stale_token && error.code != Errc::topic_changed && error.code != Errc::unknown_partition)
    return false;
  stream.add("snapshot_required", {}, error_data(error));
  return true;
}

void watch(HttpCall call, const HttpRequest& request, Watched wanted) {
  const auto base64 = read_base64(request);
  if (!base64.ok()) return call.refuse(base64.error());
  wanted.base64 = *base64;
  const auto topic = call.services().admin.describe_topic(call.protocol().context().principal, wanted.topic);
  if (!topic.ok()) return call.refuse(topic.error());
  if (request.header_count("last-event-id") > 1)
    return call.refuse(Error{Errc::invalid_argument, "Last-Event-ID is given twice"});
  if (request.method == HttpMethod::head) return call.answer({200, "text/event-stream", {}, {}});
  WatchToken fresh;
  fresh.topic_id = (*topic)->record.id;
  fresh.keys_digest = WatchToken::digest(wanted.keys);
  fresh.last_seen.assign(wanted.keys.size(), kNoOffset);
  const auto watched = std::make_shared<const Watched>(std::move(wanted));
  const auto stream = std::make_shared<EventStream>(std::move(call));
  const std::string* last_event = request.header("last-event-id");
  if (last_event && !last_event->empty()) {
    auto token = read_watch_token(*last_event, fresh);
    Status resumed = token.ok() ? open_watch(stream, watched, *token, true) : Status(token.error());
    if (resumed.ok()) return;
    if (!begin_anew(*stream, resumed.error())) return stream->refuse(resumed.error());
  }
  if (auto opened = open_watch(stream, watched, fresh, false); !opened.ok()) stream->refuse(opened.error());
}

}  // namespace

void handle_watch_key(HttpCall call, HttpRequest request) {
  if (auto known = check_parameters(request, {"key_encoding", "encoding"}); !known.ok())
    return call.refuse(known.error());
  auto address = read_key_address(request);
  if (!address.ok()) return call.answer(key_address_refused(address.error()));
  watch(std::move(call), request, {std::move(address->topic), {std::move(address->key)}});
}

void handle_watch_keys(HttpCall call, HttpRequest request) {
  Watched wanted;
  wanted.topic = request.segments[2];
  // Many of that name are meant; of the others one.
  const auto keys_begin = std::stable_partition(request.query.begin(), request.query.end(),
                                                [](const auto& pair) { return pair.first != "key"; });
  for (auto at = keys_begin; at != request.query.end(); ++at) wanted.keys.push_back(std::move(at->second));
  request.query.erase(keys_begin, request.query.end());
  if (auto known = check_parameters(request, {"encoding"}); !known.ok()) return call.refuse(known.error());
  if (wanted.keys.empty() || wanted.keys.size() > kWatchKeysMax)
    return call.refuse(
        Error{Errc::invalid_argument, "one watch takes 1 to " + std::to_string(kWatchKeysMax) + " keys: ?key=A&key=B"});
  watch(std::move(call), request, std::move(wanted));
}

}  // namespace logcask
