#include "tests/support/memory_file_system.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "base/check.h"
#include "tests/support/memory_state.h"

namespace logcask::testing {
namespace {

using State = MemoryFileSystem::State;
using StatePtr = std::shared_ptr<State>;
using Lock = std::lock_guard<std::mutex>;

bool changes_something(OperationKind kind) {
  switch (kind) {
    case OperationKind::open:
    case OperationKind::read:
    case OperationKind::list:
    case OperationKind::mark:
      return false;
    default:
      return true;
  }
}

bool is_reachable(const MemoryTree& tree, std::uint64_t wanted) {
  std::vector<std::uint64_t> left{kRootNode};
  while (!left.empty()) {
    const std::uint64_t node = left.back();
    left.pop_back();
    if (node == wanted) return true;
    for (const auto& [name, child] : *tree.at(node).entries) left.push_back(child);
  }
  return false;
}

Error off_error(const std::string& what) { return Error{Errc::io_error, what + ": the machine is off"}; }

class MemoryFile final : public File {
 public:
  MemoryFile(StatePtr state, std::uint64_t node, std::string path, bool writable)
      : state_(std::move(state)), node_(node), path_(std::move(path)), writable_(writable) {}

  Status write_at(std::uint64_t position, std::span<const ByteView> pieces) override {
    std::string data;
    for (const ByteView piece : pieces) data += piece;
    LOGCASK_TRY(awake());
    state_->under_way(OperationKind::write, path_);
    const Lock lock(state_->mutex);
    if (state_->powered_off) return off_error("write " + path_);
    if (!writable_) return error_from_errno(EBADF, "write " + path_);
    int error = 0;
    if (const Fault* fault = state_->count(OperationKind::write, path_)) {
      error = fault->error_number;
      data.resize(fault->short_write ? data.size() / 2 : 0);
    }
    const std::uint64_t room = std::max(room_for_growth(), position);
    if (!data.empty() && position + data.size() > room) {
      if (error == 0) error = ENOSPC;
      data.resize(static_cast<std::size_t>(room - position));
    }
    if (!data.empty()) {
      std::string& content = file().content.edit();
      if (content.size() < position + data.size()) content.resize(position + data.size());
      content.replace(position, data.size(), data);
    }
    record(OperationKind::write, position, error != 0, std::move(data));
    if (error != 0) return error_from_errno(error, "write " + path_);
    return {};
  }

  Result<std::size_t> read_at(std::uint64_t position, std::span<char> out) const override {
    LOGCASK_TRY(awake());
    state_->under_way(OperationKind::read, path_);
    const Lock lock(state_->mutex);
    if (state_->powered_off) return off_error("read " + path_);
    if (const Fault* fault = state_->count(OperationKind::read, path_))
      return error_from_errno(fault->error_number, "read " + path_);
    const std::string& content = *state_->tree.at(node_).content;
    if (position >= content.size()) return std::size_t{0};
    return content.copy(out.data(), out.size(), position);
  }

  Status preallocate(std::uint64_t size) override {
    LOGCASK_TRY(awake());
    const Lock lock(state_->mutex);
    LOGCASK_TRY(begin(OperationKind::preallocate, "reserve", size));
    if (size > room_for_growth()) return error_from_errno(ENOSPC, "reserve " + path_);
    file().reserved = std::max(file().reserved, size);
    return {};
  }

  Status truncate(std::uint64_t size) override {
    LOGCASK_TRY(awake());
    const Lock lock(state_->mutex);
    LOGCASK_TRY(begin(OperationKind::truncate, "truncate", size));
    file().content.edit().resize(size);
    file().reserved = 0;
    return {};
  }

  Status sync_data() override {
    LOGCASK_TRY(awake());
    {
      const Lock lock(state_->mutex);
      LOGCASK_TRY(begin(OperationKind::sync_data, "sync", 0));
    }
    state_->under_way(OperationKind::sync_data, path_);
    return {};
  }

  Result<std::uint64_t> size() const override {
    const Lock lock(state_->mutex);
    if (state_->powered_off) return off_error("stat " + path_);
    return static_cast<std::uint64_t>(state_->tree.at(node_).content->size());
  }

  void rest() override { resting_ = true; }
  Status wake() override { return awake(); }
  Result<bool> linked() const override {
    const Lock lock(state_->mutex);
    return is_reachable(state_->tree, node_);
  }

 private:
  MemoryNode& file() { return state_->tree.at(node_); }

