#include "tests/damage/data_set.h"

#include <algorithm>
#include <set>

#include "compactor/compactor.h"
#include "segment/filename.h"
#include "tests/support/catch.h"

namespace logcask::testing {
namespace {

constexpr Compression kCodecs[] = {Compression::none, Compression::gzip, Compression::snappy, Compression::lz4,
                                   Compression::zstd};

class DataSetMaker {
 public:
  DataSetMaker() : fixture_(config()) {}

  static PartitionConfig config() {
    PartitionConfig config;
    config.offset_reserve = 100;
    config.hint_spill_bytes = 250;
    config.delete_retention_ms = 1000;
    return config;
  }

  void fill_closed() {
    for (int i = 0; i < 24; ++i) {
      const bool deletes = i % 7 == 6;
      put({{key(i), deletes ? std::nullopt : std::optional<std::string>("old " + std::to_string(i)), {}}},
          kCodecs[i % 5]);
    }
    put({{"gone", "1", {}}});
    put({{"gone", std::nullopt, {}}, {"kept", "since before compaction", {{"header", "value"}}}}, Compression::zstd);
    produce(4710, 0);
    roll();
    put({{"key1", "newer", {}}, {"key2", std::nullopt, {}}});
    roll();
    compact();
    fixture_.clock().advance_ms(2000);
    compact();
    remember();
    for (const Compression codec : kCodecs) {
      const std::string name(compression_name(codec));
      put({{key(static_cast<int>(codec)), "with " + name, {{"codec", name}}},
           {"only-" + name, std::string(60, 'v'), {}}},
          codec);
      remember();
      put({{"every", name, {}}, {key(static_cast<int>(codec) + 3), std::nullopt, {}}}, codec);
      roll();
    }
    std::vector<TestRecord> many;
    for (int i = 0; i < 60; ++i) many.push_back({"many" + std::to_string(i % 6), std::string(70, 'm'), {}});
    put(many);
    remember();
    produce(4711, 0);
    produce(4711, 1);
    roll();
    REQUIRE_OK(fixture_.partition().delete_records(Offset(3)));
    remember();
  }

  void fill_active() {
    for (const Compression codec : kCodecs) {
      put({{key(9 + static_cast<int>(codec)), "active " + std::string(compression_name(codec)), {}},
           {"every", std::string(50, 'e'), {}}},
          codec);
      fixture_.run_all();  // partial hints
      remember();
    }
    produce(4711, 2);
    put({{"key5", std::nullopt, {}}, {"last", "of all that is promised", {}}});
    fixture_.run_all();
  }

  void write_tail() {
    for (int i = 0; i < 3; ++i) put({{key(i), "written " + std::to_string(i), {}}}, kCodecs[i], Acks::one);
  }

  DataSet take(const std::string& name) {
    DataSet set;
    set.name = name;
    set.config = config();
    set.promised_end = fixture_.partition().snapshot().durable_end;
    fixture_.kill();
    remember();
    set.files = contents_;
    set.older = older_;
    for (auto& [path, contents] : set.older) std::erase(contents, set.files[path]);
    set.last_batches = {batch(4710, 0), batch(4711, 2)};
    set.keys.assign(keys_.begin(), keys_.end());
    set.keys.push_back("never");
    return set;
  }

