// GET /v1/topics/TOPIC/replay: what a new reader needs, a marker, then every change, as server-sent events.
#include <memory>
#include <utility>

#include "base/base64.h"
#include "base/coding.h"
#include "base/crc32c.h"
#include "broker/http/event_stream.h"
#include "broker/http/resources/parameters.h"
#include "broker/http/resources/replay_events.h"
#include "broker/http/resources/resources.h"

namespace logcask {
namespace {

// A token of more partitions would not fit into the head that brings it back.
constexpr std::size_t kReplayPartitionsMax = 500;

class HttpReplaySink final : public ReplaySink {
 public:
  explicit HttpReplaySink(std::shared_ptr<ReplayEvents> events) : events_(std::move(events)) {}
  void chunk(ReplayChunk chunk) override { events_->chunk(std::move(chunk)); }
  void ended(Status status) override { events_->ended(std::move(status)); }

 private:
  const std::shared_ptr<ReplayEvents> events_;
};

struct ReplayWanted {
  std::string topic;
  ReplayOptions options;
  ReplayEvents::Form form;
};

// A token goes on with the replay that it is of, not with one of other records.
std::string filter_digest(const ReplayFilter& filter) {
  std::string bytes{filter.live_only ? '1' : '0', filter.keys_only ? '1' : '0'};
  bytes += filter.key_prefix;
  std::string digest;
  ByteWriter(digest).fixed(crc32c(bytes));
  return digest;
}

Result<ReplayWanted> read_replay(const HttpRequest& request) {
  LOGCASK_TRY(check_parameters(request, {"live_only", "keys_only", "key_prefix", "stop_at_caught_up", "encoding"}));
  if (request.header_count("last-event-id") > 1) return Error{Errc::invalid_argument, "Last-Event-ID is given twice"};
  ReplayWanted wanted;
  wanted.topic = request.segments[2];
  ReplayFilter& filter = wanted.options.filter;
  LOGCASK_ASSIGN(filter.live_only, read_flag(request, "live_only", true));
  LOGCASK_ASSIGN(filter.keys_only, read_flag(request, "keys_only", false));
  LOGCASK_ASSIGN(wanted.options.stop_at_caught_up, read_flag(request, "stop_at_caught_up", false));
  if (const std::string* prefix = request.parameter("key_prefix")) filter.key_prefix = *prefix;
  LOGCASK_ASSIGN(wanted.form.base64, read_base64(request));
  wanted.form.keys_only = filter.keys_only;
  wanted.form.token_prefix = filter_digest(filter);
  return wanted;
}

// What the service is to go on from.
Result<std::string> read_replay_token(const std::string& text, const std::string& prefix) {
  const auto bytes = decode_base64url(text);
  if (!bytes) return Error{Errc::stale_token, "the resume token is none of a replay"};
  if (!bytes->starts_with(prefix))
    return Error{Errc::stale_token, "the resume token is of a replay of other records, or of none"};
  return bytes->substr(prefix.size());
}

// Partitions that the topic gains are read by who comes again with his token, as an EventSource does by itself.
void end_when_grown(const std::shared_ptr<ReplayEvents>& events, const std::string& topic, std::size_t partitions) {
  EventStream& stream = events->stream();
  stream.on_output_taken([events] { events->pump(); });
  stream.on_tick([events, topic, partitions] {
    events->tell_token();
    const TopicPtr& now = events->stream().protocol().topics().find(topic);
    if (now && now->partitions.size() > partitions)
      events->finish("partitions_added", "{\"partitions\":" + std::to_string(now->partitions.size()) + "}");
  });
}

Status open_replay(const std::shared_ptr<EventStream>& stream, const ReplayWanted& wanted, std::size_t partitions,
                   std::string token) {
  HttpProtocol& protocol = stream->protocol();
  ReplayOptions options = wanted.options;
  options.resume_token = std::move(token);
  options.credit_bytes = protocol.first_loan();
  const auto events = std::make_shared<ReplayEvents>(stream, wanted.form);
  LOGCASK_ASSIGN(auto open, stream->services().replay.replay(protocol.context(), wanted.topic, std::move(options),
                                                             std::make_unique<HttpReplaySink>(events)));
  end_when_grown(events, wanted.topic, partitions);
  stream->begin();
  protocol.opened(std::move(open));
  return {};
}

bool asks_for_a_fresh_one(Errc code) {
  return code == Errc::stale_token || code == Errc::topic_changed || code == Errc::tombstone_horizon_passed ||
         code == Errc::offset_out_of_range || code == Errc::invalid_argument;
}

Status resume(const std::shared_ptr<EventStream>& stream, const ReplayWanted& wanted, std::size_t partitions,
              const std::string& text) {
  LOGCASK_ASSIGN(std::string token, read_replay_token(text, wanted.form.token_prefix));
  return open_replay(stream, wanted, partitions, std::move(token));
}

}  // namespace

void handle_replay(HttpCall call, HttpRequest request) {
  const auto wanted = read_replay(request);
  if (!wanted.ok()) return call.refuse(wanted.error());
  const auto topic = call.services().admin.describe_topic(call.protocol().context().principal, wanted->topic);
  if (!topic.ok()) return call.refuse(topic.error());
  const std::size_t partitions = (*topic)->partitions.size();
  if (partitions > kReplayPartitionsMax)
    return call.refuse(Error{Errc::unsupported, "a replay over HTTP reads at most " +
                                                    std::to_string(kReplayPartitionsMax) +
                                                    " partitions, the topic has " + std::to_string(partitions) +
                                                    "; the native client and 'logcask replay' read them"});
  if (request.method == HttpMethod::head) return call.answer({200, "text/event-stream", {}, {}});
  const auto stream = std::make_shared<EventStream>(std::move(call));
  const std::string* last_event = request.header("last-event-id");
  if (last_event && !last_event->empty()) {
    const Status resumed = resume(stream, *wanted, partitions, *last_event);
    if (resumed.ok()) return;
    if (!asks_for_a_fresh_one(resumed.code())) return stream->refuse(resumed.error());
    stream->add("snapshot_required", {}, error_data(resumed.error()));
  }
  if (auto opened = open_replay(stream, *wanted, partitions, {}); !opened.ok()) stream->refuse(opened.error());
}

}  // namespace logcask
