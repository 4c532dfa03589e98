#pragma once
// Cuts frames out of a byte stream. Sans-I/O: it says where to read to, is told how much came, hands out frames.
// The attachment of a large frame is read straight into its own buffer, so it is copied never.
//
//   while (true) { n = read(assembler.space()); assembler.filled(n);
//                  while (auto frame = assembler.next(); frame.ok() && *frame) ... }
//
// Owned by a connection, used by one thread. Memory: one frame of at most limits.max_frame_bytes beyond 128 KiB.

#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "client/buffer.h"
#include "proto/frame.h"

namespace logcask::client {

struct AssembledFrame {
  ByteView header;  // valid until the next call to the assembler
  Buffer attachment;
};

class FrameAssembler {
 public:
  explicit FrameAssembler(const FrameLimits& limits);

  // Never empty.
  std::span<char> space();
  void filled(std::size_t bytes);
  // The next frame; nothing when more bytes are needed. An error means the stream cannot go on.
  Result<std::optional<AssembledFrame>> next();

 private:
  bool begin_large(std::size_t needed_bytes);
  void make_room(std::size_t needed_bytes);

  FrameLimits limits_;
  Buffer buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  // A large frame whose attachment is on its way.
  bool large_ = false;
  std::string large_header_;
  Buffer large_attachment_;
  std::size_t large_filled_ = 0;
};

}  // namespace logcask::client
