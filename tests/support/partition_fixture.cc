#include "tests/support/partition_fixture.h"

#include <utility>

#include "partition/manifest.h"
#include "tests/support/catch.h"

namespace logcask::testing {
namespace {

Got owned(const LookupAnswer& answer) {
  return {answer.status, answer.offset, std::string(answer.value), answer.error};
}

}  // namespace

std::string make_batch(const std::vector<TestRecord>& records, const BatchShape& shape, TimestampMs timestamp) {
  BatchBuilder::Options options;
  options.compression = shape.compression;
  options.producer_id = shape.producer;
  options.producer_epoch = shape.epoch;
  options.base_sequence = shape.sequence;
  BatchBuilder builder(Offset(0), options);
  Offset offset(0);
  for (const TestRecord& record : records) {
    std::optional<ByteView> value;
    if (record.value) value = ByteView(*record.value);
    builder.add(offset, timestamp, ByteView(record.key), value, record.headers);
    offset += 1;
  }
  std::string bytes;
  REQUIRE_OK(builder.finish(bytes));
  return bytes;
}

PartitionFixture::PartitionFixture(const PartitionConfig& config)
    : PartitionFixture(std::make_unique<MemoryFileSystem>(), config) {}

PartitionFixture::PartitionFixture(std::unique_ptr<MemoryFileSystem> disk, const PartitionConfig& config,
                                   bool machine_reset, std::string directory)
    : disk_(std::move(disk)), config_(config), directory_(std::move(directory)), hasher_(KeyHasher::Secret{}) {
  open(machine_reset);
}

PartitionFixture::~PartitionFixture() { kill(); }

void PartitionFixture::open(bool machine_reset) {
  open_only(machine_reset);
  run_all();
}

void PartitionFixture::power_loss(std::unique_ptr<MemoryFileSystem> image) {
  kill();
  disk_ = std::move(image);
  open_only(true);
}

namespace {

// Its first manifest is followed by others only when the partition has been made.
bool completed(Directory& directory) {
  for (const char* name : kManifestNames) {
    const auto bytes = read_file(directory, name, 1 << 20);
    const auto manifest = bytes.ok() ? decode_manifest(*bytes) : Result<Manifest>(bytes.error());
    if (manifest.ok() && manifest->generation > 1) return true;
  }
  return false;
}

}  // namespace

void PartitionFixture::open_only(bool machine_reset) {
  RunnerEnvironment environment;
  environment.name = "t-0";
  environment.partition.segments = make_segments();
  environment.partition.directory = disk_->root();
  if (!directory_.empty()) environment.partition.directory = *disk_->root()->open_directory(directory_);
  environment.partition.clock = &clock_;
  environment.partition.hasher = &hasher_;
  environment.partition.arena = &arena_;
  environment.partition.budget = &budget_;
  environment.recovery.create = !completed(*environment.partition.directory);
  environment.recovery.machine_reset = machine_reset;
  environment.recovery.writer.preallocate_bytes = 0;
  environment.flush = &flush_;
  environment.background = &background_;
  environment.compaction_wanted = [this] { ++compaction_wanted_; };
  runner_ = LocalPartitionRunner::open(std::move(environment), config_, report_);
}

std::shared_ptr<SegmentEnvironment> PartitionFixture::make_segments() {
  auto segments = std::make_shared<SegmentEnvironment>();
  if (!directory_.empty())
    segments->remove_files = [this](FileRemoval removal) {
      background_.post([removal = std::move(removal)] { (void)removal.run().ok(); });
    };
  return segments;
}

// A checkpoint waits for syncs: nobody else would run them.
void PartitionFixture::run_all() {
  while (flush_.run_one() || background_.run_one()) {
  }
}

void PartitionFixture::restart() {
  run_all();
  runner_->close({Errc::shutting_down, "restart"});
  flush_.drop_all();
  background_.drop_all();
  runner_.reset();
  open();
}

void PartitionFixture::kill() {
  flush_.drop_all();
  background_.drop_all();
  runner_.reset();
  background_.drop_all();  // removals of the files it let go of
}

void PartitionFixture::start_append(const std::vector<TestRecord>& records, Acks acks,
                                    std::optional<AppendResult>& answer, std::vector<Condition> conditions,
                                    const BatchShape& shape) {
  start_batch(
      make_batch(records, shape, clock_.wall_ms()), acks,
      [&answer](AppendResult result) { answer = std::move(result); }, std::move(conditions));
}

void PartitionFixture::start_batch(const std::string& bytes, Acks acks, std::function<void(AppendResult)> done,
                                   std::vector<Condition> conditions) {
  Result<PreparedBatch> prepared = prepare_batch(bytes, config_, hasher_, std::move(conditions));
  REQUIRE_OK(prepared);
  runner_->append(*std::move(prepared), acks, std::move(done));
}

AppendResult PartitionFixture::append(const std::vector<TestRecord>& records, Acks acks,
                                      std::vector<Condition> conditions, const BatchShape& shape) {
  std::optional<AppendResult> answer;
  start_append(records, acks, answer, std::move(conditions), shape);
  while (!answer && (flush_.run_one() || background_.run_one())) {
  }
  REQUIRE(answer.has_value());
  return *answer;
}

Got PartitionFixture::get(const std::string& key) {
  Got got;
  const ByteView keys[] = {key};
  runner_->get(keys, false, [&](std::size_t, const LookupAnswer& answer) { got = owned(answer); });
  return got;
}

std::vector<PartitionFixture::Stored> decode_records(ByteView batches) {
  std::vector<PartitionFixture::Stored> records;
  std::string scratch;
  while (!batches.empty()) {
    const Result<BatchHeader> header = decode_batch_header(batches);
    REQUIRE_OK(header);
    const ByteView batch = batches.substr(0, header->total_bytes());
    batches.remove_prefix(header->total_bytes());
    const Result<ByteView> section = batch_records(*header, batch, 64u << 20, scratch);
    REQUIRE_OK(section);
    RecordCursor cursor(*header, *section);
    RecordView record;
    while (true) {
      const Result<bool> more = cursor.next(record);
      REQUIRE_OK(more);
      if (!*more) break;
      std::optional<std::string> value;
      if (record.value) value = std::string(*record.value);
      records.push_back({record.offset, std::string(record.key.value_or(ByteView())), value, record.timestamp});
    }
  }
  return records;
}

std::vector<PartitionFixture::Stored> PartitionFixture::fetch_all(Offset from) {
  return testing::fetch_all(*runner_, from, 4096);
}

std::vector<PartitionFixture::Stored> fetch_all(PartitionRunner& partition, Offset from, std::size_t max_bytes) {
  std::vector<PartitionFixture::Stored> all;
  from = std::max(from, partition.snapshot().log_start_offset);
  while (true) {
    const Result<FetchedBatches> fetched = partition.fetch(from, max_bytes);
    REQUIRE_OK(fetched);
    std::string bytes;
    for (const ByteView piece : fetched->pieces) bytes.append(piece);
    for (PartitionFixture::Stored& stored : decode_records(bytes))
      if (stored.offset >= from) all.push_back(std::move(stored));
    if (fetched->next_fetch_offset == from) {
      REQUIRE(from == fetched->visible_end);
      return all;
    }
    from = fetched->next_fetch_offset;
  }
}

std::vector<PartitionFixture::Stored> PartitionFixture::replay_live() {
  std::vector<Stored> all;
  const Offset end = runner_->replay_bound().value();
  Offset from(0);
  while (from < end) {
    const Result<FilteredBatches> step = runner_->fetch_filtered(from, end, ReplayFilter{}, 4096);
    REQUIRE_OK(step);
    REQUIRE(step->position > from);
    for (Stored& stored : decode_records(step->batches)) all.push_back(std::move(stored));
    from = step->position;
  }
  return all;
}

}  // namespace logcask::testing
