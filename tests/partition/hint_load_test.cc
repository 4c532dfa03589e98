// Hints as they are built, and the keydir's load from hints and logs.

#include <algorithm>
#include <map>

#include "partition/hint_builder.h"
#include "partition/keydir_loader.h"
#include "tests/partition/keyed_log.h"

namespace logcask {
namespace {

using namespace testing;

// A keydir as simple as can be: by max offset.
struct MapKeydir : KeydirLoadSink {
  std::map<KeyIdentity, KeydirEntry> entries;
  std::size_t blocks = 0;
  std::optional<Error> stop;

  Status load(std::span<const KeydirRaise> raises) override {
    if (stop) return *stop;
    ++blocks;
    for (const KeydirRaise& raise : raises) {
      KeydirEntry& entry = entries[raise.identity];
      if (raise.offset > entry.offset) entry = {raise.offset, raise.deleted};
    }
    return {};
  }
  LivenessProbe probe() {
    return [this](std::span<const KeyIdentity> identities, std::span<const Offset> offsets, std::vector<bool>& live) {
      REQUIRE(identities.size() <= 64);
      live.assign(identities.size(), false);
      for (std::size_t i = 0; i < identities.size(); ++i) {
        const auto found = entries.find(identities[i]);
        live[i] = found == entries.end() || found->second.offset == offsets[i];
      }
    };
  }
};

struct Fixture {
  MemoryFileSystem files;
  std::shared_ptr<SegmentEnvironment> environment = std::make_shared<SegmentEnvironment>();
  KeyedSegment log{files, environment, Offset(0)};

