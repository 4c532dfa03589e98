#include "broker/door/key_watchers.h"

namespace logcask {

KeyWatchers::Id KeyWatchers::add(const std::vector<KeyIdentity>& keys, OnChange on_change) {
  const Id id = next_id_++;
  watches_[id] = Watch{keys, std::move(on_change), {}};
  for (std::size_t i = 0; i < keys.size(); ++i) by_key_.emplace(keys[i], Place{id, i});
  return id;
}

void KeyWatchers::remove(Id id) {
  const auto watch = watches_.find(id);
  if (watch == watches_.end()) return;
  for (const KeyIdentity& key : watch->second.keys) {
    for (auto [at, end] = by_key_.equal_range(key); at != end;)
      at = at->second.id == id ? by_key_.erase(at) : std::next(at);
  }
  watches_.erase(watch);
}

void KeyWatchers::note(const KeyIdentity& identity, const KeyChange& change) {
  for (auto [at, end] = by_key_.equal_range(identity); at != end; ++at) {
    Watch& watch = watches_.at(at->second.id);
    if (watch.noted.empty()) noted_.push_back(at->second.id);
    KeyChange noted = change;
    noted.watch_index = at->second.index;
    watch.noted.push_back(noted);
  }
}

void KeyWatchers::flush(Outbox& out) {
  for (const Id id : noted_) {
    const auto watch = watches_.find(id);
    if (watch == watches_.end() || watch->second.noted.empty()) continue;
    out.push_back([on_change = watch->second.on_change, changes = std::move(watch->second.noted)]() mutable {
      on_change(std::move(changes));
    });
    watch->second.noted.clear();
  }
  noted_.clear();
}

void KeyWatchers::fail_all(const Error& error, Outbox& out) {
  for (auto& [id, watch] : watches_)
    out.push_back([on_change = std::move(watch.on_change), error] { on_change(error); });
  watches_.clear();
  by_key_.clear();
  noted_.clear();
}

void KeyWatchers::for_each(const std::function<void(const KeyIdentity&)>& visit) const {
  for (auto at = by_key_.begin(); at != by_key_.end(); at = by_key_.equal_range(at->first).second) visit(at->first);
}

}  // namespace logcask
