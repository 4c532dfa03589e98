#include "segment/filename.h"

#include <array>
#include <charconv>
#include <utility>

namespace logcask {
namespace {

constexpr std::size_t kBaseDigits = 20;

constexpr std::array<std::pair<SegmentFile, std::string_view>, 5> kSuffixes = {{
    {SegmentFile::log, ".log"},
    {SegmentFile::index, ".index"},
    {SegmentFile::time_index, ".timeindex"},
    {SegmentFile::hint, ".hint"},
    {SegmentFile::sync, ".sync"},
}};

std::string_view suffix_of(SegmentFile file) {
  for (const auto& [kind, suffix] : kSuffixes)
    if (kind == file) return suffix;
  return {};
}

// All of `text` is one decimal number.
template <class T>
bool parse_number(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

std::optional<SegmentFile> file_of(std::string_view suffix) {
  for (const auto& [kind, text] : kSuffixes)
    if (text == suffix) return kind;
  return std::nullopt;
}

}  // namespace

std::string segment_filename(SegmentName name, SegmentFile file) {
  const std::string digits = std::to_string(name.base.value());
  std::string text(kBaseDigits - digits.size(), '0');
  text += digits;
  text += '.';
  text += std::to_string(name.generation.value());
  text += suffix_of(file);
  return text;
}

std::optional<ParsedFilename> parse_segment_filename(std::string_view filename) {
  if (filename.size() < kBaseDigits + 2 || filename[kBaseDigits] != '.') return std::nullopt;
  const std::size_t dot = filename.find('.', kBaseDigits + 1);
  if (dot == std::string_view::npos) return std::nullopt;
  std::int64_t base = 0;
  std::uint32_t generation = 0;
  if (!parse_number(filename.substr(0, kBaseDigits), base) || base < 0) return std::nullopt;
  if (!parse_number(filename.substr(kBaseDigits + 1, dot - kBaseDigits - 1), generation)) return std::nullopt;
  const auto file = file_of(filename.substr(dot));
  if (!file) return std::nullopt;
  const ParsedFilename parsed{{Offset(base), Generation(generation)}, *file};
  if (segment_filename(parsed.name, parsed.file) != filename) return std::nullopt;  // leading zeros
  return parsed;
}

}  // namespace logcask
