#include "segment/filename.h"

#include "tests/support/catch.h"

namespace logcask {
namespace {

TEST_CASE("segment files are spelled with a 20-digit base and a plain generation") {
  const SegmentName name{Offset(1234567), Generation(12)};
  REQUIRE(segment_filename(name, SegmentFile::log) == "00000000000001234567.12.log");
  REQUIRE(segment_filename(name, SegmentFile::index) == "00000000000001234567.12.index");
  REQUIRE(segment_filename(name, SegmentFile::time_index) == "00000000000001234567.12.timeindex");
  REQUIRE(segment_filename(name, SegmentFile::hint) == "00000000000001234567.12.hint");
  REQUIRE(segment_filename({Offset(0), Generation(0)}, SegmentFile::sync) == "00000000000000000000.0.sync");
}

TEST_CASE("a spelled name parses back to itself") {
  for (const std::int64_t base : {std::int64_t{0}, std::int64_t{1} << 48, INT64_MAX}) {
    for (const std::uint32_t generation : {0u, 1u, UINT32_MAX}) {
      for (const SegmentFile file :
           {SegmentFile::log, SegmentFile::index, SegmentFile::time_index, SegmentFile::hint, SegmentFile::sync}) {
        const SegmentName name{Offset(base), Generation(generation)};
        const auto parsed = parse_segment_filename(segment_filename(name, file));
        REQUIRE(parsed.has_value());
        REQUIRE(parsed->name == name);
        REQUIRE(parsed->file == file);
      }
    }
  }
}

TEST_CASE("names that are nearly right are not segment files") {
  for (const char* name : {"",
                           "x",
                           "00000000000000000000.0",
                           "00000000000000000000.0.",
                           "00000000000000000000.0.log2",
                           "00000000000000000000.00.log",
                           "00000000000000000000.01.log",
                           "00000000000000000000.-1.log",
                           "00000000000000000000..log",
                           "0000000000000000000.0.log",
                           "000000000000000000000.0.log",
                           "-0000000000000000001.0.log",
                           "+0000000000000000001.0.log",
                           "00000000000000000000.4294967296.log",
                           "99999999999999999999.0.log",
                           "00000000000000000000.0.log.tmp",
                           "0000000000000000000x.0.log",
                           "00000000000000000000.0x.log",
                           " 0000000000000000000.0.log",
                           "00000000000000000000.0.LOG"}) {
    CAPTURE(name);
    REQUIRE(!parse_segment_filename(name));
  }
}

}  // namespace
}  // namespace logcask
