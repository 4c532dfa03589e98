#pragma once
// What the maker and the test of a golden data directory share: a broker on it, and all it can say put into words.
//
// The words are committed beside the files, so that every later build is measured against what the first one knew.

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "broker/broker.h"
#include "logcask/client.h"
#include "tests/support/partition_fixture.h"

namespace logcask::testing {

inline constexpr const char* kGoldenTopic = "accounts";  // compacted, one partition
inline constexpr const char* kGoldenEvents = "events";   // plain, two partitions, LogAppendTime
inline constexpr const char* kGoldenGroup = "billing";

// A broker on a data directory, and clients of it.
class GoldenBroker {
 public:
  explicit GoldenBroker(const std::string& data_directory);
  ~GoldenBroker();
  client::Client& client() { return *client_; }

  struct Produced {
    std::int64_t base_offset = -1;
    bool duplicate = false;
  };
  // A batch as it is, acks all.
  Produced produce(const std::string& topic, PartitionId partition, const std::string& batch);
  // The id of a new idempotent producer.
  std::int64_t init_producer();
  void compact(const std::string& topic);
  // Everything a client can ask, one fact a line.
  std::string describe();
  // Every key that was ever written to kGoldenTopic, as lookups answer; nothing = deleted or absent.
  std::map<std::string, std::optional<std::string>> lookups();
  void stop();

 private:
  void wait_until_loaded();
  std::unique_ptr<Broker> broker_;
  std::optional<client::Client> client_;
};

// The batches of the golden idempotent producer; sent again each must be a duplicate.
inline constexpr std::int32_t kGoldenSequences = 3;
inline constexpr const char* kGoldenProducerKey = "producer";
std::string golden_producer_batch(std::int64_t producer_id, std::int32_t sequence);

}  // namespace logcask::testing
