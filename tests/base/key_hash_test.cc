#include "base/key_hash.h"

#include <set>

#include "tests/support/catch.h"

using namespace logcask;

TEST_CASE("key identity depends on key and secret only", "[base]") {
  KeyHasher::Secret secret{};
  secret[0] = 1;
  const KeyHasher a(secret);
  const KeyHasher same(secret);
  secret[31] = 9;
  const KeyHasher other(secret);
  CHECK(a.identity("key") == same.identity("key"));
  CHECK(a.secret_fingerprint() == same.secret_fingerprint());
  CHECK(a.identity("key") != other.identity("key"));
  CHECK(a.secret_fingerprint() != other.secret_fingerprint());
  CHECK(a.identity("") != a.identity(std::string_view("\0", 1)));
}

TEST_CASE("the identity's two halves both spread", "[base]") {
  const KeyHasher hasher(KeyHasher::Secret{});
  std::set<std::uint64_t> high;
  std::set<std::uint64_t> low;
  for (int i = 0; i < 10000; ++i) {
    const KeyIdentity id = hasher.identity(std::to_string(i));
    high.insert(id.high);
    low.insert(id.low);
  }
  CHECK(high.size() == 10000);
  CHECK(low.size() == 10000);
}
