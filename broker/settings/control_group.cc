#include "broker/settings/control_group.h"

#include <algorithm>
#include <fstream>
#include <functional>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

namespace logcask {
namespace {

// One mounted hierarchy of groups, and the process's place in it.
struct GroupTree {
  bool version_2 = false;
  std::string mount;  // where it is mounted
  std::string path;   // of the process's group below that, "" for the top one
};

std::vector<std::string> words_of(const std::string& line, char separator) {
  std::vector<std::string> words;
  std::istringstream in(line);
  for (std::string word; std::getline(in, word, separator);) words.push_back(word);
  return words;
}

bool lists(std::string_view comma_separated, std::string_view wanted) {
  for (const std::string& word : words_of(std::string(comma_separated), ','))
    if (word == wanted) return true;
  return false;
}

// The process's group as /proc/self/cgroup names it. Version 2 has one line, "0::PATH"; version 1 has a line for each
// set of controllers, "N:memory:PATH".
std::optional<std::string> own_group(const std::string& root, bool version_2, std::string_view controller) {
  std::ifstream in(root + "/proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (version_2 ? controllers.empty() && line.starts_with("0:") : lists(controllers, controller))
      return line.substr(second + 1);
  }
  return std::nullopt;
}

// A container may see only its own part of the tree: the mount's root is then a prefix of the group's path, or, in a
// namespace of its own, the path begins with "/..". In both cases the mount shows the group or one above it.
std::string below_mount(const std::string& group, const std::string& mount_root) {
  if (group.starts_with("/..")) return "";
  std::string_view path = group;
  if (mount_root != "/") {
    if (!path.starts_with(mount_root)) return "";
    path.remove_prefix(mount_root.size());
    if (!path.empty() && path.front() != '/') return "";
  }
  return path == "/" ? "" : std::string(path);
}

// Every hierarchy that has `controller`: lines of /proc/self/mountinfo, whose fields up to " - " name root (4th) and
// mount point (5th), and after it type, source and options.
std::vector<GroupTree> trees_with(const std::string& root, std::string_view controller) {
  std::vector<GroupTree> trees;
  std::ifstream in(root + "/proc/self/mountinfo");
  for (std::string line; std::getline(in, line);) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    const std::vector<std::string> place = words_of(line.substr(0, dash), ' ');
    const std::vector<std::string> kind = words_of(line.substr(dash + 3), ' ');
    if (place.size() < 5 || kind.empty()) continue;
    const bool version_2 = kind[0] == "cgroup2";
    if (!version_2 && (kind[0] != "cgroup" || kind.size() < 3 || !lists(kind[2], controller))) continue;
    const auto group = own_group(root, version_2, controller);
    if (group) trees.push_back({version_2, root + place[4], below_mount(*group, place[3])});
  }
  return trees;
}

// Calls `look` with the directory of the process's group and of each one above it.
void for_each_group(const GroupTree& tree, const std::function<void(const std::string&)>& look) {
  std::string path = tree.path;
  while (true) {
    look(tree.mount + path);
    if (path.empty()) return;
    const std::size_t slash = path.rfind('/');
    path.resize(slash == std::string::npos ? 0 : slash);
  }
}

// The first number of a file, or `otherwise`: "max", no such file.
std::uint64_t number_in(const std::string& path, std::uint64_t otherwise) {
  std::ifstream in(path);
  std::uint64_t number = 0;
  return in >> number ? number : otherwise;
}

std::uint64_t cores_of(const std::string& group, bool version_2) {
  std::int64_t quota = 0, period = 0;
  if (version_2) {
    std::ifstream in(group + "/cpu.max");
    if (!(in >> quota >> period)) return kNoControlGroupLimit;  // "max 100000"
  } else {
    std::ifstream quota_in(group + "/cpu.cfs_quota_us"), period_in(group + "/cpu.cfs_period_us");
    if (!(quota_in >> quota) || !(period_in >> period)) return kNoControlGroupLimit;
  }
  if (quota <= 0 || period <= 0) return kNoControlGroupLimit;  // -1: no limit
  return static_cast<std::uint64_t>((quota + period - 1) / period);
}

}  // namespace

std::uint64_t control_group_memory_bytes(const std::string& root) {
  std::uint64_t least = kNoControlGroupLimit;
  for (const GroupTree& tree : trees_with(root, "memory"))
    for_each_group(tree, [&](const std::string& group) {
      if (tree.version_2) {
        least = std::min({least, number_in(group + "/memory.max", kNoControlGroupLimit),
                          number_in(group + "/memory.high", kNoControlGroupLimit)});
      } else {
        least = std::min(least, number_in(group + "/memory.limit_in_bytes", kNoControlGroupLimit));
      }
    });
  return least;
}

std::uint64_t control_group_cores(const std::string& root) {
  std::uint64_t least = kNoControlGroupLimit;
  for (const GroupTree& tree : trees_with(root, "cpu"))
    for_each_group(tree, [&](const std::string& group) { least = std::min(least, cores_of(group, tree.version_2)); });
  return least;
}

}  // namespace logcask
