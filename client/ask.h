#pragma once
// One question, one answer: sends a request and maps its response. Internal to client/.

#include <cstring>
#include <memory>
#include <utility>

#include "client/core.h"
#include "client/member_claim.h"
#include "logcask/admin.h"
#include "logcask/async.h"

namespace logcask::client {

inline Error error_of(const v1::PartitionError& error) { return {errc_from_wire(error.code()), error.message()}; }
// Names the partition, where the broker has not ("orders-0: ...", "orders-0 is offline: ...").
inline Error of_partition(Error error, const std::string& topic, std::int64_t partition) {
  const std::string name = topic + "-" + std::to_string(partition);
  const bool named = error.message.starts_with(name + ":") || error.message.starts_with(name + " ");
  return named ? std::move(error) : std::move(error).in(name);
}
inline Error error_of(const v1::PartitionError& error, const std::string& topic, std::uint32_t partition) {
  return of_partition(error_of(error), topic, partition);
}

// As the wire tells them.
inline TopicId topic_id_of(const std::string& bytes) {
  TopicId id;
  if (bytes.size() == id.bytes.size()) std::memcpy(id.bytes.data(), bytes.data(), bytes.size());
  return id;
}
inline PartitionId partition_of(std::uint32_t number) { return PartitionId(static_cast<std::int32_t>(number)); }

inline CallSpec spec_of(const CallOptions& call, OnLost on_lost) {
  CallSpec spec;
  spec.timeout_ms = call.timeout_ms;
  spec.on_lost = on_lost;
  return spec;
}

// `map` turns the response into a Result<T>.
template <class T, class Map>
void ask(Core& core, v1::RequestHeader& request, const CallSpec& spec, Callback<T> done, Map map) {
  core.call(request, {}, spec, [done = std::move(done), map = std::move(map)](Result<Response> response) {
    if (!response.ok()) return done(std::move(response).error());
    done(map(response.value()));
  });
}

// CommitOffsets, as Admin and Consumer share it; in the name of a member, when there is one. The first partition's
// error when one fails.
void commit_offsets(Core& core, const std::string& group, const std::vector<GroupOffset>& offsets,
                    const std::optional<MemberClaim>& member, CallOptions call, Callback<void> done);

}  // namespace logcask::client
