#pragma once
// The checks of tests/support/catch.h for programs that make hundreds of millions of them: no framework, the text of an
// INFO is made only when a check fails, and a failed check throws a Violation that says where and under which INFOs.
// Compile a program's sources with LOGCASK_PLAIN_CHECKS to have them. Threads: INFOs are per thread.

#include <sstream>
#include <stdexcept>
#include <string>

namespace logcask::testing {

class Violation : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// One INFO in scope; refers to a callable that prints it.
class ScopedInfo {
 public:
  template <class Print>
  explicit ScopedInfo(const Print& print)
      : object_(&print),
        print_([](const void* object, std::ostream& out) { (*static_cast<const Print*>(object))(out); }),
        outer_(innermost_) {
    innermost_ = this;
  }
  ~ScopedInfo() { innermost_ = outer_; }
  ScopedInfo(const ScopedInfo&) = delete;
  ScopedInfo& operator=(const ScopedInfo&) = delete;

  static void print_all(std::ostream& out) { print_from(innermost_, out); }

 private:
  static void print_from(const ScopedInfo* info, std::ostream& out) {
    if (!info) return;
    print_from(info->outer_, out);
    out << "  ";
    info->print_(info->object_, out);
    out << "\n";
  }

  const void* object_;
  void (*print_)(const void*, std::ostream&);
  const ScopedInfo* outer_;
  static inline thread_local const ScopedInfo* innermost_ = nullptr;
};

[[noreturn]] inline void fail_check(const char* file, int line, const std::string& what) {
  std::ostringstream out;
  std::string name = file;
  if (const std::size_t at = name.rfind("tests/"); at != std::string::npos) name = name.substr(at);
  out << name << ":" << line << ": " << what << "\n";
  ScopedInfo::print_all(out);
  throw Violation(out.str());
}

}  // namespace logcask::testing

#define LOGCASK_JOIN_TEXT(a, b) a##b
#define LOGCASK_JOIN(a, b) LOGCASK_JOIN_TEXT(a, b)
#define INFO(what)                                                                                         \
  const auto LOGCASK_JOIN(info_text_, __LINE__) = [&](std::ostream& info_stream) { info_stream << what; }; \
  const ::logcask::testing::ScopedInfo LOGCASK_JOIN(info_, __LINE__)(LOGCASK_JOIN(info_text_, __LINE__))
#define REQUIRE(...)                                                                                 \
  do {                                                                                               \
    if (!(__VA_ARGS__)) ::logcask::testing::fail_check(__FILE__, __LINE__, "not so: " #__VA_ARGS__); \
  } while (false)
#define REQUIRE_FALSE(...) REQUIRE(!(__VA_ARGS__))
#define FAIL(what)                                                       \
  do {                                                                   \
    std::ostringstream fail_text;                                        \
    fail_text << what;                                                   \
    ::logcask::testing::fail_check(__FILE__, __LINE__, fail_text.str()); \
  } while (false)
