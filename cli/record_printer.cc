#include "cli/record_printer.h"

#include "cli/record_json.h"
#include "cli/record_raw.h"
#include "cli/record_text.h"

namespace logcask::cli {

void RecordPrinter::append(std::string& out, const client::ReadRecord& record) const {
  RecordOut shown{topic_, record.partition, record.offset, record.timestamp, record.key, record.value, {}};
  if (form_ == "text") return append_text_record(out, shown);
  if (form_ == "raw") return append_raw_record(out, shown);
  for (const auto& header : record.headers()) shown.headers.emplace_back(header.name, header.value);
  append_json_record(out, shown);
}

}  // namespace logcask::cli
