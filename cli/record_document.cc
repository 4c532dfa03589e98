#include "cli/record_document.h"

#include "cli/json_members.h"

namespace logcask::cli {
namespace {

Error bad_document(const std::string& what) { return Error{Errc::invalid_record, what}; }

std::string json_text(ByteView text, bool& joined) {
  if (text.find('\n') == ByteView::npos) return std::string(text);
  joined = true;
  std::string one_line;
  append_joined_json(one_line, text);
  return one_line;
}

Result<ByteView> needed_field(ByteView document, const std::string& path) {
  LOGCASK_ASSIGN(const auto found, find_json_field(document, path));
  if (!found) return bad_document("no field '" + path + "' in it; its fields are: " + json_member_names(document));
  return *found;
}

}  // namespace

Result<RecordIn> parse_document(ByteView document, const DocumentRules& rules, bool& joined) {
  RecordIn record;
  LOGCASK_ASSIGN(const ByteView key, needed_field(document, rules.key_field));
  if (key.starts_with('{') || key.starts_with('['))
    return bad_document("the field '" + rules.key_field +
                        "' is an object or an array and no key; name a field inside it, with a dot between");
  if (key != "null") record.key = key.starts_with('"') ? decode_json_string(key) : std::string(key);
  if (!rules.value_field) {
    record.value = json_text(document, joined);
    return record;
  }
  LOGCASK_ASSIGN(const ByteView value, needed_field(document, *rules.value_field));
  if (value != "null") record.value = value.starts_with('"') ? decode_json_string(value) : json_text(value, joined);
  return record;
}

}  // namespace logcask::cli
