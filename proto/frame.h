#pragma once
// Frames of the native protocol: cutting them out of a byte stream and putting them together.
// Sans-I/O: bytes in, bytes out. The frame is pictured in proto/logcask/v1/native.proto.

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/types.h"

namespace google::protobuf {
class MessageLite;
}

namespace logcask {

inline constexpr std::size_t kFramePrefixBytes = 8;
inline constexpr std::uint32_t kProtocolVersionMin = 1;
inline constexpr std::uint32_t kProtocolVersionMax = 2;

struct FrameLimits {
  std::size_t max_frame_bytes = 0;          // of the whole frame
  std::size_t max_header_bytes = 1u << 20;  // of the protobuf header
};

struct FrameView {
  ByteView header;      // protobuf bytes
  ByteView attachment;  // raw bytes
  std::size_t total_bytes = 0;
};

// The first frame in `buffer`: nothing when more bytes are needed (then `needed_bytes`, if given, is set
// to the least total size the buffer must reach), frame_too_large or malformed_frame for a stream that cannot go on.
// Lengths are checked as soon as the 8 prefix bytes are there, before anything is allocated for them.
Result<std::optional<FrameView>> next_frame(ByteView buffer, const FrameLimits& limits,
                                            std::size_t* needed_bytes = nullptr);

// Appends prefix and header to `out`; the caller sends `attachment_bytes` of attachment right after.
void append_frame_head(std::string& out, const google::protobuf::MessageLite& header, std::size_t attachment_bytes);

}  // namespace logcask
