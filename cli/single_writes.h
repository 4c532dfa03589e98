#pragma once
// Writes of single keys, each on disk before it is answered: what put and delete share.

#include <optional>
#include <string>

#include "base/result.h"
#include "cli/record_text.h"
#include "logcask/client.h"
#include "logcask/producer.h"

namespace logcask::cli {

class SingleWrites {
 public:
  // unsupported: the topic keeps no latest value per key (cleanup.policy=delete); `what` names the verb's doing. A
  // write that is not acknowledged within timeout_ms fails as timed_out.
  static Result<SingleWrites> open(client::Client client, const std::string& topic, const std::string& what,
                                   std::int64_t timeout_ms);

  // No value deletes the key.
  client::Delivery write(ByteView key, std::optional<ByteView> value, client::Condition condition);

  // Appends what was written: "KEY<TAB>written at P:N" or, as JSON, the record.
  void append(std::string& out, const std::string& format, ByteView key, std::optional<ByteView> value,
              const client::Delivery& delivery) const;

 private:
  SingleWrites(client::Producer producer, std::string topic);

  client::Producer producer_;
  std::string topic_;
  TextStyle style_;
};

}  // namespace logcask::cli
