// GET /v1/topics/TOPIC/replay: what a new reader needs, a marker, then every change, as server-sent events.
#include <memory>
#include <utility>

#include "base/base64.h"
#include "base/json_writer.h"
#include "broker/door/committed_records.h"
#include "broker/http/event_stream.h"
#include "broker/http/resources/lookup_json.h"
#include "broker/http/resources/parameters.h"
#include "broker/http/resources/resources.h"

namespace logcask {
namespace {

void append_record(std::string& out, PartitionId partition, const RecordView& record, bool base64) {
  JsonWriter json(out);
  json.begin().field("partition", partition.value()).field("offset", record.offset.value());
  json.field("timestamp", record.timestamp.value()).field_bytes("key", record.key);
  if (base64 && record.value) {
    std::string encoded;
    append_base64(encoded, *record.value);
    json.field("value_base64", encoded);
  } else {
    json.field_bytes("value", record.value);
  }
  json.name("headers");
  append_headers(json, record);
  json.field("tombstone", record.tombstone()).end();
}

class HttpReplaySink final : public ReplaySink {
 public:
  HttpReplaySink(std::shared_ptr<EventStream> stream, bool base64) : stream_(std::move(stream)), base64_(base64) {}

  void chunk(ReplayChunk chunk) override {
    std::string last;
    Status read;
    for (const ByteView piece : chunk.pieces) {
      read = for_each_record(piece, [&](const RecordView& record) {
        if (!last.empty()) stream_->add("record", {}, last);
        last.clear();
        append_record(last, chunk.partition, record, base64_);
      });
      if (!read.ok()) return fail(read.error());
    }
    std::string token;
    if (!chunk.token.empty()) append_base64url(token, chunk.token);
    if (!last.empty()) stream_->add("record", chunk.caught_up ? std::string() : token, last);
    if (chunk.caught_up) {
      std::string data;
      JsonWriter json(data);
      json.begin().field("partition", chunk.partition.value()).field("offset", chunk.caught_up_offset.value()).end();
      stream_->add("caught_up", token, data);
    } else if (last.empty() && !token.empty()) {
      stream_->add({}, token, {});
    }
    stream_->flush(chunk.bytes);
  }
  void ended(Status status) override {
    if (!failed_) stream_->end(status);
  }

 private:
  void fail(const Error& error) {
    if (std::exchange(failed_, true)) return;
    stream_->end(error);
  }

  const std::shared_ptr<EventStream> stream_;
  const bool base64_;
  bool failed_ = false;
};

struct ReplayWanted {
  std::string topic;
  ReplayOptions options;
  bool base64 = false;
};

Result<ReplayWanted> read_replay(const HttpRequest& request) {
  LOGCASK_TRY(check_parameters(request, {"live_only", "keys_only", "key_prefix", "stop_at_caught_up", "encoding"}));
  ReplayWanted wanted;
  wanted.topic = request.segments[2];
  ReplayFilter& filter = wanted.options.filter;
  LOGCASK_ASSIGN(filter.live_only, read_flag(request, "live_only", true));
  LOGCASK_ASSIGN(filter.keys_only, read_flag(request, "keys_only", false));
  LOGCASK_ASSIGN(wanted.options.stop_at_caught_up, read_flag(request, "stop_at_caught_up", false));
  if (const std::string* prefix = request.parameter("key_prefix")) filter.key_prefix = *prefix;
  LOGCASK_ASSIGN(wanted.base64, read_base64(request));
  return wanted;
}

Status open_replay(const std::shared_ptr<EventStream>& stream, const ReplayWanted& wanted, std::string token) {
  HttpProtocol& protocol = stream->protocol();
  ReplayOptions options = wanted.options;
  options.resume_token = std::move(token);
  options.credit_bytes = protocol.first_loan();
  LOGCASK_ASSIGN(auto open, stream->services().replay.replay(protocol.context(), wanted.topic, std::move(options),
                                                             std::make_unique<HttpReplaySink>(stream, wanted.base64)));
  stream->begin();
  protocol.opened(std::move(open));
  return {};
}

bool asks_for_a_fresh_one(Errc code) {
  return code == Errc::stale_token || code == Errc::topic_changed || code == Errc::tombstone_horizon_passed ||
         code == Errc::offset_out_of_range;
}

}  // namespace

void handle_replay(HttpCall call, HttpRequest request) {
  const auto wanted = read_replay(request);
  if (!wanted.ok()) return call.refuse(wanted.error());
  if (request.method == HttpMethod::head) return call.answer({200, "text/event-stream", {}, {}});
  const auto stream = std::make_shared<EventStream>(std::move(call));
  const std::string* last_event = request.header("last-event-id");
  if (last_event && !last_event->empty()) {
    // One that is no base64url is no token either.
    const auto resumed = open_replay(stream, *wanted, decode_base64url(*last_event).value_or(*last_event));
    if (resumed.ok()) return;
    if (!asks_for_a_fresh_one(resumed.code())) return stream->refuse(resumed.error());
    stream->add("snapshot_required", {}, error_data(resumed.error()));
  }
  if (auto opened = open_replay(stream, *wanted, {}); !opened.ok()) stream->refuse(opened.error());
}

}  // namespace logcask
