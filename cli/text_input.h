#pragma once
// Records as lines of text (cli/record_text.h), from files of any make: with CR LF or a byte order mark, too.

#include "cli/line_reader.h"
#include "cli/record_input.h"

namespace logcask::cli {

class TextInput : public RecordInput {
 public:
  TextInput(int descriptor, InputRules rules, InputNotes notes)
      : stream_(descriptor), rules_(std::move(rules)), notes_(std::move(notes)) {}

  Result<bool> next(RecordIn& record) override;
  std::uint64_t number() const override { return number_; }

 private:
  Result<bool> read(RecordIn& record);

  StreamReader stream_;
  InputRules rules_;
  InputNotes notes_;
  std::uint64_t number_ = 0;
};

}  // namespace logcask::cli
