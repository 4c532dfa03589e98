#include "broker/topics/topic_name.h"

namespace logcask {
namespace {

bool allowed(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

std::string quoted(std::string_view name) {
  std::string text = "'";
  for (const char c : name.substr(0, 100)) text += c >= ' ' && c <= '~' ? c : '?';
  return text + (name.size() > 100 ? "...'" : "'");
}

}  // namespace

Status check_topic_name(std::string_view name) {
  if (name.empty()) return Error{Errc::invalid_topic_name, "a topic needs a name"};
  if (name.size() > kTopicNameBytesMax)
    return Error{Errc::invalid_topic_name, "topic name " + quoted(name) + " has " + std::to_string(name.size()) +
                                               " bytes; at most " + std::to_string(kTopicNameBytesMax) +
                                               " are allowed"};
  if (name == "." || name == "..") return Error{Errc::invalid_topic_name, "a topic cannot be called " + quoted(name)};
  for (const char c : name)
    if (!allowed(c))
      return Error{Errc::invalid_topic_name,
                   "topic name " + quoted(name) + " has characters other than letters, digits, '.', '_' and '-'"};
  return {};
}

std::string fold_topic_name(std::string_view name) {
  std::string folded(name);
  for (char& c : folded)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
    else if (c == '.')
      c = '_';
  return folded;
}

}  // namespace logcask
