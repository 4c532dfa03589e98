// Makes a golden data directory and its description: LOGCASK_GOLDEN_OUT=OUT make_golden writes OUT/data and
// OUT/expected.txt.
//
// Run by hand, once per version of the format, into a directory named after it; the files of older versions stay,
// because every later build must open them (README.md).

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/random.h"
#include "logcask/admin.h"
#include "tests/golden/golden.h"
#include "tests/support/catch.h"

using namespace logcask;
using namespace logcask::testing;

namespace {

constexpr Compression kCodecs[] = {Compression::none, Compression::gzip, Compression::snappy, Compression::lz4,
                                   Compression::zstd};
constexpr const char* kHundredYearsMs = "3153600000000";

Random noise(20261121);

std::string long_value(std::size_t size) {
  std::string text(size, ' ');
  for (char& c : text) c = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"[noise.below(64)];
  return text;
}

// Writes and remembers.
class Writer {
 public:
  explicit Writer(GoldenBroker& broker) : broker_(broker) {}
  void put(const std::vector<TestRecord>& records, Compression codec = Compression::none) {
    now_ms_ += 1000;
    broker_.produce(kGoldenTopic, PartitionId(0), make_batch(records, {codec, kNoProducer, -1, -1}, now()));
    for (const TestRecord& record : records) latest_[record.key] = record.value;
  }
  void produce(std::int64_t producer, std::int32_t sequence) {
    broker_.produce(kGoldenTopic, PartitionId(0), golden_producer_batch(producer, sequence));
    latest_[kGoldenProducerKey] = "sequence " + std::to_string(sequence);
  }
  TimestampMs now() const { return TimestampMs(now_ms_); }
  const std::map<std::string, std::optional<std::string>>& latest() const { return latest_; }

