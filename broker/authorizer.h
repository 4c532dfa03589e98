#pragma once
// Who asks, for what, and whether they may. Every service call goes through authorize().
//
// Threads: implementations are called from any thread and must not block.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace logcask {

// Who is behind a connection. A value; once services see it, it is fixed for the connection's life
// (net/peer_identity.h).
struct Principal {
  std::string name = "anonymous";
  std::string address;
};

enum class Operation : std::uint8_t { read, write, create, remove, alter, describe };
enum class ResourceKind : std::uint8_t { topic, group, broker };

struct Resource {
  ResourceKind kind = ResourceKind::topic;
  std::string_view name;
};

class Authorizer {
 public:
  virtual ~Authorizer() = default;
  // permission_denied names principal, operation and resource.
  virtual Status authorize(const Principal& principal, Operation operation, const Resource& resource) const = 0;
};

// The first one: whoever reaches the listener may do everything.
class AllowAll final : public Authorizer {
 public:
  Status authorize(const Principal&, Operation, const Resource&) const override { return {}; }
};

}  // namespace logcask
