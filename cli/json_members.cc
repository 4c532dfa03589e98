#include "cli/json_members.h"

#include <boost/json.hpp>

#include "base/check.h"

namespace logcask::cli {
namespace {

constexpr ByteView kJsonSpace = " \t\n\r";
constexpr std::size_t kNamesShown = 12;

void skip_space(ByteView& text) { text.remove_prefix(std::min(text.find_first_not_of(kJsonSpace), text.size())); }

std::size_t string_end(ByteView text) {
  std::size_t at = 1;
  while (text[at] != '"') at += text[at] == '\\' ? 2 : 1;
  return at + 1;
}

// Where the value that begins `text` ends.
std::size_t value_end(ByteView text) {
  if (text[0] == '"') return string_end(text);
  if (text[0] != '{' && text[0] != '[') return std::min(text.find_first_of(",]} \t\n\r"), text.size());
  std::size_t depth = 0;
  for (std::size_t at = 0;;) {
    const char byte = text[at];
    if (byte == '"') {
      at += string_end(text.substr(at));
      continue;
    }
    ++at;
    if (byte == '{' || byte == '[') ++depth;
    if ((byte == '}' || byte == ']') && --depth == 0) return at;
  }
}

}  // namespace

JsonMembers::JsonMembers(ByteView object) : rest_(object) {
  LOGCASK_CHECK(rest_.starts_with('{'));
  rest_.remove_prefix(1);
}

bool JsonMembers::next(ByteView& name, ByteView& value) {
  skip_space(rest_);
  if (rest_[0] == '}') return false;
  if (rest_[0] == ',') {
    rest_.remove_prefix(1);
    skip_space(rest_);
  }
  name = rest_.substr(0, string_end(rest_));
  rest_.remove_prefix(name.size());
  skip_space(rest_);
  rest_.remove_prefix(1);  // the colon
  skip_space(rest_);
  value = rest_.substr(0, value_end(rest_));
  rest_.remove_prefix(value.size());
  return true;
}

std::string decode_json_string(ByteView token) {
  if (token.find('\\') == ByteView::npos) return std::string(token.substr(1, token.size() - 2));
  const auto value = boost::json::parse(boost::json::string_view(token.data(), token.size()));
  return {value.get_string().data(), value.get_string().size()};
}

Result<std::optional<ByteView>> find_json_field(ByteView object, const std::string& path) {
  std::optional<ByteView> found;
  ByteView name;
  ByteView value;
  for (JsonMembers members(object); members.next(name, value);) {
    if (decode_json_string(name) != path) continue;
    if (found) return Error{Errc::invalid_record, "the field '" + path + "' stands twice"};
    found = value;
  }
  for (std::size_t dot = path.find('.'); !found && dot != std::string::npos; dot = path.find('.', dot + 1)) {
    if (dot == 0 || dot + 1 == path.size()) continue;
    LOGCASK_ASSIGN(const auto outer, find_json_field(object, path.substr(0, dot)));
    if (!outer || !outer->starts_with('{')) continue;
    LOGCASK_ASSIGN(found, find_json_field(*outer, path.substr(dot + 1)));
  }
  return found;
}

std::size_t count_json_members(ByteView object) {
  std::size_t count = 0;
  ByteView name;
  ByteView value;
  for (JsonMembers members(object); members.next(name, value);) ++count;
  return count;
}

std::string json_member_names(ByteView object) {
  std::string names;
  std::size_t count = 0;
  ByteView name;
  ByteView value;
  for (JsonMembers members(object); members.next(name, value); ++count) {
    if (count == kNamesShown) return names + ", ...";
    names += (names.empty() ? "" : ", ") + decode_json_string(name);
  }
  return names;
}

void append_joined_json(std::string& out, ByteView text) {
  while (!text.empty()) {
    if (text[0] == '"') {
      const std::size_t end = string_end(text);
      out += text.substr(0, end);
      text.remove_prefix(end);
      continue;
    }
    if (kJsonSpace.find(text[0]) == ByteView::npos) out += text[0];
    text.remove_prefix(1);
  }
}

}  // namespace logcask::cli