  // The first call after a rest opens the file again, and may find no descriptor.
  Status awake() const {
    if (!resting_) return {};
    const Lock lock(state_->mutex);
    if (const Fault* fault = state_->count(OperationKind::open, path_))
      return error_from_errno(fault->error_number, "open again " + path_);
    resting_ = false;
    return {};
  }

  // The size this file may have: what it holds, what it reserved, what is free.
  std::uint64_t room_for_growth() {
    if (state_->capacity == UINT64_MAX) return UINT64_MAX;
    const std::uint64_t own = std::max<std::uint64_t>(file().content->size(), file().reserved);
    const std::uint64_t used = state_->used_bytes();
    const std::uint64_t free = state_->capacity > used ? state_->capacity - used : 0;
    return free > UINT64_MAX - own ? UINT64_MAX : own + free;
  }

  Status begin(OperationKind kind, const char* what, std::uint64_t position) {
    if (state_->powered_off) return off_error(what + (" " + path_));
    if (state_->ignores(kind, path_)) return {};
    const Fault* fault = state_->count(kind, path_);
    record(kind, position, fault != nullptr, {});
    if (fault) return error_from_errno(fault->error_number, what + (" " + path_));
    return {};
  }

  void record(OperationKind kind, std::uint64_t position, bool failed, std::string data) {
    Operation operation;
    operation.kind = kind;
    operation.node = node_;
    operation.position = position;
    operation.failed = failed;
    operation.data = std::move(data);
    state_->operations.push_back(std::move(operation));
  }

  const StatePtr state_;
  const std::uint64_t node_;
  const std::string path_;
  const bool writable_;
  mutable std::atomic<bool> resting_{false};
};

class MemoryLock final : public DirectoryLock {
 public:
  MemoryLock(StatePtr state, std::uint64_t node, std::string name)
      : state_(std::move(state)), key_(node, std::move(name)) {}
  ~MemoryLock() override {
    const Lock lock(state_->mutex);
    state_->locks.erase(key_);
  }

 private:
  const StatePtr state_;
  const std::pair<std::uint64_t, std::string> key_;
};

class MemoryDirectory final : public Directory {
 public:
  MemoryDirectory(StatePtr state, std::uint64_t node, std::string path)
      : state_(std::move(state)), node_(node), path_(std::move(path)) {}

  Result<std::unique_ptr<File>> open(const std::string& name, OpenMode mode) override {
    const Lock lock(state_->mutex);
    LOGCASK_TRY(check_name(name));
    if (mode == OpenMode::create_new) {
      if (entries().contains(name)) return failed(EEXIST, "create", name);
      if (!room_for_a_file()) return failed(ENOSPC, "create", name);
      LOGCASK_TRY(begin(OperationKind::create, "create", name, "", state_->next_node));
      add_node(name, false);
    } else {
      LOGCASK_TRY(begin(OperationKind::open, "open", name));
    }
    const auto found = entries().find(name);
    if (found == entries().end()) return failed(ENOENT, "open", name);
    if (state_->tree.at(found->second).directory)
      return Error{Errc::io_error, "open " + path_ + "/" + name + ": not a regular file"};
    return std::unique_ptr<File>(
        std::make_unique<MemoryFile>(state_, found->second, path_ + "/" + name, mode != OpenMode::read));
  }

  Status unlink(const std::string& name) override {
    state_->under_way(OperationKind::unlink, path_ + "/" + name);
    const Lock lock(state_->mutex);
    LOGCASK_TRY(check_name(name));
    const auto found = entries().find(name);
    if (found == entries().end()) return failed(ENOENT, "unlink", name);
    if (state_->tree.at(found->second).directory) return failed(EISDIR, "unlink", name);
    LOGCASK_TRY(begin(OperationKind::unlink, "unlink", name));
    edit_entries().erase(name);
    return {};
  }

  Status rename(const std::string& from, const std::string& to) override {
    const Lock lock(state_->mutex);
    LOGCASK_TRY(check_name(from));
    LOGCASK_TRY(check_name(to));
    const auto found = entries().find(from);
    if (found == entries().end()) return failed(ENOENT, "rename", from);
    const std::uint64_t node = found->second;
    if (const auto target = entries().find(to); target != entries().end() && target->second != node) {
      const MemoryNode& old = state_->tree.at(target->second);
      if (old.directory && !old.entries->empty()) return failed(ENOTEMPTY, "rename", from);
      if (old.directory != state_->tree.at(node).directory)
        return failed(old.directory ? EISDIR : ENOTDIR, "rename", from);
    }
    LOGCASK_TRY(begin(OperationKind::rename, "rename", from, to, node));
    edit_entries().erase(from);
    edit_entries()[to] = node;
    return {};
  }

