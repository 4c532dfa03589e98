#pragma once
// Records from a stream, in one of the three forms, each with the place it stood at.

#include <cstdint>
#include <string>

#include "base/result.h"
#include "cli/line_reader.h"
#include "cli/record.h"
#include "cli/record_text.h"

namespace logcask::cli {

class RecordInput {
 public:
  // `form`: text | json | raw. Does not own the descriptor.
  RecordInput(int descriptor, std::string form, TextRules rules)
      : stream_(descriptor), form_(std::move(form)), rules_(std::move(rules)) {}

  // The next record; false at the end. An error of a record is invalid_record and names its line (or, raw, its number).
  Result<bool> next(RecordIn& record);
  // Of the record read last, from 1: a line number, or for raw input a record number.
  std::uint64_t number() const { return number_; }
  // "line 7" or "record 7".
  std::string place(std::uint64_t number) const {
    return (form_ == "raw" ? "record " : "line ") + std::to_string(number);
  }

 private:
  Result<bool> next_line(RecordIn& record);
  Result<bool> next_raw(RecordIn& record);

  StreamReader stream_;
  std::string form_;
  TextRules rules_;
  std::uint64_t number_ = 0;
};

}  // namespace logcask::cli
