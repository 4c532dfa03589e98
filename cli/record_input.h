#pragma once
// Records from a stream, in one of the forms, each with the place it stood at.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/input_notes.h"
#include "cli/record.h"
#include "cli/record_text.h"

namespace logcask::cli {

// Which part of a JSON document is what.
struct DocumentRules {
  std::string key_field;                   // a name, or names with dots between for a field inside a field
  std::optional<std::string> value_field;  // none = the whole document
};

struct CsvRules {
  std::string key_column;                   // a name of the header, or a number from 1
  std::optional<std::string> value_column;  // none = the row: with a header as a JSON object, else as it stands
  bool header = false;                      // the first row names the columns
  char delimiter = ',';
};

struct InputRules {
  std::string form = "text";  // text | json | csv | raw
  TextRules text;             // its tombstone_on_empty goes for every form but raw
  bool keep_carriage_returns = false;
  std::optional<DocumentRules> document;  // json: documents of any make instead of records as `consume` prints them
  CsvRules csv;
};

class RecordInput {
 public:
  virtual ~RecordInput() = default;
  // The next record; false at the end. An error of a record is invalid_record and names its place.
  virtual Result<bool> next(RecordIn& record) = 0;
  // Of the record read last, from 1: a line number, or for raw input a record number.
  virtual std::uint64_t number() const = 0;
  // "line 7" or "record 7".
  virtual std::string place(std::uint64_t number) const { return "line " + std::to_string(number); }
};

// Does not own the descriptor. invalid_argument: the rules do not fit the form.
Result<std::unique_ptr<RecordInput>> open_record_input(int descriptor, InputRules rules,
                                                       InputNotes notes = InputNotes());

}  // namespace logcask::cli