 private:
  GoldenBroker& broker_;
  std::int64_t now_ms_ = 1'700'000'000'000;
  std::map<std::string, std::optional<std::string>> latest_;
};

std::string key(int i) { return "key-" + std::to_string(i % 12); }

// Overwrites, and deletes whose time has come: one segment of generation above 0, and a tombstone horizon.
void fill_compacted(GoldenBroker& broker, Writer& writer) {
  for (int i = 0; i < 30; ++i) {
    const bool deletes = i % 7 == 6;
    writer.put({{key(i), deletes ? std::nullopt : std::optional<std::string>("old " + std::to_string(i)), {}}},
               kCodecs[i % 2]);
  }
  writer.put({{"gone-0", "1", {}}, {"gone-1", "1", {}}});
  writer.put({{"gone-0", std::nullopt, {}}, {"gone-1", std::nullopt, {}}, {"key-1", "newer", {}}});
  for (const Compression codec : kCodecs)
    writer.put({{"kept-" + std::string(compression_name(codec)), "since before compaction", {{"kept", "yes"}}}}, codec);
  broker.compact(kGoldenTopic);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // delete.retention.ms passes
  broker.compact(kGoldenTopic);
}

// Two batches of a codec fill a segment.
void fill_codecs(Writer& writer) {
  for (const Compression codec : kCodecs) {
    const std::string name(compression_name(codec));
    writer.put({{"codec-" + name, long_value(620), {{"codec", name}, {"null", std::nullopt}}},
                {key(static_cast<int>(codec)), "small of " + name, {}}},
               codec);
    writer.put({{"large", long_value(600), {}},
                {"value-of-" + name, "", {}},
                {key(static_cast<int>(codec) + 3), std::nullopt, {{"why", "deleted with " + name}}}},
               codec);
  }
}

void fill_active(Writer& writer, std::int64_t producer) {
  writer.put({{"large", long_value(700), {}}});  // closes the last codec's segment
  for (std::int32_t sequence = 0; sequence < kGoldenSequences; ++sequence) writer.produce(producer, sequence);
  writer.put({{"key-0", "the last", {}}, {"key-11", std::nullopt, {}}}, Compression::zstd);
  writer.put({{"key-5", "written last of all", {{"source", "make_golden"}}}});
}

void fill_events(GoldenBroker& broker) {
  for (int i = 0; i < 6; ++i)
    broker.produce(kGoldenEvents, PartitionId(i % 2),
                   make_batch({{"event", "number " + std::to_string(i), {}}}, {kCodecs[i % 5], kNoProducer, -1, -1}));
}

void wait_for_hints(client::Admin& admin) {
  while (true) {
    const auto segments = admin.segments(kGoldenTopic);
    REQUIRE_OK(segments);
    bool all = true;
    for (const auto& segment : *segments) all = all && (segment.state == "active" || segment.has_hint);
    if (all) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

void create(client::Admin& admin, const std::string& name, std::uint32_t partitions,
            const std::map<std::string, std::string>& config) {
  client::NewTopic topic;
  topic.name = name;
  topic.partitions = partitions;
  topic.config = config;
  REQUIRE_OK(admin.create_topic(topic));
}

void fill(GoldenBroker& broker) {
  client::Admin admin(broker.client());
  create(admin, "deleted", 1, {});
  create(admin, kGoldenTopic, 1,
         {{"segment.bytes", "2000"},
          {"max.message.bytes", "1200"},
          {"delete.retention.ms", "1"},
          {"segment.ms", kHundredYearsMs}});
  create(admin, kGoldenEvents, 2,
         {{"cleanup.policy", "delete"},
          {"message.timestamp.type", "LogAppendTime"},
          {"retention.ms", "-1"},
          {"segment.ms", kHundredYearsMs}});
  REQUIRE_OK(admin.delete_topic("deleted"));
  Writer writer(broker);
  fill_compacted(broker, writer);
  // Nothing moves by itself from here on, whenever the directory is opened.
  REQUIRE_OK(admin.alter_topic(kGoldenTopic, {{"min.compaction.lag.ms", kHundredYearsMs}}, {"delete.retention.ms"}));
  fill_codecs(writer);
  fill_active(writer, broker.init_producer());
  fill_events(broker);
  const auto moved = admin.delete_records(kGoldenTopic, PartitionId(0), Offset(25));
  REQUIRE_OK(moved);
  client::GroupOffset commit;
  commit.topic = kGoldenTopic;
  commit.partition = PartitionId(0);
  commit.offset = Offset(40);
  commit.metadata = "half way";
  client::GroupOffset other = commit;
  other.topic = kGoldenEvents;
  other.partition = PartitionId(1);
  other.offset = Offset(2);
  REQUIRE_OK(admin.commit_group(kGoldenGroup, {commit, other}));
  wait_for_hints(admin);
  // The description is what the broker says; that it says what was written is checked here.
  auto lookups = broker.lookups();
  lookups.erase("never");
  for (const auto& [name, value] : writer.latest()) {
    INFO(name);
    const bool below_start = lookups.find(name) == lookups.end();  // every record of it is gone, and so is the key
    if (!below_start) CHECK(lookups.at(name) == value);
  }
}

// Room on this machine's disk: made again by whoever opens the directory.
void remove_reserve(const std::filesystem::path& data) {
  std::vector<std::filesystem::path> reserve;
  for (const auto& entry : std::filesystem::directory_iterator(data))
    if (entry.path().filename().string().starts_with("reserve.")) reserve.push_back(entry.path());
  for (const auto& path : reserve) std::filesystem::remove(path);
}

// What is zeros behind the last entry of a .sync is left out: 64 KiB each (golden_test.cc puts it back).
void trim_sync_logs(const std::filesystem::path& data) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data)) {
    if (entry.path().extension() != ".sync") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    std::filesystem::resize_file(entry.path(), bytes.find_last_not_of('\0') + 1);
  }
}

}  // namespace

TEST_CASE("make a golden data directory", "[golden]") {
  const char* output = std::getenv("LOGCASK_GOLDEN_OUT");
  INFO("LOGCASK_GOLDEN_OUT names the directory to make");
  REQUIRE(output != nullptr);
  const std::filesystem::path data = std::filesystem::path(output) / "data";
  REQUIRE_FALSE(std::filesystem::exists(data));
  std::filesystem::create_directories(data);
  {
    GoldenBroker broker(data.string());
    fill(broker);
    broker.stop();
  }
  // Only now: before, the tail buffer still shows what compaction has dropped from the files.
  std::string described;
  {
    GoldenBroker broker(data.string());
    described = broker.describe();
    broker.stop();
  }
  {
    GoldenBroker broker(data.string());
    REQUIRE(broker.describe() == described);
    broker.stop();
  }
  std::filesystem::remove(data / "LOCK");
  remove_reserve(data);
  trim_sync_logs(data);
  std::ofstream(std::filesystem::path(output) / "expected.txt") << described;
}
