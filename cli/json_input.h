#pragma once
// Records out of JSON: as `consume -o json` prints them (cli/record_json.h), or out of documents of any make
// (cli/record_document.h). Either way one a line, or over several, or in arrays.

#include "cli/json_stream.h"
#include "cli/line_reader.h"
#include "cli/record_input.h"

namespace logcask::cli {

class JsonInput : public RecordInput {
 public:
  JsonInput(int descriptor, InputRules rules, InputNotes notes)
      : stream_(descriptor), objects_(stream_), rules_(std::move(rules)), notes_(std::move(notes)) {}

  Result<bool> next(RecordIn& record) override;
  std::uint64_t number() const override { return objects_.line(); }

 private:
  Result<bool> read(RecordIn& record);
  // False: the object holds no record.
  Result<bool> read_object(ByteView text, RecordIn& record);

  StreamReader stream_;
  JsonStream objects_;
  InputRules rules_;
  InputNotes notes_;
  bool begun_ = false;
};

}  // namespace logcask::cli
