#pragma once
// Frames of the Kafka wire: a length, a header, a message.
//
//   request:  length i32 | api key i16 | version i16 | correlation id i32 | client id nullable string | message
//   response: length i32 | correlation id i32 | message
//
// In flexible versions tagged fields end the header; not so in the response to ApiVersions (KIP-511). The client id
// keeps its two-byte length in every version (KIP-482).

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/mutant.h"
#include "base/result.h"
#include "proto/kafka/api.h"
#include "proto/kafka/reader.h"
#include "proto/kafka/writer.h"

namespace logcask::kafka {

inline constexpr std::size_t kLengthBytes = 4;

struct RequestHead {
  std::int16_t api_key = 0;
  std::int16_t api_version = 0;
  std::int32_t correlation_id = 0;
  // The rest is known when the broker knows the api in that version.
  const Api* api = nullptr;  // of the table; null: not served in this version
  std::optional<std::string_view> client_id;
  ByteView message;
};

// `frame` is what the length covers. malformed_frame when it ends within the header. A request that is not served has
// neither client id nor message.
Result<RequestHead> read_request_head(ByteView frame);

// The frame of a response, whole but for the records that are spliced in. `version` may be one that the table does not
// have, for the answer to an unknown ApiVersions.
template <class Message>
Result<Written> write_response(const Api& api, std::int16_t version, std::int32_t correlation_id,
                               const Message& message) {
  Written out;
  const Layout layout = api.layout(version);
  ByteWriter head(out.bytes);
  head.fixed(std::int32_t{0});
  head.fixed(correlation_id);
  if (layout.flexible && (api.key != ApiKey::api_versions || mutant(Mutant::flexible_answer_to_versions)))
    head.fixed(std::uint8_t{0});
  LOGCASK_TRY(Writer(out, layout).write(message));
  store_be(out.bytes.data(), static_cast<std::int32_t>(out.total_bytes() - kLengthBytes));
  return out;
}

// The frame of a request, for those who speak to a broker.
template <class Message>
Result<Written> write_request(const Api& api, std::int16_t version, std::int32_t correlation_id,
                              std::optional<std::string_view> client_id, const Message& message) {
  Written out;
  const Layout layout = api.layout(version);
  ByteWriter head(out.bytes);
  head.fixed(std::int32_t{0});
  head.fixed(static_cast<std::int16_t>(api.key));
  head.fixed(version);
  head.fixed(correlation_id);
  head.fixed(static_cast<std::int16_t>(client_id ? static_cast<std::int64_t>(client_id->size()) : -1));
  if (client_id) head.bytes(*client_id);
  if (layout.flexible) head.fixed(std::uint8_t{0});
  LOGCASK_TRY(Writer(out, layout).write(message));
  store_be(out.bytes.data(), static_cast<std::int32_t>(out.total_bytes() - kLengthBytes));
  return out;
}

}  // namespace logcask::kafka
