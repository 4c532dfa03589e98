#include "broker/services/replay_token.h"

#include "base/coding.h"
#include "base/crc32c.h"

namespace logcask {
namespace {

constexpr std::uint8_t kVersion = 2;
constexpr std::uint8_t kLiveOnly = 1;
constexpr std::size_t kPartitionBytes = 4 + 1 + 8 + 4 + 8 + 8 + 8;
constexpr std::size_t kTokenRunBytes = 8;  // of each partition, from version 2 on
constexpr std::size_t kCrcBytes = 4;

Error not_a_token(const char* why) {
  return Error{Errc::stale_token, std::string("the resume token cannot be used: ") + why + "; start a new replay"};
}

bool sound(const ReplayPosition& p) {
  return p.partition.value() >= 0 && p.position >= Offset(0) && p.walk_end >= Offset(0) &&
         (p.phase == ReplayPhase::walk || p.position >= p.walk_end);
}

}  // namespace

std::string encode_replay_token(const ReplayToken& token) {
  std::string out;
  ByteWriter writer(out);
  writer.fixed(kVersion);
  writer.fixed(static_cast<std::uint8_t>(token.live_only ? kLiveOnly : 0));
  writer.bytes(ByteView(reinterpret_cast<const char*>(token.topic_id.bytes.data()), token.topic_id.bytes.size()));
  writer.fixed(static_cast<std::uint32_t>(token.partitions.size()));
  for (const ReplayPosition& p : token.partitions) {
    writer.fixed(p.partition.value());
    writer.fixed(static_cast<std::uint8_t>(p.phase));
    writer.fixed(p.position.value());
    writer.fixed(p.epoch.value());
    writer.fixed(p.walk_end.value());
    writer.fixed(p.tail_mark.value());
    writer.fixed(p.horizon_at_start.value());
    writer.fixed(p.run.value());
  }
  writer.fixed(crc32c(out));
  return out;
}

Result<ReplayToken> decode_replay_token(ByteView bytes) {
  if (bytes.size() < kCrcBytes) return not_a_token("it is too short");
  const ByteView body = bytes.substr(0, bytes.size() - kCrcBytes);
  if (crc32c(body) != load_be<std::uint32_t>(bytes.data() + body.size())) return not_a_token("its checksum is wrong");
  ByteReader reader(body);
  const auto version = reader.fixed<std::uint8_t>();
  if (version < 1 || version > kVersion) return not_a_token("another version of the broker made it");
  ReplayToken token;
  token.live_only = (reader.fixed<std::uint8_t>() & kLiveOnly) != 0;
  const ByteView id = reader.bytes(token.topic_id.bytes.size());
  if (id.size() == token.topic_id.bytes.size())
    std::copy(id.begin(), id.end(), reinterpret_cast<char*>(token.topic_id.bytes.data()));
  const auto count = reader.fixed<std::uint32_t>();
  if (!reader.ok() ||
      reader.remaining() != std::size_t{count} * (kPartitionBytes + (version == 1 ? 0 : kTokenRunBytes)))
    return not_a_token("its length is wrong");
  token.partitions.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    ReplayPosition& p = token.partitions.emplace_back();
    p.partition = PartitionId(reader.fixed<std::int32_t>());
    const auto phase = reader.fixed<std::uint8_t>();
    if (phase > static_cast<std::uint8_t>(ReplayPhase::tail)) return not_a_token("it has an unknown phase");
    p.phase = static_cast<ReplayPhase>(phase);
    p.position = Offset(reader.fixed<std::int64_t>());
    p.epoch = LeaderEpoch(reader.fixed<std::int32_t>());
    p.walk_end = Offset(reader.fixed<std::int64_t>());
    p.tail_mark = Offset(reader.fixed<std::int64_t>());
    p.horizon_at_start = Offset(reader.fixed<std::int64_t>());
    if (version >= 2) p.run = RunId(reader.fixed<std::uint64_t>());
    if (!sound(p)) return not_a_token("its positions make no sense");
  }
  return token;
}

}  // namespace logcask
