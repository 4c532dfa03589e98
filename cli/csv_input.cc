#include "cli/csv_input.h"

#include <algorithm>
#include <limits>

#include "base/json_writer.h"
#include "base/utf8.h"
#include "cli/byte_order_mark.h"
#include "cli/record_text.h"
#include "cli/units.h"

namespace logcask::cli {
namespace {

// A column's number from 1, or nothing.
std::optional<std::size_t> column_number(const std::string& name) {
  const bool digits = !name.empty() && name.find_first_not_of("0123456789") == std::string::npos;
  const auto number = digits ? parse_number(name) : Result<std::int64_t>(0);
  if (!number.ok() || *number < 1) return std::nullopt;
  return static_cast<std::size_t>(*number);
}

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) {
    out += out.empty() ? "'" : ", '";
    append_escaped_field(out, name);
    out += '\'';
  }
  return out;
}

}  // namespace

Status CsvInput::check(const CsvRules& rules) {
  if (rules.key_column.empty())
    return Error{Errc::invalid_argument, "--input csv wants --key-column: a name of the header, or a number from 1"};
  for (const std::string& name : {rules.key_column, rules.value_column.value_or("1")})
    if (!rules.header && !column_number(name))
      return Error{Errc::invalid_argument, "'" + name +
                                               "' is no number of a column (from 1); names of columns are read from "
                                               "the first row with --header"};
  return {};
}

Result<std::size_t> CsvInput::column(const std::string& name) const {
  const auto same = std::count(names_.begin(), names_.end(), name);
  if (same > 1)
    return Error{Errc::invalid_record,
                 "the column '" + name + "' stands twice in the header; give a column's number, or one --value-column"};
  if (same == 1) return static_cast<std::size_t>(std::find(names_.begin(), names_.end(), name) - names_.begin());
  const auto number = column_number(name);
  if (number && *number <= width_) return *number - 1;
  if (rules_.csv.header)
    return Error{Errc::invalid_record,
                 "no column '" + name + "'; the header has " + listed(names_) + " (another --delimiter?)"};
  return Error{Errc::invalid_record, "no column " + name + "; the row has " + std::to_string(width_) +
                                         (width_ == 1 ? " field" : " fields") + " (another --delimiter?)"};
}

Result<bool> CsvInput::next_row() {
  while (true) {
    LOGCASK_ASSIGN(const bool more, reader_.next());
    if (!more || !reader_.empty()) return more;
    notes_.met(InputNote::empty_row, place(number()));
  }
}

Status CsvInput::begin() {
  LOGCASK_ASSIGN(const bool marked, take_byte_order_mark(stream_));
  if (marked) notes_.met(InputNote::byte_order_mark, place(1));
  if (!rules_.csv.header) return {};
  LOGCASK_ASSIGN(const bool more, next_row());
  if (!more) return {};
  names_ = reader_.fields();
  if (!rules_.csv.value_column)
    for (const auto& name : names_) LOGCASK_TRY(column(name));  // a JSON object has each name once
  return find_columns();
}

Status CsvInput::find_columns() {
  width_ = reader_.fields().size();
  LOGCASK_ASSIGN(key_, column(rules_.csv.key_column));
  if (!rules_.csv.value_column) return {};
  LOGCASK_ASSIGN(value_, column(*rules_.csv.value_column));
  return {};
}

Result<bool> CsvInput::next(RecordIn& record) {
  auto got = read(record);
  if (!got.ok()) return std::move(got).error().in(place(number()));
  return got;
}

Result<bool> CsvInput::read(RecordIn& record) {
  if (!begun_) {
    begun_ = true;
    LOGCASK_TRY(begin());
  }
  LOGCASK_ASSIGN(const bool more, next_row());
  if (!more) return false;
  const auto& fields = reader_.fields();
  if (width_ == 0) LOGCASK_TRY(find_columns());
  if (fields.size() != width_)
    return Error{Errc::invalid_record, std::to_string(fields.size()) + (fields.size() == 1 ? " field" : " fields") +
                                           " where the first row has " + std::to_string(width_)};
  record = RecordIn();
  record.key = fields[key_];
  if (value_) {
    record.value = fields[*value_];
    if (rules_.text.tombstone_on_empty && record.value->empty()) record.value.reset();
  } else {
    LOGCASK_ASSIGN(record.value, row_value());
  }
  return true;
}

Result<std::string> CsvInput::row_value() const {
  if (!rules_.csv.header) return std::string(reader_.text());
  std::string value;
  JsonWriter json(value);
  json.begin();
  for (std::size_t i = 0; i < width_; ++i) {
    if (!valid_utf8(names_[i]) || !valid_utf8(reader_.fields()[i]))
      return Error{Errc::invalid_record,
                   "it is not UTF-8, so it cannot become JSON; convert the file: iconv -f WINDOWS-1252 -t UTF-8 (or "
                   "what it is in), or name one --value-column"};
    json.field(names_[i], reader_.fields()[i]);
  }
  json.end();
  return value;
}

}  // namespace logcask::cli
