#pragma once
// What the connections of a listener may keep in memory together (docs/PROTOCOL.md, "Limits"). Any thread.
//
// Beside these shares every connection has a first read buffer (InBuffer::kFirstBytes) and may have one small answer
// waiting; connections.max bounds both. requests.inflight.max.bytes is divided so that large frames cannot starve
// small ones, nor calls that stay open either.

#include <cstddef>

#include "broker/net/memory_share.h"

namespace logcask {

struct WireMemory {
  // Frames up to this have a share of their own.
  static constexpr std::size_t kSmallFrameBytes = 64u << 10;
  // Answers up to this are sent whatever waits elsewhere.
  static constexpr std::size_t kSmallAnswerBytes = 16u << 10;
  // What an open call takes beside its request's bytes, roughly.
  static constexpr std::size_t kOpenCallBytes = 512;
  static constexpr std::size_t kOpenEntryBytes = 640;  // of each partition or key that the call names

  WireMemory(std::size_t request_bytes, std::size_t answer_bytes)
      : large_frames(request_bytes / 2),
        small_frames(request_bytes / 8),
        read_buffers(request_bytes / 8),
        open_calls(request_bytes / 4),
        answers(answer_bytes) {}

  MemoryShare large_frames;  // frames being received
  MemoryShare small_frames;
  MemoryShare read_buffers;  // larger than the first ones, for busy connections
  MemoryShare open_calls;    // requests of streams and of calls that wait
  MemoryShare answers;       // not taken by their peers yet

  // Time to let those wait who ask for much.
  bool answers_short() const { return answers.used() > answers.limit() / 2; }
  bool room_for_answer(std::size_t bytes) const {
    return bytes <= kSmallAnswerBytes || answers.used() + bytes <= answers.limit();
  }
};

}  // namespace logcask
