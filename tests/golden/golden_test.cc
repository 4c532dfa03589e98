// Data directories that each version of the format wrote are opened by this build, and say what they said then.

#include "tests/golden/golden.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "broker/data_directory.h"
#include "broker/settings/config_sources.h"
#include "logcask/admin.h"
#include "partition/hint_builder.h"
#include "partition/manifest.h"
#include "partition/producer_state.h"
#include "segment/filename.h"
#include "segment/offset_index.h"
#include "segment/posix_file.h"
#include "segment/sync_log.h"
#include "segment/time_index.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

using namespace logcask;
using namespace logcask::testing;

namespace {

namespace fs = std::filesystem;
const fs::path kGolden = LOGCASK_GOLDEN_DIR;

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// A copy: opening writes. The repository holds .sync files without their zeros.
class Copy {
 public:
  explicit Copy(const std::string& version) : expected_(read_text(kGolden / version / "expected.txt")) {
    fs::copy(kGolden / version / "data", data(), fs::copy_options::recursive);
    for (const auto& entry : fs::recursive_directory_iterator(data()))
      if (entry.path().extension() == ".sync") fs::resize_file(entry.path(), kSyncFileBytes);
    REQUIRE_FALSE(expected_.empty());
  }
  fs::path data() const { return fs::path(temp_.path()) / "data"; }
  const std::string& expected() const { return expected_; }
  std::string partition_name(const std::string& topic) const {
    for (const auto& entry : fs::directory_iterator(data()))
      if (entry.path().filename().string().starts_with(topic + "-0.")) return entry.path().filename().string();
    FAIL("no partition of " << topic);
    return "";
  }
  std::shared_ptr<Directory> partition(const std::string& topic) const {
    auto opened = open_posix_directory((data() / partition_name(topic)).string());
    REQUIRE_OK(opened);
    return *std::move(opened);
  }
  // Path and content of every file but the lock.
  std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(data()))
      if (entry.is_regular_file() && entry.path().filename() != kDataLockName)
        all[entry.path().string()] = read_text(entry.path());
    return all;
  }

 private:
  TempDir temp_;
  const std::string expected_;
};

std::string content(Directory& directory, const std::string& name) {
  const auto bytes = read_file(directory, name, 1 << 20);
  REQUIRE_OK(bytes);
  return *bytes;
}

}  // namespace

TEST_CASE("a data directory of any format opens and holds what it held", "[golden]") {
  Copy copy(GENERATE("v1", "v2"));
  // What it is about; a directory without these would prove little.
  for (const char* fact : {"deleted", "absent", "[codec='zstd']", "[null=deleted]", "group billing"})
    REQUIRE(copy.expected().find(fact) != std::string::npos);
  GoldenBroker broker(copy.data().string());
  CHECK(broker.describe() == copy.expected());
  broker.stop();
  GoldenBroker again(copy.data().string());
  CHECK(again.describe() == copy.expected());
  again.stop();
}

TEST_CASE("producers of any format are known: their batches are duplicates, their ids are not given again",
          "[golden]") {
  Copy copy(GENERATE("v1", "v2"));
  GoldenBroker broker(copy.data().string());
  const std::string described = broker.describe();
  for (std::int32_t sequence = 0; sequence < kGoldenSequences; ++sequence)
    CHECK(broker.produce(kGoldenTopic, PartitionId(0), golden_producer_batch(0, sequence)).duplicate);
  CHECK(broker.describe() == described);
  CHECK(broker.init_producer() > 0);
  broker.stop();
}

TEST_CASE("a data directory of any format goes on: appends, compaction, restarts", "[golden]") {
  Copy copy(GENERATE("v1", "v2"));
  auto expected = [&] {
    GoldenBroker broker(copy.data().string());
    auto lookups = broker.lookups();
    broker.produce(kGoldenTopic, PartitionId(0),
                   make_batch({{"key-0", "written by a later build", {}}, {"large", std::nullopt, {}}}));
    broker.stop();
    return lookups;
  }();
  expected["key-0"] = "written by a later build";
  expected["large"] = std::nullopt;
  GoldenBroker broker(copy.data().string());
  CHECK(broker.lookups() == expected);
  REQUIRE_OK(client::Admin(broker.client()).alter_topic(kGoldenTopic, {}, {"min.compaction.lag.ms"}));
  broker.compact(kGoldenTopic);
  CHECK(broker.lookups() == expected);
  broker.stop();
  GoldenBroker again(copy.data().string());
  CHECK(again.lookups() == expected);
  again.stop();
}

