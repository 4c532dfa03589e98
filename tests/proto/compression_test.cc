#include "proto/compression.h"

#include <lz4frame.h>
#include <snappy.h>
#include <sys/resource.h>
#include <zlib.h>
#include <zstd.h>

#include "base/coding.h"
#include "base/random.h"
#include "tests/proto/alloc_meter.h"
#include "tests/support/catch.h"

using namespace logcask;
using namespace std::string_literals;

namespace {

constexpr std::size_t kMiB = 1u << 20;

std::string text(std::size_t size) {
  Random random(size);
  std::string out;
  while (out.size() < size)
    out += random.one_in(3) ? "lorem ipsum " + std::to_string(random.below(1000)) : "dolor sit ";
  out.resize(size);
  return out;
}

std::string noise(std::size_t size) {
  Random random(size + 1);
  std::string out;
  for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<char>(random.next()));
  return out;
}

std::string packed(Compression codec, ByteView input) {
  std::string out;
  REQUIRE_OK(compress(codec, input, out));
  return out;
}

std::string unpacked(Compression codec, ByteView input, std::size_t max_bytes = 8 * kMiB) {
  std::string out = "leftover";
  REQUIRE_OK(decompress(codec, input, max_bytes, out));
  return out;
}

Errc refusal(Compression codec, ByteView input, std::size_t max_bytes = 8 * kMiB) {
  std::string out;
  return decompress(codec, input, max_bytes, out).code();
}

std::string xerial(const std::vector<std::string>& blocks) {
  std::string out = "\x82SNAPPY\0\0\0\0\1\0\0\0\1"s;  // magic, version 1, compatible with 1
  for (const std::string& block : blocks) {
    std::string raw;
    snappy::Compress(block.data(), block.size(), &raw);
    ByteWriter writer(out);
    writer.fixed(static_cast<std::int32_t>(raw.size()));
    writer.bytes(raw);
  }
  return out;
}

std::string lz4_frame(ByteView input, const LZ4F_preferences_t& preferences) {
  std::string out(LZ4F_compressFrameBound(input.size(), &preferences), '\0');
  const std::size_t size = LZ4F_compressFrame(out.data(), out.size(), input.data(), input.size(), &preferences);
  REQUIRE_FALSE(LZ4F_isError(size));
  out.resize(size);
  return out;
}

// As a streaming encoder writes it: no content size in the header.
std::string zstd_stream(ByteView input) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  std::string out(ZSTD_compressBound(input.size()), '\0');
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  ZSTD_inBuffer from{input.data(), input.size(), 0};
  REQUIRE_FALSE(ZSTD_isError(ZSTD_compressStream2(context, &to, &from, ZSTD_e_flush)));
  REQUIRE(ZSTD_compressStream2(context, &to, &from, ZSTD_e_end) == 0);
  ZSTD_freeCCtx(context);
  out.resize(to.pos);
  REQUIRE(ZSTD_getFrameContentSize(out.data(), out.size()) == ZSTD_CONTENTSIZE_UNKNOWN);
  return out;
}

}  // namespace

TEST_CASE("codecs have Kafka's names and numbers", "[proto]") {
  const std::string_view names[] = {"none", "gzip", "snappy", "lz4", "zstd"};
  for (int i = 0; i < 5; ++i) {
    CHECK(compression_name(static_cast<Compression>(i)) == names[i]);
    CHECK(static_cast<int>(compression_from_name(names[i]).value()) == i);
  }
  CHECK(compression_from_name("brotli").code() == Errc::invalid_argument);
  CHECK(compression_from_name("").code() == Errc::invalid_argument);
  std::string out;
  CHECK(compress(static_cast<Compression>(5), "x", out).code() == Errc::invalid_argument);
  CHECK(decompress(static_cast<Compression>(7), "x", 1, out).code() == Errc::invalid_argument);
}

TEST_CASE("what a codec packs it unpacks, up to exactly the limit", "[proto]") {
  const auto codec = static_cast<Compression>(GENERATE(0, 1, 2, 3, 4));
  const std::size_t size = GENERATE(0u, 1u, 100u, 4096u, 65535u, 65536u, 65537u, 300000u, 3000000u);
  const bool dense = GENERATE(false, true);
  CAPTURE(compression_name(codec), size, dense);
  const std::string input = dense ? noise(size) : text(size);
  const std::string once = packed(codec, input);
  CHECK(unpacked(codec, once) == input);
  CHECK(unpacked(codec, once, size) == input);
  if (size > 0) CHECK(refusal(codec, once, size - 1) == Errc::message_too_large);
  if (size > 0) CHECK(refusal(codec, once, 0) == Errc::message_too_large);
  if (!dense && codec != Compression::none && size > 1000) CHECK(once.size() < size / 2);
}

TEST_CASE("compress appends", "[proto]") {
  const auto codec = static_cast<Compression>(GENERATE(0, 1, 2, 3, 4));
  std::string out = "before";
  REQUIRE_OK(compress(codec, "data", out));
  CHECK(out.substr(0, 6) == "before");
  CHECK(unpacked(codec, ByteView(out).substr(6)) == "data");
}

