// Manifests: what decodes is written again to what decodes to the same.
#include "base/crc32c.h"
#include "partition/manifest.h"
#include "tests/fuzz/fuzz.h"

namespace logcask::fuzz {
namespace {

constexpr std::size_t kReasonBytesMax = 1000;  // longer ones are cut when they are written

}  // namespace

// First byte: 1 = the checksum is put right.
void fuzz_manifest(ByteView bytes) {
  Input input(bytes);
  const bool repair = (input.byte() & 1) != 0;
  std::string file(input.rest());
  if (repair && file.size() >= 4)
    store_be(file.data() + file.size() - 4, crc32c(ByteView(file).substr(0, file.size() - 4)));
  auto manifest = decode_manifest(file);
  if (!manifest.ok()) {
    LOGCASK_CHECK(manifest.code() == Errc::corrupt_file || manifest.code() == Errc::unsupported_version);
    return;
  }
  for (DamagedRange& range : manifest->damaged) range.reason.resize(std::min(range.reason.size(), kReasonBytesMax));
  const std::string written = encode_manifest(*manifest);
  const auto again = decode_manifest(written);
  LOGCASK_CHECK(again.ok() && *again == *manifest);
  LOGCASK_CHECK(encode_manifest(*again) == written);
  (void)manifest->closed_end();
}

}  // namespace logcask::fuzz
