// Small codecs: keys and results of lookups, resume tokens of replays, committed offsets, configuration files.
#include "base/crc32c.h"
#include "broker/services/offset_commit_codec.h"
#include "broker/services/replay_token.h"
#include "broker/settings/config_file.h"
#include "proto/lookup_codec.h"
#include "tests/fuzz/fuzz.h"

namespace logcask::fuzz {
namespace {

std::string encode_results(const std::vector<LookupResult>& results) {
  std::string out;
  for (const LookupResult& result : results) append_lookup_result(out, result);
  return out;
}

}  // namespace

// First byte: bit 0 results, else keys; second: how many.
void fuzz_lookup(ByteView bytes) {
  Input input(bytes);
  const bool results = (input.byte() & 1) != 0;
  std::uint32_t count = input.byte();
  if (count == 255) count = input.number<std::uint32_t>();
  const ByteView attachment = input.rest();
  if (!results) {
    const auto keys = decode_keys(attachment, count);
    if (!keys.ok()) return;
    LOGCASK_CHECK(keys->size() == count);
    std::string again;
    for (const ByteView key : *keys) append_key(again, key);
    LOGCASK_CHECK(again == attachment);
    return;
  }
  const auto decoded = decode_lookup_results(attachment, count);
  if (!decoded.ok()) return;
  LOGCASK_CHECK(decoded->size() == count);
  // The first writing may drop what has no meaning (the value of a key that is absent); from then on nothing changes.
  const std::string once = encode_results(*decoded);
  const auto again = decode_lookup_results(once, count);
  LOGCASK_CHECK(once.size() <= attachment.size() && again.ok() && encode_results(*again) == once);
}

// First byte: 1 = the checksum is put right.
void fuzz_token(ByteView bytes) {
  Input input(bytes);
  const bool repair = (input.byte() & 1) != 0;
  std::string token(input.rest());
  if (repair && token.size() >= 4)
    store_be(token.data() + token.size() - 4, crc32c(ByteView(token).substr(0, token.size() - 4)));
  const auto decoded = decode_replay_token(token);
  if (!decoded.ok()) {
    LOGCASK_CHECK(decoded.code() == Errc::stale_token);
    return;
  }
  const std::string written = encode_replay_token(*decoded);
  // A token of version 1 knows no runs; it is written as version 2, which does.
  const std::size_t runs_bytes = token[0] == 1 ? decoded->partitions.size() * sizeof(std::uint64_t) : 0;
  LOGCASK_CHECK(written.size() == token.size() + runs_bytes);
  const auto again = decode_replay_token(written);
  LOGCASK_CHECK(again.ok() && *again == *decoded);
}

void fuzz_commit(ByteView bytes) {
  const auto key = decode_offset_commit_key(bytes);
  if (key.ok() && key->has_value()) {
    const auto again = decode_offset_commit_key(encode_offset_commit_key(**key));
    LOGCASK_CHECK(again.ok() && *again == *key);
  }
  const auto value = decode_offset_commit_value(bytes);
  if (value.ok()) {
    const auto again = decode_offset_commit_value(encode_offset_commit_value(*value));
    LOGCASK_CHECK(again.ok() && *again == *value);
  }
}

void fuzz_config(ByteView bytes) {
  const auto values = parse_config_text(bytes, "logcask.toml");
  if (!values.ok()) LOGCASK_CHECK(values.code() == Errc::invalid_config && !values.error().message.empty());
}

}  // namespace logcask::fuzz
