#include "cli/json_stream.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>

#include "cli/record_text.h"

namespace logcask::cli {
namespace {

namespace json = boost::json;

// Documents nested deeper are refused instead of followed.
constexpr std::size_t kMaxJsonDepth = 512;

json::parse_options strict_options() {
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  return options;
}

constexpr ByteView kJsonSpaces = " \t\n\r";

bool is_json_space(char byte) { return kJsonSpaces.find(byte) != ByteView::npos; }

Error no_object(ByteView rest) {
  std::string shown;
  append_escaped_field(shown, rest.substr(0, std::min<std::size_t>(rest.find('\n'), 20)));
  return Error{Errc::invalid_record, "not a JSON object, nor an array of them: '" + shown + "'"};
}

}  // namespace

struct JsonStream::Parser {
  // Wants to know nothing but whether it is JSON and where it ends.
  struct IgnoreEvents {
    static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

    bool on_document_begin(json::error_code&) { return true; }
    bool on_document_end(json::error_code&) { return true; }
    bool on_object_begin(json::error_code&) { return true; }
    bool on_object_end(std::size_t, json::error_code&) { return true; }
    bool on_array_begin(json::error_code&) { return true; }
    bool on_array_end(std::size_t, json::error_code&) { return true; }
    bool on_key_part(json::string_view, std::size_t, json::error_code&) { return true; }
    bool on_key(json::string_view, std::size_t, json::error_code&) { return true; }
    bool on_string_part(json::string_view, std::size_t, json::error_code&) { return true; }
    bool on_string(json::string_view, std::size_t, json::error_code&) { return true; }
    bool on_number_part(json::string_view, json::error_code&) { return true; }
    bool on_int64(std::int64_t, json::string_view, json::error_code&) { return true; }
    bool on_uint64(std::uint64_t, json::string_view, json::error_code&) { return true; }
    bool on_double(double, json::string_view, json::error_code&) { return true; }
    bool on_bool(bool, json::error_code&) { return true; }
    bool on_null(json::error_code&) { return true; }
    bool on_comment_part(json::string_view, json::error_code&) { return true; }
    bool on_comment(json::string_view, json::error_code&) { return true; }
  };

  json::basic_parser<IgnoreEvents> parser{strict_options()};
};

JsonStream::JsonStream(StreamReader& stream) : stream_(stream), parser_(std::make_unique<Parser>()) {}
JsonStream::~JsonStream() = default;

Result<bool> JsonStream::next(ByteView& text) {
  if (returned_ > 0) {
    LOGCASK_ASSIGN(const ByteView last, stream_.peek(returned_));
    line_ += static_cast<std::uint64_t>(
        std::count(last.begin(), last.begin() + static_cast<std::ptrdiff_t>(returned_), '\n'));
    stream_.take(returned_);
    returned_ = 0;
  }
  LOGCASK_ASSIGN(const bool more, find_object());
  if (!more) return false;
  LOGCASK_ASSIGN(text, read_object());
  returned_ = text.size();
  if (place_ != Place::outside) place_ = Place::behind_element;
  return true;
}

// Goes on to the brace that begins an object.
Result<bool> JsonStream::find_object() {
  while (true) {
    LOGCASK_ASSIGN(const ByteView rest, stream_.peek(1));
    if (rest.empty()) {
      if (place_ != Place::outside) return Error{Errc::invalid_record, "the input ends inside an array"};
      return false;
    }
    const char byte = rest[0];
    if (is_json_space(byte)) {
      skip_space(rest);
      continue;
    }
    if (byte == '[' && place_ == Place::outside) {
      place_ = Place::array_begun;
    } else if (byte == ']' && (place_ == Place::array_begun || place_ == Place::behind_element)) {
      place_ = Place::outside;
    } else if (byte == ',' && place_ == Place::behind_element) {
      place_ = Place::behind_comma;
    } else if (byte == '{' && place_ != Place::behind_element) {
      return true;
    } else if (place_ == Place::behind_element) {
      return Error{Errc::invalid_record, "a comma is missing between two elements of the array"};
    } else {
      return no_object(rest);
    }
    stream_.take(1);
  }
}

void JsonStream::skip_space(ByteView rest) {
  const std::size_t length = std::min(rest.find_first_not_of(kJsonSpaces), rest.size());
  line_ +=
      static_cast<std::uint64_t>(std::count(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(length), '\n'));
  stream_.take(length);
}

Result<ByteView> JsonStream::read_object() {
  auto& parser = parser_->parser;
  parser.reset();
  std::size_t fed = 0;
  while (true) {
    LOGCASK_ASSIGN(const ByteView bytes, stream_.peek(fed + 1));
    if (bytes.size() == fed) return Error{Errc::invalid_record, "not JSON: the input ends inside an object"};
    json::error_code code;
    const ByteView fresh = bytes.substr(fed);
    fed += parser.write_some(true, fresh.data(), fresh.size(), code);
    if (code) return Error{Errc::invalid_record, "not JSON: the object that begins here has a " + code.message()};
    // The parser takes white space behind the object along.
    if (parser.done()) return bytes.substr(0, bytes.substr(0, fed).rfind('}') + 1);
  }
}

}  // namespace logcask::cli