TEST_CASE("a stream cut anywhere is damaged", "[proto]") {
  const auto codec = static_cast<Compression>(GENERATE(1, 2, 3, 4));
  const std::string good = packed(codec, text(500));
  for (std::size_t size = 0; size < good.size(); ++size) {
    CAPTURE(compression_name(codec), size);
    CHECK(refusal(codec, std::string(good, 0, size)) == Errc::corrupt_message);
  }
}

TEST_CASE("the output is empty after an error", "[proto]") {
  const auto codec = static_cast<Compression>(GENERATE(0, 1, 2, 3, 4));
  std::string out = "old";
  CHECK(decompress(codec, packed(codec, text(5000)), 4999, out).code() == Errc::message_too_large);
  CHECK(out.empty());
}

TEST_CASE("bytes behind the end of a stream are damage", "[proto]") {
  const auto codec = static_cast<Compression>(GENERATE(1, 2, 3, 4));
  const std::string good = packed(codec, text(500));
  for (const std::string& tail : {"\0"s, "x"s, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"s, good.substr(0, 7)})
    CHECK(refusal(codec, good + tail) == Errc::corrupt_message);
}

TEST_CASE("a stream with any bit flipped never writes beyond the limit", "[proto]") {
  const auto codec = static_cast<Compression>(GENERATE(1, 2, 3, 4));
  const std::string good = packed(codec, text(300));
  AllocMeter meter;
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    std::string out;
    if (decompress(codec, bad, 1000, out).ok()) CHECK(out.size() <= 1000);
  }
  CHECK(meter.peak_bytes() < 100000);
}

TEST_CASE("a bomb is refused in bounded memory", "[proto]") {
  const auto codec = static_cast<Compression>(GENERATE(1, 2, 3, 4));
  CAPTURE(compression_name(codec));
  const std::string bomb = packed(codec, std::string(64 * kMiB, '\0'));
  AllocMeter meter;
  CHECK(refusal(codec, bomb, kMiB) == Errc::message_too_large);
  CHECK(meter.peak_bytes() < 2 * kMiB + 100000);
}

TEST_CASE("concatenated gzip members are one stream", "[proto]") {
  const std::string a = text(70000);
  const std::string b = noise(30);
  CHECK(unpacked(Compression::gzip, packed(Compression::gzip, a) + packed(Compression::gzip, b)) == a + b);
  CHECK(unpacked(Compression::gzip, packed(Compression::gzip, "") + packed(Compression::gzip, b)) == b);
}

TEST_CASE("a bare zlib stream is not gzip", "[proto]") {
  std::string raw(100, '\0');
  uLongf size = raw.size();
  REQUIRE(::compress(reinterpret_cast<Bytef*>(raw.data()), &size, reinterpret_cast<const Bytef*>("data"), 4) == Z_OK);
  raw.resize(size);
  CHECK(refusal(Compression::gzip, raw) == Errc::corrupt_message);
}

TEST_CASE("snappy is read raw and in xerial blocks", "[proto]") {
  const std::string a = text(32768);
  const std::string b = noise(100);
  CHECK(unpacked(Compression::snappy, xerial({a, b, ""})) == a + b);
  CHECK(unpacked(Compression::snappy, xerial({})).empty());
  CHECK(refusal(Compression::snappy, xerial({a, b}), a.size() + b.size() - 1) == Errc::message_too_large);
  CHECK(unpacked(Compression::snappy, xerial({a, b}), a.size() + b.size()) == a + b);
  std::string ours = packed(Compression::snappy, a);
  std::string theirs;
  REQUIRE(snappy::Uncompress(ours.data(), ours.size(), &theirs));  // raw, as librdkafka writes
  CHECK(theirs == a);
}

TEST_CASE("xerial blocks with wrong sizes are refused", "[proto]") {
  const std::string good = xerial({text(100), text(200)});
  for (std::size_t size = 1; size < good.size(); ++size) {
    const std::string cut(good, 0, size);
    const bool at_block_edge =
        unpacked(Compression::snappy, good).size() == 300 && (size == 16 || size == xerial({text(100)}).size());
    CAPTURE(size);
    CHECK(refusal(Compression::snappy, cut) == (at_block_edge ? Errc::ok : Errc::corrupt_message));
  }
  const std::string header = good.substr(0, 16);
  CHECK(refusal(Compression::snappy, header + "\xff\xff\xff\xff"s) == Errc::corrupt_message);
  CHECK(refusal(Compression::snappy, header + "\x7f\xff\xff\xff"s + "x") == Errc::corrupt_message);
  CHECK(refusal(Compression::snappy, header + "\0\0\0\0"s) == Errc::corrupt_message);
}

TEST_CASE("a snappy length that is a lie is not allocated", "[proto]") {
  const std::string lie = "\xff\xff\xff\xff\x0f"s;  // 4 GiB - 1, then nothing
  AllocMeter meter;
  CHECK(refusal(Compression::snappy, lie + "abc", 4096 * kMiB) == Errc::corrupt_message);
  CHECK(refusal(Compression::snappy, xerial({}) + "\0\0\0\x05"s + lie, 4096 * kMiB) == Errc::corrupt_message);
  CHECK(meter.peak_bytes() < 10000);
}

TEST_CASE("lz4 frames are written with independent blocks", "[proto]") {
  for (const std::size_t size : {std::size_t{10}, std::size_t{300000}}) {
    const std::string frame = packed(Compression::lz4, text(size));
    CHECK(load_be<std::uint32_t>(frame.data()) == 0x04224d18);
    const auto flags = static_cast<unsigned char>(frame[4]);
    CHECK(flags >> 6 == 1);      // version 01
    CHECK((flags & 0x20) != 0);  // block independence, or Java refuses the frame
    CHECK((flags & 0x0b) == 0);  // no content size, no reserved bit, no dictionary
    CHECK(frame[5] == 0x40);     // blocks of at most 64 KiB
  }
}

TEST_CASE("lz4 frames of other writers are read", "[proto]") {
  const std::string input = text(600000);
  LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
  preferences.frameInfo.blockMode = GENERATE(LZ4F_blockLinked, LZ4F_blockIndependent);
  preferences.frameInfo.blockSizeID = GENERATE(LZ4F_max64KB, LZ4F_max4MB);
  preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
  preferences.frameInfo.blockChecksumFlag = LZ4F_blockChecksumEnabled;
  preferences.frameInfo.contentSize = input.size();
  const std::string frame = lz4_frame(input, preferences);
  CHECK(unpacked(Compression::lz4, frame) == input);
  CHECK(refusal(Compression::lz4, frame, input.size() - 1) == Errc::message_too_large);
  CHECK(refusal(Compression::lz4, frame + frame) == Errc::corrupt_message);
}

TEST_CASE("zstd streams without a content size and in several frames are read", "[proto]") {
  const std::string a = text(500000);
  const std::string b = noise(70000);
  CHECK(unpacked(Compression::zstd, zstd_stream(a)) == a);
  CHECK(unpacked(Compression::zstd, zstd_stream(a) + packed(Compression::zstd, b)) == a + b);
  CHECK(unpacked(Compression::zstd, packed(Compression::zstd, b) + zstd_stream(a)) == b + a);
  CHECK(refusal(Compression::zstd, packed(Compression::zstd, b) + zstd_stream(a), b.size() + a.size() - 1) ==
        Errc::message_too_large);
}

TEST_CASE("a zstd content size or window that is a lie is not allocated", "[proto]") {
  // Frame with an 8-byte content size of 1 GiB and one raw block of one byte.
  const std::string size_lie = "\x28\xb5\x2f\xfd\xe0\0\0\0\x40\0\0\0\0\x09\0\0x"s;
  REQUIRE(ZSTD_getFrameContentSize(size_lie.data(), size_lie.size()) == 1024 * kMiB);
  AllocMeter meter;
  CHECK(refusal(Compression::zstd, size_lie, 1900 * kMiB) == Errc::corrupt_message);
  CHECK(meter.peak_bytes() < 100000);
  // Window descriptor 2^27 is the largest taken; 2^28 is refused.
  CHECK(unpacked(Compression::zstd, "\x28\xb5\x2f\xfd\0\x88\x09\0\0x"s) == "x");
  CHECK(refusal(Compression::zstd, "\x28\xb5\x2f\xfd\0\x90\x09\0\0x"s) == Errc::corrupt_message);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("a window for which there is no memory is no damage", "[proto]") {
  const std::string large_window = "\x28\xb5\x2f\xfd\0\x88\x09\0\0x"s;
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_AS, &before) == 0);
  rlimit tight = before;
  tight.rlim_cur = 64 * kMiB;
  REQUIRE(setrlimit(RLIMIT_AS, &tight) == 0);
  const Errc refused = refusal(Compression::zstd, large_window);
  REQUIRE(setrlimit(RLIMIT_AS, &before) == 0);
  CHECK(refused == Errc::limit_exceeded);
  CHECK(unpacked(Compression::zstd, large_window) == "x");
}
#endif

// Decoders are kept from one batch to the next.
TEST_CASE("damaged data does not spoil the data after it", "[proto]") {
  const Compression codec = GENERATE(Compression::gzip, Compression::snappy, Compression::lz4, Compression::zstd);
  const std::string honest = packed(codec, "honest");
  std::string other = packed(codec, text(3000));
  if (codec == Compression::lz4) {
    // liblz4's reset forgets that a frame before declared more than it brought.
    LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
    preferences.frameInfo.contentSize = 3000;
    other = lz4_frame(text(3000), preferences);
  }
  std::string scratch;
  for (std::size_t size = 0; size < other.size(); ++size) {
    (void)decompress(codec, ByteView(other).substr(0, size), kMiB, scratch);
    REQUIRE(unpacked(codec, honest) == "honest");
    std::string flipped = other;
    flipped[size] = static_cast<char>(flipped[size] ^ 0x21);
    (void)decompress(codec, flipped, kMiB, scratch);
    REQUIRE(unpacked(codec, honest) == "honest");
    (void)decompress(codec, other, size, scratch);
    REQUIRE(unpacked(codec, honest) == "honest");
  }
}