  Result<std::vector<Entry>> list() override {
    const Lock lock(state_->mutex);
    LOGCASK_TRY(begin(OperationKind::list, "list", ""));
    std::vector<Entry> found;
    for (const auto& [name, node] : entries()) found.push_back({name, state_->tree.at(node).directory});
    return found;
  }

  Status sync() override {
    {
      const Lock lock(state_->mutex);
      LOGCASK_TRY(begin(OperationKind::sync_directory, "sync directory", ""));
    }
    state_->under_way(OperationKind::sync_directory, path_);
    return {};
  }

  Result<std::unique_ptr<Directory>> open_directory(const std::string& name) override {
    const Lock lock(state_->mutex);
    LOGCASK_TRY(check_name(name));
    LOGCASK_TRY(begin(OperationKind::open, "open directory", name));
    return open_child(name);
  }

  Result<std::unique_ptr<Directory>> create_directory(const std::string& name) override {
    const Lock lock(state_->mutex);
    LOGCASK_TRY(check_name(name));
    if (entries().contains(name)) return failed(EEXIST, "create directory", name);
    if (!room_for_a_file()) return failed(ENOSPC, "create directory", name);
    LOGCASK_TRY(begin(OperationKind::make_directory, "create directory", name, "", state_->next_node));
    add_node(name, true);
    return open_child(name);
  }

  Status remove_directory(const std::string& name) override {
    const Lock lock(state_->mutex);
    LOGCASK_TRY(check_name(name));
    const auto found = entries().find(name);
    if (found == entries().end()) return failed(ENOENT, "remove directory", name);
    const MemoryNode& node = state_->tree.at(found->second);
    if (!node.directory) return failed(ENOTDIR, "remove directory", name);
    if (!node.entries->empty()) return failed(ENOTEMPTY, "remove directory", name);
    LOGCASK_TRY(begin(OperationKind::remove_directory, "remove directory", name));
    edit_entries().erase(name);
    return {};
  }

  Result<std::unique_ptr<DirectoryLock>> lock(const std::string& name) override {
    const Lock lock(state_->mutex);
    LOGCASK_TRY(check_name(name));
    if (!entries().contains(name)) {
      LOGCASK_TRY(begin(OperationKind::create, "create", name, "", state_->next_node));
      add_node(name, false);
    }
    if (!state_->locks.insert({node_, name}).second) {
      return Error{Errc::in_use, path_ + " is in use by process " +
                                     state_->tree.at(entries().at(name)).content->substr(0, 20) + "; stop it"};
    }
    state_->tree.at(entries().at(name)).content.edit() = std::to_string(::getpid());
    return std::unique_ptr<DirectoryLock>(std::make_unique<MemoryLock>(state_, node_, name));
  }

  Result<DiskSpace> space() override {
    const Lock lock(state_->mutex);
    const auto left = [](std::uint64_t all, std::uint64_t used) { return all > used ? all - used : 0; };
    DiskSpace space;
    space.total_bytes = state_->capacity;
    space.free_bytes = left(state_->capacity, state_->used_bytes());
    if (state_->file_capacity != UINT64_MAX) space.free_files = left(state_->file_capacity, state_->used_files());
    return space;
  }

  Result<bool> in_place() override {
    const Lock lock(state_->mutex);
    return is_reachable(state_->tree, node_);
  }

  std::string path() const override { return path_; }

 private:
  const std::map<std::string, std::uint64_t>& entries() { return *state_->tree.at(node_).entries; }
  std::map<std::string, std::uint64_t>& edit_entries() { return state_->tree.at(node_).entries.edit(); }

  Error failed(int error, const std::string& what, const std::string& name) const {
    return error_from_errno(error, what + " " + path_ + "/" + name);
  }

  Status check_name(const std::string& name) const {
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
      return Error{Errc::invalid_argument, "not a file name in " + path_ + ": '" + name + "'"};
    return {};
  }

  Status begin(OperationKind kind, const char* what, const std::string& name, const std::string& to = "",
               std::uint64_t child = 0) {
    if (state_->powered_off) return off_error(what + (" " + path_ + "/" + name));
    if (state_->ignores(kind, kind == OperationKind::sync_directory ? path_ : name)) return {};
    const Fault* fault = state_->count(kind, path_ + "/" + name);
    if (changes_something(kind)) {
      Operation operation;
      operation.kind = kind;
      operation.node = node_;
      operation.child = child;
      operation.name = name;
      operation.to = to;
      operation.failed = fault != nullptr;
      state_->operations.push_back(std::move(operation));
    }
    if (fault) return failed(fault->error_number, what, name);
    return {};
  }

