#pragma once
// Who is behind one connection: anonymous at its address until authentication has found a name, fixed from then on.
//
// Belongs to the connection's protocol and its event loop.

#include <string>
#include <utility>

#include "base/check.h"
#include "broker/authorizer.h"

namespace logcask {

class PeerIdentity {
 public:
  explicit PeerIdentity(std::string address) { principal_.address = std::move(address); }

  // Whom authentication has found; before settle() only.
  void set_name(std::string name) {
    LOGCASK_CHECK(!settled_);
    principal_.name = std::move(name);
  }
  // Authentication is over, or the listener asks for none.
  void settle() { settled_ = true; }
  bool settled() const { return settled_; }
  // Settled ones only: nothing is done in the name of somebody who may still become another.
  // Known from the first moment.
  const std::string& address() const { return principal_.address; }
  const Principal& principal() const {
    LOGCASK_CHECK(settled_);
    return principal_;
  }

 private:
  Principal principal_;
  bool settled_ = false;
};

}  // namespace logcask
