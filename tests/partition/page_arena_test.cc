#include "partition/page_arena.h"

#include <cstring>
#include <thread>
#include <vector>

#include "tests/support/catch.h"

namespace logcask {
namespace {

constexpr std::size_t kPage = PageArena::kPageBytes;

bool all_zero(const std::byte* at, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i)
    if (at[i] != std::byte{0}) return false;
  return true;
}

TEST_CASE("an arena counts exactly the pages in use") {
  PageArena arena;
  CHECK(arena.bytes_in_use() == 0);
  CHECK(arena.bytes_mapped() == 0);
  std::byte* extent = arena.reserve();
  CHECK(arena.bytes_in_use() == 0);
  arena.grow(0, 3);
  CHECK(arena.bytes_in_use() == 3 * kPage);
  arena.shrink(extent, 3, 1);
  CHECK(arena.bytes_in_use() == kPage);
  arena.release(extent, 1);
  CHECK(arena.bytes_in_use() == 0);
}

TEST_CASE("extents are aligned, do not overlap and read as zero, also when used before") {
  PageArena arena;
  for (int round = 0; round < 2; ++round) {
    std::vector<std::byte*> extents;
    for (std::size_t i = 0; i < PageArena::kChunkExtents + 3; ++i) {
      std::byte* extent = arena.reserve();
      CHECK(reinterpret_cast<std::uintptr_t>(extent) % PageArena::kExtentBytes == 0);
      arena.grow(0, 16);
      REQUIRE(all_zero(extent, PageArena::kExtentBytes));
      std::memset(extent, static_cast<int>(i) | 1, PageArena::kExtentBytes);
      extents.push_back(extent);
    }
    for (std::size_t i = 0; i < extents.size(); ++i) {
      REQUIRE(extents[i][0] == static_cast<std::byte>(i | 1));
      REQUIRE(extents[i][PageArena::kExtentBytes - 1] == static_cast<std::byte>(i | 1));
      arena.release(extents[i], 16);
    }
  }
  CHECK(arena.bytes_in_use() == 0);
}

TEST_CASE("pages that were given up read as zero when they are taken again") {
  PageArena arena;
  std::byte* extent = arena.reserve();
  arena.grow(0, 4);
  std::memset(extent, 7, 4 * kPage);
  arena.shrink(extent, 4, 2);
  arena.grow(2, 4);
  CHECK(extent[2 * kPage - 1] == std::byte{7});
  CHECK(all_zero(extent + 2 * kPage, 2 * kPage));
  arena.release(extent, 4);
}

TEST_CASE("chunks without extents go back to the system, all but one") {
  PageArena arena;
  std::vector<std::byte*> extents;
  for (std::size_t i = 0; i < 4 * PageArena::kChunkExtents; ++i) extents.push_back(arena.reserve());
  CHECK(arena.bytes_mapped() == 4 * PageArena::kChunkBytes);
  for (std::byte* extent : extents) arena.release(extent, 0);
  CHECK(arena.bytes_mapped() == PageArena::kChunkBytes);
  CHECK(arena.reserve() != nullptr);  // leaked to the destructor on purpose: it holds no page
}

TEST_CASE("an extent larger than usual has a mapping of its own") {
  PageArena arena;
  std::byte* extent = arena.reserve(64);
  CHECK(arena.bytes_mapped() == 64 * kPage);
  arena.grow(0, 64);
  std::memset(extent, 1, 64 * kPage);
  arena.release(extent, 64, 64);
  CHECK(arena.bytes_mapped() == 0);
  CHECK(arena.bytes_in_use() == 0);
}

TEST_CASE("threads may share an arena") {
  PageArena arena;
  std::vector<std::thread> threads;
  for (int t = 1; t <= 4; ++t)
    threads.emplace_back([&arena, t] {
      for (int round = 0; round < 200; ++round) {
        std::vector<std::byte*> mine;
        for (int i = 0; i < 20; ++i) {
          mine.push_back(arena.reserve());
          arena.grow(0, 1);
          *mine.back() = static_cast<std::byte>(t);
        }
        for (std::byte* extent : mine) {
          if (*extent != static_cast<std::byte>(t)) std::abort();
          arena.release(extent, 1);
        }
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(arena.bytes_in_use() == 0);
}

}  // namespace
}  // namespace logcask
