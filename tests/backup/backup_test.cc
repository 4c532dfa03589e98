// What a restore brings back is what the backup's broker had: every key and every offset, whatever went on meanwhile.
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "logcask/consumer.h"
#include "logcask/producer.h"
#include "logcask/replay.h"
#include "logcask/table.h"
#include "tests/backup/backup_broker.h"
#include "tests/backup/logcask_program.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace logcask::testing {
namespace {

namespace fs = std::filesystem;

// Small segments, compaction at once: a log in which much has happened.
const std::map<std::string, std::string> kBusyTopic = {
    {"cleanup.policy", "compact"}, {"segment.bytes", "65536"}, {"min.cleanable.dirty.ratio", "0.1"}};

// Compaction leaves it alone, so that what is read twice is the same.
const std::map<std::string, std::string> kStillTopic = {
    {"cleanup.policy", "compact"}, {"segment.bytes", "65536"}, {"min.compaction.lag.ms", "86400000"}};

std::string key_of(int number) { return "key-" + std::to_string(number); }
std::vector<std::string> keys_up_to(int count) {
  std::vector<std::string> keys;
  for (int i = 0; i < count; ++i) keys.push_back(key_of(i));
  return keys;
}

// Each key several times, every seventh deleted at last, one with headers.
void fill(const client::Client& client, const std::string& topic, int keys, int rounds, const std::string& word = "v") {
  auto producer = client::Producer::open(client, topic);
  REQUIRE_OK(producer);
  const std::string padding(100, 'x');
  for (int round = 0; round < rounds; ++round)
    for (int i = 0; i < keys; ++i) {
      const std::string key = key_of(i);
      const std::string value = word + std::to_string(round) + "-" + std::to_string(i) + padding;
      const std::string round_text = "r" + std::to_string(round);
      const client::HeaderView header{"round", round_text};
      client::OutRecord record;
      record.key = key;
      if (round + 1 < rounds || i % 7 != 0) record.value = value;
      if (i % 5 == 0) record.headers = {&header, 1};
      REQUIRE_OK(producer->send(record));
    }
  REQUIRE_OK(producer->close());
}

ProgramEnd back_up(const BackupBroker& broker, const std::string& to, std::vector<std::string> what) {
  std::vector<std::string> words = {"backup", to, "--broker", broker.address()};
  words.insert(words.end(), what.begin(), what.end());
  return run_logcask(std::move(words));
}
ProgramEnd restore(const std::string& from, const std::string& data, std::vector<std::string> more = {}) {
  std::vector<std::string> words = {"restore", from, "--data-dir", data};
  words.insert(words.end(), more.begin(), more.end());
  return run_logcask(std::move(words));
}
void require_done(const ProgramEnd& end) {
  INFO(end.said);
  REQUIRE(end.code == 0);
}

struct Places {
  TempDir temp;
  std::string source = temp.path() + "/source";
  std::string backup = temp.path() + "/backup";
  std::string target = temp.path() + "/target";
};

}  // namespace

