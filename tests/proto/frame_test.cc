#include "proto/frame.h"

#include "base/coding.h"
#include "logcask/v1/native.pb.h"
#include "tests/support/catch.h"

namespace logcask {
namespace {

constexpr FrameLimits kLimits{1000, 100};

std::string prefix(std::uint32_t frame_bytes, std::uint32_t header_bytes) {
  std::string bytes(kFramePrefixBytes, '\0');
  store_be(bytes.data(), frame_bytes);
  store_be(bytes.data() + 4, header_bytes);
  return bytes;
}

std::string frame(ByteView header, ByteView attachment) {
  return prefix(static_cast<std::uint32_t>(4 + header.size() + attachment.size()),
                static_cast<std::uint32_t>(header.size())) +
         std::string(header) + std::string(attachment);
}

Errc refusal(const std::string& bytes, std::string* message = nullptr) {
  const auto cut = next_frame(bytes, kLimits);
  if (!cut.ok() && message) *message = cut.error().message;
  return cut.code();
}

TEST_CASE("a frame comes out as it was put together, whatever follows it") {
  for (const auto& [header, attachment] : std::vector<std::pair<std::string, std::string>>{
           {"", ""}, {"h", ""}, {"", "a"}, {std::string(100, 'h'), std::string(892, 'a')}}) {
    const std::string bytes = frame(header, attachment);
    std::size_t needed = 0;
    const std::string stream = bytes + "next frame";
    const auto cut = next_frame(stream, kLimits, &needed);
    REQUIRE_OK(cut);
    REQUIRE(cut->has_value());
    CHECK((*cut)->header == header);
    CHECK((*cut)->attachment == attachment);
    CHECK((*cut)->total_bytes == bytes.size());
    CHECK(needed == bytes.size());
  }
}

TEST_CASE("a frame in pieces asks for its prefix first, then for all of it") {
  const std::string bytes = frame("header", "attachment");
  for (std::size_t have = 0; have < bytes.size(); ++have) {
    INFO("with " << have << " bytes");
    std::size_t needed = 0;
    const auto cut = next_frame(ByteView(bytes).substr(0, have), kLimits, &needed);
    REQUIRE_OK(cut);
    CHECK_FALSE(cut->has_value());
    CHECK(needed == (have < kFramePrefixBytes ? kFramePrefixBytes : bytes.size()));
  }
}

TEST_CASE("lengths beyond the limits are refused with the eight bytes of the prefix, and named") {
  std::string message;
  CHECK(refusal(prefix(996, 0)) == Errc::ok);  // 1000 in all
  CHECK(refusal(prefix(997, 0), &message) == Errc::frame_too_large);
  CHECK_THAT(message, Catch::Contains("frame of 1001 bytes") && Catch::Contains("takes 1000"));
  CHECK(refusal(prefix(200, 100)) == Errc::ok);
  CHECK(refusal(prefix(200, 101), &message) == Errc::frame_too_large);
  CHECK_THAT(message, Catch::Contains("header of 101 bytes") && Catch::Contains("takes 100"));
  // Neither wraps around.
  CHECK(refusal(prefix(UINT32_MAX, 0)) == Errc::frame_too_large);
  CHECK(refusal(prefix(UINT32_MAX, UINT32_MAX)) == Errc::frame_too_large);
}

TEST_CASE("a header longer than its frame is malformed") {
  CHECK(refusal(prefix(4, 0)) == Errc::ok);
  for (const std::uint32_t frame_bytes : {0u, 1u, 2u, 3u})
    CHECK(refusal(prefix(frame_bytes, 0)) == Errc::malformed_frame);
  CHECK(refusal(prefix(10, 6)) == Errc::ok);
  std::string message;
  CHECK(refusal(prefix(10, 7), &message) == Errc::malformed_frame);
  CHECK_THAT(message, Catch::Contains("header length 7") && Catch::Contains("frame length 10"));
  CHECK(refusal(prefix(10, UINT32_MAX)) == Errc::malformed_frame);
}

TEST_CASE("a frame's head stands before what it announces, also behind other frames") {
  v1::RequestHeader header;
  header.set_correlation_id(77);
  header.mutable_metadata()->add_topics("t");
  std::string out = frame("first", "one");
  const std::size_t start = out.size();
  append_frame_head(out, header, 10);
  out += "attachment";
  const auto cut = next_frame(ByteView(out).substr(start), kLimits);
  REQUIRE_OK(cut);
  REQUIRE(cut->has_value());
  CHECK((*cut)->attachment == "attachment");
  CHECK((*cut)->total_bytes == out.size() - start);
  v1::RequestHeader read;
  REQUIRE(read.ParseFromArray((*cut)->header.data(), static_cast<int>((*cut)->header.size())));
  CHECK(read.correlation_id() == 77);
  CHECK(read.metadata().topics(0) == "t");
  CHECK(next_frame(out, kLimits).value()->header == "first");
}

}  // namespace
}  // namespace logcask
