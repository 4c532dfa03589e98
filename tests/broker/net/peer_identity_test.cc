#include "broker/net/peer_identity.h"

#include "tests/support/catch.h"

namespace logcask::testing {
namespace {

TEST_CASE("a peer is anonymous at its address when nothing asks for more", "[peer_identity]") {
  PeerIdentity peer("10.0.0.7");
  CHECK_FALSE(peer.settled());
  peer.settle();
  CHECK(peer.principal().name == "anonymous");
  CHECK(peer.principal().address == "10.0.0.7");
}

TEST_CASE("a principal may change until authentication is over, and is the last one then", "[peer_identity]") {
  PeerIdentity peer("10.0.0.7");
  peer.set_name("alice");
  peer.set_name("bob");
  CHECK_FALSE(peer.settled());
  peer.settle();
  CHECK(peer.principal().name == "bob");
  CHECK(peer.principal().address == "10.0.0.7");
}

}  // namespace
}  // namespace logcask::testing
