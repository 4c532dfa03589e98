#include "cli/csv_reader.h"

#include <algorithm>

namespace logcask::cli {

void CsvReader::end_field() {
  fields_.push_back(std::move(field_));
  field_.clear();
  state_ = State::field_start;
}

std::size_t CsvReader::take_run(ByteView rest) {
  std::size_t length = 0;
  if (state_ == State::quoted)
    length = std::min(rest.find('"'), rest.size());
  else if (state_ == State::plain)
    while (length < rest.size() && rest[length] != '\n' && rest[length] != delimiter_) ++length;
  const ByteView run = rest.substr(0, length);
  field_.append(run);
  next_line_ += static_cast<std::uint64_t>(std::count(run.begin(), run.end(), '\n'));
  return length;
}

// A CR in front of the line feed is only known for a part of the line end when that comes: finish() takes it off.
Result<bool> CsvReader::read_byte(char byte) {
  if (state_ == State::quoted) {
    if (byte == '"')
      state_ = State::behind_quote;
    else
      field_ += byte;
    return false;
  }
  if (byte == '\n') return true;
  if (byte == delimiter_) {
    end_field();
  } else if (state_ == State::field_start && byte == '"') {
    state_ = State::quoted;
  } else if (state_ == State::behind_quote && byte == '"') {
    field_ += byte;
    state_ = State::quoted;
  } else if (state_ == State::behind_quote && byte != '\r') {
    return Error{Errc::invalid_record,
                 "text behind a closing quote; a quote inside a quoted field is written twice (RFC 4180)"};
  } else if (state_ != State::behind_quote) {
    field_ += byte;
    state_ = State::plain;
  }
  return false;
}

Result<bool> CsvReader::finish(ByteView row) {
  if (row.ends_with('\r')) {
    row.remove_suffix(1);
    if (state_ != State::behind_quote) field_.pop_back();
  }
  end_field();
  text_ = row;
  return true;
}

Result<bool> CsvReader::next() {
  line_ = next_line_;
  fields_.clear();
  field_.clear();
  state_ = State::field_start;
  std::size_t read = 0;
  while (true) {
    LOGCASK_ASSIGN(const ByteView bytes, stream_.peek(read + 1));
    if (bytes.size() == read) {
      if (read == 0) return false;
      if (state_ == State::quoted) return Error{Errc::invalid_record, "a quote that is never closed"};
      stream_.take(read);
      return finish(bytes);
    }
    while (true) {
      read += take_run(bytes.substr(read));
      if (read == bytes.size()) break;
      LOGCASK_ASSIGN(const bool ended, read_byte(bytes[read]));
      next_line_ += bytes[read] == '\n' ? 1 : 0;
      ++read;
      if (!ended) continue;
      stream_.take(read);
      return finish(bytes.substr(0, read - 1));
    }
  }
}

}  // namespace logcask::cli
