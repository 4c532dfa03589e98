#pragma once
// Records as bytes (cli/record_raw.h), one behind the other.

#include "cli/line_reader.h"
#include "cli/record_input.h"

namespace logcask::cli {

class RawInput : public RecordInput {
 public:
  explicit RawInput(int descriptor) : stream_(descriptor) {}

  Result<bool> next(RecordIn& record) override;
  std::uint64_t number() const override { return number_; }
  std::string place(std::uint64_t number) const override { return "record " + std::to_string(number); }

 private:
  Result<bool> read(RecordIn& record);

  StreamReader stream_;
  std::uint64_t number_ = 0;
};

}  // namespace logcask::cli