  HintBuild build(std::shared_ptr<const Segment> segment, const HintExtent& extent, LivenessProbe probe) {
    HintBuild request;
    request.directory = files.root();
    request.segment = std::move(segment);
    request.extent = extent;
    request.hasher = &test_hasher();
    request.live = std::move(probe);
    return request;
  }
  MapKeydir load(const Segment& segment, const HintExtent& extent, SegmentLoad* result = nullptr,
                 Offset log_start = Offset(0)) {
    MapKeydir keydir;
    KeydirLoader loader(files.root(), {&test_hasher(), &system_clock(), log_start, 1u << 20}, keydir);
    auto loaded = loader.load(segment, extent);
    REQUIRE_OK(loaded);
    if (result) *result = *loaded;
    return keydir;
  }
  std::string hint_name() const { return segment_filename({Offset(0), Generation(0)}, SegmentFile::hint); }
  void damage(std::size_t position) {
    std::string bytes = *files.content(hint_name());
    bytes[position] = static_cast<char>(bytes[position] ^ 0x40);
    files.set_content(hint_name(), bytes);
  }
};

std::vector<HintEntry> entries_of(Directory& directory, SegmentName name) {
  auto reader = HintReader::open(directory, name);
  REQUIRE_OK(reader);
  std::vector<HintEntry> all;
  REQUIRE_OK(reader->read([&](std::span<const HintEntry> block) {
    all.insert(all.end(), block.begin(), block.end());
    return Status();
  }));
  return all;
}

TEST_CASE("a hint holds the records the keydir names and every tombstone, with totals over all records") {
  Fixture f;
  f.log.append({{"a", "1"}, {"b", "1"}, {"a", "2"}});
  f.log.append({{"gone", std::nullopt}, {"b", std::nullopt}, {"c", "1"}});
  f.log.append({{"b", "3"}});
  const auto segment = f.log.close();
  MapKeydir keydir = f.load(*segment, extent_of(segment->facts()));
  keydir.entries[test_hasher().identity("c")] = {Offset(100), false};  // superseded in a later segment

  const auto header = build_hint(f.build(segment, extent_of(segment->facts()), keydir.probe()));
  REQUIRE_OK(header);
  REQUIRE(header->records == 7);
  REQUIRE(header->tombstones == 2);
  REQUIRE(header->max_timestamp == TimestampMs(1006));
  REQUIRE(header->digest == segment->facts().digest);
  std::vector<std::int64_t> offsets;
  for (const HintEntry& entry : entries_of(*f.files.root(), segment->name())) {
    offsets.push_back(entry.offset(Offset(0)).value());
    REQUIRE(entry.encoded_bytes() > 0);
  }
  std::sort(offsets.begin(), offsets.end());  // entries are in order of identity
  REQUIRE(offsets == std::vector<std::int64_t>{2, 3, 4, 6});
}

TEST_CASE("a load from the hint equals a load from the log, and reads nothing of the log") {
  Fixture f;
  for (int i = 0; i < 300; ++i)
    f.log.append({{"k" + std::to_string(i % 50), i % 7 == 0 ? std::nullopt : std::optional<std::string>("v")}});
  const auto segment = f.log.close();
  const HintExtent extent = extent_of(segment->facts());
  SegmentLoad from_log;
  MapKeydir scanned = f.load(*segment, extent, &from_log);
  REQUIRE(from_log.source == SegmentLoad::Source::log);
  REQUIRE(from_log.scanned_records == 300);
  REQUIRE_OK(build_hint(f.build(segment, extent, scanned.probe())));

  SegmentLoad from_hint;
  const MapKeydir hinted = f.load(*segment, extent, &from_hint);
  REQUIRE(hinted.entries == scanned.entries);
  REQUIRE(from_hint.source == SegmentLoad::Source::hint);
  REQUIRE(from_hint.scanned_records == 0);
  REQUIRE(from_hint.records == from_log.records);
  REQUIRE(from_hint.tombstones == from_log.tombstones);
  REQUIRE(from_hint.hint_fault.empty());
}

TEST_CASE("a partial hint of the active segment is extended, and a load reads only the log behind it") {
  Fixture f;
  f.log.append({{"a", "1"}, {"b", "1"}});
  const SegmentFacts first = f.log.facts();
  MapKeydir keydir = f.load(*f.log.active(), extent_of(first));
  REQUIRE_OK(build_hint(f.build(f.log.active(), extent_of(first), keydir.probe())));
  f.log.append({{"a", "2"}, {"c", "1"}});
  f.log.append({{"uncommitted", "1"}});

  SegmentLoad load;
  const HintExtent second{f.log.facts().size_bytes, f.log.facts().next_offset, f.log.facts().digest};
  MapKeydir loaded = f.load(*f.log.active(), second, &load);
  REQUIRE(load.source == SegmentLoad::Source::partial_hint);
  REQUIRE(load.hint_entries == 2);
  REQUIRE(load.scanned_records == 3);
  REQUIRE(load.records == 5);
  REQUIRE(loaded.entries.at(test_hasher().identity("a")).offset == Offset(2));

  const auto segment = f.log.close();
  const auto header = build_hint(f.build(segment, extent_of(segment->facts()), loaded.probe()));
  REQUIRE_OK(header);
  REQUIRE(header->records == 5);
  REQUIRE(header->entries == 4);  // a@0 has been superseded since
  REQUIRE(f.load(*segment, extent_of(segment->facts())).entries == loaded.entries);
}

TEST_CASE("a hint reaches no further than it is told") {
  Fixture f;
  f.log.append({{"a", "1"}});
  const HintExtent committed = extent_of(f.log.facts());
  f.log.append({{"a", "uncommitted"}});
  MapKeydir keydir = f.load(*f.log.active(), committed);
  REQUIRE(keydir.entries.at(test_hasher().identity("a")).offset == Offset(0));
  const auto header = build_hint(f.build(f.log.active(), committed, keydir.probe()));
  REQUIRE_OK(header);
  REQUIRE(header->records == 1);
  REQUIRE(header->covered_next == Offset(1));
}

TEST_CASE("a damaged hint is noticed at every byte, and the log says the rest") {
  Fixture f;
  for (int i = 0; i < 40; ++i) f.log.append({{"k" + std::to_string(i % 11), "v"}});
  const auto segment = f.log.close();
  const HintExtent extent = extent_of(segment->facts());
  MapKeydir truth = f.load(*segment, extent);
  REQUIRE_OK(build_hint(f.build(segment, extent, truth.probe())));
  const std::size_t size = f.files.content(f.hint_name())->size();
  for (std::size_t position = 0; position < size; ++position) {
    INFO("byte " << position);
    f.damage(position);
    SegmentLoad load;
    REQUIRE(f.load(*segment, extent, &load).entries == truth.entries);
    REQUIRE(load.source == SegmentLoad::Source::log);
    REQUIRE(!load.hint_fault.empty());
    REQUIRE(load.records == 40);
    f.damage(position);
  }
  f.damage(size - 1);
  REQUIRE_OK(build_hint(f.build(segment, extent, truth.probe())));
  SegmentLoad load;
  f.load(*segment, extent, &load);
  REQUIRE(load.source == SegmentLoad::Source::hint);
}

TEST_CASE("a hint made under another hash secret is not believed") {
  Fixture f;
  f.log.append({{"a", "1"}});
  const auto segment = f.log.close();
  const HintExtent extent = extent_of(segment->facts());
  MapKeydir truth = f.load(*segment, extent);
  const KeyHasher other(KeyHasher::Secret{9});
  HintBuild build = f.build(segment, extent, truth.probe());
  build.hasher = &other;
  REQUIRE_OK(build_hint(build));
  SegmentLoad load;
  REQUIRE(f.load(*segment, extent, &load).entries == truth.entries);
  REQUIRE(load.source == SegmentLoad::Source::log);
}

TEST_CASE("a partial hint of another log of the same name is not believed") {
  Fixture f;
  f.log.append({{"a", "1"}, {"b", "1"}});
  MapKeydir keydir = f.load(*f.log.active(), extent_of(f.log.facts()));
  REQUIRE_OK(build_hint(f.build(f.log.active(), extent_of(f.log.facts()), keydir.probe())));
  const std::string hint = *f.files.content(f.hint_name());

  Fixture g;
  g.log.append({{"x", "a longer value than there"}});
  g.log.append({{"y", "1"}});
  g.log.append({{"z", "1"}});
  const auto segment = g.log.close();
  g.files.set_content(g.hint_name(), hint);
  SegmentLoad load;
  const MapKeydir loaded = g.load(*segment, extent_of(segment->facts()), &load);
  REQUIRE(loaded.entries.size() == 3);
  REQUIRE(load.source == SegmentLoad::Source::log);
  REQUIRE(load.hint_fault.find("no batch begins") != std::string::npos);
}

TEST_CASE("a segment that cannot be read is a damaged range, and what lies before it is loaded") {
  Fixture f;
  f.log.append({{"a", "1"}});
  const std::uint64_t second = f.log.facts().size_bytes;
  f.log.append({{"b", "1"}});
  f.log.append({{"c", "1"}});
  const auto segment = f.log.close();
  const std::string name = segment_filename(segment->name(), SegmentFile::log);
  std::string bytes = *f.files.content(name);
  bytes[second + 62] = static_cast<char>(bytes[second + 62] ^ 1);
  f.files.set_content(name, bytes);
  SegmentLoad load;
  const MapKeydir loaded = f.load(*segment, extent_of(segment->facts()), &load);
  REQUIRE(loaded.entries.size() == 1);
  REQUIRE(load.damaged.has_value());
  REQUIRE(load.damaged->from == Offset(1));
  REQUIRE(load.damaged->to == Offset(3));
  REQUIRE(load.damaged->reason.find(name) != std::string::npos);
}

TEST_CASE("records below log start are not loaded, neither from hints nor from logs") {
  Fixture f;
  f.log.append({{"a", "1"}, {"b", "1"}, {"c", "1"}});
  const auto segment = f.log.close();
  const HintExtent extent = extent_of(segment->facts());
  REQUIRE(f.load(*segment, extent, nullptr, Offset(1)).entries.size() == 2);
  MapKeydir truth = f.load(*segment, extent);
  REQUIRE_OK(build_hint(f.build(segment, extent, truth.probe())));
  REQUIRE(f.load(*segment, extent, nullptr, Offset(2)).entries.size() == 1);
}

TEST_CASE("a sink that gives up stops the load with its error") {
  Fixture f;
  f.log.append({{"a", "1"}});
  const auto segment = f.log.close();
  const HintExtent extent = extent_of(segment->facts());
  MapKeydir keydir = f.load(*segment, extent);
  REQUIRE_OK(build_hint(f.build(segment, extent, keydir.probe())));
  const bool hinted = GENERATE(true, false);
  if (!hinted) REQUIRE_OK(f.files.root()->unlink(f.hint_name()));
  keydir.stop = Error{Errc::cancelled, "closing"};
  KeydirLoader loader(f.files.root(), {&test_hasher(), &system_clock(), Offset(0), 1u << 20}, keydir);
  REQUIRE(loader.load(*segment).code() == Errc::cancelled);
}

TEST_CASE("a build that fails at any operation leaves no half hint behind") {
  Fixture f;
  for (int i = 0; i < 20; ++i) f.log.append({{"k" + std::to_string(i), "v"}});
  const auto segment = f.log.close();
  const HintExtent extent = extent_of(segment->facts());
  MapKeydir truth = f.load(*segment, extent);
  for (std::uint64_t nth = 1; nth < 20; ++nth) {
    INFO("operation " << nth);
    const auto files = f.files.clone();
    const auto copy = Segment::closed(std::make_shared<SegmentEnvironment>(), files->root(), segment->facts());
    HintBuild build = f.build(copy, extent, truth.probe());
    build.directory = files->root();
    Fault fault;
    fault.nth = nth;
    files->fail(fault);
    const bool built = build_hint(build).ok();
    files->clear_faults();
    MapKeydir keydir;
    KeydirLoader loader(files->root(), {&test_hasher(), &system_clock(), Offset(0), 1u << 20}, keydir);
    auto load = loader.load(*copy);
    REQUIRE_OK(load);
    REQUIRE(keydir.entries == truth.entries);
    REQUIRE(load->source == (built ? SegmentLoad::Source::hint : SegmentLoad::Source::log));
    if (built) break;
    REQUIRE(nth < 19);
  }
}

}  // namespace
}  // namespace logcask
