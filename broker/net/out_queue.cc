#include "broker/net/out_queue.h"

#include <algorithm>
#include <utility>

namespace logcask {
namespace {

// A small chunk takes no more once it is this long; a spare buffer is kept up to twice that.
constexpr std::size_t kSmallChunkBytes = 64u << 10;
// Below this the share of all connections is not told: most answers leave at once.
constexpr std::size_t kCountedBytes = 16u << 10;

}  // namespace

std::string& OutQueue::small() {
  if (chunks_.empty() || !chunks_.back().open || chunks_.back().own.size() >= kSmallChunkBytes) {
    Chunk& chunk = chunks_.emplace_back();
    chunk.own = std::exchange(spare_, {});
    chunk.own.clear();
    chunk.open = true;
  }
  small_before_ = chunks_.back().own.size();
  return chunks_.back().own;
}

void OutQueue::appended() {
  bytes_ += chunks_.back().own.size() - small_before_;
  count();
}

// A chunk stays whole until its last byte has been taken.
void OutQueue::count() {
  if (!share_) return;
  const std::size_t held = bytes_ + front_used_;
  if (held > counted_ + kCountedBytes) {
    share_->add(held - counted_);
  } else if (counted_ > 0 && (held == 0 || held + kCountedBytes < counted_)) {
    share_->sub(counted_ - held);
  } else {
    return;
  }
  counted_ = held;
}

void OutQueue::add(std::string bytes) {
  if (bytes.empty()) return;
  bytes_ += bytes.size();
  chunks_.emplace_back().own = std::move(bytes);
  count();
}

void OutQueue::add(ByteView bytes, std::shared_ptr<const void> owner) {
  if (bytes.empty()) return;
  bytes_ += bytes.size();
  Chunk& chunk = chunks_.emplace_back();
  chunk.view = bytes;
  chunk.owner = std::move(owner);
  count();
}

std::size_t OutQueue::gather(std::span<ByteView> out) const {
  std::size_t filled = 0;
  std::size_t skip = front_used_;
  for (const Chunk& chunk : chunks_) {
    if (filled == out.size()) break;
    const ByteView bytes = chunk.bytes().substr(std::exchange(skip, 0));
    if (!bytes.empty()) out[filled++] = bytes;
  }
  return filled;
}

void OutQueue::consume(std::size_t count) {
  bytes_ -= count;
  count += front_used_;
  while (!chunks_.empty() && count >= chunks_.front().bytes().size()) {
    Chunk& front = chunks_.front();
    count -= front.bytes().size();
    if (front.open && front.own.capacity() <= 2 * kSmallChunkBytes && front.own.capacity() > spare_.capacity())
      spare_ = std::move(front.own);
    chunks_.pop_front();
    if (count == 0) break;
  }
  front_used_ = count;
  this->count();
}

void OutQueue::clear() {
  chunks_.clear();
  front_used_ = 0;
  bytes_ = 0;
  count();
}

}  // namespace logcask
