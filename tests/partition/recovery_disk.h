#pragma once
// A partition's directory in memory and the log that recovery made of it, for tests of recovery.

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "partition/recovery.h"
#include "partition/view_read.h"
#include "segment/filename.h"
#include "tests/partition/keyed_log.h"

namespace logcask::testing {

class TestClock final : public Clock {
 public:
  TimestampMs wall_ms() const override { return TimestampMs(wall); }
  std::int64_t monotonic_ns() const override { return wall * 1'000'000; }
  std::int64_t wall = 1'700'000'000'000;
};

inline std::string name_of(std::int64_t base, SegmentFile file = SegmentFile::log, std::uint32_t generation = 0) {
  return segment_filename({Offset(base), Generation(generation)}, file);
}

using Offsets = std::vector<std::int64_t>;

inline Offsets range(std::int64_t from, std::int64_t to) {
  Offsets all;
  for (; from < to; ++from) all.push_back(from);
  return all;
}

// A partition's directory and the log that recovery made of it.
struct Disk {
  explicit Disk(std::unique_ptr<MemoryFileSystem> image = std::make_unique<MemoryFileSystem>())
      : files(std::move(image)) {}

  Result<RecoveredLog> recover(bool machine_reset = false) {
    RecoveryOptions options;
    options.create = may_create;
    options.owner = owner;
    options.run = RunId(++last_run);
    options.settle_clock = settle_clock;
    options.machine_reset = machine_reset;
    options.writer.preallocate_bytes = 0;
    options.writer.offset_reserve = 100;
    options.producers = producers;
    return recover_log(std::make_shared<SegmentEnvironment>(), files->root(), options, clock);
  }
  void open(bool machine_reset = false) {
    log.reset();
    auto recovered = recover(machine_reset);
    REQUIRE_OK(recovered);
    log.emplace(*std::move(recovered));
  }
  // What recovery says when no descriptor is free for the first file whose name ends so.
  Errc recover_without_descriptor(const std::string& name_suffix) {
    log.reset();
    Fault fault;
    fault.kinds = {OperationKind::open};
    fault.name_suffix = name_suffix;
    fault.error_number = EMFILE;
    files->fail(fault);
    const Errc code = recover().code();
    files->clear_faults();
    return code;
  }
  const RecoveryReport& report() const { return log->report; }
  SegmentWriter& writer() { return *log->writer; }

  void append(int records, BatchBuilder::Options options = BatchBuilder::Options()) {
    std::string bytes;
    options.leader_epoch = log->epoch;
    std::vector<KeyValue> list;
    for (int i = 0; i < records; ++i)
      list.push_back({"key" + std::to_string(i), i % 3 == 2 ? std::nullopt : std::optional<std::string>("value")});
    append_batch(bytes, writer().next_offset(), list, options);
    AppendStamp stamp = log->append_clock;
    stamp.time = clock.wall_ms();
    REQUIRE_OK(writer().append(bytes, stamp));
  }
  void sync() {
    REQUIRE_OK(writer().sync(clock.monotonic_ns()));
    REQUIRE_OK(writer().settle(clock.monotonic_ns()));
  }
  // One record of an idempotent producer, synced.
  void produce(std::int64_t producer, std::int32_t sequence) {
    BatchBuilder::Options options;
    options.producer_id = ProducerId(producer);
    options.producer_epoch = 0;
    options.base_sequence = sequence;
    append(1, options);
    sync();
  }
  void put(int records) {
    append(records);
    sync();
  }
  // As the partition does it; the closed segment stays unlisted.
  void roll() {
    sync();
    SegmentWriter::Options options;
    options.preallocate_bytes = 0;
    options.offset_reserve = 100;
    options.owner = owner;
    options.run = log->run;
    options.clock = log->append_clock;
    options.log_start = log->manifest.log_start_offset;
    const auto environment = std::make_shared<SegmentEnvironment>();
    auto next = SegmentWriter::create(environment, files->root(), {writer().next_offset(), Generation(0)}, options);
    REQUIRE_OK(next);
    REQUIRE_OK(files->root()->sync());
    const auto facts = writer().close(clock.monotonic_ns());
    REQUIRE_OK(facts);
    closed_facts.push_back(*facts);
    log->writer = std::move(*next);
  }
  // A checkpoint: what was rolled is listed.
  void list() {
    Manifest manifest = log->manifest;
    for (const SegmentFacts& facts : closed_facts)
      manifest.segments.push_back({facts, facts.next_offset, 0, Offset(0)});
    closed_facts.clear();
    store(manifest);
  }
  void store(Manifest manifest) {
    ++manifest.generation;
    REQUIRE_OK(store_manifest(*files->root(), manifest));
    log->manifest = manifest;
  }
  void damage(const std::string& name, std::size_t from_end) {
    std::string bytes = *files->content(name);
    bytes[bytes.size() - from_end] = static_cast<char>(bytes[bytes.size() - from_end] ^ 1);
    files->set_content(name, bytes);
  }
  void create(const std::string& name) { REQUIRE_OK(files->root()->open(name, OpenMode::create_new)); }
  bool has(const std::string& name) const { return files->content(name).has_value(); }

  // Every record's offset, front to back; reads go on behind damage.
  Offsets offsets() {
    auto list_of = std::make_shared<SegmentList>();
    for (const auto& segment : log->closed) list_of->segments.push_back(segment);
    list_of->segments.push_back(writer().segment());
    const LogView view{list_of, log->manifest.log_start_offset, writer().next_offset()};
    ByteBuffer bytes;
    Offset from = view.log_start;
    while (from < view.visible_end) {
      const auto next = read_view(view, from, 1 << 20, bytes);
      if (!next.ok()) {
        REQUIRE(next.code() == Errc::corrupt_range);
        from = end_of_damage(from);
        continue;
      }
      REQUIRE(*next > from);
      from = *next;
    }
    Offsets all;
    for (ByteView rest = bytes; !rest.empty();) {
      const auto header = decode_batch_header(rest);
      REQUIRE_OK(header);
      for (auto offset = header->base_offset; offset < header->next_offset(); offset += 1)
        all.push_back(offset.value());
      rest.remove_prefix(header->total_bytes());
    }
    return all;
  }
  Offset end_of_damage(Offset at) const {
    for (const DamagedRange& range : log->manifest.damaged)
      if (range.from <= at && at < range.to) return range.to;
    FAIL("a read fails where no damage is known");
    return at;
  }

  std::unique_ptr<MemoryFileSystem> files;
  bool may_create = true;
  PartitionIdentity owner;
  std::uint64_t last_run = 0;
  bool settle_clock = false;
  ProducerStateConfig producers;
  TestClock clock;
  std::optional<RecoveredLog> log;
  std::vector<SegmentFacts> closed_facts;
};

}  // namespace logcask::testing
