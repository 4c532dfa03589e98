#pragma once
// Internal to proto: what compression.cc dispatches to, one file per library.
//
// Every compress_* appends to `out`; every decompress_* writes into a BoundedOutput.

#include <algorithm>
#include <cstddef>
#include <string>

#include "base/result.h"
#include "base/types.h"

namespace logcask::codec {

// Grows a string geometrically and stops one byte above the limit, so that a bomb is noticed when it
// has written max_bytes + 1 bytes and not when it has filled the memory.
class BoundedOutput {
 public:
  BoundedOutput(std::string& out, std::size_t max_bytes) : out_(out), limit_(max_bytes) { out_.clear(); }

  std::size_t used() const { return used_; }
  std::size_t limit() const { return limit_; }
  bool over() const { return used_ > limit_; }

  // Makes the next growth at least this large (a guess is fine, the limit still holds).
  void hint(std::size_t bytes) { step_ = std::max(step_, bytes); }
  // At least one writable byte at room(), room_bytes() of them, unless over().
  void make_room() {
    if (used_ == out_.size()) grow_to(used_ + std::min(limit_ + 1 - used_, std::max(step_, used_)));
  }
  // At least `bytes` writable bytes; the caller has checked them against the limit.
  void make_room(std::size_t bytes) {
    if (room_bytes() < bytes) grow_to(used_ + bytes);
  }
  char* room() { return out_.data() + used_; }
  std::size_t room_bytes() const { return out_.size() - used_; }
  void commit(std::size_t bytes) { used_ += bytes; }
  void finish() { out_.resize(used_); }

 private:
  // Doubles like std::string does, but never past the limit.
  void grow_to(std::size_t size) {
    if (size > out_.capacity()) {
      std::string larger;
      larger.reserve(std::max(size, std::min(limit_ + 1, 2 * out_.capacity())));
      larger.append(out_.data(), used_);
      out_.swap(larger);
    }
    out_.resize(size);
  }

  std::string& out_;
  std::size_t limit_;
  std::size_t used_ = 0;
  std::size_t step_ = 4096;
};

Error corrupt(const char* codec, const char* what);
Error too_large(const char* codec, std::size_t max_bytes);
// The library got no memory: nothing is known of the data. Not damage.
Error no_memory(const char* codec);

Status compress_gzip(ByteView input, std::string& out);
Status compress_snappy(ByteView input, std::string& out);
Status compress_lz4(ByteView input, std::string& out);
Status compress_zstd(ByteView input, std::string& out);

Status decompress_gzip(ByteView input, BoundedOutput& out);
Status decompress_snappy(ByteView input, BoundedOutput& out);
Status decompress_lz4(ByteView input, BoundedOutput& out);
Status decompress_zstd(ByteView input, BoundedOutput& out);

}  // namespace logcask::codec
