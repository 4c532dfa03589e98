#include "broker/data_directory.h"

#include "tests/support/catch.h"
#include "tests/support/crash_states.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/seed.h"

namespace logcask {
namespace {

using testing::MemoryFileSystem;
using testing::OperationKind;

TEST_CASE("a data directory keeps its cluster id and its hash secret") {
  MemoryFileSystem disk;
  std::string cluster;
  KeyHasher::Secret secret;
  {
    auto first = DataDirectory::open(disk.root(), "boot-1");
    REQUIRE_OK(first);
    CHECK((*first)->start_facts().first_start);
    cluster = (*first)->cluster_id();
    secret = (*first)->secret();
    CHECK(cluster.size() == 32);
    REQUIRE_OK((*first)->set_clean());
  }
  auto second = DataDirectory::open(disk.root(), "boot-1");
  REQUIRE_OK(second);
  CHECK(!(*second)->start_facts().first_start);
  CHECK((*second)->start_facts().clean_stop);
  CHECK((*second)->start_facts().same_boot);
  CHECK((*second)->cluster_id() == cluster);
  CHECK((*second)->secret() == secret);
}

TEST_CASE("a damaged cluster id is refused, one without a checksum is taken") {
  MemoryFileSystem disk;
  { REQUIRE_OK(DataDirectory::open(disk.root(), "b")); }
  const std::string sound = *disk.content("cluster.id");
  REQUIRE(sound.size() == 42);
  for (std::string text : {sound.substr(0, 20), std::string(), "0" + sound, sound.substr(0, 40),
                           sound.substr(0, 31) + (sound[31] == '0' ? "1" : "0") + sound.substr(32)}) {
    INFO(text);
    disk.set_content("cluster.id", text);
    const auto opened = DataDirectory::open(disk.root(), "b");
    REQUIRE(opened.code() == Errc::corrupt_file);
    CHECK(opened.error().message.find("cluster.id") != std::string::npos);
  }
  for (const std::size_t size : {32u, 41u, 42u}) {
    disk.set_content("cluster.id", sound.substr(0, size));
    const auto opened = DataDirectory::open(disk.root(), "b");
    REQUIRE_OK(opened);
    CHECK((*opened)->cluster_id() == sound.substr(0, 32));
  }
  disk.set_content("cluster.id", sound.substr(0, 32) + "\n");
  REQUIRE_OK(DataDirectory::open(disk.root(), "b"));
}

TEST_CASE("a run that was killed is not clean, and a reset machine is told apart") {
  MemoryFileSystem disk;
  { REQUIRE_OK(DataDirectory::open(disk.root(), "boot-1")); }
  auto killed = DataDirectory::open(disk.root(), "boot-2");
  REQUIRE_OK(killed);
  CHECK(!(*killed)->start_facts().clean_stop);
  CHECK(!(*killed)->start_facts().same_boot);
}

TEST_CASE("a start that is killed during recovery does not hide the machine's reset from the next one") {
  MemoryFileSystem disk;
  { REQUIRE_OK(DataDirectory::open(disk.root(), "boot-1")); }
  for (int start = 0; start < 2; ++start) {
    auto killed = DataDirectory::open(disk.root(), "boot-2");
    REQUIRE_OK(killed);
    CHECK((*killed)->machine_reset());
  }
  {
    auto recovered = DataDirectory::open(disk.root(), "boot-2");
    REQUIRE_OK(recovered);
    REQUIRE_OK((*recovered)->set_recovered());
  }
  auto killed_later = DataDirectory::open(disk.root(), "boot-2");
  REQUIRE_OK(killed_later);
  CHECK(!(*killed_later)->machine_reset());
}

// KAFKA-10471, KAFKA-15375: recovery was skipped after a crash that followed a clean stop and a start.
TEST_CASE("the mark of a clean stop is gone once the next start has looked at it") {
  MemoryFileSystem disk;
  {
    auto first = DataDirectory::open(disk.root(), "boot-1");
    REQUIRE_OK(first);
    REQUIRE_OK((*first)->set_clean());
  }
  { CHECK((*DataDirectory::open(disk.root(), "boot-1"))->start_facts().clean_stop); }
  CHECK_FALSE((*DataDirectory::open(disk.root(), "boot-1"))->start_facts().clean_stop);
}

TEST_CASE("a full disk does not keep a broker from starting, and the next start knows how the last run ended") {
  MemoryFileSystem disk;
  { REQUIRE_OK((*DataDirectory::open(disk.root(), "boot-1"))->set_clean()); }
  disk.set_capacity(disk.used_bytes());
  {
    auto clean = DataDirectory::open(disk.root(), "boot-1");
    REQUIRE_OK(clean);
    CHECK((*clean)->start_facts().clean_stop);
  }
  auto killed = DataDirectory::open(disk.root(), "boot-1");
  REQUIRE_OK(killed);
  CHECK_FALSE((*killed)->start_facts().clean_stop);
  CHECK((*killed)->start_facts().same_boot);
  REQUIRE_OK((*killed)->set_clean());
}

TEST_CASE("a mark that finds no room on a full disk leaves the cautious reading, not the last run's mark") {
  MemoryFileSystem disk;
  { REQUIRE_OK((*DataDirectory::open(disk.root(), "boot-1"))->set_clean()); }
  disk.set_content("state", "clean boot boot-1\n");  // of another size: it must be replaced
  disk.set_capacity(disk.used_bytes());
  {
    auto clean = DataDirectory::open(disk.root(), "boot-1");
    REQUIRE_OK(clean);
    CHECK((*clean)->start_facts().clean_stop);
    CHECK((*clean)->notes().size() == 1);
  }
  disk.set_capacity(1 << 30);
  const auto killed = DataDirectory::open(disk.root(), "boot-1");
  REQUIRE_OK(killed);
  CHECK_FALSE((*killed)->start_facts().clean_stop);
  CHECK((*killed)->machine_reset());
}

TEST_CASE("a power loss while the mark of a clean stop is written over never leaves it to the run that goes on") {
  MemoryFileSystem disk;
  { REQUIRE_OK((*DataDirectory::open(disk.root(), "boot-1"))->set_clean()); }
  disk.settle();
  REQUIRE_OK(DataDirectory::open(disk.root(), "boot-1"));
  disk.mark("goes on");
  std::size_t images = 0;
  testing::CrashStates states(disk, testing::CrashProfile::worst, testing::test_seed());
  for (auto state = states.next(); state; state = states.next(), ++images) {
    INFO(state->description);
    const auto started = DataDirectory::open(state->image->root(), "boot-2");
    REQUIRE_OK(started);
    CHECK_FALSE((*started)->start_facts().same_boot);
    if (state->marks > 0) CHECK_FALSE((*started)->start_facts().clean_stop);
  }
  CHECK(images > 2);
}

TEST_CASE("two brokers never share a directory") {
  MemoryFileSystem disk;
  auto first = DataDirectory::open(disk.root(), "b");
  REQUIRE_OK(first);
  CHECK(DataDirectory::open(disk.root(), "b").code() == Errc::in_use);
}

TEST_CASE("a newer format and a foreign directory are refused with the reason") {
  MemoryFileSystem newer;
  newer.set_content("FORMAT", "99\n");
  const auto refused = DataDirectory::open(newer.root(), "b");
  CHECK(refused.code() == Errc::unsupported_version);
  CHECK(refused.error().message.find("99") != std::string::npos);
  MemoryFileSystem foreign;
  foreign.set_content("holiday.jpg", "x");
  const auto not_ours = DataDirectory::open(foreign.root(), "b");
  CHECK(not_ours.code() == Errc::invalid_argument);
  CHECK(not_ours.error().message.find("holiday.jpg") != std::string::npos);
}

// Format 1's builds refuse any higher number, and so never meet a file of format 2.
TEST_CASE("the number of the format is raised before anything else is written, in one byte") {
  MemoryFileSystem disk;
  { REQUIRE_OK((*DataDirectory::open(disk.root(), "boot-1"))->set_clean()); }
  disk.set_content("FORMAT", "1\n");
  const auto everything_else = [&] {
    std::map<std::string, std::string> files;
    for (const std::string& path : disk.paths())
      if (path != "FORMAT" && path != kDataLockName) files[path] = *disk.content(path);
    return files;
  };
  const auto before = everything_else();
  for (const OperationKind kind : {OperationKind::write, OperationKind::sync_data}) {
    testing::Fault fault;
    fault.kinds = {kind};
    fault.path_part = "FORMAT";
    disk.fail(fault);
    CHECK_FALSE(DataDirectory::open(disk.root(), "boot-1").ok());
    disk.clear_faults();
    CHECK(everything_else() == before);
    const std::string format = *disk.content("FORMAT");
    CHECK((format == "1\n" || format == "2\n"));
    disk.set_content("FORMAT", "1\n");
  }
  const auto opened = DataDirectory::open(disk.root(), "boot-1");
  REQUIRE_OK(opened);
  CHECK(disk.content("FORMAT") == "2\n");
  REQUIRE((*opened)->notes().size() == 1);
  CHECK((*opened)->notes()[0].find("older versions refuse it from now on") != std::string::npos);
}

TEST_CASE("a first start that fails anywhere can be repeated") {
  for (std::uint64_t n = 1; n < 40; ++n) {
    MemoryFileSystem disk;
    testing::Fault fault;
    fault.nth = n;
    disk.fail(fault);
    (void)DataDirectory::open(disk.root(), "b").ok();
    disk.clear_faults();
    INFO("failed operation " << n);
    REQUIRE_OK(DataDirectory::open(disk.root(), "b"));
  }
}

TEST_CASE("only a marked partition directory can be removed, and other names are left alone") {
  MemoryFileSystem disk;
  auto data = DataDirectory::open(disk.root(), "b");
  REQUIRE_OK(data);
  TopicId id;
  id.bytes[0] = 0xab;
  const std::string name = DataDirectory::partition_directory_name("my-topic.v2", PartitionId(12), id);
  CHECK(name == "my-topic.v2-12.ab000000000000000000000000000000");
  REQUIRE_OK((*data)->create_partition(name));
  disk.set_content(name + "/00000000000000000000.0.log", "bytes");
  REQUIRE_OK((*data)->root().create_directory("somebody"));
  auto partitions = (*data)->list_partitions();
  REQUIRE_OK(partitions);
  REQUIRE(partitions->size() == 1);
  CHECK((*partitions)[0].topic == "my-topic.v2");
  CHECK((*partitions)[0].partition == PartitionId(12));
  CHECK((*partitions)[0].topic_id == id);
  CHECK(!(*partitions)[0].deletion_marked);
  CHECK((*data)->remove_partition(name).code() == Errc::invalid_argument);
  REQUIRE_OK((*data)->mark_deleted(name));
  CHECK((*data)->list_partitions()->at(0).deletion_marked);
  REQUIRE_OK((*data)->remove_partition(name));
  CHECK((*data)->list_partitions()->empty());
  CHECK((*data)->remove_partition(name).ok());
}

// nats-server#7676: a purge that was killed half-way left an emptied stream. Ours is finished by the next start, which
// knows it by its marker.
TEST_CASE("whatever a power loss leaves of a removal still carries the deletion marker, or nothing") {
  using testing::CrashProfile;
  const auto profile = GENERATE(CrashProfile::prefix, CrashProfile::ordered, CrashProfile::worst);
  MemoryFileSystem disk;
  const std::string name = DataDirectory::partition_directory_name("t", PartitionId(0), TopicId{});
  {
    auto data = DataDirectory::open(disk.root(), "b");
    REQUIRE_OK(data);
    REQUIRE_OK((*data)->create_partition(name));
    for (const char* file : {"00000000000000000000.0.log", "manifest.a", "manifest.b", "zzz"})
      disk.set_content(name + "/" + file, "bytes");
    REQUIRE_OK((*data)->mark_deleted(name));
    disk.settle();
    REQUIRE_OK((*data)->remove_partition(name));
  }
  testing::CrashStates states(disk, profile, testing::test_seed());
  while (auto crash = states.next()) {
    INFO(crash->description);
    auto data = DataDirectory::open(crash->image->root(), "b");
    REQUIRE_OK(data);
    const auto left = (*data)->list_partitions();
    REQUIRE_OK(left);
    if (left->empty()) continue;
    const auto directory = crash->image->root()->open_directory(name);
    REQUIRE_OK(directory);
    REQUIRE((left->at(0).deletion_marked || (*directory)->list()->empty()));
    if (!left->at(0).deletion_marked) continue;
    REQUIRE_OK((*data)->remove_partition(name));
    REQUIRE((*data)->list_partitions()->empty());
  }
  REQUIRE(states.count() > 3);
}

// Files of old segments go when their last reader drops them, and a lookup that finds no index writes one.
TEST_CASE("a partition's directory goes even if files in it come and go meanwhile") {
  MemoryFileSystem disk;
  const std::string name = DataDirectory::partition_directory_name("t", PartitionId(0), TopicId{});
  auto data = DataDirectory::open(disk.root(), "b");
  REQUIRE_OK(data);
  const std::shared_ptr<Directory> directory = *(*data)->create_partition(name);
  for (const char* file : {"00000000000000000000.0.index", "00000000000000000000.0.log", "manifest.a"})
    REQUIRE_OK(put_file(*directory, file, "bytes"));
  REQUIRE_OK((*data)->mark_deleted(name));
  disk.meanwhile([&](OperationKind kind, const std::string& path) {
    if (kind != OperationKind::unlink || !path.ends_with(".0.log")) return;
    disk.meanwhile({});
    REQUIRE_OK(directory->unlink("manifest.a"));
    REQUIRE_OK(put_file(*directory, "00000000000000000000.0.index", "bytes"));
  });
  REQUIRE_OK((*data)->remove_partition(name));
  CHECK((*data)->list_partitions()->empty());
}

}  // namespace
}  // namespace logcask
