#include "tests/support/crash_states.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "base/random.h"
#include "segment/digest.h"
#include "tests/support/memory_state.h"

namespace logcask::testing {
namespace {

constexpr std::size_t kSectorBytes = 512;
constexpr std::size_t kExhaustive = 4;
constexpr std::size_t kRandomSubsets = 16;

// Something that was asked for and may be lost: a recorded operation on a file or on a directory's entries.
struct Effect {
  const Operation* operation = nullptr;
  std::size_t index = 0;  // in the log
  enum class Fate { pending, settled, limbo } fate = Fate::pending;
  bool of_file() const { return operation->kind == OperationKind::write || operation->kind == OperationKind::truncate; }
};

// How the last write of a selection landed.
enum class Tear { whole, front_half, back_half, every_other_sector, grown_zeros, grown_rubbish, grown_stale };
const char* tear_name(Tear tear) {
  static constexpr const char* kNames[] = {"",
                                           ", last write: front half",
                                           ", last write: back half",
                                           ", last write: every other sector",
                                           ", last write: size only, zeros",
                                           ", last write: size only, rubbish",
                                           ", last write: size only, another file's old bytes"};
  return kNames[static_cast<std::size_t>(tear)];
}

// Which of the open effects landed.
struct Selection {
  std::vector<bool> landed;
  std::size_t torn = SIZE_MAX;  // which effect
  Tear tear = Tear::whole;
  std::string what;
};

void put(std::string& content, std::uint64_t position, ByteView data) {
  if (content.size() < position + data.size()) content.resize(position + data.size());
  content.replace(position, data.size(), data);
}

void apply_write(std::string& content, const Operation& write, Tear tear, ByteView stale) {
  const std::uint64_t end = write.position + write.data.size();
  const std::size_t old_size = content.size();
  // Sector edges of the file, not of the write.
  const auto sector_of = [&](std::uint64_t position) { return position / kSectorBytes; };
  const std::uint64_t first = sector_of(write.position);
  const std::uint64_t sectors = sector_of(end - 1) - first + 1;
  const auto lands = [&](std::uint64_t sector) {
    switch (tear) {
      case Tear::whole:
        return true;
      case Tear::front_half:
        return sector - first < sectors / 2;
      case Tear::back_half:
        return sector - first >= (sectors + 1) / 2;
      case Tear::every_other_sector:
        return (sector - first) % 2 == 0;
      case Tear::grown_zeros:
      case Tear::grown_rubbish:
      case Tear::grown_stale:
        return false;
    }
    return false;
  };
  // A torn write in front: the file ends where the sectors that landed end. Otherwise it has its new size.
  if (tear != Tear::front_half && content.size() < end) content.resize(end);
  for (std::uint64_t at = write.position; at < end;) {
    const std::uint64_t next = std::min<std::uint64_t>((sector_of(at) + 1) * kSectorBytes, end);
    if (lands(sector_of(at))) put(content, at, ByteView(write.data).substr(at - write.position, next - at));
    at = next;
  }
  if (tear == Tear::grown_stale && stale.size() > old_size) {
    const ByteView found = stale.substr(old_size, content.size() - old_size);
    content.replace(old_size, found.size(), found);
  } else if (tear == Tear::grown_rubbish || tear == Tear::grown_stale) {
    Random rubbish(end);
    for (std::size_t at = old_size; at < content.size(); ++at) content[at] = static_cast<char>(rubbish.next());
  }
}

void apply(MemoryTree& tree, const Operation& operation, Tear tear, ByteView stale = {}) {
  MemoryNode& node = tree[operation.node];
  switch (operation.kind) {
    case OperationKind::write:
      if (!operation.data.empty()) apply_write(node.content.edit(), operation, tear, stale);
      break;
    case OperationKind::truncate:
      node.content.edit().resize(operation.position);
      break;
    case OperationKind::create:
    case OperationKind::make_directory:
      node.entries.edit()[operation.name] = operation.child;
      break;
    case OperationKind::unlink:
    case OperationKind::remove_directory:
      node.entries.edit().erase(operation.name);
      break;
    case OperationKind::rename:
      node.entries.edit().erase(operation.name);
      node.entries.edit()[operation.to] = operation.child;
      break;
    default:
      break;
  }
}

void feed_tree(Digest& digest, const MemoryTree& tree, std::uint64_t node) {
  for (const auto& [name, child] : *tree.at(node).entries) {
    const MemoryNode& found = tree.at(child);
    const std::string head = name + (found.directory ? "/{" : ":");
    digest.update(head);
    if (found.directory) {
      feed_tree(digest, tree, child);
      digest.update("}");
    } else {
      const std::uint64_t of_content[] = {
          found.content->size(), found.content.digest([](const std::string& bytes) { return xxh3_64(bytes); })};
      digest.update(ByteView(reinterpret_cast<const char*>(of_content), sizeof of_content));
    }
  }
}

std::uint64_t digest_of(const MemoryTree& tree) {
  Digest digest;
  feed_tree(digest, tree, kRootNode);
  return digest.value();
}

}  // namespace

struct CrashStates::Impl {
  std::vector<Operation> operations;
  MemoryTree base;  // durable, effects folded in where their order allows it
  std::vector<Effect> effects;
  std::uint64_t next_node = 1;
  CrashProfile profile = CrashProfile::worst;
  Random random{1};
  std::size_t at = 0;     // operations [0, at) are issued
  std::size_t marks = 0;  // among them
  bool at_point = false;
  bool once_per_mark = false;
  std::deque<Selection> selections;
  std::set<std::pair<std::uint64_t, std::size_t>> seen;
  std::size_t made = 0;
  std::map<std::uint64_t, std::uint64_t> directory_of;  // files, gone ones too

