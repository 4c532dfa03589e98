#include "base/crc32c.h"

#include <string>

#include "base/random.h"
#include "tests/support/catch.h"

using namespace logcask;

TEST_CASE("CRC-32C gives the published check value", "[base]") {
  CHECK(crc32c("123456789") == 0xe3069283);
  CHECK(crc32c_portable("123456789") == 0xe3069283);
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aa);  // RFC 3720 B.4
  CHECK(crc32c(std::string(32, '\xff')) == 0x62a8ab43);
  CHECK(crc32c("") == 0);
}

TEST_CASE("the instruction and the table agree at every length", "[base]") {
  Random random(3);
  std::string bytes;
  for (int i = 0; i < 5000; ++i) bytes.push_back(static_cast<char>(random.next()));
  for (std::size_t size = 0; size <= bytes.size(); size += 1 + size / 40) {
    const ByteView view(bytes.data(), size);
    CHECK(crc32c(view) == crc32c_portable(view));
    const std::size_t cut = size / 3;
    CHECK(crc32c(view.substr(cut), crc32c(view.substr(0, cut))) == crc32c(view));
  }
}
