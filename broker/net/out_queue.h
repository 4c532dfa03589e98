#pragma once
// Bytes on their way to a socket: small ones copied together, large ones by reference with their owners.
//
// One thread. Views given by gather() are good until the next append or consume. What waits is counted in a share of
// all connections, small amounts coarsely.

#include <cstddef>
#include <deque>
#include <memory>
#include <span>
#include <string>

#include "base/types.h"
#include "broker/net/memory_share.h"

namespace logcask {

class OutQueue {
 public:
  OutQueue() = default;
  explicit OutQueue(MemoryShare& share) : share_(&share) {}
  ~OutQueue() { clear(); }
  OutQueue(const OutQueue&) = delete;
  OutQueue& operator=(const OutQueue&) = delete;

  // Where small bytes are appended; call appended() afterwards.
  std::string& small();
  void appended();
  void add(std::string bytes);
  // `bytes` live as long as `owner`.
  void add(ByteView bytes, std::shared_ptr<const void> owner);

  std::size_t bytes() const { return bytes_; }
  bool empty() const { return bytes_ == 0; }
  // Fills `out` from the front; returns how many were filled.
  std::size_t gather(std::span<ByteView> out) const;
  void consume(std::size_t count);
  void clear();

 private:
  struct Chunk {
    std::string own;
    ByteView view;  // used when `owner` is set
    std::shared_ptr<const void> owner;
    bool open = false;  // small() may append
    ByteView bytes() const { return owner ? view : ByteView(own); }
  };
  void count();

  MemoryShare* const share_ = nullptr;
  std::size_t counted_ = 0;  // in the share
  std::deque<Chunk> chunks_;
  std::string spare_;  // the buffer of a consumed small chunk, kept for the next
  std::size_t front_used_ = 0;
  std::size_t bytes_ = 0;
  std::size_t small_before_ = 0;
};

}  // namespace logcask