 private:
  static std::string key(int i) { return "key" + std::to_string(i % 12); }
  static std::string batch(std::int64_t producer, std::int32_t sequence) {
    return make_batch({{"producer" + std::to_string(producer), "sequence " + std::to_string(sequence), {}}},
                      {Compression::none, ProducerId(producer), 2, sequence}, TimestampMs(1'700'000'000'500));
  }
  void put(const std::vector<TestRecord>& records, Compression codec = Compression::none, Acks acks = Acks::all) {
    fixture_.clock().advance_ms(7);
    for (const TestRecord& record : records) keys_.insert(record.key);
    REQUIRE_OK(fixture_.append(records, acks, {}, {codec, kNoProducer, -1, -1}).error);
  }
  void produce(std::int64_t producer, std::int32_t sequence) {
    keys_.insert("producer" + std::to_string(producer));
    std::optional<AppendResult> answer;
    fixture_.start_batch(batch(producer, sequence), Acks::all,
                         [&](AppendResult result) { answer = std::move(result); });
    fixture_.run_all();
    REQUIRE(answer.has_value());
    REQUIRE_OK(answer->error);
  }
  void roll() {
    fixture_.run_all();
    remember();
    REQUIRE_OK(fixture_.partition().roll());
    fixture_.run_all();
  }
  void compact() {
    Compactor compactor(fixture_.partition(), {64u << 20, 1u << 30, 32 * 1024, 0});
    REQUIRE_OK(compactor.run_due(CompactionMode::forced, [](std::uint64_t, std::uint64_t) { return Status(); }));
    fixture_.run_all();
  }

  // The files as they are; what they were before is kept.
  void remember() {
    std::map<std::string, std::string> now;
    for (const std::string& path : fixture_.disk().paths()) now[path] = *fixture_.disk().content(path);
    for (const auto& [path, content] : contents_) {
      if (!now.contains(path) || now[path] == content) continue;
      auto& older = older_[path];
      if (std::find(older.begin(), older.end(), content) == older.end()) older.push_back(content);
    }
    contents_ = std::move(now);
  }

  PartitionFixture fixture_;
  std::map<std::string, std::string> contents_;
  std::map<std::string, std::vector<std::string>> older_;
  std::set<std::string> keys_;
};

// Reads the set as it is: the truth that damaged ones are measured with.
void learn(DataSet& set) {
  PartitionFixture fixture(set.disk(), set.config);
  INFO(fixture.report());
  const PartitionSnapshot snapshot = fixture.partition().snapshot();
  REQUIRE(snapshot.reason.empty());
  set.log_start = snapshot.log_start_offset;
  set.end = snapshot.committed_end;
  set.records = fixture.fetch_all();
  for (Offset from = set.log_start; from < set.end;) {
    const auto fetched = fixture.partition().fetch(from, 1 << 20);
    REQUIRE_OK(fetched);
    std::string bytes;
    for (const ByteView piece : fetched->pieces) bytes.append(piece);
    for (ByteView rest = bytes; !rest.empty();) {
      const auto header = decode_batch_header(rest);
      REQUIRE_OK(header);
      set.batches[header->base_offset] = std::string(rest.substr(0, header->total_bytes()));
      rest.remove_prefix(header->total_bytes());
    }
    from = fetched->next_fetch_offset;
  }
}

// Nothing reads a closed segment's .sync while the manifest lists it: without the zeros the image stays small.
void trim_closed_sync_logs(DataSet& set) {
  std::string active;
  for (const auto& [path, content] : set.files)
    if (path.ends_with(".sync")) active = std::max(active, path);
  for (auto& [path, content] : set.files)
    if (path.ends_with(".sync") && path != active) content.resize(content.find_last_not_of('\0') + 1);
}

}  // namespace

std::unique_ptr<MemoryFileSystem> DataSet::disk() const {
  auto disk = std::make_unique<MemoryFileSystem>();
  for (const auto& [path, content] : files) {
    auto file = disk->root()->open(path, OpenMode::create_new);
    REQUIRE_OK(file);
    REQUIRE_OK((*file)->write_at(0, content));
  }
  disk->settle();
  return disk;
}

DataSet make_synced_set() {
  DataSetMaker maker;
  maker.fill_closed();
  maker.fill_active();
  DataSet set = maker.take("synced");
  trim_closed_sync_logs(set);
  learn(set);
  REQUIRE(set.promised_end == set.end);
  return set;
}

DataSet make_written_set() {
  DataSetMaker maker;
  maker.fill_closed();
  maker.fill_active();
  maker.write_tail();
  DataSet set = maker.take("written");
  trim_closed_sync_logs(set);
  learn(set);
  REQUIRE(set.promised_end < set.end);
  return set;
}

}  // namespace logcask::testing