  void issue(const Operation& operation, std::size_t index);
  void settle(std::uint64_t node, bool of_file, bool failed);
  void fold();
  bool advance();
  void select();
  void select_prefixes(const std::vector<std::size_t>& open);
  void select_ordered(const std::vector<std::size_t>& open);
  void select_worst(const std::vector<std::size_t>& open);
  void push(const std::vector<std::size_t>& open, const std::vector<bool>& chosen, std::string what,
            Tear tear = Tear::whole, std::size_t torn = SIZE_MAX);
  MemoryTree build(const Selection& selection) const;  // with nodes that no directory names any more
  std::string stale_bytes(const MemoryTree& tree, std::uint64_t node) const;
};

void CrashStates::Impl::issue(const Operation& operation, std::size_t index) {
  switch (operation.kind) {
    case OperationKind::mark:
      ++marks;
      return;
    case OperationKind::sync_data:
      settle(operation.node, true, operation.failed);
      return;
    case OperationKind::sync_directory:
      if (!operation.failed) settle(operation.node, false, false);
      return;
    case OperationKind::create:
      if (!operation.failed) base[operation.child].directory = false;
      directory_of[operation.child] = operation.node;
      break;
    case OperationKind::make_directory:
      if (!operation.failed) base[operation.child].directory = true;
      break;
    case OperationKind::write:  // a failed one may have landed in part
      if (operation.data.empty()) return;
      break;
    case OperationKind::truncate:
    case OperationKind::unlink:
    case OperationKind::rename:
    case OperationKind::remove_directory:
      break;
    default:
      return;
  }
  if (operation.failed && operation.kind != OperationKind::write) return;
  effects.push_back({&operation, index, Effect::Fate::pending});
}

void CrashStates::Impl::settle(std::uint64_t node, bool of_file, bool failed) {
  for (Effect& effect : effects)
    if (effect.operation->node == node && effect.of_file() == of_file && effect.fate == Effect::Fate::pending)
      effect.fate = failed ? Effect::Fate::limbo : Effect::Fate::settled;
  fold();
}

// Settled effects move into the base as long as nothing undecided lies before them on the same node.
void CrashStates::Impl::fold() {
  std::set<std::uint64_t> undecided;
  std::vector<Effect> left;
  for (const Effect& effect : effects) {
    if (effect.fate == Effect::Fate::settled && !undecided.contains(effect.operation->node)) {
      apply(base, *effect.operation, Tear::whole);
    } else {
      undecided.insert(effect.operation->node);
      left.push_back(effect);
    }
  }
  effects = std::move(left);
}

// To the next point worth a crash: before an operation that changes something, or the end.
bool CrashStates::Impl::advance() {
  if (at_point && at == operations.size()) return false;
  if (at_point) {
    issue(operations[at], at);
    ++at;
  }
  while (at < operations.size() && operations[at].kind == OperationKind::mark) {
    issue(operations[at], at);
    ++at;
  }
  at_point = true;
  return true;
}

void CrashStates::Impl::push(const std::vector<std::size_t>& open, const std::vector<bool>& chosen, std::string what,
                             Tear tear, std::size_t torn) {
  Selection selection;
  selection.landed.resize(effects.size());
  for (std::size_t i = 0; i < effects.size(); ++i) selection.landed[i] = effects[i].fate == Effect::Fate::settled;
  for (std::size_t i = 0; i < open.size(); ++i) selection.landed[open[i]] = chosen[i];
  selection.tear = tear;
  selection.torn = torn;
  selection.what = std::move(what);
  selections.push_back(std::move(selection));
}

void CrashStates::Impl::select() {
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < effects.size(); ++i)
    if (effects[i].fate != Effect::Fate::settled) open.push_back(i);
  switch (profile) {
    case CrashProfile::prefix:
      return select_prefixes(open);
    case CrashProfile::ordered:
      return select_ordered(open);
    case CrashProfile::worst:
      return select_worst(open);
  }
}

