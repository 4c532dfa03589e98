#pragma once
// Everything that produce would read out of an input, and what it would say on stderr.

#include <string>
#include <string_view>
#include <vector>

#include "cli/record_input.h"
#include "tests/cli/input_file.h"

struct ReadRecords {
  std::vector<logcask::cli::RecordIn> records;
  std::vector<std::uint64_t> numbers;
  std::vector<std::string> notes;
  logcask::Error error{logcask::Errc::ok, {}};  // that ended it
};

inline ReadRecords read_records(std::string_view content, logcask::cli::InputRules rules = {}) {
  const InputFile file(content);
  ReadRecords read;
  auto input = logcask::cli::open_record_input(
      file.descriptor(), std::move(rules),
      logcask::cli::InputNotes([&](const std::string& note) { read.notes.push_back(note); }));
  if (!input.ok()) {
    read.error = input.error();
    return read;
  }
  logcask::cli::RecordIn record;
  while (true) {
    const auto more = (*input)->next(record);
    if (!more.ok()) read.error = more.error();
    if (!more.ok() || !*more) return read;
    read.records.push_back(record);
    read.numbers.push_back((*input)->number());
  }
}
