#pragma once
// Who watches which keys of one partition.
//
// Threads: none of its own; the owner holds its lock and runs what is collected after releasing it. Watching costs
// nothing to commits while nobody watches, and one hash probe per record otherwise.

#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

#include "base/key_hash.h"
#include "broker/door/offset_waiters.h"
#include "broker/door/partition_runner.h"

namespace logcask {

class KeyWatchers {
 public:
  using Id = PartitionRunner::WaitId;
  using OnChange = std::function<void(Result<std::vector<KeyChange>>)>;

  Id add(const std::vector<KeyIdentity>& keys, OnChange on_change);
  void remove(Id id);
  bool empty() const { return watches_.empty(); }
  // A record of this key became visible, or retention removed the key (offset of what was removed).
  void note(const KeyIdentity& identity, const KeyChange& change);
  // Hands what was noted since the last call to its watchers.
  void flush(Outbox& out);
  void fail_all(const Error& error, Outbox& out);
  // Calls visit(identity) once for every watched key, however many watch it.
  void for_each(const std::function<void(const KeyIdentity&)>& visit) const;

 private:
  struct Watch {
    std::vector<KeyIdentity> keys;
    OnChange on_change;
    std::vector<KeyChange> noted;
  };
  struct Place {
    Id id;
    std::size_t index;
  };
  std::unordered_map<Id, Watch> watches_;
  std::unordered_multimap<KeyIdentity, Place> by_key_;
  std::vector<Id> noted_;
  // Apart from the ids of waiters: a caller cancels either by its number alone.
  Id next_id_ = Id{1} << 63;
};

}  // namespace logcask