void CrashStates::Impl::select_prefixes(const std::vector<std::size_t>& open) {
  std::vector<bool> chosen(open.size(), false);
  for (std::size_t count = 0; count <= open.size(); ++count) {
    push(open, chosen, "the first " + std::to_string(count) + " of " + std::to_string(open.size()));
    if (count == open.size()) break;
    chosen[count] = true;
    if (effects[open[count]].operation->kind == OperationKind::write)
      push(open, chosen, "the first " + std::to_string(count + 1), Tear::front_half, open[count]);
  }
}

void CrashStates::Impl::select_ordered(const std::vector<std::size_t>& open) {
  std::map<std::uint64_t, std::vector<std::size_t>> by_node;  // positions in `open`
  for (std::size_t i = 0; i < open.size(); ++i) by_node[effects[open[i]].operation->node].push_back(i);
  const auto choose = [&](const auto& length_of) {
    std::vector<bool> chosen(open.size(), false);
    std::string what = "prefixes";
    for (const auto& [node, list] : by_node) {
      const std::size_t length = length_of(node, list.size());
      for (std::size_t i = 0; i < length; ++i) chosen[list[i]] = true;
      what += " " + std::to_string(node) + ":" + std::to_string(length) + "/" + std::to_string(list.size());
    }
    push(open, chosen, what);
  };
  choose([](std::uint64_t, std::size_t) { return std::size_t{0}; });
  choose([](std::uint64_t, std::size_t size) { return size; });
  for (const auto& [varied, list] : by_node) {
    for (std::size_t length = 0; length <= list.size(); ++length) {
      choose([&, v = varied](std::uint64_t node, std::size_t size) { return node == v ? length : size; });
      choose([&, v = varied](std::uint64_t node, std::size_t) { return node == v ? length : 0; });
    }
  }
  for (std::size_t i = 0; i < kRandomSubsets && by_node.size() > 1; ++i)
    choose([&](std::uint64_t, std::size_t size) { return static_cast<std::size_t>(random.below(size + 1)); });
}

void CrashStates::Impl::select_worst(const std::vector<std::size_t>& open) {
  const std::size_t n = open.size();
  const std::vector<bool> all(n, true);
  const std::vector<bool> none(n, false);
  if (n <= kExhaustive) {
    for (std::size_t mask = 0; mask < (std::size_t{1} << n); ++mask) {
      std::vector<bool> chosen(n);
      for (std::size_t i = 0; i < n; ++i) chosen[i] = (mask >> i) & 1;
      push(open, chosen, "subset " + std::to_string(mask) + " of " + std::to_string(n));
    }
  } else {
    std::vector<bool> chosen = none;
    for (std::size_t count = 0; count <= n; ++count) {
      push(open, chosen, "the first " + std::to_string(count) + " of " + std::to_string(n));
      if (count < n) chosen[count] = true;
    }
    for (std::size_t i = 0; i < n; ++i) {
      chosen = all;
      chosen[i] = false;
      push(open, chosen, "all but " + std::to_string(i) + " of " + std::to_string(n));
      chosen = none;
      chosen[i] = true;
      push(open, chosen, "only " + std::to_string(i) + " of " + std::to_string(n));
    }
    for (std::size_t i = 0; i < kRandomSubsets; ++i) {
      for (std::size_t bit = 0; bit < n; ++bit) chosen[bit] = random.one_in(2);
      push(open, chosen, "random subset " + std::to_string(i) + " of " + std::to_string(n));
    }
  }
  for (std::size_t i = n; i-- > 0;) {
    if (effects[open[i]].operation->kind != OperationKind::write) continue;
    for (const Tear tear : {Tear::front_half, Tear::back_half, Tear::every_other_sector, Tear::grown_zeros,
                            Tear::grown_rubbish, Tear::grown_stale}) {
      push(open, all, "all", tear, open[i]);
      std::vector<bool> alone = none;
      alone[i] = true;
      push(open, alone, "only the last write", tear, open[i]);
    }
    break;
  }
}

