#include "partition/keydir.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/mutant.h"

namespace logcask {
namespace {

// A shard takes a page more above this load, and gives pages back below the low one.
constexpr std::uint32_t kMaxLoadPercent = 94;
constexpr std::uint32_t kMinLoadPercent = 60;
constexpr std::uint32_t kShrunkLoadPercent = 85;
// Siblings become one shard when both fit in this many pages.
constexpr std::uint32_t kMergePages = 4;
// Far above what random identities need: the directory stays small against the pages even if
// identities were not random, and no shift by a depth overflows.
constexpr std::uint32_t kMaxDepth = 28;
constexpr std::uint32_t kMaxDirectoryPerShard = 256;
// Misses under way at once in batches; more than a core has line fill buffers for gains nothing.
constexpr std::size_t kPrefetchDistance = 12;
// A sorted run is merged when it has a record for so many slots of its shard: a merge passes over
// all of them, a single raise waits for memory about as long as a hundred of them take. Runs are cut
// so that a split makes room for one whole, and a shard does not split long before it is full.
constexpr std::size_t kMergeRecords = 64;
constexpr std::size_t kMergeRatio = 60;
constexpr std::size_t kMergeMaxRecords = 512;
// A reserved shard's pages at its expected entries: some shards get more than the mean, and below that load a merge of
// sorted records passes over no more than it must.
constexpr std::uint32_t kReservedLoadPercent = 88;
constexpr std::uint64_t kReservedEntriesPerShard =
    PageArena::kExtentPages * KeydirShard::kSlotsPerPage * kReservedLoadPercent / 100;

constexpr std::uint32_t max_entries(std::uint32_t pages) {
  return pages * KeydirShard::kSlotsPerPage * kMaxLoadPercent / 100;
}

// The fewest pages that hold `n` entries at `percent` load.
constexpr std::uint32_t pages_for(std::uint32_t n, std::uint32_t percent) {
  const std::uint32_t per_page = KeydirShard::kSlotsPerPage * percent;
  return (n * 100 + per_page - 1) / per_page;
}

// Just above a whole page one page less does as well, a little fuller: so that no entry costs more than it counts.
constexpr std::uint32_t reserved_pages_for(std::uint32_t n) {
  const std::uint32_t pages = pages_for(n, kReservedLoadPercent);
  const std::uint64_t bytes = pages * PageArena::kPageBytes + sizeof(KeydirShard) + sizeof(std::uint32_t);
  return bytes > n * kKeydirBytesPerEntry && n <= max_entries(pages - 1) ? pages - 1 : pages;
}

// Where the entries of one shard wait while it is laid out anew. Per thread, because no two keydirs
// need it at once on one thread, and 64 KiB per partition would cost more than an idle keydir.
KeydirSlot* scratch(std::size_t slots) {
  thread_local std::vector<KeydirSlot> buffer;
  if (buffer.size() < slots) buffer.resize(slots);
  return buffer.data();
}

KeydirSlot* gathered(const KeydirShard& shard, std::uint32_t& n) {
  KeydirSlot* entries = scratch(shard.capacity() + 1);
  n = shard.gather(entries);
  return entries;
}

std::size_t extent_pages(const KeydirShard& shard) { return PageArena::kExtentPages << shard.doublings; }

Offset checked(Offset offset) {
  LOGCASK_CHECK(offset >= Offset(0) && offset <= kMaxCompactedOffset);
  return offset;
}

KeydirEntry entry_of(const KeydirSlot& slot) { return {slot.offset(), slot.deleted()}; }

KeyIdentity cut_to_80_bits(KeyIdentity identity) {
  identity.low &= ~((std::uint64_t{1} << 48) - 1);
  return identity;
}

}  // namespace

Keydir::Keydir(PageArena& arena, KeydirBudget& budget) : arena_(arena), budget_(budget) {}

Keydir::~Keydir() { clear(); }

std::optional<KeydirEntry> Keydir::find(const KeyIdentity& identity) const {
  if (directory_.empty()) return std::nullopt;
  const KeydirSlot* slot = shard_of(identity).find(KeydirSlot::of(identity));
  if (slot == nullptr) return std::nullopt;
  return entry_of(*slot);
}

void Keydir::find_batch(std::span<const KeyIdentity> identities, std::span<std::optional<KeydirEntry>> out) const {
  LOGCASK_CHECK(out.size() >= identities.size());
  const std::size_t n = identities.size();
  for (std::size_t i = 0; i < std::min(n, kPrefetchDistance); ++i) prefetch(identities[i]);
  for (std::size_t i = 0; i < n; ++i) {
    if (i + kPrefetchDistance < n) prefetch(identities[i + kPrefetchDistance]);
    out[i] = find(identities[i]);
  }
}

RaiseOutcome Keydir::raise(const KeyIdentity& identity, Offset offset, bool deleted) {
  const RaiseOutcome outcome = raise_uncharged(identity, offset, deleted);
  if (outcome.result == RaiseResult::inserted) budget_.charge(1);
  return outcome;
}

std::size_t Keydir::raise_batch(std::span<const KeydirRaise> records, std::span<RaiseOutcome> outcomes) {
  LOGCASK_CHECK(outcomes.empty() || outcomes.size() >= records.size());
  const std::size_t before = size_;
  RaiseOutcome* const out = outcomes.empty() ? nullptr : outcomes.data();
  const auto by_identity = [](const KeydirRaise& a, const KeydirRaise& b) { return a.identity < b.identity; };
  if (records.size() >= kMergeRecords && std::is_sorted(records.begin(), records.end(), by_identity)) {
    raise_sorted(records, out);
  } else {
    raise_one_by_one(records, out);
  }
  const std::size_t inserted = size_ - before;
  if (inserted > 0) budget_.charge(inserted);
  return inserted;
}

void Keydir::raise_one_by_one(std::span<const KeydirRaise> records, RaiseOutcome* outcomes) {
  const std::size_t n = records.size();
  for (std::size_t i = 0; i < std::min(n, kPrefetchDistance); ++i) prefetch(records[i].identity, kRaiseLines);
  for (std::size_t i = 0; i < n; ++i) {
    if (i + kPrefetchDistance < n) prefetch(records[i + kPrefetchDistance].identity, kRaiseLines);
    const auto& [identity, offset, deleted] = records[i];
    const RaiseOutcome outcome = raise_uncharged(identity, offset, deleted);
    if (outcomes != nullptr) outcomes[i] = outcome;
  }
}

RaiseOutcome Keydir::raise_uncharged(const KeyIdentity& identity, Offset offset, bool deleted) {
  if (directory_.empty()) start();
  KeydirSlot entry = KeydirSlot::of(identity);
  KeydirShard* shard = &shard_of(identity);
  KeydirSlot* at = shard->pages > 0 ? shard->lower_bound(entry) : nullptr;
  if (at != nullptr && shard->names(at, entry)) return raise_slot(*at, offset, deleted);
  if (shard->count >= max_entries(shard->pages)) {
    make_room(identity);
    shard = &shard_of(identity);
    at = shard->lower_bound(entry);
  }
  entry.set(checked(offset), deleted);
  shard->insert(at, entry);
  ++size_;
  deleted_ += deleted ? 1 : 0;
  return {RaiseResult::inserted, {}};
}

RaiseOutcome Keydir::raise_slot(KeydirSlot& slot, Offset offset, bool deleted) {
  const KeydirEntry previous = entry_of(slot);
  if (offset <= previous.offset && !mutant(Mutant::older_record_wins)) return {RaiseResult::stale, previous};
  slot.set(checked(offset), deleted);
  deleted_ += (deleted ? 1 : 0) - (previous.deleted ? 1 : 0);
  return {RaiseResult::raised, previous};
}

// Cuts records in identity order into runs of one shard each and merges the runs that are worth it.
void Keydir::raise_sorted(std::span<const KeydirRaise> records, RaiseOutcome* outcomes) {
  if (directory_.empty()) start();
  while (!records.empty()) {
    const KeyIdentity& first = records.front().identity;
    const std::uint32_t depth = shard_of(first).depth;
    const auto same_shard = [&first, depth](const KeydirRaise& record) {
      return ((record.identity.high ^ first.high) >> (64 - depth)) == 0;
    };
    const auto window = records.first(std::min(records.size(), kMergeMaxRecords));
    const auto run_end = std::partition_point(window.begin(), window.end(), same_shard);
    const auto run = records.first(static_cast<std::size_t>(run_end - window.begin()));
    if (run.size() * kMergeRatio >= shard_of(first).capacity()) {
      const std::uint32_t total = shard_of(first).count + static_cast<std::uint32_t>(run.size());
      if (total > max_entries(PageArena::kExtentPages) && may_split(shard_of(first))) {
        split(first);
        continue;
      }
      if (total <= max_entries(PageArena::kExtentPages)) {
        merge(run, outcomes);
      } else {
        raise_one_by_one(run, outcomes);
      }
    } else {
      raise_one_by_one(run, outcomes);
    }
    records = records.subspan(run.size());
    if (outcomes != nullptr) outcomes += run.size();
  }
}

// One pass over a shard and a sorted run of its records; what comes out is laid out anew.
void Keydir::merge(std::span<const KeydirRaise> records, RaiseOutcome* outcomes) {
  KeydirShard& shard = shard_of(records.front().identity);
  KeydirSlot* old = scratch(2 * (shard.capacity() + 1) + records.size());
  KeydirSlot* const old_end = old + shard.gather(old);
  KeydirSlot* const merged = old + shard.capacity() + 1;
  KeydirSlot* out = merged;
  for (const KeydirRaise& record : records) {
    KeydirSlot entry = KeydirSlot::of(record.identity);
    while (old < old_end && !entry.before(*old)) *out++ = *old++;
    RaiseOutcome outcome;
    if (out > merged && out[-1].same_key(entry)) {
      outcome = raise_slot(out[-1], record.offset, record.deleted);
    } else {
      outcome.result = RaiseResult::inserted;
      entry.set(checked(record.offset), record.deleted);
      *out++ = entry;
      ++size_;
      deleted_ += record.deleted ? 1 : 0;
    }
    if (outcomes != nullptr) *outcomes++ = outcome;
  }
  out = std::copy(old, old_end, out);
  const auto n = static_cast<std::uint32_t>(out - merged);
  if (n > max_entries(shard.pages)) set_pages(shard, pages_for(n, kMaxLoadPercent));
  shard.place(merged, n);
}

bool Keydir::remove_if(const KeyIdentity& identity, Offset offset) {
  if (directory_.empty()) return false;
  KeydirShard& shard = shard_of(identity);
  KeydirSlot* slot = shard.find(KeydirSlot::of(identity));
  if (slot == nullptr || (slot->offset() != offset && !mutant(Mutant::any_entry_removed))) return false;
  --size_;
  deleted_ -= slot->deleted() ? 1 : 0;
  shard.erase(slot, scratch(shard.capacity() + 1));
  shrink(identity);
  budget_.release(1);
  return true;
}

KeydirRemoved Keydir::remove_below(Offset log_start, KeydirCursor& cursor, std::size_t max_shards,
                                   const std::function<void(const KeydirEntry&)>& removed) {
  KeydirRemoved total;
  for (std::size_t i = 0; i < max_shards && !cursor.done_; ++i) {
    if (directory_.empty()) {
      cursor.done_ = true;
      break;
    }
    const KeyIdentity here{cursor.next_, 0};
    advance(cursor);  // before a merge makes the range longer
    KeydirShard& shard = shard_of(here);
    std::uint32_t n = 0;
    KeydirSlot* entries = gathered(shard, n);
    KeydirSlot* const kept_end = std::stable_partition(
        entries, entries + n, [log_start](const KeydirSlot& slot) { return slot.offset() >= log_start; });
    if (kept_end == entries + n) continue;
    for (const KeydirSlot* gone = kept_end; gone < entries + n; ++gone) {
      (gone->deleted() ? total.tombstones : total.values) += 1;
      if (removed) removed(entry_of(*gone));
    }
    shard.place(entries, static_cast<std::uint32_t>(kept_end - entries));
    shrink(here);
  }
  size_ -= total.values + total.tombstones;
  deleted_ -= total.tombstones;
  if (total.values + total.tombstones > 0) budget_.release(total.values + total.tombstones);
  return total;
}

void Keydir::scan(KeydirCursor& cursor, std::size_t max_shards,
                  const std::function<void(const KeyIdentity&, const KeydirEntry&)>& visit) const {
  for (std::size_t i = 0; i < max_shards && !cursor.done_; ++i) {
    if (directory_.empty()) {
      cursor.done_ = true;
      break;
    }
    const std::uint64_t from = cursor.next_;
    const KeydirShard& shard = shard_of(KeyIdentity{from, 0});
    advance(cursor);
    for (const KeydirSlot* slot = shard.slots; slot < shard.end(); ++slot) {
      if (slot->empty()) continue;
      const std::uint64_t low = (slot->high << 63) | ((slot->low & KeydirSlot::kIdentityMask) >> 1);
      const KeyIdentity identity{(from & (std::uint64_t{1} << 63)) | (slot->high >> 1), low};
      if (identity.high >= from) visit(identity, entry_of(*slot));  // a merged shard begins before the cursor
    }
  }
}

void Keydir::clear() {
  for (KeydirShard& shard : shards_) drop_extent(shard);
  if (size_ > 0) budget_.release(size_);
  directory_ = std::vector<std::uint32_t>();  // `= {}` would keep the memory
  shards_ = std::vector<KeydirShard>();
  free_shards_ = std::vector<std::uint32_t>();
  depth_ = 1;
  reserved_depth_ = reserved_pages_ = 0;
  if (reserved_entries_ > 0) budget_.give_back_ahead(std::exchange(reserved_entries_, 0));
  size_ = deleted_ = 0;
}

void Keydir::mark_collided(const KeyIdentity& identity) {
  const KeyIdentity cut = cut_to_80_bits(identity);
  const auto at = std::lower_bound(collided_.begin(), collided_.end(), cut);
  if (at == collided_.end() || *at != cut) collided_.insert(at, cut);
}

bool Keydir::is_collided(const KeyIdentity& identity) const {
  return !collided_.empty() && std::binary_search(collided_.begin(), collided_.end(), cut_to_80_bits(identity));
}

std::uint64_t Keydir::memory_bytes() const {
  return pages_ * PageArena::kPageBytes + directory_.capacity() * sizeof(directory_[0]) +
         shards_.capacity() * sizeof(shards_[0]) + free_shards_.capacity() * sizeof(free_shards_[0]) +
         collided_.capacity() * sizeof(collided_[0]);
}

// ---- growing

// Two shards from the start: the directory always knows an identity's first bit, so a slot need not.
void Keydir::start() {
  depth_ = 1;
  shards_.assign(2, KeydirShard());
  directory_ = {0, 1};
}

void Keydir::reserve(std::uint64_t expected_entries) {
  if (expected_entries == 0 || !directory_.empty()) return;
  const std::uint64_t expected = reserved_entries_ = budget_.take_ahead(expected_entries);
  if (expected == 0) return;
  std::uint32_t depth = 1;
  while (depth < kMaxDepth && (expected >> depth) > kReservedEntriesPerShard) ++depth;
  const std::uint64_t shards = std::uint64_t{1} << depth;
  const auto each =
      static_cast<std::uint32_t>(std::min<std::uint64_t>((expected + shards - 1) / shards, kReservedEntriesPerShard));
  depth_ = reserved_depth_ = depth;
  reserved_pages_ = reserved_pages_for(each);
  shards_.assign(shards, KeydirShard());
  directory_.resize(shards);
  for (std::uint32_t i = 0; i < shards; ++i) {
    directory_[i] = i;
    shards_[i].depth = static_cast<std::uint16_t>(depth) & 31u;
    set_pages(shards_[i], reserved_pages_);
    shards_[i].place(nullptr, 0);
  }
}

void Keydir::make_room(const KeyIdentity& identity) {
  for (;;) {
    KeydirShard& shard = shard_of(identity);
    if (shard.count < max_entries(shard.pages)) return;
    if (shard.pages < extent_pages(shard)) {
      respread(shard, shard.pages + 1u);
    } else if (may_split(shard)) {
      split(identity);
    } else {
      double_extent(shard);
    }
  }
}

bool Keydir::may_split(const KeydirShard& shard) const {
  return shard.depth < kMaxDepth && (std::size_t{1} << shard.depth) <= kMaxDirectoryPerShard * shard_count();
}

// Cuts the shard of `identity` at its next identity bit.
void Keydir::split(const KeyIdentity& identity) {
  if (shard_of(identity).depth == depth_) double_directory();
  const std::uint32_t left_number = directory_[directory_index(identity)];
  const std::uint32_t depth = shards_[left_number].depth + 1u;
  const std::uint32_t right_number = new_shard(depth);
  KeydirShard& left = shards_[left_number];
  KeydirShard& right = shards_[right_number];

  std::uint32_t n = 0;
  const KeydirSlot* entries = gathered(left, n);
  const std::uint64_t bit = std::uint64_t{1} << (65 - depth);  // identity bit 128 - depth, in KeydirSlot::high
  const KeydirSlot* middle =
      std::partition_point(entries, entries + n, [bit](const KeydirSlot& slot) { return (slot.high & bit) == 0; });
  left.depth = static_cast<std::uint16_t>(depth) & 31u;
  fill(right, middle, static_cast<std::uint32_t>(entries + n - middle));
  fill(left, entries, static_cast<std::uint32_t>(middle - entries));
  KeyIdentity right_prefix = identity;
  right_prefix.high |= std::uint64_t{1} << (64 - depth);
  point_directory(right_prefix, depth, right_number);
}

void Keydir::double_directory() {
  std::vector<std::uint32_t> doubled(directory_.size() * 2);
  for (std::size_t i = 0; i < doubled.size(); ++i) doubled[i] = directory_[i / 2];
  directory_ = std::move(doubled);
  ++depth_;
}

std::uint32_t Keydir::new_shard(std::uint32_t depth) {
  std::uint32_t number;
  if (free_shards_.empty()) {
    number = static_cast<std::uint32_t>(shards_.size());
    shards_.emplace_back();
  } else {
    number = free_shards_.back();
    free_shards_.pop_back();
    shards_[number] = KeydirShard();
  }
  shards_[number].depth = static_cast<std::uint16_t>(depth) & 31u;
  return number;
}

// All identities that share the first `depth` bits with `identity` belong to that shard.
void Keydir::point_directory(const KeyIdentity& identity, std::uint32_t depth, std::uint32_t shard_number) {
  const std::size_t width = std::size_t{1} << (depth_ - depth);
  const std::size_t first = (identity.high >> (64 - depth)) << (depth_ - depth);
  std::fill_n(directory_.begin() + static_cast<std::ptrdiff_t>(first), width, shard_number);
}

void Keydir::respread(KeydirShard& shard, std::uint32_t pages) {
  std::uint32_t n = 0;
  const KeydirSlot* entries = gathered(shard, n);
  set_pages(shard, pages);
  shard.place(entries, n);
}

// Only identities that are not random get here: a full shard that further bits would not divide.
void Keydir::double_extent(KeydirShard& shard) {
  std::uint32_t n = 0;
  const KeydirSlot* entries = gathered(shard, n);
  const std::uint32_t pages = shard.pages + 1u;
  const std::uint32_t doublings = shard.doublings + 1u;
  LOGCASK_CHECK(pages < (PageArena::kExtentPages << doublings) && doublings <= 11);
  drop_extent(shard);
  shard.doublings = static_cast<std::uint16_t>(doublings) & 31u;
  set_pages(shard, pages);
  shard.place(entries, n);
}

void Keydir::fill(KeydirShard& shard, const KeydirSlot* entries, std::uint32_t n) {
  const std::uint32_t pages = std::max(pages_for(n, kMaxLoadPercent), pages_kept(shard));
  while (shard.slots == nullptr && extent_pages(shard) < pages) shard.doublings = (shard.doublings + 1u) & 31u;
  set_pages(shard, pages);
  shard.place(entries, n);
}

void Keydir::set_pages(KeydirShard& shard, std::uint32_t pages) {
  if (shard.slots == nullptr && pages > 0)
    shard.slots = reinterpret_cast<KeydirSlot*>(arena_.reserve(extent_pages(shard)));
  if (pages > shard.pages) arena_.grow(shard.pages, pages);
  if (pages < shard.pages) arena_.shrink(reinterpret_cast<std::byte*>(shard.slots), shard.pages, pages);
  pages_ = pages_ - shard.pages + pages;
  shard.pages = static_cast<std::uint16_t>(pages);
}

void Keydir::drop_extent(KeydirShard& shard) {
  if (shard.slots != nullptr)
    arena_.release(reinterpret_cast<std::byte*>(shard.slots), shard.pages, extent_pages(shard));
  pages_ -= shard.pages;
  shard.slots = nullptr;
  shard.pages = 0;
  shard.count = 0;
  shard.doublings = 0;
}

// ---- shrinking

void Keydir::shrink(const KeyIdentity& identity) {
  for (;;) {
    KeydirShard& shard = shard_of(identity);
    if (shard.pages <= pages_kept(shard) || shard.count * 100 >= shard.capacity() * kMinLoadPercent) return;
    if (merge_with_sibling(identity)) continue;
    const std::uint32_t pages = std::max(pages_for(shard.count, kShrunkLoadPercent), pages_kept(shard));
    if (pages == 0) {
      drop_extent(shard);
    } else if (pages < shard.pages) {
      respread(shard, pages);
    }
    return;
  }
}

bool Keydir::merge_with_sibling(const KeyIdentity& identity) {
  const std::uint32_t depth = shard_of(identity).depth;
  if (depth <= std::max(1u, reserved_depth_)) return false;
  KeyIdentity left_prefix = identity;
  left_prefix.high &= ~(std::uint64_t{1} << (64 - depth));
  KeyIdentity right_prefix = left_prefix;
  right_prefix.high |= std::uint64_t{1} << (64 - depth);
  const std::uint32_t left_number = directory_[directory_index(left_prefix)];
  const std::uint32_t right_number = directory_[directory_index(right_prefix)];
  KeydirShard& left = shards_[left_number];
  KeydirShard& right = shards_[right_number];
  if (left.depth != right.depth) return false;  // the sibling has been cut further
  if (pages_for(left.count + right.count, kShrunkLoadPercent) > kMergePages) return false;

  KeydirSlot* entries = scratch(left.capacity() + right.capacity() + 2);
  std::uint32_t n = left.gather(entries);
  n += right.gather(entries + n);
  drop_extent(right);
  drop_extent(left);
  left.depth = static_cast<std::uint16_t>(depth - 1) & 31u;
  fill(left, entries, n);
  free_shards_.push_back(right_number);
  point_directory(left_prefix, depth - 1, left_number);
  return true;
}

// ---- walking

void Keydir::advance(KeydirCursor& cursor) const {
  const std::uint32_t depth = shard_of(KeyIdentity{cursor.next_, 0}).depth;
  const std::uint64_t range = std::uint64_t{1} << (64 - depth);
  cursor.next_ = (cursor.next_ | (range - 1)) + 1;
  cursor.done_ = cursor.next_ == 0;
}

}  // namespace logcask