TEST_CASE("a restore into a fresh broker has every key and every offset", "[backup]") {
  const Places places;
  std::vector<StoredRecord> compacted_before, plain_before;
  std::map<std::string, KeyState> keys_before;
  {
    BackupBroker broker(places.source);
    const client::Client client = broker.client();
    make_topic(client, "busy", 3, kBusyTopic);
    make_topic(client, "plain", 2, {{"cleanup.policy", "delete"}});
    fill(client, "busy", 2000, 4);
    fill(client, "plain", 500, 1);
    const std::size_t produced = 2000 * 4;
    REQUIRE_OK(client::Admin(client).compact("busy", PartitionId(-1), true));
    REQUIRE_OK(client::Admin(client).alter_topic("busy", kStillTopic));
    fill(client, "busy", 300, 1, "last");
    require_done(back_up(broker, places.backup, {"--all"}));
    compacted_before = all_records(client, "busy");
    CHECK(compacted_before.size() < produced);
    plain_before = all_records(client, "plain");
    keys_before = look_up(client, "busy", keys_up_to(2001));
    CHECK(ends_of(client, "busy").size() == 3);
  }
  require_done(restore(places.backup, places.target));
  require_done(run_logcask({"verify", places.target}));
  BackupBroker broker(places.target);
  const client::Client client = broker.client();
  CHECK((all_records(client, "busy") == compacted_before));
  CHECK((all_records(client, "plain") == plain_before));
  CHECK(look_up(client, "busy", keys_up_to(2001)) == keys_before);
  // The key directory came from the hints that the restore has made.
  client::BrokerDescription described;
  for (int i = 0; i < 600 && described.keydir_load_seconds == 0; ++i) {  // told about a second after the start
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const auto now = client::Admin(client).describe_broker();
    REQUIRE_OK(now);
    described = *now;
  }
  CHECK(described.keydir_loaded_from_hints >= keys_before.size() - 1);
  CHECK(described.keydir_loaded_from_scan < 10);  // of the metadata topic
  // It is a topic as any: it takes records behind those it has.
  const auto ends = ends_of(client, "busy");
  fill(client, "busy", 100, 1, "new");
  REQUIRE_OK(client::Admin(client).alter_topic("busy", {{"min.compaction.lag.ms", "0"}}));
  REQUIRE_OK(client::Admin(client).compact("busy", PartitionId(-1), true));
  const auto keys = look_up(client, "busy", keys_up_to(2001));
  for (int i = 100; i < 2001; ++i) REQUIRE(keys.at(key_of(i)) == keys_before.at(key_of(i)));
  for (int i = 0; i < 100; ++i) {
    const KeyState& state = keys.at(key_of(i));
    REQUIRE(state.offset >= ends[static_cast<std::size_t>(state.partition)].second);
  }
}

