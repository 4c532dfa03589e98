#pragma once
// Records out of comma-separated values: one column is the key, another one or the row is the value.
//
// The row as a value is a JSON object of all its columns by their names, every value a string; without a header it is
// the row as it stands.

#include "cli/csv_reader.h"
#include "cli/line_reader.h"
#include "cli/record_input.h"

namespace logcask::cli {

class CsvInput : public RecordInput {
 public:
  // invalid_argument: no key column, or a name without a header.
  static Status check(const CsvRules& rules);

  CsvInput(int descriptor, InputRules rules, InputNotes notes)
      : stream_(descriptor),
        reader_(stream_, rules.csv.delimiter),
        rules_(std::move(rules)),
        notes_(std::move(notes)) {}

  Result<bool> next(RecordIn& record) override;
  std::uint64_t number() const override { return reader_.line(); }

 private:
  Result<bool> read(RecordIn& record);
  Result<bool> next_row();
  Status begin();
  // In the row just read.
  Status find_columns();
  Result<std::size_t> column(const std::string& name) const;
  Result<std::string> row_value() const;

  StreamReader stream_;
  CsvReader reader_;
  InputRules rules_;
  InputNotes notes_;
  std::vector<std::string> names_;  // of the columns, with a header
  std::size_t width_ = 0;           // fields of every row; 0 before the first
  std::size_t key_ = 0;
  std::optional<std::size_t> value_;
  bool begun_ = false;
};

}  // namespace logcask::cli
