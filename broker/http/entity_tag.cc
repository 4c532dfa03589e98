#include "broker/http/entity_tag.h"

#include <algorithm>
#include <charconv>

namespace logcask {
namespace {

template <class Number>
bool take_number(std::string_view& text, Number& out) {
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || out < 0) return false;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  return true;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

constexpr std::size_t kIdDigits = 32;

std::optional<EntityTag> parse_tag(std::string_view text) {
  EntityTag tag;
  if (text.size() < kIdDigits || !TopicId::from_hex(text.substr(0, kIdDigits), tag.topic_id)) return std::nullopt;
  text.remove_prefix(kIdDigits);
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  if (!take(text, '-') || !take_number(text, partition) || !take(text, '-') || !take_number(text, offset)) return {};
  if (!take(text, '-') || text.size() != 1) return std::nullopt;
  tag.partition = PartitionId(partition);
  tag.offset = Offset(offset);
  tag.form = text.front();
  return tag;
}

}  // namespace

std::string EntityTag::to_string() const {
  return '"' + topic_id.to_hex() + '-' + std::to_string(partition.value()) + '-' + std::to_string(offset.value()) +
         '-' + form + '"';
}

Result<TagList> parse_tag_list(std::string_view text, bool strong) {
  const Error none{Errc::invalid_argument,
                   "'" + std::string(text) +
                       "' is no list of entity tags: send the ETag of an answer with its quotes, "
                       "or *"};
  TagList list;
  const auto skip_spaces = [&] { text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size())); };
  skip_spaces();
  if (text == "*") {
    list.any = true;
    return list;
  }
  while (!text.empty()) {
    const bool weak = text.starts_with("W/");
    if (weak) text.remove_prefix(2);
    const std::size_t end = text.starts_with('"') ? text.find('"', 1) : std::string_view::npos;
    if (end == std::string_view::npos) return none;
    if (const auto tag = parse_tag(text.substr(1, end - 1)); tag && !(weak && strong))
      list.tags.push_back(*tag);
    else
      ++list.foreign;
    text.remove_prefix(end + 1);
    skip_spaces();
    if (text.empty()) break;
    if (!take(text, ',')) return none;
    skip_spaces();
  }
  if (list.tags.empty() && list.foreign == 0) return none;
  return list;
}

}  // namespace logcask
