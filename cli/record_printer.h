#pragma once
// Prints records that were read, in the form asked for; shared by consume and replay.

#include <string>

#include "cli/record.h"
#include "logcask/record.h"

namespace logcask::cli {

class RecordPrinter {
 public:
  // `form`: text | json | raw.
  RecordPrinter(std::string form, std::string topic) : form_(std::move(form)), topic_(std::move(topic)) {}
  void append(std::string& out, const client::ReadRecord& record) const;

 private:
  std::string form_;
  std::string topic_;
};

}  // namespace logcask::cli
