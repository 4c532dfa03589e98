// The same cases on the real file system and on the one in memory: the model must be neither stricter nor laxer.

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "segment/posix_file.h"
#include "tests/support/catch.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/temp_dir.h"

namespace logcask {
namespace {

using namespace testing;

// One of the two, chosen by the test's GENERATE.
struct Place {
  TempDir real;
  MemoryFileSystem memory;
  std::shared_ptr<Directory> root;
  explicit Place(bool posix) {
    if (posix) {
      auto opened = open_posix_directory(real.path());
      REQUIRE_OK(opened);
      root = std::move(opened).value();
    } else {
      root = memory.root();
    }
  }
};

std::string content(Directory& directory, const std::string& name) {
  auto read = read_file(directory, name, 1 << 20);
  REQUIRE_OK(read);
  return *read;
}

TEST_CASE("conformance: a file is written in pieces, read, cut and measured") {
  Place place(GENERATE(true, false));
  auto opened = place.root->open("a", OpenMode::create_new);
  REQUIRE_OK(opened);
  File& file = **opened;
  std::vector<std::string> parts;
  std::string whole;
  for (int i = 0; i < 300; ++i) {
    parts.push_back(std::string(static_cast<std::size_t>(i % 7), static_cast<char>('a' + i % 26)));
    whole += parts.back();
  }
  std::vector<ByteView> pieces(parts.begin(), parts.end());
  REQUIRE_OK(file.write_at(10, pieces));
  REQUIRE(*file.size() == 10 + whole.size());
  REQUIRE(content(*place.root, "a") == std::string(10, '\0') + whole);
  REQUIRE_OK(file.write_at(3, std::string("xyz")));
  REQUIRE_OK(file.write_at(0, std::span<const ByteView>()));
  std::string out(5, '?');
  REQUIRE(*file.read_at(2, std::span(out.data(), out.size())) == 5);
  REQUIRE(out == ByteView("\0xyz\0", 5));
  REQUIRE(*file.read_at(8 + whole.size(), std::span(out.data(), out.size())) == 2);
  REQUIRE(*file.read_at(1 << 20, std::span(out.data(), out.size())) == 0);
  REQUIRE_OK(file.preallocate(1 << 16));
  REQUIRE(*file.size() == 10 + whole.size());
  REQUIRE_OK(file.truncate(4));
  REQUIRE(content(*place.root, "a") == ByteView("\0\0\0x", 4));
  REQUIRE_OK(file.truncate(6));
  REQUIRE(content(*place.root, "a") == ByteView("\0\0\0x\0\0", 6));
  REQUIRE_OK(file.sync_data());
}

TEST_CASE("conformance: opening says what is missing, there already, or not a file") {
  Place place(GENERATE(true, false));
  REQUIRE(place.root->open("a", OpenMode::read).code() == Errc::not_found);
  REQUIRE(place.root->open("a", OpenMode::read_write).code() == Errc::not_found);
  REQUIRE_OK(place.root->open("a", OpenMode::create_new));
  REQUIRE(place.root->open("a", OpenMode::create_new).code() == Errc::already_exists);
  auto reader = place.root->open("a", OpenMode::read);
  REQUIRE_OK(reader);
  REQUIRE(!(*reader)->write_at(0, std::string("x")).ok());
  REQUIRE_OK(place.root->create_directory("d"));
  REQUIRE(place.root->open("d", OpenMode::read).code() == Errc::io_error);
  REQUIRE(place.root->create_directory("d").code() == Errc::already_exists);
  REQUIRE(place.root->open_directory("none").code() == Errc::not_found);
  for (const std::string name : {"", ".", "..", "a/b", "/etc/passwd"})
    REQUIRE(place.root->open(name, OpenMode::create_new).code() == Errc::invalid_argument);
}

TEST_CASE("conformance: rename replaces, unlink removes, and open handles keep what they had") {
  Place place(GENERATE(true, false));
  Directory& root = *place.root;
  REQUIRE_OK(replace_file(root, "old", "one"));
  REQUIRE_OK(replace_file(root, "new", "two"));
  auto held = root.open("new", OpenMode::read);
  REQUIRE_OK(root.rename("old", "new"));
  REQUIRE(content(root, "new") == "one");
  REQUIRE(root.open("old", OpenMode::read).code() == Errc::not_found);
  std::string out(3, '?');
  REQUIRE(*(*held)->read_at(0, std::span(out.data(), 3)) == 3);
  REQUIRE(out == "two");
  REQUIRE_OK(root.unlink("new"));
  REQUIRE(root.unlink("new").code() == Errc::not_found);
  REQUIRE(root.rename("new", "x").code() == Errc::not_found);
  REQUIRE_OK(root.sync());
  REQUIRE(root.list()->empty());
}

TEST_CASE("conformance: directories are made, listed in order, moved and removed when empty") {
  Place place(GENERATE(true, false));
  Directory& root = *place.root;
  REQUIRE_OK(put_file(root, "b", "x"));
  auto made = root.create_directory("c");
  REQUIRE_OK(made);
  REQUIRE_OK(put_file(root, "a", "x"));
  REQUIRE_OK(put_file(**made, "inner", "deep"));
  const auto list = root.list();
  REQUIRE_OK(list);
  REQUIRE(list->size() == 3);
  REQUIRE((*list)[0].name == "a");
  REQUIRE((*list)[2].name == "c");
  REQUIRE(((*list)[2].is_directory && !(*list)[0].is_directory));
  REQUIRE(root.remove_directory("c").code() == Errc::already_exists);  // not empty
  REQUIRE_OK(root.rename("c", "moved"));
  REQUIRE_OK(root.create_directory("c"));
  auto moved = root.open_directory("moved");
  REQUIRE_OK(moved);
  REQUIRE(content(**moved, "inner") == "deep");
  REQUIRE_OK(put_file(**moved, "later", "y"));
  REQUIRE((*moved)->list()->size() == 2);
  REQUIRE_OK(root.remove_directory("c"));
  REQUIRE(root.remove_directory("c").code() == Errc::not_found);
}

TEST_CASE("conformance: a directory is locked once at a time, also within one process") {
  Place place(GENERATE(true, false));
  auto first = place.root->lock("LOCK");
  REQUIRE_OK(first);
  const auto second = place.root->lock("LOCK");
  REQUIRE(second.code() == Errc::in_use);
  REQUIRE(second.error().message.find(std::to_string(::getpid())) != std::string::npos);
  first->reset();
  REQUIRE_OK(place.root->lock("LOCK"));
}

TEST_CASE("a directory whose lock file was removed under its holder is still locked") {
  TempDir temp;
  const auto root = create_posix_directory(temp.path() + "/data");
  REQUIRE_OK(root);
  auto first = (*root)->lock("LOCK");
  REQUIRE_OK(first);
  REQUIRE_OK((*root)->unlink("LOCK"));
  const auto again = open_posix_directory(temp.path() + "/data");
  REQUIRE_OK(again);
  REQUIRE((*again)->lock("LOCK").code() == Errc::in_use);
  first->reset();
  REQUIRE_OK((*again)->lock("LOCK"));
}

TEST_CASE("conformance: whole files are replaced at once and leave no temporary file") {
  Place place(GENERATE(true, false));
  REQUIRE_OK(put_file(*place.root, "f.tmp", "left by a crash"));
  REQUIRE_OK(replace_file(*place.root, "f", "one"));
  REQUIRE_OK(replace_file(*place.root, "f", "two"));
  REQUIRE(content(*place.root, "f") == "two");
  REQUIRE(place.root->list()->size() == 1);
  REQUIRE(read_file(*place.root, "f", 2).code() == Errc::corrupt_file);
  REQUIRE(*place.root->free_bytes() > 0);
}

TEST_CASE("conformance: several files are replaced together, and leave no temporary files where one cannot be") {
  Place place(GENERATE(true, false));
  REQUIRE_OK(put_file(*place.root, "b.tmp", "left by a crash"));
  const NamedContent files[] = {{"a", "1"}, {"b", "22"}, {"c", ""}};
  REQUIRE_OK(replace_files(*place.root, files));
  for (const auto& file : files) REQUIRE(content(*place.root, file.name) == file.content);
  REQUIRE(place.root->list()->size() == 3);
  const NamedContent wrong[] = {{"a", "new"}, {"x/y", ""}};
  REQUIRE_FALSE(replace_files(*place.root, wrong).ok());
  REQUIRE(content(*place.root, "a") == "1");
  REQUIRE(place.root->list()->size() == 3);
}

TEST_CASE("files that could not all be replaced leave nothing half-written behind") {
  for (const OperationKind kind :
       {OperationKind::create, OperationKind::write, OperationKind::sync_data, OperationKind::rename}) {
    for (std::uint64_t nth = 1; nth <= 3; ++nth) {
      CAPTURE(static_cast<int>(kind), nth);
      MemoryFileSystem files;
      REQUIRE_OK(put_file(*files.root(), "b", "old"));
      Fault fault;
      fault.kinds = {kind};
      fault.nth = nth;
      files.fail(fault);
      const NamedContent wanted[] = {{"a", "1"}, {"b", "22"}, {"c", "333"}};
      REQUIRE_FALSE(replace_files(*files.root(), wanted).ok());
      files.clear_faults();
      // Names appear in their order, each whole.
      const std::size_t renamed = kind == OperationKind::rename ? nth - 1 : 0;
      REQUIRE(files.root()->list()->size() == std::max<std::size_t>(renamed, renamed < 2 ? renamed + 1 : renamed));
      for (std::size_t i = 0; i < renamed; ++i) REQUIRE(content(*files.root(), wanted[i].name) == wanted[i].content);
      if (renamed < 2) REQUIRE(content(*files.root(), "b") == "old");
    }
  }
}

TEST_CASE("the real file system follows no symbolic link and creates missing parents") {
  TempDir temp;
  auto root = create_posix_directory(temp.path() + "/x/y/z/");
  REQUIRE_OK(root);
  REQUIRE_OK(put_file(**root, "file", "1"));
  REQUIRE_OK(create_posix_directory(temp.path() + "/x/y/z"));
  std::filesystem::create_symlink(temp.path() + "/x/y/z/file", temp.path() + "/x/y/z/link");
  std::filesystem::create_symlink(temp.path() + "/x", temp.path() + "/x/y/z/dirlink");
  REQUIRE(!(*root)->open("link", OpenMode::read).ok());
  REQUIRE(!(*root)->open_directory("dirlink").ok());
  REQUIRE(open_posix_directory(temp.path() + "/none").code() == Errc::not_found);
  REQUIRE(!open_posix_directory(temp.path() + "/x/y/z/file").ok());
  REQUIRE(!create_posix_directory(temp.path() + "/x/y/z/file/sub").ok());
}

TEST_CASE("the real file system closes its descriptors on exec and frees them on destruction") {
  TempDir temp;
  auto root = open_posix_directory(temp.path());
  REQUIRE_OK(root);
  const auto open_count = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
  };
  const auto before = open_count();
  {
    auto file = (*root)->open("f", OpenMode::create_new);
    REQUIRE(open_count() == before + 1);
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      const int fd = std::stoi(entry.path().filename().string());
      std::error_code gone;
      const auto target = std::filesystem::read_symlink(entry.path(), gone).string();
      if (target.rfind(temp.path(), 0) == 0) REQUIRE((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    }
  }
  REQUIRE_OK((*root)->list());
  REQUIRE(open_count() == before);
}

TEST_CASE("conformance: a file whose name is gone says so and goes on taking writes") {
  Place place(GENERATE(true, false));
  auto opened = place.root->open("a", OpenMode::create_new);
  REQUIRE_OK(opened);
  CHECK(*(*opened)->linked());
  REQUIRE_OK(place.root->unlink("a"));
  CHECK_FALSE(*(*opened)->linked());
  REQUIRE_OK((*opened)->write_at(0, std::string("x")));
}

TEST_CASE("conformance: a directory inside another knows whether it is still there") {
  Place place(GENERATE(true, false));
  auto inside = place.root->create_directory("d");
  REQUIRE_OK(inside);
  CHECK(*(*inside)->in_place());
  CHECK(*place.root->in_place());
  REQUIRE_OK(place.root->remove_directory("d"));
  CHECK_FALSE(*(*inside)->in_place());
  CHECK(*place.root->in_place());
}

TEST_CASE("conformance: what is free is told in bytes and files") {
  Place place(GENERATE(true, false));
  const auto space = place.root->space();
  REQUIRE_OK(space);
  CHECK(space->free_bytes > 0);
  CHECK(space->free_bytes <= space->total_bytes);
  CHECK(space->free_files > 0);
}

TEST_CASE("a directory that was moved away, or whose path is another one by now, is not in place", "[posix]") {
  const TempDir real;
  const std::string path = real.path() + "/data";
  auto root = create_posix_directory(path);
  REQUIRE_OK(root);
  CHECK(*(*root)->in_place());
  std::filesystem::rename(path, real.path() + "/elsewhere");
  CHECK_FALSE(*(*root)->in_place());
  std::filesystem::create_directory(path);
  CHECK_FALSE(*(*root)->in_place());
  std::filesystem::remove(path);
  std::filesystem::rename(real.path() + "/elsewhere", path);
  CHECK(*(*root)->in_place());
  std::filesystem::remove_all(path);
  CHECK_FALSE(*(*root)->in_place());
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

TEST_CASE("a file at rest holds no descriptor and opens by itself for whatever comes next", "[posix]") {
  const TempDir real;
  auto root = open_posix_directory(real.path());
  REQUIRE_OK(root);
  auto inside = (*root)->create_directory("d");
  REQUIRE_OK(inside);
  const std::size_t before = open_descriptors();
  auto opened = (*inside)->open("a", OpenMode::create_new);
  REQUIRE_OK(opened);
  File& file = **opened;
  REQUIRE_OK(file.write_at(0, std::string("abc")));
  CHECK(open_descriptors() == before + 1);
  const std::function<void()> calls[] = {[&] { REQUIRE_OK(file.write_at(3, std::string("d"))); },
                                         [&] {
                                           char byte = 0;
                                           REQUIRE(*file.read_at(1, std::span(&byte, 1)) == 1);
                                           CHECK(byte == 'b');
                                         },
                                         [&] { CHECK(*file.size() == 4); },
                                         [&] { REQUIRE_OK(file.sync_data()); },
                                         [&] { REQUIRE_OK(file.truncate(2)); },
                                         [&] { REQUIRE_OK(file.preallocate(4096)); },
                                         [&] { REQUIRE_OK(file.wake()); }};
  for (const auto& call : calls) {
    file.rest();
    file.rest();
    CHECK(open_descriptors() == before);
    CHECK(*file.linked());
    CHECK(open_descriptors() == before);
    call();
    CHECK(open_descriptors() == before + 1);
  }
}

TEST_CASE("a file at rest that was removed or replaced is not taken for the one under its name", "[posix]") {
  const TempDir real;
  auto root = open_posix_directory(real.path());
  REQUIRE_OK(root);
  auto opened = (*root)->open("a", OpenMode::create_new);
  REQUIRE_OK(opened);
  (*opened)->rest();
  REQUIRE_OK((*root)->rename("a", "b"));
  CHECK_FALSE(*(*opened)->linked());
  CHECK((*opened)->write_at(0, std::string("x")).code() == Errc::not_found);
  REQUIRE_OK((*root)->open("a", OpenMode::create_new));
  CHECK_FALSE(*(*opened)->linked());
  CHECK((*opened)->write_at(0, std::string("x")).code() == Errc::io_error);
  CHECK(content(**root, "a").empty());
}

}  // namespace
}  // namespace logcask
