#pragma once
// Prints records that were read, in the form asked for; shared by every verb that prints records.

#include <string>

#include "cli/record.h"
#include "cli/record_text.h"
#include "logcask/record.h"

namespace logcask::cli {

// Of standard output: lines that would disturb a terminal are escaped there.
TextStyle output_style(std::string key_separator = "\t");

class RecordPrinter {
 public:
  // `form`: text | json | raw.
  RecordPrinter(std::string form, std::string topic, TextStyle style = output_style())
      : form_(std::move(form)), topic_(std::move(topic)), style_(std::move(style)) {}

  // The values are empty because nobody asked for them: only keys are printed, and deletes.
  void keys_only() { keys_only_ = true; }
  void append(std::string& out, const client::ReadRecord& record);

 private:
  void note_headers(const client::ReadRecord& record);

  std::string form_;
  std::string topic_;
  TextStyle style_;
  bool keys_only_ = false;
  bool headers_noted_ = false;
};

}  // namespace logcask::cli
