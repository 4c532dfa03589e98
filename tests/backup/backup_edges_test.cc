// What surrounds a backup: leases, brokers that go, full disks, and those who come with what they were told before.
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "client/backup_stream.h"
#include "logcask/consumer.h"
#include "logcask/producer.h"
#include "logcask/replay.h"
#include "logcask/table.h"
#include "tests/backup/backup_broker.h"
#include "tests/backup/logcask_program.h"
#include "tests/e2e/broker_process.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace logcask::testing {
namespace {

namespace fs = std::filesystem;

// What is read twice is the same: compaction leaves it alone.
const std::map<std::string, std::string> kCompacted = {{"cleanup.policy", "compact"},
                                                       {"min.compaction.lag.ms", "86400000"}};

void put_each(const client::Client& client, const std::string& topic, const std::string& word, int count) {
  auto table = client::Table::open(client, topic);
  REQUIRE_OK(table);
  for (int i = 0; i < count; ++i) REQUIRE_OK(table->put("k" + std::to_string(i), word + std::to_string(i)).status);
}

// Without keys, as fast as they are taken.
void produce_values(const client::Client& client, const std::string& topic, std::size_t value_bytes, int count) {
  auto producer = client::Producer::open(client, topic);
  REQUIRE_OK(producer);
  const std::string value(value_bytes, 'z');
  for (int i = 0; i < count; ++i) {
    client::OutRecord record;
    record.value = value;
    REQUIRE_OK(producer->send(record));
  }
  REQUIRE_OK(producer->close());
}

ProgramEnd back_up_all(const std::string& address, const std::string& to) {
  return run_logcask({"backup", to, "--all", "--broker", address});
}
ProgramEnd restore_into(const std::string& from, const std::string& data, std::vector<std::string> more = {}) {
  std::vector<std::string> words = {"restore", from, "--data-dir", data};
  words.insert(words.end(), more.begin(), more.end());
  return run_logcask(std::move(words));
}
void require_zero(const ProgramEnd& end) {
  INFO(end.said);
  REQUIRE(end.code == 0);
}

double counter(const client::Client& client, const std::string& name) {
  const auto broker = client::Admin(client).describe_broker();
  REQUIRE_OK(broker);
  for (const auto& [counted, value] : broker->counters)
    if (counted == name) return value;
  FAIL("no counter " + name);
  return 0;
}

// Waits for what comes by itself, at most a minute.
template <class Condition>
bool comes_true(Condition condition) {
  for (int i = 0; i < 1200; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

std::size_t logs_in(const std::string& data, const std::string& topic) {
  std::size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(data))
    if (entry.path().extension() == ".log" && entry.path().parent_path().filename().string().starts_with(topic + "-"))
      ++count;
  return count;
}

}  // namespace

TEST_CASE("a backup that stands still loses its lease and the files it held go", "[backup]") {
  const TempDir temp;
  BackupBroker broker(temp.path() + "/data", {{"backup.lease.ms", "1000"}});
  const client::Client client = broker.client();
  make_topic(client, "log", 1, {{"cleanup.policy", "delete"}, {"segment.bytes", "1048576"}});
  produce_values(client, "log", 100'000, 200);
  // More than what a client lets the broker send ahead.
  auto stream = client::BackupStream::open(client, "log", PartitionId(0), {});
  REQUIRE_OK(stream);
  CHECK(counter(client, "backup.pins") == 1);
  CHECK(counter(client, "backup.pinned_bytes") > 19e6);
  const std::size_t logs = logs_in(temp.path() + "/data", "log");
  REQUIRE(logs > 10);
  REQUIRE_OK(client::Admin(client).delete_records("log", PartitionId(0), Offset(200)));
  // Deleted, and still on the disk for whoever copies them.
  CHECK(logs_in(temp.path() + "/data", "log") >= logs);
  REQUIRE(comes_true([&] { return counter(client, "backup.expired") == 1; }));
  CHECK(comes_true([&] { return logs_in(temp.path() + "/data", "log") < 3; }));
  CHECK(comes_true([&] { return counter(client, "backup.pins") == 0; }));
  CHECK(counter(client, "backup.pinned_bytes") == 0);
  while (true) {
    const auto chunk = stream->next();
    if (chunk.ok()) {
      REQUIRE(chunk->has_value());
      continue;
    }
    CHECK(chunk.code() == Errc::timed_out);
    CHECK(chunk.error().message.find("backup.lease.ms") != std::string::npos);
    break;
  }
}

TEST_CASE("a backup that is read gets files that were deleted meanwhile", "[backup]") {
  const TempDir temp;
  BackupBroker broker(temp.path() + "/data");
  const client::Client client = broker.client();
  make_topic(client, "log", 1, {{"cleanup.policy", "delete"}, {"segment.bytes", "65536"}});
  put_each(client, "log", std::string(1000, 'w'), 300);
  auto stream = client::BackupStream::open(client, "log", PartitionId(0), {});
  REQUIRE_OK(stream);
  REQUIRE_OK(client::Admin(client).delete_records("log", PartitionId(0), Offset(300)));
  std::size_t bytes = 0;
  while (true) {
    const auto chunk = stream->next();
    REQUIRE_OK(chunk);
    if (!*chunk) break;
    bytes += (*chunk)->bytes.size();
  }
  CHECK(bytes > 300'000);
}

TEST_CASE("so many backups are held at a time and no more", "[backup]") {
  const TempDir temp;
  BackupBroker broker(temp.path() + "/data");
  const client::Client client = broker.client();
  make_topic(client, "log", 1, {{"cleanup.policy", "delete"}});
  produce_values(client, "log", 900'000, 12);
  std::vector<client::BackupStream> streams;
  for (int i = 0; i < 16; ++i) {
    auto stream = client::BackupStream::open(client, "log", PartitionId(0), {});
    REQUIRE_OK(stream);
    streams.push_back(*std::move(stream));
  }
  CHECK(client::BackupStream::open(client, "log", PartitionId(0), {}).code() == Errc::limit_exceeded);
  streams.clear();
  CHECK(comes_true([&] { return client::BackupStream::open(client, "log", PartitionId(0), {}).ok(); }));
}

TEST_CASE("a broker that is killed during a backup leaves the backup before", "[backup]") {
  const TempDir temp;
  const std::string data = temp.path() + "/data";
  const std::string backup = temp.path() + "/backup";
  std::vector<StoredRecord> before;
  {
    BackupBroker broker(data);
    const client::Client client = broker.client();
    make_topic(client, "t", 1, kCompacted);
    put_each(client, "t", "first", 100);
    require_zero(back_up_all(broker.address(), backup));
    before = all_records(client, "t");
    auto producer = client::Producer::open(client, "t");
    REQUIRE_OK(producer);
    const std::string value(200'000, 'v');
    for (int i = 0; i < 300; ++i) {
      const std::string key = "k" + std::to_string(i);
      client::OutRecord record;
      record.key = key;
      record.value = value;
      REQUIRE_OK(producer->send(record));
    }
    REQUIRE_OK(producer->close());
  }
  int cut_off = 0;
  for (int round = 0; round < 6; ++round) {
    BrokerProcess broker(data);
    LogcaskProgram program({"backup", backup, "--all", "--broker", "127.0.0.1:" + std::to_string(broker.port())});
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + 15 * round));
    broker.kill();
    const ProgramEnd end = program.wait();
    INFO(end.said);
    // 6: it was asking which topics there are, and that is asked again for a while.
    REQUIRE((end.code == 0 || end.code == 4 || end.code == 6));
    if (end.code == 0) break;
    ++cut_off;
    const std::string target = temp.path() + "/target" + std::to_string(round);
    require_zero(restore_into(backup, target));
    BackupBroker restored(target);
    REQUIRE((all_records(restored.client(), "t") == before));
  }
  CHECK(cut_off > 0);
}

TEST_CASE("a backup for which the disk is too small says so and leaves the one before", "[backup]") {
  const TempDir temp;
  const std::string backup = temp.path() + "/backup";
  BackupBroker broker(temp.path() + "/data");
  const client::Client client = broker.client();
  make_topic(client, "t", 1, kCompacted);
  put_each(client, "t", "first", 50);
  require_zero(back_up_all(broker.address(), backup));
  const auto before = all_records(client, "t");
  put_each(client, "t", std::string(50'000, 'q'), 40);
  // The largest file that may be written is smaller than the segment: as on a full disk, the write fails.
  const ProgramEnd end = LogcaskProgram({"backup", backup, "--all", "--broker", broker.address()}, 512 * 1024).wait();
  INFO(end.said);
  CHECK(end.code == 6);
  CHECK(end.said.find(backup) != std::string::npos);
  require_zero(restore_into(backup, temp.path() + "/target"));
  {
    BackupBroker restored(temp.path() + "/target");
    CHECK((all_records(restored.client(), "t") == before));
  }
  require_zero(back_up_all(broker.address(), backup));
}

TEST_CASE("a restore for which the disk is too small says so and leaves no topic", "[backup]") {
  const TempDir temp;
  const std::string backup = temp.path() + "/backup";
  const std::string target = temp.path() + "/target";
  std::vector<StoredRecord> before;
  {
    BackupBroker broker(temp.path() + "/data");
    const client::Client client = broker.client();
    make_topic(client, "t", 2, kCompacted);
    put_each(client, "t", std::string(50'000, 'q'), 40);
    require_zero(back_up_all(broker.address(), backup));
    before = all_records(client, "t");
  }
  const ProgramEnd end = LogcaskProgram({"restore", backup, "--data-dir", target}, 512 * 1024).wait();
  INFO(end.said);
  CHECK(end.code == 6);
  CHECK(end.said.find(target) != std::string::npos);
  {
    BackupBroker broker(target);
    const auto topics = client::Admin(broker.client()).list_topics();
    REQUIRE_OK(topics);
    CHECK(topics->empty());
  }
  require_zero(restore_into(backup, target));
  BackupBroker broker(target);
  CHECK((all_records(broker.client(), "t") == before));
}

TEST_CASE("whoever comes with positions of before is told and reads no other records", "[backup]") {
  const TempDir temp;
  const std::string backup = temp.path() + "/backup";
  const std::string target = temp.path() + "/target";
  auto source = std::make_unique<BackupBroker>(temp.path() + "/data");
  const std::string address = source->address();
  const client::Client client = source->client();
  make_topic(client, "t", 1, kCompacted);
  put_each(client, "t", "kept", 10);
  client::ReplayOptions options;
  options.stop_at_caught_up = true;
  auto replay = client::Replay::open(client, "t", options);
  REQUIRE_OK(replay);
  while (true) {
    const auto event = replay->poll(30'000);
    REQUIRE_OK(event);
    if (event->kind == client::ReplayEvent::Kind::finished) break;
  }
  const std::string token = replay->resume_token();
  require_zero(back_up_all(address, backup));
  // What the backup does not hold: a reader gets it, a writer remembers where it was put.
  put_each(client, "t", "lost", 10);
  auto table = client::Table::open(client, "t");
  REQUIRE_OK(table);
  auto consumer = client::Consumer::open(client, "t", client::StartAt::earliest());
  REQUIRE_OK(consumer);
  std::size_t read = 0;
  while (read < 20) {
    const auto polled = consumer->poll(30'000);
    REQUIRE_OK(polled);
    read += polled->records.size();
  }
  const auto epoch = [](const client::Client& asked) {
    const auto described = client::Admin(asked).describe_topic("t");
    REQUIRE_OK(described);
    return described->partitions[0].leader_epoch;
  };
  const std::int32_t epoch_before = epoch(client);
  source->stop();
  require_zero(restore_into(backup, target));
  BackupBroker restored(target, {{"listen", address}});
  const client::Client after = restored.client();
  // Kafka's readers find out by the epoch in which the copy goes on.
  CHECK(epoch(after) > epoch_before);
  // The log grows on: other records are at the offsets that were lost.
  put_each(after, "t", "other", 20);
  Status told;
  REQUIRE(comes_true([&] {
    const auto polled = consumer->poll(1000);
    if (polled.ok()) {
      REQUIRE(polled->records.empty());
      return false;
    }
    told = polled.error();
    return told.code() != Errc::connection_lost && told.code() != Errc::connect_failed;
  }));
  CHECK(told.code() == Errc::topic_changed);
  CHECK(table->update("k5", "by offset", Offset(15)).status.code() == Errc::topic_changed);
  options.resume_token = token;
  auto resumed = client::Replay::open(after, "t", options);
  REQUIRE_OK(resumed);
  CHECK(resumed->poll(30'000).code() == Errc::topic_changed);
}

TEST_CASE("a reader whose position the copy holds goes on as if nothing had been", "[backup]") {
  const TempDir temp;
  const std::string backup = temp.path() + "/backup";
  const std::string target = temp.path() + "/target";
  auto source = std::make_unique<BackupBroker>(temp.path() + "/data");
  const std::string address = source->address();
  const client::Client client = source->client();
  make_topic(client, "t", 1, kCompacted);
  put_each(client, "t", "kept", 10);
  auto consumer = client::Consumer::open(client, "t", client::StartAt::earliest());
  REQUIRE_OK(consumer);
  std::size_t read = 0;
  while (read < 10) {
    const auto polled = consumer->poll(30'000);
    REQUIRE_OK(polled);
    read += polled->records.size();
  }
  put_each(client, "t", "behind", 10);
  require_zero(back_up_all(address, backup));
  source->stop();
  require_zero(restore_into(backup, target));
  BackupBroker restored(target, {{"listen", address}});
  put_each(restored.client(), "t", "new", 1);
  std::vector<std::string> values;
  REQUIRE(comes_true([&] {
    const auto polled = consumer->poll(1000);
    if (!polled.ok()) {
      INFO(polled.error().to_string());
      REQUIRE(errc_retriable(polled.code()));
      return false;
    }
    for (const client::ReadRecord& record : polled->records) values.emplace_back(*record.value);
    return values.size() >= 11;
  }));
  REQUIRE(values.size() == 11);
  CHECK(values.front() == "behind0");
  CHECK(values.back() == "new0");
}

TEST_CASE("a producer's first batch to a restored topic is never taken for a repeat", "[backup]") {
  const TempDir temp;
  const std::string backup = temp.path() + "/backup";
  {
    BackupBroker broker(temp.path() + "/data");
    const client::Client client = broker.client();
    make_topic(client, "t", 1, kCompacted);
    put_each(client, "t", "old", 1);
    require_zero(back_up_all(broker.address(), backup));
  }
  require_zero(restore_into(backup, temp.path() + "/target"));
  BackupBroker broker(temp.path() + "/target");
  const client::Client client = broker.client();
  // Of the same producer id, epoch and sequence number as the one in the backup: ids begin anew here.
  put_each(client, "t", "new", 1);
  CHECK(look_up(client, "t", {"k0"}).at("k0").value == "new0");
}

TEST_CASE("offsets of consumer groups are restored for the records that are there", "[backup]") {
  const TempDir temp;
  const std::string backup = temp.path() + "/backup";
  {
    BackupBroker broker(temp.path() + "/data");
    const client::Client client = broker.client();
    for (const char* topic : {"t", "u"}) {
      make_topic(client, topic, 2, kCompacted);
      put_each(client, topic, "value", 40);
    }
    client::Admin admin(client);
    std::vector<client::GroupOffset> commits;
    for (const char* topic : {"t", "u"})
      for (int p = 0; p < 2; ++p) {
        client::GroupOffset commit;
        commit.topic = topic;
        commit.partition = PartitionId(p);
        commit.offset = Offset(5 + p);
        commit.metadata = "note";
        commits.push_back(commit);
      }
    REQUIRE_OK(admin.commit_group("readers", commits));
    require_zero(back_up_all(broker.address(), backup));
  }
  const auto committed = [](const client::Client& client, const std::string& group) {
    std::map<std::pair<std::string, std::int32_t>, std::int64_t> offsets;
    Result<client::GroupDescription> described = Error{Errc::internal, ""};
    REQUIRE(comes_true([&] {
      described = client::Admin(client).describe_group(group);
      return described.code() != Errc::coordinator_loading;
    }));
    if (described.code() == Errc::group_id_not_found) return offsets;
    REQUIRE_OK(described);
    for (const client::GroupOffset& offset : described->offsets) {
      INFO(offset.error.to_string());
      CHECK(offset.error.code == Errc::ok);
      if (offset.offset != kNoOffset) offsets[{offset.topic, offset.partition.value()}] = offset.offset.value();
    }
    return offsets;
  };
  const std::map<std::pair<std::string, std::int32_t>, std::int64_t> all = {
      {{"t", 0}, 5}, {{"t", 1}, 6}, {{"u", 0}, 5}, {{"u", 1}, 6}};
  {
    require_zero(restore_into(backup, temp.path() + "/all"));
    BackupBroker broker(temp.path() + "/all");
    CHECK(committed(broker.client(), "readers") == all);
  }
  {
    require_zero(restore_into(backup, temp.path() + "/all", {"--topic", "u", "--as", "v", "--groups"}));
    BackupBroker broker(temp.path() + "/all");
    auto more = all;
    more[{"v", 0}] = 5;
    more[{"v", 1}] = 6;
    CHECK(committed(broker.client(), "readers") == more);
  }
  {
    require_zero(restore_into(backup, temp.path() + "/one", {"--topic", "t"}));
    BackupBroker broker(temp.path() + "/one");
    CHECK(committed(broker.client(), "readers").empty());
  }
}

TEST_CASE("a topic is restored beside those that are there and over none of them", "[backup]") {
  const TempDir temp;
  const std::string backup = temp.path() + "/backup";
  const std::string data = temp.path() + "/data";
  std::vector<StoredRecord> before;
  {
    BackupBroker broker(data);
    const client::Client client = broker.client();
    auto settings = kCompacted;
    settings["partitioner"] = "murmur2";
    make_topic(client, "t", 2, settings);
    put_each(client, "t", "value", 50);
    require_zero(run_logcask({"backup", backup, "--topic", "t", "--broker", broker.address()}));
    before = all_records(client, "t");
    const ProgramEnd running = restore_into(backup, data, {"--topic", "t", "--as", "copy"});
    CHECK(running.code == 1);
    CHECK(running.said.find("stop it first") != std::string::npos);
    put_each(client, "t", "later", 50);
  }
  const ProgramEnd over = restore_into(backup, data);
  CHECK(over.code == 1);
  CHECK(over.said.find("has a topic 't' already") != std::string::npos);
  require_zero(restore_into(backup, data, {"--topic", "t", "--as", "copy"}));
  BackupBroker broker(data);
  const client::Client client = broker.client();
  CHECK((all_records(client, "copy") == before));
  CHECK((all_records(client, "t").size() == 2 * before.size()));
  const auto described = client::Admin(client).describe_topic("copy");
  REQUIRE_OK(described);
  for (const client::TopicSetting& setting : described->settings)
    if (setting.name == "partitioner") CHECK(setting.value == "murmur2");
  CHECK(look_up(client, "t", {"k7"}).at("k7").value == "later7");
  CHECK(look_up(client, "copy", {"k7"}).at("k7").value == "value7");
}

TEST_CASE("what a killed restore has left is removed by the next one", "[backup]") {
  const TempDir temp;
  const std::string backup = temp.path() + "/backup";
  const std::string target = temp.path() + "/target";
  {
    BackupBroker broker(temp.path() + "/data");
    const client::Client client = broker.client();
    make_topic(client, "t", 1, kCompacted);
    put_each(client, "t", "value", 5);
    require_zero(back_up_all(broker.address(), backup));
  }
  require_zero(restore_into(backup, target));
  const std::string id = "0123456789abcdef0123456789abcde";
  const std::string marked = target + "/half-0." + id + "0";
  const std::string unmarked = target + "/half-1." + id + "0";
  const std::string alone = target + "/half-0." + id + "1";
  const std::string somebody_s = target + "/half-0." + id + "2";
  for (const std::string& directory : {marked, unmarked, alone, somebody_s}) fs::create_directory(directory);
  for (const std::string& file :
       {marked + "/DELETED", marked + "/00000000000000000000.0.log", somebody_s + "/00000000000000000000.0.log"})
    std::ofstream(file) << "x";
  require_zero(restore_into(backup, target, {"--topic", "t", "--as", "u"}));
  CHECK_FALSE(fs::exists(marked));
  CHECK_FALSE(fs::exists(unmarked));
  CHECK_FALSE(fs::exists(alone));
  // Records of a topic that nobody knows are kept, as by a broker.
  CHECK(fs::exists(somebody_s));
}

TEST_CASE("a backup of links costs no copies and keeps what the broker removes", "[backup]") {
  const TempDir temp;
  const std::string backup = temp.path() + "/backup";
  const std::string data = temp.path() + "/data";
  std::vector<StoredRecord> before;
  {
    BackupBroker broker(data);
    const client::Client client = broker.client();
    make_topic(client, "t", 1, {{"cleanup.policy", "delete"}, {"segment.bytes", "65536"}});
    put_each(client, "t", std::string(1000, 'l'), 300);
    const std::vector<std::string> words = {"backup", backup, "--all",    "--link",        data,
                                            "-o",     "json", "--broker", broker.address()};
    const ProgramEnd end = run_logcask(words);
    INFO(end.said);
    REQUIRE(end.code == 0);
    CHECK(end.said.find("\"copied_bytes\":0,") != std::string::npos);
    CHECK(end.said.find("\"mended_files\":0}") != std::string::npos);
    std::size_t linked = 0;
    for (const auto& entry : fs::recursive_directory_iterator(backup))
      linked += entry.path().extension() == ".log" && fs::hard_link_count(entry.path()) == 2 ? 1 : 0;
    CHECK(linked > 3);
    before = all_records(client, "t");
    REQUIRE_OK(client::Admin(client).delete_records("t", PartitionId(0), Offset(300)));
    auto wrong = words;
    wrong[4] = temp.path();
    const ProgramEnd refused = run_logcask(wrong);
    CHECK(refused.code == 2);
    CHECK(refused.said.find("not the data directory") != std::string::npos);
  }
  require_zero(restore_into(backup, temp.path() + "/target"));
  BackupBroker broker(temp.path() + "/target");
  CHECK((all_records(broker.client(), "t") == before));
}

TEST_CASE("a directory is kept for the backup it is of", "[backup]") {
  const TempDir temp;
  const std::string backup = temp.path() + "/backup";
  BackupBroker broker(temp.path() + "/data");
  const client::Client client = broker.client();
  for (const char* topic : {"t", "u"}) {
    make_topic(client, topic, 1, kCompacted);
    put_each(client, topic, "value", 5);
  }
  const auto refused = [&](std::vector<std::string> words, const std::string& why) {
    words.insert(words.begin(), {"backup", backup, "--broker", broker.address()});
    const ProgramEnd end = run_logcask(std::move(words));
    INFO(end.said);
    CHECK(end.code == 2);
    CHECK(end.said.find(why) != std::string::npos);
  };
  require_zero(run_logcask({"backup", backup, "--topic", "t", "--topic", "u", "--broker", broker.address()}));
  refused({"--topic", "t"}, "a backup of topic 'u', too");
  refused({"--all"}, "chosen topics");
  refused({}, "--all, or --topic");
  refused({"--all", "--topic", "t"}, "--all, or --topic");
  {
    BackupBroker other(temp.path() + "/other");
    make_topic(other.client(), "t", 1);
    make_topic(other.client(), "u", 1);
    const ProgramEnd end = run_logcask({"backup", backup, "--topic", "t", "--topic", "u", "--broker", other.address()});
    CHECK(end.code == 2);
    CHECK(end.said.find("another data directory") != std::string::npos);
  }
  const ProgramEnd data = run_logcask({"backup", temp.path() + "/other", "--all", "--broker", broker.address()});
  CHECK(data.code != 0);
  CHECK(data.said.find("no backup's") != std::string::npos);
}

}  // namespace logcask::testing
