#pragma once
// Errors as values that cannot be dropped.
//
// Error  = a code plus one sentence that names what, where and the mend.
// Result<T> = a T or an Error; Status = Result<void>. Both are [[nodiscard]].
// value() of an error aborts with the error's text on stderr: ask ok() first where failing is possible.
// Expected failures (bad input, full disk, damaged file) travel as values. Programmer errors use
// LOGCASK_CHECK (logcask/check.h). Exceptions never cross a folder.

#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include <logcask/check.h>
#include <logcask/errc.h>

namespace logcask {

struct [[nodiscard]] Error {
  Errc code = Errc::internal;
  std::string message;

  // "storage_full: write t-0/000.log: No space left on device"
  std::string to_string() const { return std::string(errc_name(code)) + ": " + message; }
  // The same error with `where` put in front of the message.
  Error in(const std::string& where) && { return Error{code, where + ": " + std::move(message)}; }
};

// Says on stderr which error was taken for a value, and aborts.
[[noreturn]] LOGCASK_API void value_of_error(const Error& error);

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    require_value();
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    require_value();
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    require_value();
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& {
    LOGCASK_CHECK(!ok());
    return std::get<1>(state_);
  }
  Error&& error() && {
    LOGCASK_CHECK(!ok());
    return std::get<1>(std::move(state_));
  }
  Errc code() const { return ok() ? Errc::ok : error().code; }

 private:
  void require_value() const {
    if (!ok()) [[unlikely]]
      value_of_error(*std::get_if<1>(&state_));
  }

  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit by design

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const& {
    LOGCASK_CHECK(!ok());
    return *error_;
  }
  Error&& error() && {
    LOGCASK_CHECK(!ok());
    return std::move(*error_);
  }
  Errc code() const { return ok() ? Errc::ok : error_->code; }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

// Error from errno: ENOSPC/EDQUOT/EFBIG -> storage_full, ENOENT -> not_found, EEXIST -> already_exists,
// EACCES/EPERM/EROFS -> permission_denied, EMFILE/ENFILE -> limit_exceeded, others -> io_error.
// `what` says what was tried and on which file.
LOGCASK_API Error error_from_errno(int error_number, const std::string& what);

}  // namespace logcask

#define LOGCASK_CONCAT_INNER(a, b) a##b
#define LOGCASK_CONCAT(a, b) LOGCASK_CONCAT_INNER(a, b)

// Leaves the function with the error when `expr` failed.
#define LOGCASK_TRY(expr)                                                                       \
  do {                                                                                          \
    if (auto logcask_try_ = (expr); !logcask_try_.ok()) return std::move(logcask_try_).error(); \
  } while (false)

// LOGCASK_ASSIGN(auto file, dir.open(name)): declares and fills, or leaves with the error.
#define LOGCASK_ASSIGN(decl, expr) LOGCASK_ASSIGN_IMPL(LOGCASK_CONCAT(logcask_result_, __LINE__), decl, expr)
#define LOGCASK_ASSIGN_IMPL(tmp, decl, expr)    \
  auto tmp = (expr);                            \
  if (!tmp.ok()) return std::move(tmp).error(); \
  decl = std::move(tmp).value()
