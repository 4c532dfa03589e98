#include "proto/frame.h"

#include <google/protobuf/message_lite.h>

#include "base/coding.h"

namespace logcask {

Result<std::optional<FrameView>> next_frame(ByteView buffer, const FrameLimits& limits, std::size_t* needed_bytes) {
  if (needed_bytes) *needed_bytes = kFramePrefixBytes;
  if (buffer.size() < kFramePrefixBytes) return std::optional<FrameView>();
  const auto frame_bytes = load_be<std::uint32_t>(buffer.data());
  const auto header_bytes = load_be<std::uint32_t>(buffer.data() + 4);
  const std::size_t total_bytes = std::size_t{4} + frame_bytes;
  if (total_bytes > limits.max_frame_bytes)
    return Error{Errc::frame_too_large, "frame of " + std::to_string(total_bytes) + " bytes; this side takes " +
                                            std::to_string(limits.max_frame_bytes)};
  if (frame_bytes < 4 || header_bytes > frame_bytes - 4)
    return Error{Errc::malformed_frame, "header length " + std::to_string(header_bytes) +
                                            " does not fit frame length " + std::to_string(frame_bytes)};
  if (header_bytes > limits.max_header_bytes)
    return Error{Errc::frame_too_large, "header of " + std::to_string(header_bytes) + " bytes; this side takes " +
                                            std::to_string(limits.max_header_bytes)};
  if (needed_bytes) *needed_bytes = total_bytes;
  if (buffer.size() < total_bytes) return std::optional<FrameView>();
  FrameView frame;
  frame.header = buffer.substr(kFramePrefixBytes, header_bytes);
  frame.attachment = buffer.substr(kFramePrefixBytes + header_bytes, frame_bytes - 4 - header_bytes);
  frame.total_bytes = total_bytes;
  return std::optional<FrameView>(frame);
}

void append_frame_head(std::string& out, const google::protobuf::MessageLite& header, std::size_t attachment_bytes) {
  const std::size_t header_bytes = header.ByteSizeLong();
  const std::size_t start = out.size();
  out.resize(start + kFramePrefixBytes + header_bytes);
  store_be(out.data() + start, static_cast<std::uint32_t>(4 + header_bytes + attachment_bytes));
  store_be(out.data() + start + 4, static_cast<std::uint32_t>(header_bytes));
  header.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(out.data() + start + kFramePrefixBytes));
}

}  // namespace logcask
