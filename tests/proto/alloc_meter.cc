#include "tests/proto/alloc_meter.h"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> live{0};
std::atomic<std::size_t> peak{0};

void* counted_alloc(std::size_t size) noexcept {
  void* at = std::malloc(size == 0 ? 1 : size);
  if (at == nullptr) return nullptr;
  const std::size_t now = live += malloc_usable_size(at);
  if (now > peak) peak = now;
  return at;
}

void* counted_new(std::size_t size) {
  void* at = counted_alloc(size);
  if (at == nullptr) throw std::bad_alloc();
  return at;
}

void counted_free(void* at) {
  if (at != nullptr) live -= malloc_usable_size(at);
  std::free(at);
}

}  // namespace

// Every form without alignment, or the sanitizers see a new of theirs meet a delete of ours.
void* operator new(std::size_t size) { return counted_new(size); }
void* operator new[](std::size_t size) { return counted_new(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return counted_alloc(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return counted_alloc(size); }
void operator delete(void* at) noexcept { counted_free(at); }
void operator delete[](void* at) noexcept { counted_free(at); }
void operator delete(void* at, std::size_t) noexcept { counted_free(at); }
void operator delete[](void* at, std::size_t) noexcept { counted_free(at); }
void operator delete(void* at, const std::nothrow_t&) noexcept { counted_free(at); }
void operator delete[](void* at, const std::nothrow_t&) noexcept { counted_free(at); }

namespace logcask {

AllocMeter::AllocMeter() : start_(live) { peak = start_; }

std::size_t AllocMeter::peak_bytes() const { return peak - start_; }

}  // namespace logcask
