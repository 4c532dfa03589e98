#include "broker/http/resources/watch_token.h"

#include <algorithm>

#include "base/base64.h"
#include "base/coding.h"
#include "base/crc32c.h"

namespace logcask {
namespace {

constexpr std::uint8_t kVersion = 1;

}  // namespace

std::uint32_t WatchToken::digest(std::span<const std::string> keys) {
  std::string all;
  ByteWriter writer(all);
  for (const std::string& key : keys) {
    writer.fixed(static_cast<std::uint32_t>(key.size()));
    writer.bytes(key);
  }
  return crc32c(all);
}

SeenPosition& WatchToken::position(PartitionId partition) {
  const auto found = std::find_if(positions.begin(), positions.end(),
                                  [&](const SeenPosition& seen) { return seen.partition == partition; });
  return found != positions.end() ? *found : positions.emplace_back(SeenPosition{partition, Offset(0)});
}

void WatchToken::seen(const LookupResult& event) {
  if (event.offset == kNoOffset) return;
  last_seen[event.key_index] = event.offset;
  if (event.partition.value() < 0) return;
  SeenPosition& at = position(event.partition);
  at.offset = std::max(at.offset, event.offset + 1);
}

void WatchToken::seen(PartitionId partition, RunId run) { position(partition).run = run; }

std::string encode_watch_token(const WatchToken& token) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.fixed(kVersion);
  writer.bytes(ByteView(reinterpret_cast<const char*>(token.topic_id.bytes.data()), token.topic_id.bytes.size()));
  writer.fixed(token.keys_digest);
  writer.fixed(static_cast<std::uint32_t>(token.last_seen.size()));
  for (const Offset offset : token.last_seen) writer.varlong(offset.value());
  writer.fixed(static_cast<std::uint32_t>(token.positions.size()));
  for (const SeenPosition& seen : token.positions) {
    writer.fixed(seen.partition.value());
    writer.fixed(seen.offset.value());
    writer.fixed(seen.run.value());
  }
  writer.fixed(crc32c(bytes));
  std::string text;
  append_base64url(text, bytes);
  return text;
}

Result<WatchToken> decode_watch_token(const std::string& text) {
  const Error none{Errc::stale_token, "the resume token is none of a watch"};
  const auto bytes = decode_base64url(text);
  if (!bytes || bytes->size() < sizeof(std::uint32_t)) return none;
  const ByteView body = ByteView(*bytes).substr(0, bytes->size() - sizeof(std::uint32_t));
  if (load_be<std::uint32_t>(body.data() + body.size()) != crc32c(body)) return none;
  ByteReader reader(body);
  if (reader.fixed<std::uint8_t>() != kVersion) return none;
  WatchToken token;
  const ByteView id = reader.bytes(token.topic_id.bytes.size());
  if (!reader.ok()) return none;
  std::copy(id.begin(), id.end(), reinterpret_cast<char*>(token.topic_id.bytes.data()));
  token.keys_digest = reader.fixed<std::uint32_t>();
  const auto keys = reader.fixed<std::uint32_t>();
  if (keys > reader.remaining()) return none;
  for (std::uint32_t i = 0; i < keys; ++i) token.last_seen.push_back(Offset(reader.varlong()));
  const auto positions = reader.fixed<std::uint32_t>();
  if (positions > reader.remaining()) return none;
  for (std::uint32_t i = 0; i < positions; ++i) {
    SeenPosition seen;
    seen.partition = PartitionId(reader.fixed<std::int32_t>());
    seen.offset = Offset(reader.fixed<std::int64_t>());
    seen.run = RunId(reader.fixed<std::uint64_t>());
    token.positions.push_back(seen);
  }
  if (!reader.at_end()) return none;
  return token;
}

}  // namespace logcask
