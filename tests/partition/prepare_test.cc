#include "partition/prepare.h"

#include "base/random.h"
#include "tests/partition/keyed_log.h"

using namespace logcask;
using namespace logcask::testing;

namespace {

std::string sample_batch(const BatchBuilder::Options& options = BatchBuilder::Options(), std::size_t value_bytes = 10) {
  std::string bytes;
  append_batch(bytes, Offset(0), {{"a", std::string(value_bytes, 'x')}, {"b", std::nullopt}}, options);
  return bytes;
}

}  // namespace

TEST_CASE("a batch is prepared with the identities of its keys", "[prepare]") {
  const std::string bytes = sample_batch();
  const auto prepared = prepare_batch(bytes, PartitionConfig{}, test_hasher(), {{1, Condition::Kind::exists, {}}});
  REQUIRE_OK(prepared);
  REQUIRE(prepared->identities.size() == 2);
  CHECK(prepared->identities[0] == test_hasher().identity("a"));
  CHECK(prepared->identities[1] == test_hasher().identity("b"));
  CHECK(prepared->conditions.size() == 1);
  CHECK(prepared->checked->records[1].tombstone);
  CHECK(prepared->checked->batch == bytes);
}

TEST_CASE("topics without compaction take records without keys and need no identities", "[prepare]") {
  BatchBuilder builder{Offset(0)};
  builder.add(Offset(0), TimestampMs(1), std::nullopt, ByteView("v"));
  std::string bytes;
  REQUIRE_OK(builder.finish(bytes));
  CHECK(prepare_batch(bytes, PartitionConfig{}, test_hasher(), {}).code() == Errc::invalid_record);
  PartitionConfig config;
  config.compacted = false;
  const auto prepared = prepare_batch(bytes, config, test_hasher(), {});
  REQUIRE_OK(prepared);
  CHECK(prepared->identities.empty());
}

TEST_CASE("compression.type makes another batch of the same records, the producer's fields kept", "[prepare]") {
  for (const Compression from : {Compression::none, Compression::zstd})
    for (const Compression to :
         {Compression::none, Compression::gzip, Compression::snappy, Compression::lz4, Compression::zstd}) {
      BatchBuilder::Options options;
      options.compression = from;
      options.producer_id = ProducerId(9);
      options.producer_epoch = 2;
      options.base_sequence = 77;
      const std::string bytes = sample_batch(options, 3000);
      PartitionConfig config;
      config.compression = to;
      auto prepared = prepare_batch(bytes, config, test_hasher(), {});
      REQUIRE_OK(prepared);
      // Moving it must not leave views behind.
      const PreparedBatch moved = *std::move(prepared);
      const BatchHeader& header = moved.checked->header;
      CHECK(header.compression() == to);
      CHECK(header.producer_id == ProducerId(9));
      CHECK(header.producer_epoch == 2);
      CHECK(header.base_sequence == 77);
      CHECK(header.max_timestamp == TimestampMs(1001));
      REQUIRE(moved.checked->records.size() == 2);
      CHECK(moved.checked->records[0].key == "a");
      CHECK(moved.checked->records[1].tombstone);
      CHECK(moved.identities[0] == test_hasher().identity("a"));
      if (from == to) CHECK(moved.checked->batch == bytes);
      CHECK(batch_crc_holds(moved.checked->batch));
    }
}

TEST_CASE("the size limit is the producer's: taking a codec away may pass it", "[prepare]") {
  BatchBuilder::Options options;
  options.compression = Compression::zstd;
  const std::string bytes = sample_batch(options, 5000);
  PartitionConfig config;
  config.max_message_bytes = 1000;
  REQUIRE(bytes.size() < 1000);
  config.compression = Compression::none;
  const auto prepared = prepare_batch(bytes, config, test_hasher(), {});
  REQUIRE_OK(prepared);
  CHECK(prepared->checked->batch.size() > 5000);
  CHECK(prepare_batch(sample_batch({}, 5000), config, test_hasher(), {}).code() == Errc::message_too_large);
}

TEST_CASE("what takes long to prepare is left to another thread", "[prepare]") {
  const auto quick = [](const std::string& bytes, const PartitionConfig& config = PartitionConfig()) {
    std::vector<Condition> conditions = {{0, Condition::Kind::absent, {}}};
    auto prepared = prepare_quick_batch(bytes, config, test_hasher(), conditions);
    REQUIRE_OK(prepared);
    CHECK(conditions.empty() == prepared->has_value());
    if (*prepared) CHECK((*prepared)->conditions.size() == 1);
    return prepared->has_value();
  };
  PartitionConfig large;
  large.max_message_bytes = 8 << 20;
  BatchBuilder::Options zstd;
  zstd.compression = Compression::zstd;
  CHECK(quick(sample_batch()));
  CHECK(quick(sample_batch({}, kQuickBatchBytes - 100), large));
  CHECK_FALSE(quick(sample_batch({}, kQuickBatchBytes + 100), large));
  CHECK(quick(sample_batch(zstd, kQuickSmallBytes - 100)));
  CHECK_FALSE(quick(sample_batch(zstd, kQuickSmallBytes + 100)));
  // Half of it is noise: it unpacks to twice its size.
  const auto half_noise = [&](std::size_t value_bytes) {
    Random random(1);
    std::string value(value_bytes / 2, 'x');
    while (value.size() < value_bytes) value.push_back(static_cast<char>(random.next()));
    BatchBuilder builder(Offset(0), zstd);
    builder.add(Offset(0), TimestampMs(1), ByteView("k"), ByteView(value));
    std::string bytes;
    REQUIRE_OK(builder.finish(bytes));
    return bytes;
  };
  CHECK(quick(half_noise(kQuickBatchBytes * 3 / 4), large));
  CHECK_FALSE(quick(half_noise(kQuickBatchBytes + 4000), large));

  PartitionConfig reencoding;
  reencoding.compression = Compression::gzip;
  CHECK(quick(sample_batch({}, kQuickSmallBytes - 100), reencoding));
  CHECK_FALSE(quick(sample_batch({}, kQuickSmallBytes + 100), reencoding));
  CHECK_FALSE(quick(sample_batch(zstd, kQuickSmallBytes + 100), reencoding));

  BatchBuilder many{Offset(0)};
  for (std::size_t i = 0; i <= kQuickBatchRecords; ++i)
    many.add(Offset(static_cast<std::int64_t>(i)), TimestampMs(1), ByteView("k"), ByteView());
  std::string crowd;
  REQUIRE_OK(many.finish(crowd));
  CHECK_FALSE(quick(crowd));

  // Nothing of it would be unpacked.
  std::vector<Condition> none;
  CHECK(prepare_quick_batch(sample_batch({}, 2u << 20), PartitionConfig(), test_hasher(), none).code() ==
        Errc::message_too_large);
  CHECK(prepare_quick_batch(std::string(5000, 'x'), PartitionConfig(), test_hasher(), none).code() ==
        Errc::corrupt_message);
}

TEST_CASE("damaged bytes are refused, wherever the damage is", "[prepare]") {
  const std::string good = sample_batch();
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    accepted += prepare_batch(bad, PartitionConfig{}, test_hasher(), {}).ok();
  }
  CHECK(accepted <= 12);  // base offset and leader epoch are the broker's to set, and outside the checksum
  for (std::size_t size = 0; size < good.size(); ++size)
    CHECK_FALSE(prepare_batch(ByteView(good).substr(0, size), PartitionConfig{}, test_hasher(), {}).ok());
}