  bool room_for_a_file() const {
    return state_->file_capacity == UINT64_MAX || state_->used_files() < state_->file_capacity;
  }

  void add_node(const std::string& name, bool directory) {
    const std::uint64_t node = state_->next_node++;
    state_->tree[node].directory = directory;
    edit_entries()[name] = node;
  }

  Result<std::unique_ptr<Directory>> open_child(const std::string& name) {
    const auto found = entries().find(name);
    if (found == entries().end()) return failed(ENOENT, "open directory", name);
    if (!state_->tree.at(found->second).directory) return failed(ENOTDIR, "open directory", name);
    return std::unique_ptr<Directory>(std::make_unique<MemoryDirectory>(state_, found->second, path_ + "/" + name));
  }

  const StatePtr state_;
  const std::uint64_t node_;
  const std::string path_;
};

std::vector<std::string> split_path(const std::string& path) {
  std::vector<std::string> parts(1);
  for (const char c : path) {
    if (c == '/')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

// The node at `path`; files and directories on the way are made when `create`.
MemoryNode* find_node(State& state, const std::string& path, bool create) {
  std::uint64_t node = kRootNode;
  const std::vector<std::string> parts = split_path(path);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto& entries = state.tree.at(node).entries;
    auto found = entries->find(parts[i]);
    if (found == entries->end()) {
      if (!create) return nullptr;
      found = entries.edit().emplace(parts[i], state.next_node++).first;
      state.tree[found->second].directory = i + 1 < parts.size();
    }
    node = found->second;
  }
  return &state.tree.at(node);
}

void list_files(const MemoryTree& tree, std::uint64_t node, const std::string& prefix, std::vector<std::string>& out) {
  for (const auto& [name, child] : *tree.at(node).entries) {
    if (tree.at(child).directory)
      list_files(tree, child, prefix + name + "/", out);
    else
      out.push_back(prefix + name);
  }
}

}  // namespace

const char* operation_name(OperationKind kind) {
  static constexpr const char* kNames[] = {
      "open",   "create", "write", "truncate",       "preallocate",    "sync_data",        "read",
      "unlink", "rename", "list",  "sync_directory", "make_directory", "remove_directory", "mark"};
  return kNames[static_cast<std::size_t>(kind)];
}

namespace {

// In rising order.
std::vector<std::uint64_t> reachable_nodes(const MemoryTree& tree) {
  std::vector<std::uint64_t> nodes{kRootNode};
  for (std::size_t i = 0; i < nodes.size(); ++i)
    for (const auto& [name, child] : *tree.at(nodes[i]).entries) nodes.push_back(child);
  std::sort(nodes.begin(), nodes.end());
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  return nodes;
}

}  // namespace

MemoryTree reachable(const MemoryTree& tree) { return tree.only(reachable_nodes(tree)); }

const Fault* State::count(OperationKind kind, const std::string& name) {
  if (changes_something(kind)) ++changes;
  const Fault* hit = nullptr;
  for (ArmedFault& armed : faults) {
    const Fault& fault = armed.fault;
    const bool of_kind = fault.kinds.empty()
                             ? changes_something(kind)
                             : std::find(fault.kinds.begin(), fault.kinds.end(), kind) != fault.kinds.end();
    if (!of_kind || !std::string_view(name).ends_with(fault.name_suffix)) continue;
    if (name.find(fault.path_part) == std::string::npos) continue;
    ++armed.seen;
    if (!hit && (armed.seen == fault.nth || (fault.sticky && armed.seen > fault.nth))) hit = &fault;
  }
  if (hit) hits.push_back({kind, name});
  return hit;
}

void State::under_way(OperationKind kind, const std::string& path) {
  std::function<void(OperationKind, const std::string&)> told;
  {
    const Lock lock(mutex);
    told = meanwhile;
  }
  if (told) told(kind, path);
}

bool State::ignores(OperationKind kind, const std::string& name) const {
  return std::any_of(ignored.begin(), ignored.end(),
                     [&](const auto& entry) { return entry.first == kind && name.ends_with(entry.second); });
}

std::uint64_t State::used_bytes() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t id : reachable_nodes(tree)) {
    const MemoryNode& node = tree.at(id);
    sum += std::max<std::uint64_t>(node.content->size(), node.reserved);
  }
  return sum;
}

std::uint64_t State::used_files() const { return reachable_nodes(tree).size() - 1; }

