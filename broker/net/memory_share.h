#pragma once
// A number of bytes that many connections share: taken, given back, waited for in turn.
//
// Any thread. Taking and giving is an atomic operation while nobody waits. Whoever waits is served in the order of
// arrival, and nobody overtakes. Outlives its leases.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>

namespace logcask {

class MemoryShare {
 public:
  // Bytes held until destruction. Move-only; empty by default.
  class Lease {
   public:
    Lease() = default;
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&& other) noexcept;
    ~Lease() { give_back(); }
    std::size_t bytes() const { return bytes_; }
    // Takes as many more. False when there is no room; what is held stays. Not of an empty one.
    bool grow(std::size_t bytes);
    explicit operator bool() const { return share_ != nullptr; }

   private:
    friend class MemoryShare;
    Lease(MemoryShare* share, std::size_t bytes) : share_(share), bytes_(bytes) {}
    void give_back();
    MemoryShare* share_ = nullptr;
    std::size_t bytes_ = 0;
  };
  // On the thread that gave bytes back; must not take or give itself.
  using Granted = std::function<void(Lease)>;

  explicit MemoryShare(std::size_t limit_bytes) : limit_(limit_bytes) {}
  MemoryShare(const MemoryShare&) = delete;
  MemoryShare& operator=(const MemoryShare&) = delete;

  // Empty when there is no room, or others wait.
  Lease try_take(std::size_t bytes);
  // Like try_take; when that fails, joins the line: `granted` is called once, unless leave(place) comes first. More
  // than the limit is granted when nobody else holds anything.
  Lease take_or_wait(std::size_t bytes, Granted granted, std::uint64_t& place);
  void leave(std::uint64_t place);

  // Without asking, and without a lease.
  void add(std::size_t bytes) { used_.fetch_add(bytes); }
  void sub(std::size_t bytes);

  std::size_t used() const { return used_.load(std::memory_order_relaxed); }
  std::size_t limit() const { return limit_; }
  std::size_t waiting() const { return waiting_.load(std::memory_order_relaxed); }

 private:
  struct Waiter {
    std::uint64_t place;
    std::size_t bytes;
    Granted granted;
  };
  bool take(std::size_t bytes);
  void serve_line();

  const std::size_t limit_;
  std::atomic<std::size_t> used_{0};
  std::atomic<std::size_t> waiting_{0};  // size of line_, for a look without the lock
  std::mutex mutex_;
  std::deque<Waiter> line_;       // guarded
  std::uint64_t next_place_ = 1;  // guarded
};

}  // namespace logcask
