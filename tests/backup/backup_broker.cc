#include "tests/backup/backup_broker.h"

#include <algorithm>

#include "broker/log.h"
#include "logcask/replay.h"
#include "logcask/table.h"
#include "tests/support/catch.h"

namespace logcask::testing {
namespace {

constexpr std::int64_t kPatienceMs = 60'000;

}  // namespace

BackupBroker::BackupBroker(const std::string& data, SettingValues settings) {
  ConfigSources sources;
  sources.flags = std::move(settings);
  sources.flags["data.dir"] = data;
  sources.flags.try_emplace("listen", "127.0.0.1:0");
  sources.flags["kafka.listen"] = "off";
  sources.flags["log.level"] = "error";
  const auto config = make_broker_config(sources);
  REQUIRE_OK(config);
  set_log_level(config->log_level);
  auto started = Broker::start(*config, "test");
  REQUIRE_OK(started);
  broker_ = *std::move(started);
}
BackupBroker::~BackupBroker() {
  if (broker_) (void)broker_->stop();
}
void BackupBroker::stop() {
  REQUIRE(broker_->stop());
  broker_.reset();
}
std::string BackupBroker::address() const { return "127.0.0.1:" + std::to_string(broker_->native_address().port); }
client::Client BackupBroker::client() const {
  auto made = client::Client::connect(address());
  REQUIRE_OK(made);
  return *std::move(made);
}

std::vector<StoredRecord> all_records(const client::Client& client, const std::string& topic) {
  client::ReplayOptions options;
  options.live_only = false;
  options.stop_at_caught_up = true;
  auto replay = client::Replay::open(client, topic, options);
  REQUIRE_OK(replay);
  std::vector<StoredRecord> records;
  while (true) {
    const auto event = replay->poll(kPatienceMs);
    REQUIRE_OK(event);
    REQUIRE(event->kind != client::ReplayEvent::Kind::none);
    if (event->kind == client::ReplayEvent::Kind::finished) break;
    for (const client::ReadRecord& record : event->records)
      records.push_back({record.partition.value(), record.offset.value(), record.timestamp.value(),
                         record.key ? std::optional<std::string>(*record.key) : std::nullopt,
                         record.value ? std::optional<std::string>(*record.value) : std::nullopt,
                         std::string(record.raw_headers)});
  }
  std::sort(records.begin(), records.end());
  return records;
}

std::map<std::string, KeyState> look_up(const client::Client& client, const std::string& topic,
                                        const std::vector<std::string>& keys) {
  constexpr std::size_t kAtATime = 1000;
  const auto table = [&] {
    auto opened = client::Table::open(client, topic);
    REQUIRE_OK(opened);
    return std::make_shared<client::Table>(*std::move(opened));
  }();
  std::map<std::string, KeyState> found;
  for (std::size_t from = 0; from < keys.size(); from += kAtATime) {
    const std::vector<ByteView> asked(
        keys.begin() + static_cast<std::ptrdiff_t>(from),
        keys.begin() + static_cast<std::ptrdiff_t>(std::min(from + kAtATime, keys.size())));
    const auto answers = table->multi_get(asked);
    REQUIRE_OK(answers);
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const client::Lookup& answer = (*answers)[i];
      INFO(answer.error.to_string());
      REQUIRE(answer.error.code == Errc::ok);
      KeyState state{answer.partition.value(), answer.offset.value(), std::nullopt};
      if (answer.status == client::Lookup::Status::found) state.value = std::string(answer.value);
      found.emplace(asked[i], std::move(state));
    }
  }
  return found;
}

std::vector<std::pair<std::int64_t, std::int64_t>> ends_of(const client::Client& client, const std::string& topic) {
  const auto described = client::Admin(client).describe_topic(topic);
  REQUIRE_OK(described);
  std::vector<std::pair<std::int64_t, std::int64_t>> ends;
  for (const client::PartitionInfo& partition : described->partitions)
    ends.emplace_back(partition.log_start.value(), partition.committed_end.value());
  return ends;
}

void make_topic(const client::Client& client, const std::string& name, int partitions,
                std::map<std::string, std::string> settings) {
  client::NewTopic topic;
  topic.name = name;
  topic.partitions = static_cast<std::uint32_t>(partitions);
  topic.config = std::move(settings);
  REQUIRE_OK(client::Admin(client).create_topic(topic));
}

}  // namespace logcask::testing