// What a block given to this file may have held before: the longest other file of its directory, gone or not.
std::string CrashStates::Impl::stale_bytes(const MemoryTree& tree, std::uint64_t node) const {
  const auto directory = directory_of.find(node);
  std::string longest;
  if (directory == directory_of.end()) return longest;
  for (const auto& [other, parent] : directory_of) {
    const MemoryNode* found = tree.find(other);
    if (other == node || parent != directory->second || !found) continue;
    if (found->content->size() >= longest.size()) longest = *found->content;
  }
  return longest;
}

MemoryTree CrashStates::Impl::build(const Selection& selection) const {
  MemoryTree tree = base;
  std::string stale;
  for (std::size_t i = 0; i < effects.size(); ++i) {
    if (!selection.landed[i]) continue;
    const bool torn = i == selection.torn;
    if (torn && selection.tear == Tear::grown_stale) stale = stale_bytes(tree, effects[i].operation->node);
    apply(tree, *effects[i].operation, torn ? selection.tear : Tear::whole, stale);
  }
  return tree;
}

CrashStates::CrashStates(const MemoryFileSystem& recorded, CrashProfile profile, std::uint64_t seed, bool once_per_mark)
    : impl_(std::make_unique<Impl>()) {
  const std::lock_guard lock(recorded.state_->mutex);
  impl_->operations = recorded.state_->operations;
  impl_->base = recorded.state_->initial;
  impl_->next_node = recorded.state_->next_node;
  impl_->profile = profile;
  impl_->random = Random(seed);
  impl_->once_per_mark = once_per_mark;
  for (const auto& [node, found] : impl_->base)
    for (const auto& [name, child] : *found.entries) impl_->directory_of[child] = node;
}
CrashStates::~CrashStates() = default;
CrashStates::CrashStates(CrashStates&&) noexcept = default;

std::optional<CrashState> CrashStates::next(const Wanted& wanted) {
  Impl& impl = *impl_;
  while (true) {
    while (impl.selections.empty()) {
      if (!impl.advance()) return std::nullopt;
      impl.select();
    }
    const Selection selection = std::move(impl.selections.front());
    impl.selections.pop_front();
    MemoryTree tree = impl.build(selection);
    const std::uint64_t digest = digest_of(tree);
    if (!impl.seen.insert({digest, impl.once_per_mark ? impl.marks : impl.at}).second) continue;
    ++impl.made;
    if (wanted && !wanted(digest, impl.marks)) continue;
    return make(tree, digest, selection.what + tear_name(selection.tear));
  }
}

CrashState CrashStates::make(const MemoryTree& tree, std::uint64_t digest, const std::string& what) const {
  CrashState state;
  state.digest = digest;
  state.operation_index = impl_->at;
  state.marks = impl_->marks;
  static constexpr const char* kProfiles[] = {"prefix", "ordered", "worst"};
  state.description = std::string(kProfiles[static_cast<std::size_t>(impl_->profile)]) + " crash after operation " +
                      std::to_string(impl_->at) + ", landed: " + what;
  auto content = std::make_shared<MemoryFileSystem::State>();
  content->tree = reachable(tree);
  content->initial = content->tree;
  content->next_node = impl_->next_node;
  state.image.reset(new MemoryFileSystem(std::move(content)));
  return state;
}

CrashState CrashStates::random_now(const MemoryFileSystem& recorded, CrashProfile profile, std::uint64_t seed) {
  CrashStates states(recorded, profile, seed);
  Impl& impl = *states.impl_;
  while (impl.advance()) {
  }
  impl.select();
  const Selection& selection = impl.selections[impl.random.below(impl.selections.size())];
  MemoryTree tree = impl.build(selection);
  const std::uint64_t digest = digest_of(tree);
  return states.make(tree, digest, selection.what + tear_name(selection.tear));
}

std::size_t CrashStates::count() const { return impl_->made; }

}  // namespace logcask::testing
