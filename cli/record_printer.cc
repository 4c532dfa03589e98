#include "cli/record_printer.h"

#include <unistd.h>

#include "cli/output.h"
#include "cli/record_json.h"
#include "cli/record_raw.h"

namespace logcask::cli {

TextStyle output_style(std::string key_separator) { return {std::move(key_separator), ::isatty(1) == 1}; }

void RecordPrinter::append(std::string& out, const client::ReadRecord& record) {
  if (form_ != "json") note_headers(record);
  const bool key_alone = keys_only_ && record.key && record.value;
  if (form_ == "text" && key_alone) return append_text_key(out, *record.key, style_);
  if (form_ == "text") return append_text_record(out, record.key, record.value, style_);
  RecordOut shown{topic_, record.partition, record.offset, record.timestamp, record.key, record.value, {}, keys_only_};
  if (form_ == "raw") return append_raw_record(out, shown);
  for (const auto& header : record.headers()) shown.headers.emplace_back(header.name, header.value);
  append_json_record(out, shown);
}

// Whoever copies records would lose them without a word; whoever looks at a terminal would be disturbed by one.
void RecordPrinter::note_headers(const client::ReadRecord& record) {
  if (record.header_count == 0 || headers_noted_ || style_.for_terminal || keys_only_) return;
  headers_noted_ = true;
  print_error("partition " + std::to_string(record.partition.value()) + " offset " +
              std::to_string(record.offset.value()) + " has headers, and others may; -o json prints them, " + form_ +
              " does not");
}

}  // namespace logcask::cli
