#pragma once
// The members of a JSON object as its text has them: numbers with all their digits, nothing taken twice for once.

#include <optional>
#include <string>

#include "base/result.h"
#include "base/types.h"

namespace logcask::cli {

// Goes through an object's text, which must be valid JSON (cli/json_stream.h has checked it).
class JsonMembers {
 public:
  explicit JsonMembers(ByteView object);
  // Both as they stand; the name with its quotes. False at the end.
  bool next(ByteView& name, ByteView& value);

 private:
  ByteView rest_;
};

// What a string token, quotes included, means.
std::string decode_json_string(ByteView token);

// The value of a member by its name or, where no member has that name, by a path of names with dots between. Nothing
// when there is none; invalid_record when the name stands twice.
Result<std::optional<ByteView>> find_json_field(ByteView object, const std::string& path);

std::size_t count_json_members(ByteView object);
// "a, b, c": for messages.
std::string json_member_names(ByteView object);

// Appends JSON without white space outside strings.
void append_joined_json(std::string& out, ByteView text);

}  // namespace logcask::cli