TEST_CASE("a backup taken under load holds every record up to its end and restores as such", "[backup]") {
  const Places places;
  // Of every offset what was acknowledged there.
  std::mutex mutex;
  std::map<std::pair<std::int32_t, std::int64_t>, std::pair<std::string, std::optional<std::string>>> acked;
  {
    BackupBroker broker(places.source);
    const client::Client client = broker.client();
    make_topic(client, "busy", 2, kBusyTopic);
    std::atomic<bool> stop{false};
    const auto produce = [&](int number) {
      auto producer = client::Producer::open(client, "busy");
      if (!producer.ok()) return;
      const std::string padding(200, 'y');
      for (std::int64_t i = 0; !stop; ++i) {
        const std::string key = key_of(static_cast<int>(i * 31 + number) % 400);
        std::optional<std::string> value;
        if (i % 11 != 0) value = std::to_string(number) + ":" + std::to_string(i) + padding;
        client::OutRecord record;
        record.key = key;
        if (value) record.value = *value;
        const Status sent = producer->send(record, [&, key, value](const client::Delivery& delivery) {
          const std::lock_guard lock(mutex);
          if (delivery.ok()) acked[{delivery.partition.value(), delivery.offset.value()}] = {key, value};
        });
        if (!sent.ok() || i % 64 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      (void)producer->close();
    };
    std::thread first(produce, 1), second(produce, 2);
    std::thread compactor([&] {
      client::Admin admin(client);
      while (!stop) (void)admin.compact("busy", PartitionId(-1), true).ok();
    });
    // Several, each on top of the one before.
    for (int round = 0; round < 4; ++round) {
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
      const ProgramEnd end = back_up(broker, places.backup, {"--topic", "busy"});
      INFO(end.said);
      CHECK(end.code == 0);
    }
    stop = true;
    first.join();
    second.join();
    compactor.join();
  }
  require_done(restore(places.backup, places.target));
  BackupBroker broker(places.target);
  const client::Client client = broker.client();
  const auto ends = ends_of(client, "busy");
  std::map<std::string, KeyState> expected;
  std::size_t below_the_end = 0;
  for (const auto& [place, record] : acked) {
    if (place.second >= ends[static_cast<std::size_t>(place.first)].second) continue;
    ++below_the_end;
    expected[record.first] = {place.first, place.second, record.second};
  }
  REQUIRE(below_the_end > 1000);
  for (const StoredRecord& record : all_records(client, "busy")) {
    const auto sent = acked.find({record.partition, record.offset});
    REQUIRE(sent != acked.end());
    REQUIRE(record.key == sent->second.first);
    REQUIRE(record.value == sent->second.second);
  }
  std::vector<std::string> keys;
  for (const auto& [key, state] : expected) keys.push_back(key);
  for (const auto& [key, state] : look_up(client, "busy", keys)) {
    INFO(key);
    const KeyState& known = expected.at(key);
    REQUIRE(state.value == known.value);
    // A delete that compaction has cleaned away is absent, and nowhere.
    if (state.value) REQUIRE(state == known);
  }
}

TEST_CASE("a backup that is killed leaves the one before and goes on when it is run again", "[backup]") {
  const Places places;
  BackupBroker broker(places.source);
  const client::Client client = broker.client();
  make_topic(client, "busy", 2, kStillTopic);
  fill(client, "busy", 200, 1);
  require_done(back_up(broker, places.backup, {"--all"}));
  const auto first = all_records(client, "busy");
  int killed = 0;
  for (int round = 0; round < 12; ++round) {
    fill(client, "busy", 3000, 1, "round" + std::to_string(round) + "-");
    const ProgramEnd end = LogcaskProgram({"backup", places.backup, "--all", "--broker", broker.address()})
                               .kill_after(std::chrono::milliseconds(3 * round));
    killed += end.code == 128 + SIGKILL ? 1 : 0;
    // Whatever there is is a whole backup.
    const std::string data = places.temp.path() + "/after" + std::to_string(round);
    require_done(restore(places.backup, data));
    BackupBroker restored(data);
    const auto records = all_records(restored.client(), "busy");
    REQUIRE(records.size() >= first.size() / 2);
    std::map<std::pair<std::int32_t, std::int64_t>, StoredRecord> there;
    for (const StoredRecord& record : all_records(client, "busy")) there[{record.partition, record.offset}] = record;
    for (const StoredRecord& record : records) {
      const auto same = there.find({record.partition, record.offset});
      if (same != there.end()) REQUIRE(same->second == record);
    }
  }
  CHECK(killed > 3);
  require_done(back_up(broker, places.backup, {"--all"}));
  require_done(restore(places.backup, places.target));
  BackupBroker restored(places.target);
  CHECK((all_records(restored.client(), "busy") == all_records(client, "busy")));
  // Nothing is left of what was half written.
  for (const auto& entry : fs::recursive_directory_iterator(places.backup)) {
    INFO(entry.path());
    CHECK(entry.path().extension() != ".tmp");
  }
}

TEST_CASE("before the first backup is whole there is none to restore", "[backup]") {
  const Places places;
  fs::create_directories(places.backup);
  const ProgramEnd end = restore(places.backup, places.target);
  CHECK(end.code == 1);
  CHECK(end.said.find("no backup has been completed") != std::string::npos);
  CHECK_FALSE(fs::exists(places.target));
}

TEST_CASE("a restore that is killed leaves a topic whole or not at all and can be run again", "[backup]") {
  const Places places;
  std::vector<StoredRecord> before;
  {
    BackupBroker broker(places.source);
    const client::Client client = broker.client();
    make_topic(client, "busy", 4, kStillTopic);
    fill(client, "busy", 5000, 3);
    require_done(back_up(broker, places.backup, {"--all"}));
    before = all_records(client, "busy");
  }
  int without = 0;
  int with = 0;
  for (int round = 0; round < 16; ++round) {
    const std::string data = places.temp.path() + "/try" + std::to_string(round);
    (void)LogcaskProgram({"restore", places.backup, "--data-dir", data})
        .kill_after(std::chrono::milliseconds(4 * round + (round > 12 ? 400 : 0)));
    if (round % 2 == 1) {
      // Again, where nobody has cleaned up.
      const ProgramEnd again = restore(places.backup, data);
      INFO(again.said);
      REQUIRE((again.code == 0 || again.said.find("has a topic 'busy' already") != std::string::npos));
    }
    BackupBroker broker(data);
    const client::Client client = broker.client();
    const auto topics = client::Admin(client).list_topics();
    REQUIRE_OK(topics);
    if (topics->empty()) {
      ++without;
      continue;
    }
    ++with;
    REQUIRE((all_records(client, "busy") == before));
  }
  CHECK(without > 0);
  CHECK(with > 0);
}

TEST_CASE("a damaged file of a backup is named and nothing is restored", "[backup]") {
  const Places places;
  {
    BackupBroker broker(places.source);
    const client::Client client = broker.client();
    make_topic(client, "a", 1, kStillTopic);
    make_topic(client, "b", 1, kStillTopic);
    fill(client, "a", 1000, 1);
    fill(client, "b", 1000, 1);
    require_done(back_up(broker, places.backup, {"--all"}));
  }
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(places.backup))
    if (entry.is_regular_file() && entry.path().filename() != "LOCK") files.push_back(entry.path());
  REQUIRE(files.size() > 5);
  for (const fs::path& file : files) {
    INFO(file);
    const fs::path kept = places.temp.path() + "/kept";
    fs::copy_file(file, kept, fs::copy_options::overwrite_existing);
    // A bit in the middle, the end, the whole file.
    for (int how = 0; how < 3; ++how) {
      if (how == 0) {
        std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
        stream.seekg(static_cast<std::streamoff>(fs::file_size(file) / 2));
        const char byte = static_cast<char>(stream.peek() ^ 0x10);
        stream.seekp(static_cast<std::streamoff>(fs::file_size(file) / 2));
        stream.put(byte);
      } else if (how == 1) {
        fs::resize_file(file, fs::file_size(file) - 1);
      } else {
        fs::remove(file);
      }
      const ProgramEnd end = restore(places.backup, places.target);
      INFO(end.said);
      const bool none = how == 2 && file.filename() == "BACKUP";  // no backup, then
      REQUIRE(end.code == (none ? 1 : 8));
      REQUIRE(end.said.find(none ? "BACKUP" : file.filename().string()) != std::string::npos);
      REQUIRE_FALSE(fs::exists(places.target));
      fs::copy_file(kept, file, fs::copy_options::overwrite_existing);
    }
  }
  require_done(restore(places.backup, places.target));
}

TEST_CASE("a further backup copies what is new and mends what has rotted", "[backup]") {
  const Places places;
  BackupBroker broker(places.source);
  const client::Client client = broker.client();
  make_topic(client, "log", 1, {{"cleanup.policy", "delete"}, {"segment.bytes", "65536"}});
  fill(client, "log", 3000, 1);
  const auto numbers = [&](const std::string& name) -> std::int64_t {
    const ProgramEnd end = back_up(broker, places.backup, {"--topic", "log", "-o", "json"});
    require_done(end);
    const std::size_t at = end.said.find("\"" + name + "\":");
    REQUIRE(at != std::string::npos);
    return std::stoll(end.said.substr(at + name.size() + 3));
  };
  CHECK(numbers("copied_bytes") > 300'000);
  CHECK(numbers("copied_bytes") == 0);
  fill(client, "log", 100, 1);
  const std::int64_t few = numbers("copied_bytes");
  CHECK(few > 0);
  CHECK(few < 20'000);
  // A bit of an old file.
  for (const auto& entry : fs::recursive_directory_iterator(places.backup))
    if (entry.path().extension() == ".log") {
      std::fstream stream(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
      stream.seekp(100);
      stream.put('!');
      break;
    }
  CHECK(numbers("mended_files") == 1);
  CHECK(numbers("copied_files") == 0);
  // What the log has dropped goes from the backup, too.
  const auto ends = ends_of(client, "log");
  REQUIRE_OK(client::Admin(client).delete_records("log", PartitionId(0), Offset(ends[0].second)));
  CHECK(numbers("bytes") == 0);
  for (const auto& entry : fs::recursive_directory_iterator(places.backup)) CHECK(entry.path().extension() != ".log");
  require_done(restore(places.backup, places.target));
  BackupBroker restored(places.target);
  CHECK(ends_of(restored.client(), "log") == std::vector{std::pair(ends[0].second, ends[0].second)});
}

}  // namespace logcask::testing
