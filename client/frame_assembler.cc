#include "client/frame_assembler.h"

#include "base/coding.h"

namespace logcask::client {
namespace {

constexpr std::size_t kReadBytes = 128u << 10;
constexpr std::size_t kLargeFrameBytes = 32u << 10;

}  // namespace

FrameAssembler::FrameAssembler(const FrameLimits& limits)
    : limits_(limits), buffer_(Buffer::uninitialized(kReadBytes)) {}

std::span<char> FrameAssembler::space() {
  if (large_) return {large_attachment_.data() + large_filled_, large_attachment_.size() - large_filled_};
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ == buffer_.size()) make_room(end_ - begin_ + 1);
  return {buffer_.data() + end_, buffer_.size() - end_};
}

void FrameAssembler::filled(std::size_t bytes) { (large_ ? large_filled_ : end_) += bytes; }

Result<std::optional<AssembledFrame>> FrameAssembler::next() {
  if (large_) {
    if (large_filled_ < large_attachment_.size()) return std::optional<AssembledFrame>();
    large_ = false;
    return std::optional<AssembledFrame>({large_header_, std::move(large_attachment_)});
  }
  const ByteView bytes(buffer_.data() + begin_, end_ - begin_);
  std::size_t needed_bytes = 0;
  LOGCASK_ASSIGN(const auto frame, next_frame(bytes, limits_, &needed_bytes));
  if (frame) {
    begin_ += frame->total_bytes;
    return std::optional<AssembledFrame>({frame->header, Buffer::copy_of(frame->attachment)});
  }
  if (bytes.size() >= kFramePrefixBytes && !begin_large(needed_bytes)) make_room(needed_bytes);
  return std::optional<AssembledFrame>();
}

bool FrameAssembler::begin_large(std::size_t needed_bytes) {
  const ByteView bytes(buffer_.data() + begin_, end_ - begin_);
  const std::size_t head_bytes = kFramePrefixBytes + load_be<std::uint32_t>(bytes.data() + 4);
  if (needed_bytes < kLargeFrameBytes || bytes.size() < head_bytes) return false;
  large_ = true;
  large_header_.assign(bytes.substr(kFramePrefixBytes, head_bytes - kFramePrefixBytes));
  large_attachment_ = Buffer::uninitialized(needed_bytes - head_bytes);
  large_filled_ = bytes.size() - head_bytes;
  std::memcpy(large_attachment_.data(), bytes.data() + head_bytes, large_filled_);
  begin_ = end_ = 0;
  return true;
}

// Moves what is there to the front of a buffer that can hold `needed_bytes`, unless it fits behind already.
void FrameAssembler::make_room(std::size_t needed_bytes) {
  if (begin_ + needed_bytes <= buffer_.size()) return;
  const std::size_t held = end_ - begin_;
  // Only prefix and header must fit here: once those are known the attachment gets its own buffer.
  const std::size_t wanted = std::min(needed_bytes, limits_.max_header_bytes + kFramePrefixBytes + kLargeFrameBytes);
  if (wanted > buffer_.size()) {
    Buffer larger = Buffer::uninitialized(wanted);
    std::memcpy(larger.data(), buffer_.data() + begin_, held);
    buffer_ = std::move(larger);
  } else {
    std::memmove(buffer_.data(), buffer_.data() + begin_, held);
  }
  begin_ = 0;
  end_ = held;
}

}  // namespace logcask::client
