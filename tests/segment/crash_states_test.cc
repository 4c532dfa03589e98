// The file system that crashes must itself be right: what it keeps, what it loses, what it invents.

#include "tests/support/crash_states.h"

#include <set>

#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace logcask {
namespace {

using namespace testing;

// Every content of `path` that some state shows after all operations; "-" when the file is not there.
std::set<std::string> contents(const MemoryFileSystem& files, CrashProfile profile, const std::string& path) {
  CrashStates states(files, profile, test_seed());
  std::set<std::string> found;
  while (auto state = states.next())
    if (state->operation_index == files.operation_count()) found.insert(state->image->content(path).value_or("-"));
  return found;
}

TEST_CASE("what was synced, file and name, is in every state, and what was not may be lost") {
  const auto profile = GENERATE(CrashProfile::prefix, CrashProfile::ordered, CrashProfile::worst);
  MemoryFileSystem files;
  auto file = *files.root()->open("f", OpenMode::create_new);
  REQUIRE_OK(file->write_at(0, std::string("aa")));
  REQUIRE_OK(file->sync_data());
  REQUIRE(contents(files, profile, "f").contains("-"));  // the name is not durable
  REQUIRE_OK(files.root()->sync());
  REQUIRE(contents(files, profile, "f") == std::set<std::string>{"aa"});
  REQUIRE_OK(file->write_at(2, std::string("bb")));
  const auto after = contents(files, profile, "f");
  REQUIRE(after.contains("aa"));
  REQUIRE(after.contains("aabb"));
  REQUIRE(!after.contains("-"));
}

TEST_CASE("the worst profile reorders writes, grows files with zeros and rubbish, and tears at sectors") {
  MemoryFileSystem files;
  auto file = *files.root()->open("f", OpenMode::create_new);
  REQUIRE_OK(files.root()->sync());
  REQUIRE_OK(file->write_at(0, std::string("aa")));
  REQUIRE_OK(file->write_at(2, std::string("bb")));
  auto found = contents(files, CrashProfile::worst, "f");
  REQUIRE(found.contains(std::string("\0\0bb", 4)));
  REQUIRE(found.contains(std::string("aa\0\0", 4)));
  REQUIRE(!contents(files, CrashProfile::prefix, "f").contains(std::string("\0\0bb", 4)));
  REQUIRE(!contents(files, CrashProfile::ordered, "f").contains(std::string("\0\0bb", 4)));
  REQUIRE_OK(file->sync_data());
  const std::string large(2048, 'x');
  REQUIRE_OK(file->write_at(4, large));
  found = contents(files, CrashProfile::worst, "f");
  bool front = false;
  bool back = false;
  bool rubbish = false;
  for (const std::string& content : found) {
    front = front || (content.size() > 4 && content.size() < 4 + large.size());
    back = back || (content.size() == 4 + large.size() && content[4] == 0 && content.back() == 'x');
    rubbish = rubbish || (content.size() == 4 + large.size() && content[4] != 0 && content[4] != 'x');
  }
  REQUIRE((front && back && rubbish));
}

TEST_CASE("a failed sync settles nothing, and a later good one does not make up for it") {
  MemoryFileSystem files;
  auto file = *files.root()->open("f", OpenMode::create_new);
  REQUIRE_OK(files.root()->sync());
  REQUIRE_OK(file->write_at(0, std::string("aa")));
  Fault fault;
  fault.kinds = {OperationKind::sync_data};
  files.fail(fault);
  REQUIRE(file->sync_data().code() == Errc::io_error);
  REQUIRE_OK(file->write_at(2, std::string("bb")));
  REQUIRE_OK(file->sync_data());
  const auto found = contents(files, CrashProfile::worst, "f");
  REQUIRE(found.contains(std::string("\0\0bb", 4)));
  REQUIRE(found.contains("aabb"));
  REQUIRE(!found.contains("aa"));
}

TEST_CASE("renames and unlinks are lost or kept on their own, and names never hold half a rename") {
  MemoryFileSystem files;
  auto root = files.root();
  REQUIRE_OK(replace_file(*root, "f", "old"));
  files.settle();
  REQUIRE_OK(replace_file(*root, "f", "new"));
  CrashStates states(files, CrashProfile::worst, test_seed());
  std::set<std::string> found;
  while (auto state = states.next()) {
    const std::string content = state->image->content("f").value_or("-");
    found.insert(content);
    if (state->operation_index == files.operation_count()) REQUIRE(content == "new");
  }
  REQUIRE(found == std::set<std::string>{"old", "new"});
  // Without the sync before the rename: a name that leads to an empty file.
  files.settle();
  REQUIRE_OK(put_file(*root, "f", "newer"));
  REQUIRE(contents(files, CrashProfile::worst, "f").contains(""));
}

TEST_CASE("files that are replaced together are whole wherever their names lead to them, and all there in the end") {
  MemoryFileSystem files;
  auto root = files.root();
  const NamedContent both[] = {{"f", "first"}, {"g", "second"}};
  REQUIRE_OK(replace_files(*root, both));
  CrashStates states(files, CrashProfile::worst, test_seed());
  while (auto state = states.next()) {
    for (const auto& [name, content] : both) {
      const auto found = state->image->content(name);
      if (found || state->operation_index == files.operation_count()) REQUIRE(found == content);
    }
  }
}

TEST_CASE("marks tell how much had been promised, and the last state of kill -9 has everything") {
  MemoryFileSystem files;
  auto file = *files.root()->open("f", OpenMode::create_new);
  for (int i = 0; i < 8; ++i) {
    REQUIRE_OK(file->write_at(static_cast<std::uint64_t>(i), std::string(1, static_cast<char>('0' + i))));
    files.mark(std::to_string(i));
  }
  CrashStates states(files, CrashProfile::prefix, test_seed());
  bool all = false;
  std::size_t marks = 0;
  while (auto state = states.next()) {
    REQUIRE(state->marks >= marks);
    marks = state->marks;
    const auto content = state->image->content("f");
    if (content) REQUIRE(content->size() <= 8);
    all = all || (state->marks == 8 && content == "01234567");
  }
  REQUIRE(marks == 8);
  REQUIRE(all);
  REQUIRE(states.count() > 20);
}

TEST_CASE("states are independent images, and the same run gives the same states") {
  MemoryFileSystem files;
  auto root = files.root();
  for (int i = 0; i < 6; ++i) REQUIRE_OK(put_file(*root, "f" + std::to_string(i), std::string(600, 'x')));
  const auto describe = [&] {
    std::vector<std::string> all;
    CrashStates states(files, CrashProfile::worst, 5);
    while (auto state = states.next()) {
      all.push_back(state->description);
      REQUIRE_OK(put_file(*state->image->root(), "mine", "x"));
      REQUIRE(state->image->operation_count() > 0);
    }
    return all;
  };
  const auto first = describe();
  REQUIRE(first.size() > 100);
  REQUIRE(first == describe());
  REQUIRE(!files.content("mine"));
}

TEST_CASE("faults hit the Nth matching operation, once or for good, and a full disk writes in part") {
  MemoryFileSystem files;
  auto root = files.root();
  auto a = *root->open("a", OpenMode::create_new);
  auto b = *root->open("b", OpenMode::create_new);
  Fault fault;
  fault.kinds = {OperationKind::write};
  fault.name_suffix = "a";
  fault.nth = 2;
  files.fail(fault);
  REQUIRE_OK(a->write_at(0, std::string("1")));
  REQUIRE_OK(b->write_at(0, std::string("1")));
  REQUIRE(a->write_at(1, std::string("2")).code() == Errc::io_error);
  REQUIRE_OK(a->write_at(1, std::string("2")));
  fault.nth = 1;
  fault.sticky = true;
  fault.short_write = true;
  files.fail(fault);
  for (int i = 0; i < 3; ++i) REQUIRE(!a->write_at(2, std::string("3456")).ok());
  REQUIRE(files.content("a") == "1234");
  files.clear_faults();
  files.set_capacity(files.used_bytes() + 3);
  REQUIRE(b->write_at(1, std::string("23456")).code() == Errc::storage_full);
  REQUIRE(files.content("b") == "1234");
  REQUIRE_OK(b->write_at(0, std::string("9999")));  // overwriting needs no space
  REQUIRE(*root->free_bytes() == 0);
  files.power_off();
  REQUIRE(!b->sync_data().ok());
  REQUIRE(!root->list().ok());
  REQUIRE(files.clone()->content("b") == "9999");
}

}  // namespace
}  // namespace logcask
