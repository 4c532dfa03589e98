#include "cli/text_table.h"

#include <algorithm>

#include "base/utf8.h"

namespace logcask::cli {
namespace {

// In characters: names may hold more than ASCII.
std::size_t width_of(ByteView text) {
  std::size_t width = 0;
  for (; !text.empty(); ++width) text.remove_prefix(std::max<std::size_t>(utf8_character(text), 1));
  return width;
}

}  // namespace

TextTable::TextTable(std::vector<std::string> headings) : headings_(std::move(headings)) {
  for (auto& heading : headings_) {
    right_.push_back(heading[0] == '>');
    if (right_.back()) heading.erase(0, 1);
  }
}

void TextTable::row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

void TextTable::append_to(std::string& out) const {
  std::vector<std::size_t> widths;
  for (const auto& heading : headings_) widths.push_back(width_of(heading));
  for (const auto& cells : rows_)
    for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], width_of(cells[i]));
  const auto append_row = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string padding(widths[i] - width_of(cells[i]), ' ');
      line += (i == 0 ? "" : "  ") + (right_[i] ? padding + cells[i] : cells[i] + padding);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };
  append_row(headings_);
  for (const auto& cells : rows_) append_row(cells);
}

}  // namespace logcask::cli