MemoryFileSystem::MemoryFileSystem() : state_(std::make_shared<State>()) {
  state_->tree[kRootNode].directory = true;
  state_->initial = state_->tree;
}
MemoryFileSystem::MemoryFileSystem(std::shared_ptr<State> state) : state_(std::move(state)) {}
MemoryFileSystem::~MemoryFileSystem() = default;

std::shared_ptr<Directory> MemoryFileSystem::root() const {
  return std::make_shared<MemoryDirectory>(state_, kRootNode, "mem:");
}

void MemoryFileSystem::fail(const Fault& fault) {
  const Lock lock(state_->mutex);
  state_->faults.push_back({fault, 0});
}
void MemoryFileSystem::ignore(OperationKind kind, const std::string& name_suffix) {
  const Lock lock(state_->mutex);
  state_->ignored.emplace_back(kind, name_suffix);
}
void MemoryFileSystem::meanwhile(std::function<void(OperationKind, const std::string&)> told) {
  const Lock lock(state_->mutex);
  state_->meanwhile = std::move(told);
}
void MemoryFileSystem::clear_faults() {
  const Lock lock(state_->mutex);
  state_->faults.clear();
  state_->hits.clear();
}
std::vector<MemoryFileSystem::FaultHit> MemoryFileSystem::fault_hits() const {
  const Lock lock(state_->mutex);
  return state_->hits;
}
void MemoryFileSystem::set_capacity(std::uint64_t bytes) {
  const Lock lock(state_->mutex);
  state_->capacity = bytes;
}
void MemoryFileSystem::set_file_capacity(std::uint64_t files) {
  const Lock lock(state_->mutex);
  state_->file_capacity = files;
}
std::uint64_t MemoryFileSystem::used_files() const {
  const Lock lock(state_->mutex);
  return state_->used_files();
}
void MemoryFileSystem::remove_tree(const std::string& path) {
  const Lock lock(state_->mutex);
  const std::size_t slash = path.rfind('/');
  MemoryNode* parent =
      slash == std::string::npos ? &state_->tree.at(kRootNode) : find_node(*state_, path.substr(0, slash), false);
  LOGCASK_CHECK(parent && parent->directory);
  parent->entries.edit().erase(slash == std::string::npos ? path : path.substr(slash + 1));
  state_->initial = reachable(state_->tree);
  state_->operations.clear();
}
std::uint64_t MemoryFileSystem::used_bytes() const {
  const Lock lock(state_->mutex);
  return state_->used_bytes();
}
void MemoryFileSystem::power_off() {
  const Lock lock(state_->mutex);
  state_->powered_off = true;
}

void MemoryFileSystem::mark(const std::string& tag) {
  const Lock lock(state_->mutex);
  Operation operation;
  operation.name = tag;
  state_->operations.push_back(std::move(operation));
}
std::vector<Operation> MemoryFileSystem::operations() const {
  const Lock lock(state_->mutex);
  return state_->operations;
}
std::size_t MemoryFileSystem::operation_count() const {
  const Lock lock(state_->mutex);
  return state_->operations.size();
}
std::size_t MemoryFileSystem::change_count() const {
  const Lock lock(state_->mutex);
  return state_->changes;
}

std::optional<std::string> MemoryFileSystem::content(const std::string& path) const {
  const Lock lock(state_->mutex);
  const MemoryNode* node = find_node(*state_, path, false);
  if (!node || node->directory) return std::nullopt;
  return *node->content;
}
void MemoryFileSystem::set_content(const std::string& path, const std::string& content) {
  const Lock lock(state_->mutex);
  find_node(*state_, path, true)->content.edit() = content;
  state_->initial = reachable(state_->tree);
  state_->operations.clear();
}
std::vector<std::string> MemoryFileSystem::paths() const {
  const Lock lock(state_->mutex);
  std::vector<std::string> found;
  list_files(state_->tree, kRootNode, "", found);
  return found;
}
void MemoryFileSystem::settle() {
  const Lock lock(state_->mutex);
  state_->initial = reachable(state_->tree);
  state_->operations.clear();
}
std::unique_ptr<MemoryFileSystem> MemoryFileSystem::clone() const {
  const Lock lock(state_->mutex);
  auto copy = std::make_shared<State>();
  copy->tree = reachable(state_->tree);
  copy->initial = copy->tree;
  copy->next_node = state_->next_node;
  return std::unique_ptr<MemoryFileSystem>(new MemoryFileSystem(std::move(copy)));
}

}  // namespace logcask::testing
