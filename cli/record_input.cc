#include "cli/record_input.h"

#include "cli/csv_input.h"
#include "cli/json_input.h"
#include "cli/raw_input.h"
#include "cli/text_input.h"

namespace logcask::cli {

Result<std::unique_ptr<RecordInput>> open_record_input(int descriptor, InputRules rules, InputNotes notes) {
  std::unique_ptr<RecordInput> input;
  if (rules.form == "raw") {
    input = std::make_unique<RawInput>(descriptor);
  } else if (rules.form == "json") {
    input = std::make_unique<JsonInput>(descriptor, std::move(rules), std::move(notes));
  } else if (rules.form == "csv") {
    LOGCASK_TRY(CsvInput::check(rules.csv));
    input = std::make_unique<CsvInput>(descriptor, std::move(rules), std::move(notes));
  } else {
    input = std::make_unique<TextInput>(descriptor, std::move(rules), std::move(notes));
  }
  return input;
}

}  // namespace logcask::cli
