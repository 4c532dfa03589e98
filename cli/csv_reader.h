#pragma once
// Rows of comma-separated values (RFC 4180): fields may be quoted, a quote inside is doubled, quoted fields may hold
// delimiters and line ends; rows end with CR LF or LF. A quote in the middle of an unquoted field is itself.

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/line_reader.h"

namespace logcask::cli {

class CsvReader {
 public:
  // `stream` must outlive this.
  CsvReader(StreamReader& stream, char delimiter) : stream_(stream), delimiter_(delimiter) {}

  // The next row; false at the end. invalid_record: text behind a closing quote, or a quote that is never closed.
  Result<bool> next();
  const std::vector<std::string>& fields() const { return fields_; }
  // The row as it stands, without its line end. Lives until the next call.
  ByteView text() const { return text_; }
  bool empty() const { return text_.empty(); }
  // The line on which the row begins, from 1.
  std::uint64_t line() const { return line_; }

 private:
  enum class State : std::uint8_t { field_start, plain, quoted, behind_quote };

  // Takes the bytes at the front of `rest` that are nothing but the field's own; returns how many.
  std::size_t take_run(ByteView rest);
  // True at the line feed that ends the row.
  Result<bool> read_byte(char byte);
  void end_field();
  Result<bool> finish(ByteView row);

  StreamReader& stream_;
  char delimiter_;
  State state_ = State::field_start;
  std::vector<std::string> fields_;
  std::string field_;
  ByteView text_;
  std::uint64_t line_ = 0;
  std::uint64_t next_line_ = 1;
};

}  // namespace logcask::cli
