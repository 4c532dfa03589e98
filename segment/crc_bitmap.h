#pragma once
// Which batches of a segment had their CRC checked by this process: one bit per 64 bytes of file position.
//
// Two batches with records never start in the same 64 bytes (61 header bytes and at least 7 for a record), so a
// position names a batch; batches without records must not be marked. Chunks of 4 KiB (2 MiB of file) are
// allocated when first marked. Safe from any thread, without locks.

#include <array>
#include <atomic>
#include <cstdint>

#include "segment/segment_facts.h"

namespace logcask {

class CrcBitmap {
 public:
  CrcBitmap() = default;
  ~CrcBitmap();
  CrcBitmap(const CrcBitmap&) = delete;
  CrcBitmap& operator=(const CrcBitmap&) = delete;

  bool marked(std::uint64_t position) const;
  void mark(std::uint64_t position);

 private:
  static constexpr std::uint64_t kBytesPerBit = 64;
  static constexpr std::uint64_t kChunkBits = 32768;
  static constexpr std::uint64_t kChunks = (kMaxSegmentBytes + 1) / (kBytesPerBit * kChunkBits);
  struct Chunk {
    std::array<std::atomic<std::uint64_t>, kChunkBits / 64> words{};
  };
  struct Table {
    std::array<std::atomic<Chunk*>, kChunks> chunks{};
  };

  std::atomic<Table*> table_{nullptr};
};

}  // namespace logcask
