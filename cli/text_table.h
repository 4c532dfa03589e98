#pragma once
// Columns for people: a heading row, cells padded to line up, numbers to the right.

#include <string>
#include <vector>

namespace logcask::cli {

class TextTable {
 public:
  // A heading that starts with '>' is a column of numbers.
  explicit TextTable(std::vector<std::string> headings);
  void row(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  void append_to(std::string& out) const;

 private:
  std::vector<std::string> headings_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace logcask::cli
