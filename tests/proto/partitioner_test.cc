#include "proto/partitioner.h"

#include "tests/support/catch.h"

namespace logcask {
namespace {

std::int32_t signed_murmur2(ByteView key) { return static_cast<std::int32_t>(murmur2(key)); }

TEST_CASE("murmur2 gives the numbers of Kafka's own test") {
  CHECK(signed_murmur2("21") == -973932308);
  CHECK(signed_murmur2("foobar") == -790332482);
  CHECK(signed_murmur2("a-little-bit-long-string") == -985981536);
  CHECK(signed_murmur2("a-little-bit-longer-string") == -1486304829);
  CHECK(signed_murmur2("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8") == -58897971);
  CHECK(signed_murmur2("abc") == 479470107);
}

TEST_CASE("murmur2 reads bytes above 127 as unsigned") {
  const ByteView one("\xff", 1);
  // By hand: h = seed ^ 1; h = (h ^ 0xff) * m; then the two final shifts.
  std::uint32_t hash = ((0x9747b28cu ^ 1u) ^ 0xffu) * 0x5bd1e995u;
  hash ^= hash >> 13;
  hash *= 0x5bd1e995u;
  hash ^= hash >> 15;
  CHECK(murmur2(one) == hash);
}

TEST_CASE("crc32 and fnv1a give their published check values") {
  CHECK(crc32_ieee("123456789") == 0xcbf43926u);
  CHECK(crc32_ieee("") == 0u);
  CHECK(fnv1a_32("") == 0x811c9dc5u);
  CHECK(fnv1a_32("a") == 0xe40c292cu);
  CHECK(fnv1a_32("foobar") == 0xbf9cf968u);
}

TEST_CASE("every partitioner stays within the partitions") {
  for (const auto partitioner : {Partitioner::any, Partitioner::murmur2, Partitioner::crc32, Partitioner::fnv1a}) {
    for (int count : {1, 2, 3, 7, 100}) {
      for (int i = 0; i < 500; ++i) {
        const PartitionId partition = partition_for_key(partitioner, "key-" + std::to_string(i), count);
        REQUIRE(partition.value() >= 0);
        REQUIRE(partition.value() < count);
      }
    }
  }
}

TEST_CASE("murmur2 masks the sign and fnv1a drops it after the remainder") {
  // murmur2("21") is negative: Kafka takes (h & 0x7fffffff) % n.
  CHECK(partition_for_key(Partitioner::murmur2, "21", 1000).value() == (-973932308 & 0x7fffffff) % 1000);
  // fnv1a("foobar") is negative as int32: sarama takes -(h % n).
  const auto hash = static_cast<std::int32_t>(0xbf9cf968u);
  CHECK(partition_for_key(Partitioner::fnv1a, "foobar", 1000).value() == -(hash % 1000));
  CHECK(partition_for_key(Partitioner::crc32, "123456789", 1000).value() == static_cast<int>(0xcbf43926u % 1000));
}

TEST_CASE("partitioner names go there and back") {
  for (const auto partitioner : {Partitioner::any, Partitioner::murmur2, Partitioner::crc32, Partitioner::fnv1a}) {
    const auto back = partitioner_from_name(partitioner_name(partitioner));
    REQUIRE_OK(back);
    CHECK(back.value() == partitioner);
  }
  CHECK(partitioner_from_name("md5").code() == Errc::invalid_argument);
}

}  // namespace
}  // namespace logcask
