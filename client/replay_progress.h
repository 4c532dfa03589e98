#pragma once
// What a replay has been told so far, so that it can go on after a lost connection without gap or repeat. Sans-I/O.

#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/types.h"

namespace logcask::client {

class ReplayProgress {
 public:
  explicit ReplayProgress(std::string first_token) : token_(std::move(first_token)) {}

  // The token to subscribe with, again: the state after the last answer taken.
  const std::string& token() const { return token_; }

  // What is new in an answer. `from`: records below it have been seen.
  struct News {
    Offset from;
    bool caught_up = false;  // the marker counts: it is the partition's first
  };
  News take(PartitionId partition, Offset position, bool caught_up, const std::string& token);

  // A new snapshot begins.
  void restart();

 private:
  std::string token_;
  std::map<PartitionId, Offset> positions_;
  std::set<PartitionId> caught_up_;
};

}  // namespace logcask::client
