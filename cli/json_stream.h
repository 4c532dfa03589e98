#pragma once
// JSON objects out of a stream, each as it stands there: one a line, one behind the other over any number of lines, or
// as the elements of arrays. Strict (RFC 8259, UTF-8); memory is bounded by the largest object.

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "cli/line_reader.h"

namespace logcask::cli {

class JsonStream {
 public:
  // `stream` must outlive this.
  explicit JsonStream(StreamReader& stream);
  ~JsonStream();

  // The text of the next object, from { to }; false at the end. The view lives until the next call. invalid_record:
  // what stands there is no object, or not JSON.
  Result<bool> next(ByteView& text);
  // The line on which what was read last begins, from 1.
  std::uint64_t line() const { return line_; }

 private:
  struct Parser;

  Result<bool> find_object();
  void skip_space(ByteView rest);
  Result<ByteView> read_object();

  StreamReader& stream_;
  std::unique_ptr<Parser> parser_;
  std::uint64_t line_ = 1;
  std::size_t returned_ = 0;  // bytes of the object that was handed out and is not taken yet
  enum class Place { outside, array_begun, behind_element, behind_comma } place_ = Place::outside;
};

}  // namespace logcask::cli
