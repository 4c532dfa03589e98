#pragma once
// A broker in this process on a directory that the test names, and all that can be read from it.

#include <compare>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/settings/config_sources.h"
#include "logcask/admin.h"
#include "logcask/client.h"

namespace logcask::testing {

class BackupBroker {
 public:
  explicit BackupBroker(const std::string& data, SettingValues settings = {});
  ~BackupBroker();
  // In order.
  void stop();
  std::string address() const;
  client::Client client() const;

 private:
  std::unique_ptr<Broker> broker_;
};

// A record as it is stored, wherever it is read.
struct StoredRecord {
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::int64_t timestamp = 0;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::string raw_headers;
  friend auto operator<=>(const StoredRecord&, const StoredRecord&) = default;
};
// Every record from log start to what is committed, by partition and offset.
std::vector<StoredRecord> all_records(const client::Client& client, const std::string& topic);

// What a lookup of each key says: where its latest record is, and its value or nothing.
struct KeyState {
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::optional<std::string> value;
  friend auto operator<=>(const KeyState&, const KeyState&) = default;
};
std::map<std::string, KeyState> look_up(const client::Client& client, const std::string& topic,
                                        const std::vector<std::string>& keys);

// By partition: log start and the end of what is committed.
std::vector<std::pair<std::int64_t, std::int64_t>> ends_of(const client::Client& client, const std::string& topic);

void make_topic(const client::Client& client, const std::string& name, int partitions,
                std::map<std::string, std::string> settings = {});

}  // namespace logcask::testing