// Derived files would be rebuilt in silence if they were not understood any more: here they have to be.
TEST_CASE("every file of any format is understood for itself", "[golden]") {
  const int format = GENERATE(1, 2);
  Copy copy("v" + std::to_string(format));
  CHECK(read_text(copy.data() / "FORMAT") == std::to_string(format) + "\n");
  KeyHasher::Secret secret;
  const std::string secret_bytes = read_text(copy.data() / "hash.secret");
  REQUIRE(secret_bytes.size() == secret.size());
  std::copy(secret_bytes.begin(), secret_bytes.end(), reinterpret_cast<char*>(secret.data()));
  const KeyHasher hasher(secret);
  const auto directory = copy.partition(kGoldenTopic);
  const auto manifest = decode_manifest(content(*directory, "manifest.a"));
  REQUIRE_OK(manifest);
  CHECK(decode_manifest(content(*directory, "manifest.b")).ok());
  CHECK(manifest->log_start_offset > Offset(0));
  CHECK(manifest->tombstone_horizon > Offset(0));
  CHECK_FALSE(manifest->clean_through.empty());
  const auto producers = ProducerState::decode_snapshot(content(*directory, manifest->producer_snapshot_name));
  REQUIRE_OK(producers);
  CHECK(producers->state.size() == 1);
  std::size_t compacted = 0;
  std::size_t appended = 0;
  for (const ManifestSegment& segment : manifest->segments) {
    const SegmentName name = segment.facts.name;
    INFO(segment_filename(name, SegmentFile::log));
    ++(name.rewritten() ? compacted : appended);
    CHECK(content(*directory, segment_filename(name, SegmentFile::log)).size() == segment.facts.size_bytes);
    CHECK(OffsetIndex::decode(content(*directory, segment_filename(name, SegmentFile::index)), segment.facts).ok());
    CHECK(TimeIndex::decode(content(*directory, segment_filename(name, SegmentFile::time_index)), segment.facts).ok());
    const auto hint = HintReader::open(*directory, name);
    REQUIRE_OK(hint);
    CHECK(hint_is_whole(hint->header(), extent_of(segment.facts)));
    CHECK(hint->header().secret_fingerprint == hasher.secret_fingerprint());
    CHECK(hint->read([](std::span<const HintEntry>) { return Status(); }).ok());
    if (format > 1)
      CHECK(read_sync_log(*directory, name.base).code() == Errc::not_found);
    else if (!name.rewritten())
      CHECK(read_sync_log(*directory, name.base)->position == segment.facts.size_bytes);
  }
  CHECK(compacted >= 1);
  CHECK(appended >= 5);
  const auto sync = read_sync_content(*directory, manifest->closed_end());
  REQUIRE_OK(sync);
  CHECK(sync->newest.offset_ceiling > sync->newest.durable_end);
  CHECK(sync->format_1 == (format == 1));
  CHECK(manifest->owner.has_value() == (format > 1));
  CHECK(sync->owner == manifest->owner);
  if (format == 1) return;
  CHECK(copy.partition_name(kGoldenTopic).ends_with("." + manifest->owner->topic.to_hex()));
  CHECK(manifest->owner->partition == PartitionId(0));
  CHECK(sync->newest.log_start == manifest->log_start_offset);
  CHECK(sync->newest.run.id != kNoRun);
  CHECK(manifest->runs.check(sync->newest.run.id, sync->newest.durable_end, sync->newest.durable_end).ok());
  CHECK(manifest->judged_end > Offset(0));
}

// From its first start under this build on an older one refuses it by its number, as this one refuses format 3.
TEST_CASE("a data directory of format 1 is of format 2 from its first start on", "[golden]") {
  Copy copy("v1");
  GoldenBroker(copy.data().string()).stop();
  CHECK(read_text(copy.data() / "FORMAT") == std::to_string(kDataFormatVersion) + "\n");
  const auto manifest = decode_manifest(content(*copy.partition(kGoldenTopic), "manifest.a"));
  REQUIRE_OK(manifest);
  CHECK(manifest->owner.has_value());
}

TEST_CASE("a data directory of a newer format is refused and left alone", "[golden]") {
  Copy copy("v1");
  std::ofstream(copy.data() / "FORMAT") << "3\n";
  const auto before = copy.files();
  ConfigSources sources;
  sources.flags = {{"data.dir", copy.data().string()}, {"listen", "127.0.0.1:0"}, {"log.level", "error"}};
  const auto config = make_broker_config(sources);
  REQUIRE_OK(config);
  const auto started = Broker::start(*config, "test");
  REQUIRE(started.code() == Errc::unsupported_version);
  INFO(started.error().message);
  CHECK(started.error().message.find("newer logcask (format 3; this build knows 2)") != std::string::npos);
  CHECK(started.error().message.find(copy.data().string()) != std::string::npos);
  CHECK(copy.files() == before);
}
