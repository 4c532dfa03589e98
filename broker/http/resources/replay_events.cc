#include "broker/http/resources/replay_events.h"

#include <utility>

#include "base/base64.h"
#include "base/json_writer.h"
#include "broker/door/committed_records.h"
#include "broker/http/resources/lookup_json.h"

namespace logcask {
namespace {

// What one turn of the loop makes at most, for others have theirs.
constexpr std::size_t kEventsPerTurnBytes = 128u << 10;
// A token that is longer, of many partitions, is told once a second at most, not with each event.
constexpr std::size_t kSmallTokenBytes = 2048;

void append_record(std::string& out, PartitionId partition, const RecordView& record, bool base64, bool keys_only) {
  JsonWriter json(out);
  json.begin().field("partition", partition.value()).field("offset", record.offset.value());
  json.field("timestamp", record.timestamp.value()).field_bytes("key", record.key);
  if (!keys_only) {
    append_value(json, record.value, base64);
    json.name("headers");
    append_headers(json, record);
  }
  json.field("tombstone", record.tombstone()).end();
}

}  // namespace

void ReplayEvents::chunk(ReplayChunk chunk) {
  if (over_) return;
  waiting_.push_back(std::move(chunk));
  pump();
}

void ReplayEvents::ended(Status status) {
  if (over_) return;
  end_ = std::move(status);
  // A replay that was ended from outside has nobody left to wait for.
  if (!end_->ok()) waiting_.clear();
  pump();
}

void ReplayEvents::pump() {
  const auto self = shared_from_this();
  while (!over_ && !waiting_.empty() && stream_->protocol().room_for_events() &&
         stream_->waiting_bytes() < kEventsPerTurnBytes)
    if (!make_event()) finish_chunk();
  if (over_) return;
  if (stream_->waiting_bytes() > 0) stream_->flush(0);
  if (!waiting_.empty()) {
    if (stream_->protocol().room_for_events() && !std::exchange(posted_, true))
      stream_->protocol().loop().post([self] {
        self->posted_ = false;
        self->pump();
      });
    return;
  }
  if (!end_) return;
  over_ = true;
  tell_token();
  stream_->end(*end_);
}

// False when the first chunk has no further record.
bool ReplayEvents::make_event() {
  const auto more = next_record();
  if (!more.ok()) {
    fail(more.error());
    return true;
  }
  return *more;
}

Result<bool> ReplayEvents::next_record() {
  ReplayChunk& chunk = waiting_.front();
  while (true) {
    if (cursor_) {
      RecordView record;
      LOGCASK_ASSIGN(const bool more, cursor_->next(record));
      if (more) {
        std::string data;
        append_record(data, chunk.partition, record, form_.base64, form_.keys_only);
        stream_->add("record", {}, data);
        return true;
      }
      cursor_.reset();
    }
    if (rest_.empty()) {
      if (piece_ == chunk.pieces.size()) return false;
      rest_ = chunk.pieces[piece_++];
      continue;
    }
    LOGCASK_ASSIGN(const BatchHeader header, decode_batch_header(rest_));
    if (header.total_bytes() > rest_.size()) return Error{Errc::corrupt_message, "the last batch is cut short"};
    const ByteView batch = rest_.substr(0, header.total_bytes());
    rest_.remove_prefix(header.total_bytes());
    if (header.control()) continue;
    LOGCASK_ASSIGN(const ByteView records, batch_records(header, batch, kDecompressedBytesMax, scratch_));
    cursor_.emplace(header, records);
  }
}

void ReplayEvents::finish_chunk() {
  const ReplayChunk chunk = std::move(waiting_.front());
  waiting_.pop_front();
  piece_ = 0;
  rest_ = {};
  std::string().swap(scratch_);
  if (chunk.caught_up) {
    std::string data;
    JsonWriter json(data);
    json.begin().field("partition", chunk.partition.value()).field("offset", chunk.caught_up_offset.value()).end();
    stream_->add("caught_up", {}, data);
  }
  if (!chunk.token.empty()) {
    token_.clear();
    append_base64url(token_, form_.token_prefix + chunk.token);
    if (token_.size() <= kSmallTokenBytes) tell_token();
  }
  stream_->flush(chunk.bytes);
}

void ReplayEvents::tell_token() {
  if (token_.empty()) return;
  stream_->add({}, std::exchange(token_, {}), {});
  stream_->flush(0);
}

void ReplayEvents::finish(std::string_view name, std::string_view data) {
  over_ = true;
  waiting_.clear();
  const auto self = shared_from_this();
  const auto open = stream_->protocol().take_open();
  tell_token();
  stream_->add(name, {}, data);
  stream_->end({});
  if (open) open->cancel(Error{Errc::cancelled, "the stream has ended"});
}

void ReplayEvents::fail(const Error& error) { finish("error", error_data(error)); }

}  // namespace logcask
