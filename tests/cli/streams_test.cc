#include <fcntl.h>
#include <unistd.h>

#include <csignal>

#include "cli/exit_code.h"
#include "cli/line_reader.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/record_input.h"
#include "cli/units.h"
#include "tests/support/catch.h"

using namespace logcask;
using namespace logcask::cli;

namespace {

// A pipe whose write end held `content` and is closed.
class Input {
 public:
  explicit Input(const std::string& content) {
    REQUIRE(::pipe(ends_) == 0);
    REQUIRE(::write(ends_[1], content.data(), content.size()) == static_cast<ssize_t>(content.size()));
    ::close(ends_[1]);
  }
  ~Input() { ::close(ends_[0]); }
  int descriptor() const { return ends_[0]; }

 private:
  int ends_[2] = {-1, -1};
};

}  // namespace

TEST_CASE("lines come one by one, also empty ones and a last one without newline") {
  const Input input("a\n\nb\\n\nlast");
  StreamReader reader(input.descriptor());
  std::vector<std::string> lines;
  ByteView line;
  while (true) {
    auto more = reader.next_line(line);
    REQUIRE_OK(more);
    if (!*more) break;
    lines.emplace_back(line);
  }
  CHECK(lines == std::vector<std::string>{"a", "", "b\\n", "last"});
}

TEST_CASE("a line longer than the limit is refused instead of held in memory") {
  const Input input(std::string(5000, 'x'));
  StreamReader reader(input.descriptor(), 1000);
  ByteView line;
  CHECK(reader.next_line(line).code() == Errc::invalid_record);
}

TEST_CASE("a malformed record names its line") {
  const Input input("k\tv\nno separator\n");
  auto records = open_record_input(input.descriptor(), {});
  REQUIRE_OK(records);
  RecordIn record;
  REQUIRE_OK((*records)->next(record));
  auto bad = (*records)->next(record);
  REQUIRE(!bad.ok());
  CHECK(bad.error().message.starts_with("line 2: "));
  CHECK(bad.code() == Errc::invalid_record);
}

TEST_CASE("raw records are cut by their lengths and a cut one is named") {
  const Input input(std::string("\0\0\0\1k\0\0\0\2vw\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\1k\0\0", 27));
  InputRules rules;
  rules.form = "raw";
  auto records = open_record_input(input.descriptor(), rules);
  REQUIRE_OK(records);
  RecordIn record;
  auto got = (*records)->next(record);
  REQUIRE_OK(got);
  CHECK(record.key == "k");
  CHECK(record.value == "vw");
  got = (*records)->next(record);
  REQUIRE_OK(got);
  CHECK(!record.key);
  CHECK(!record.value);
  got = (*records)->next(record);
  REQUIRE(!got.ok());
  CHECK(got.error().message == "record 3: the input ends inside it");
}

TEST_CASE("a reader that has gone ends a verb quietly, a full disk does not") {
  std::signal(SIGPIPE, SIG_IGN);  // as install_signal_handlers() does for the program
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  ::close(ends[0]);
  Output gone(ends[1]);
  gone.buffer() = "x";
  CHECK(!gone.flush());
  CHECK(gone.finish(kExitFailed) == kExitOk);
  ::close(ends[1]);

  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  REQUIRE(full >= 0);
  Output out(full);
  out.buffer() = "x";
  CHECK(out.finish() == kExitFailed);
  ::close(full);
}

TEST_CASE("times are read and written as RFC 3339") {
  CHECK(timestamp_text(TimestampMs(0)) == "1970-01-01T00:00:00.000Z");
  CHECK(timestamp_text(TimestampMs(1709210096789)) == "2024-02-29T12:34:56.789Z");
  CHECK(parse_rfc3339("2024-02-29T12:34:56.789Z")->value() == 1709210096789);
  CHECK(parse_rfc3339("2024-02-29T14:04:56.7891234+01:30")->value() == 1709210096789);
  CHECK(parse_rfc3339("2024-02-29 12:34:56Z")->value() == 1709210096000);
  for (const char* bad :
       {"", "2024", "2023-02-29T00:00:00Z", "2024-02-29T12:34:56", "2024-02-29T12:34:56.Z", "2024-13-01T00:00:00Z",
        "2024-02-29T25:00:00Z", "2024-02-29T12:34:56Z ", "2024-02-29T12:34:56+1:30"})
    CHECK(!parse_rfc3339(bad).ok());
}

TEST_CASE("bytes and bars are drawn to scale") {
  CHECK(bytes_text(512) == "512 B");
  CHECK(bytes_text(1536) == "1.5 KB");
  CHECK(bytes_text(20'000'000) == "20 MB");
  CHECK(progress_bar(0, 0, 4) == "[....]   0%");
  CHECK(progress_bar(1, 2, 4) == "[##..]  50%");
  CHECK(progress_bar(9, 2, 4) == "[####] 100%");
}
