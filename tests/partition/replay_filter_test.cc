#include "partition/replay_filter.h"

#include "tests/partition/keyed_log.h"
#include "tests/proto/raw_batch.h"

using namespace logcask;
using namespace logcask::testing;

namespace {

struct Sent {
  std::int64_t offset;
  std::string key;
  std::optional<std::string> value;
  bool operator==(const Sent&) const = default;
};

std::vector<Sent> decode(ByteView batches) {
  std::vector<Sent> records;
  std::string scratch;
  while (!batches.empty()) {
    const auto header = decode_batch_header(batches);
    REQUIRE_OK(header);
    REQUIRE(batch_crc_holds(batches.substr(0, header->total_bytes())));
    const auto section = batch_records(*header, batches.substr(0, header->total_bytes()), 1 << 20, scratch);
    REQUIRE_OK(section);
    RecordCursor cursor(*header, *section);
    RecordView record;
    while (*cursor.next(record))
      records.push_back({record.offset.value(), std::string(record.key.value_or("-")),
                         record.value ? std::optional<std::string>(*record.value) : std::nullopt});
    batches.remove_prefix(header->total_bytes());
  }
  return records;
}

// Live are the records whose offsets are named.
LivenessProbe live_ones(std::vector<std::int64_t> offsets, std::size_t* largest = nullptr) {
  return [offsets = std::move(offsets), largest](std::span<const KeyIdentity> identities, std::span<const Offset> asked,
                                                 std::vector<bool>& live) {
    if (largest) *largest = std::max(*largest, identities.size());
    live.assign(asked.size(), false);
    for (std::size_t i = 0; i < asked.size(); ++i)
      for (const std::int64_t offset : offsets) live[i] = live[i] || asked[i].value() == offset;
  };
}

std::string sample_batches(Compression codec = Compression::none) {
  BatchBuilder::Options options;
  options.compression = codec;
  options.leader_epoch = LeaderEpoch(4);
  std::string bytes;
  append_batch(bytes, Offset(0), {{"a", "0"}, {"b", "1"}, {"a", std::nullopt}}, options);
  append_batch(bytes, Offset(3), {{"a", "3"}, {"bb", "4"}}, options);
  return bytes;
}

std::vector<Sent> filtered(const ReplayFilter& filter, const LivenessProbe& probe, std::int64_t from = 0,
                           std::int64_t end = 5, Compression codec = Compression::none) {
  std::string out;
  REQUIRE_OK(
      filter_batches(sample_batches(codec), Offset(from), Offset(end), filter, test_hasher(), probe, 1 << 20, out));
  return decode(out);
}

ReplayFilter everything() {
  ReplayFilter filter;
  filter.live_only = false;
  return filter;
}

}  // namespace

TEST_CASE("live-only lets through what the keydir names, never a tombstone", "[replay]") {
  for (const Compression codec : {Compression::none, Compression::zstd, Compression::lz4})
    CHECK(filtered({}, live_ones({1, 2, 3}), 0, 5, codec) == std::vector<Sent>{{1, "b", "1"}, {3, "a", "3"}});
  CHECK(filtered({}, live_ones({})).empty());
}

TEST_CASE("everything passes unchanged, byte by byte", "[replay]") {
  std::string out;
  REQUIRE_OK(filter_batches(sample_batches(Compression::zstd), Offset(0), Offset(5), everything(), test_hasher(), {},
                            1 << 20, out));
  CHECK(out == sample_batches(Compression::zstd));
}

TEST_CASE("a range inside batches is exact at both ends", "[replay]") {
  CHECK(filtered(everything(), {}, 1, 4) == std::vector<Sent>{{1, "b", "1"}, {2, "a", std::nullopt}, {3, "a", "3"}});
  CHECK(filtered({}, live_ones({0, 1, 3, 4}), 1, 4) == std::vector<Sent>{{1, "b", "1"}, {3, "a", "3"}});
}

TEST_CASE("prefixes and keys-only are kept to, tombstones stay tombstones", "[replay]") {
  ReplayFilter filter = everything();
  filter.key_prefix = "b";
  CHECK(filtered(filter, {}) == std::vector<Sent>{{1, "b", "1"}, {4, "bb", "4"}});
  filter.key_prefix = "";
  filter.keys_only = true;
  CHECK(filtered(filter, {}) ==
        std::vector<Sent>{{0, "a", ""}, {1, "b", ""}, {2, "a", std::nullopt}, {3, "a", ""}, {4, "bb", ""}});
}

TEST_CASE("what is built anew keeps timestamps, the leader epoch and where the batch ends", "[replay]") {
  std::string out;
  REQUIRE_OK(filter_batches(sample_batches(), Offset(0), Offset(5), ReplayFilter{}, test_hasher(), live_ones({1}),
                            1 << 20, out));
  const auto header = decode_batch_header(out);
  REQUIRE_OK(header);
  CHECK(header->leader_epoch == LeaderEpoch(4));
  CHECK(header->base_offset == Offset(0));
  CHECK(header->last_offset() == Offset(2));
  CHECK(header->max_timestamp == TimestampMs(1001));
}

TEST_CASE("the keydir is asked about at most 64 records at once", "[replay]") {
  std::string bytes;
  append_batch(bytes, Offset(0), std::vector<KeyValue>(1000, {"k", "v"}));
  std::size_t largest = 0;
  std::string out;
  REQUIRE_OK(filter_batches(bytes, Offset(0), Offset(1000), ReplayFilter{}, test_hasher(),
                            live_ones({0, 63, 64, 999}, &largest), 1 << 20, out));
  CHECK(largest == 64);
  CHECK(decode(out).size() == 4);
}

// Found by fuzzing: the builder of the filtered batch ended the process.
TEST_CASE("a batch whose offsets do not rise fails a filtered replay and nothing else", "[replay]") {
  RawBatch batch;
  batch.last_offset_delta = 3;
  batch.record_count = 2;
  RawRecord record;
  record.offset_delta = 2;
  batch.records = record.bytes() + record.bytes();
  ReplayFilter filter;
  filter.live_only = false;
  filter.keys_only = true;
  std::string out;
  const Status status =
      filter_batches(batch.bytes(), Offset(0), Offset(4), filter, test_hasher(), live_ones({}), 1 << 20, out);
  REQUIRE(status.code() == Errc::corrupt_message);
  REQUIRE(out.empty());
}

TEST_CASE("control batches and empty ones do not pass", "[replay]") {
  BatchBuilder::Options options;
  options.control = true;
  options.producer_id = ProducerId(1);
  options.producer_epoch = 0;
  std::string bytes;
  append_batch(bytes, Offset(0), {{"marker", "x"}}, options);
  BatchBuilder empty(Offset(1));
  REQUIRE_OK(empty.finish(bytes, Offset(4)));
  std::string out;
  REQUIRE_OK(filter_batches(bytes, Offset(0), Offset(5), everything(), test_hasher(), {}, 1 << 20, out));
  CHECK(out.empty());
}
