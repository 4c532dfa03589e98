// inspect: what is in one file of a partition, read without a broker.
#include <filesystem>
#include <memory>

#include "base/json_writer.h"
#include "cli/common.h"
#include "cli/exit_code.h"
#include "cli/json_text.h"
#include "cli/output.h"
#include "cli/record_json.h"
#include "cli/verbs.h"
#include "partition/manifest.h"
#include "partition/producer_state.h"
#include "segment/batch_scan.h"
#include "segment/filename.h"
#include "segment/hint_file.h"
#include "segment/log_state.h"
#include "segment/posix_file.h"
#include "segment/sync_log.h"

namespace logcask::cli {
namespace {

constexpr std::uint64_t kMaxFileBytes = 1u << 30;
constexpr std::size_t kMaxDecompressedBytes = 256u << 20;

struct InspectArgs {
  std::string format;
  std::string file;
  bool records = false;
};

std::string hex(std::uint64_t number) {
  char buffer[20];
  std::snprintf(buffer, sizeof buffer, "%016llx", static_cast<unsigned long long>(number));
  return buffer;
}

// Prints objects, as JSON one a line.
class Inspection {
 public:
  Inspection(const InspectArgs& args, std::shared_ptr<Directory> directory, std::string name)
      : args_(args), directory_(std::move(directory)), name_(std::move(name)) {}

  Result<int> run() {
    const auto parsed = parse_segment_filename(name_);
    if (parsed && parsed->file == SegmentFile::log) return inspect_log(parsed->name);
    if (parsed && parsed->file == SegmentFile::hint) return inspect_hint(parsed->name);
    if (parsed && parsed->file == SegmentFile::sync) return inspect_sync(parsed->name);
    if (parsed) return inspect_index(*parsed);
    if (name_ == kManifestNames[0] || name_ == kManifestNames[1]) return inspect_manifest();
    if (name_.find("producers") != std::string::npos) return inspect_producers();
    return Error{Errc::invalid_argument, "'" + name_ +
                                             "' is no file of a partition: BASE.GEN.log, .hint, .index, .timeindex, "
                                             ".sync, .producers, manifest.a or manifest.b"};
  }

 private:
  Result<int> inspect_log(SegmentName segment) {
    LOGCASK_ASSIGN(const auto file, directory_->open(name_, OpenMode::read));
    ScanOptions options;
    options.name = segment;
    options.expected = segment.base;
    bool gone = false;
    std::uint64_t batches = 0;
    std::uint64_t records = 0;
    const auto scanned = scan_batches(*file, options, [&](const ScannedBatch& batch) -> Status {
      ++batches;
      records += static_cast<std::uint64_t>(batch.header.record_count);
      if (args_.records) {
        LOGCASK_TRY(append_records(batch));
      } else {
        append_batch(batch);
      }
      gone = !out_.flush_if_large();
      return gone ? Status(Error{Errc::cancelled, "standard output is closed"}) : Status();
    });
    if (gone) return out_.finish();
    if (!scanned.ok()) return scanned.error();
    const bool bad = scanned->why == ScanEnd::Why::bad_batch;
    if (!args_.records) {
      JsonWriter json(object_);
      json.begin().field("end_position", scanned->position).field("next_offset", scanned->next_offset.value());
      json.field("batches", batches).field("records", records);
      if (bad) json.field("bad_batch", scanned->reason);
      json.end();
      end_object();
    }
    if (bad)
      print_error("corrupt_file: " + name_ + " at position " + std::to_string(scanned->position) + ": " +
                  scanned->reason);
    return out_.finish(bad ? kExitDamaged : kExitOk);
  }

  void append_batch(const ScannedBatch& batch) {
    const BatchHeader& h = batch.header;
    JsonWriter(object_)
        .begin()
        .field("position", batch.position)
        .field("bytes", h.total_bytes())
        .field("base_offset", h.base_offset.value())
        .field("last_offset", h.last_offset().value())
        .field("records", h.record_count)
        .field("leader_epoch", h.leader_epoch.value())
        .field("codec", compression_name(h.compression()))
        .field("timestamp_type", h.timestamp_type() == TimestampType::create_time ? "CreateTime" : "LogAppendTime")
        .field("base_timestamp", h.base_timestamp.value())
        .field("max_timestamp", h.max_timestamp.value())
        .field("producer_id", h.producer_id.value())
        .field("producer_epoch", h.producer_epoch)
        .field("base_sequence", h.base_sequence)
        .field("control", h.control())
        .field("transactional", h.transactional())
        .end();
    end_object();
  }

  Status append_records(const ScannedBatch& batch) {
    std::string scratch;
    LOGCASK_ASSIGN(const ByteView records, batch_records(batch.header, batch.bytes, kMaxDecompressedBytes, scratch));
    RecordCursor cursor(batch.header, records);
    RecordView record;
    while (true) {
      LOGCASK_ASSIGN(const bool more, cursor.next(record));
      if (!more) return {};
      RecordOut shown{"", PartitionId(-1), record.offset, record.timestamp, record.key, record.value, {}};
      for (const auto& header : decode_headers(record)) shown.headers.emplace_back(header.key, header.value);
      append_json_record(object_, shown);
      end_object();
    }
  }

  Result<int> inspect_hint(SegmentName segment) {
    LOGCASK_ASSIGN(const auto reader, HintReader::open(*directory_, segment));
    std::uint64_t tombstones = 0;
    const Status read = reader.read([&](std::span<const HintEntry> entries) {
      for (const auto& entry : entries) tombstones += entry.tombstone() ? 1 : 0;
      return Status();
    });
    const HintHeader& h = reader.header();
    JsonWriter(object_)
        .begin()
        .field("keys", h.entries)
        .field("keys_deleted", tombstones)
        .field("covered_position", h.covered_position)
        .field("covered_next", h.covered_next.value())
        .field("records", h.records)
        .field("record_bytes", h.record_bytes)
        .field("tombstones", h.tombstones)
        .field("max_timestamp", h.max_timestamp.value())
        .field("log_digest", hex(h.digest))
        .field("secret_fingerprint", hex(h.secret_fingerprint))
        .end();
    end_object();
    if (!read.ok()) return out_.finish(fail(read.error()));
    return out_.finish();
  }

  Result<int> inspect_sync(SegmentName segment) {
    LOGCASK_ASSIGN(const SyncLogContent content, read_sync_content(*directory_, segment.base));
    const SyncEntry& entry = content.newest;
    JsonWriter(object_)
        .begin()
        .field("format", content.format_1 ? 1 : 2)
        .field("owner", content.owner ? content.owner->to_string() : "")
        .field("durable_end", entry.durable_end.value())
        .field("position", entry.position)
        .field("log_digest", hex(entry.digest))
        .field("offset_ceiling", entry.offset_ceiling.value())
        .field("first_append", entry.first_append.value())
        .field("last_append", entry.last_append.value())
        .field("clock_allowance_ms", entry.clock_allowance_ms)
        .field("clock_ahead_ms", entry.clock_ahead_ms)
        .field("log_start", entry.log_start.value())
        .field("run", hex(entry.run.id.value()))
        .field("run_first", entry.run.first.value())
        .end();
    end_object();
    return out_.finish();
  }

  // An index says nothing without its log: both are read and compared.
  Result<int> inspect_index(const ParsedFilename& parsed) {
    LogState state(parsed.name);
    LOGCASK_ASSIGN(const auto log, directory_->open(segment_filename(parsed.name, SegmentFile::log), OpenMode::read));
    ScanOptions options;
    options.name = parsed.name;
    options.expected = parsed.name.base;
    LOGCASK_TRY(as_status(scan_batches(*log, options, [&](const ScannedBatch& batch) {
      state.add_batch(batch.header, batch.bytes);
      return Status();
    })));
    LOGCASK_ASSIGN(const auto bytes, read_file(*directory_, name_, kMaxFileBytes));
    std::size_t entries = 0;
    if (parsed.file == SegmentFile::index) {
      LOGCASK_ASSIGN(const auto index, OffsetIndex::decode(bytes, state.facts()));
      entries = index.entry_count();
    } else {
      LOGCASK_ASSIGN(const auto index, TimeIndex::decode(bytes, state.facts()));
      entries = index.entry_count();
    }
    JsonWriter(object_).begin().field("entries", entries).field("bytes", bytes.size()).field("matches_log", true).end();
    end_object();
    return out_.finish();
  }

  Result<int> inspect_manifest() {
    LOGCASK_ASSIGN(const auto bytes, read_file(*directory_, name_, kMaxFileBytes));
    LOGCASK_ASSIGN(const auto m, decode_manifest(bytes));
    JsonWriter json(object_);
    json.begin()
        .field("generation", m.generation)
        .field("log_start", m.log_start_offset.value())
        .field("closed_end", m.closed_end().value())
        .field("tombstone_horizon", m.tombstone_horizon.value())
        .field("append_clock", m.append_clock.time.value())
        .field("clock_allowance_ms", m.append_clock.allowance_ms)
        .field("clock_ahead_ms", m.append_clock.ahead_ms)
        .field("owner", m.owner ? m.owner->to_string() : "")
        .field("runs", m.runs.runs().size())
        .field("producer_snapshot", m.producer_snapshot_name);
    json.name("segments").begin_list();
    for (const auto& s : m.segments)
      json.begin()
          .field("file", segment_filename(s.facts.name, SegmentFile::log))
          .field("next_offset", s.facts.next_offset.value())
          .field("end_offset", s.end_offset.value())
          .field("bytes", s.facts.size_bytes)
          .field("digest", hex(s.facts.digest))
          .field("batches", s.facts.batches)
          .field("records", s.facts.records)
          .field("tombstones", s.tombstones)
          .field("compacted_through", s.compacted_through.value())
          .field("first_append", s.facts.first_append.value())
          .field("last_append", s.facts.last_append.value())
          .end();
    json.end_list().name("clean_through").begin_list();
    for (const auto& c : m.clean_through)
      json.begin().field("through", c.through.value()).field("since", c.since.value()).end();
    json.end_list().name("epochs").begin_list();
    for (const auto& e : m.epochs)
      json.begin().field("epoch", e.epoch.value()).field("start_offset", e.start_offset.value()).end();
    json.end_list().name("damaged").begin_list();
    for (const auto& d : m.damaged)
      json.begin().field("from", d.from.value()).field("to", d.to.value()).field("reason", d.reason).end();
    json.end_list().name("obsolete").begin_list();
    for (const auto& name : m.obsolete) json.value(segment_filename(name, SegmentFile::log));
    json.end_list().end();
    end_object();
    return out_.finish();
  }

  Result<int> inspect_producers() {
    LOGCASK_ASSIGN(const auto bytes, read_file(*directory_, name_, kMaxFileBytes));
    LOGCASK_ASSIGN(const auto snapshot, ProducerState::decode_snapshot(bytes));
    for (const auto& tail : snapshot.state.last_offsets()) {
      JsonWriter(object_)
          .begin()
          .field("producer_id", tail.producer.value())
          .field("producer_epoch", tail.epoch)
          .field("last_sequence", tail.last_sequence)
          .field("last_offset", tail.last_offset.value())
          .end();
      end_object();
    }
    return out_.finish();
  }

  template <class T>
  static Status as_status(const Result<T>& result) {
    return result.ok() ? Status() : Status(result.error());
  }

  // What object_ holds is whole.
  void end_object() {
    if (args_.format == "text") {
      append_json_as_text(out_.buffer(), object_);
    } else {
      out_.buffer() += object_;
      if (!object_.ends_with('\n')) out_.buffer() += '\n';
    }
    object_.clear();
  }

  const InspectArgs& args_;
  std::shared_ptr<Directory> directory_;
  std::string name_;
  Output out_;
  std::string object_;  // JSON
};

int inspect(const InspectArgs& args) {
  const std::filesystem::path path(args.file);
  const std::string parent = path.has_parent_path() ? path.parent_path().string() : ".";
  LOGCASK_CLI_ASSIGN(auto directory, open_posix_directory(parent));
  LOGCASK_CLI_ASSIGN(const int code, Inspection(args, std::move(directory), path.filename().string()).run());
  return code;
}

}  // namespace

Verb inspect_verb() {
  auto args = std::make_shared<InspectArgs>();
  Verb verb;
  verb.path = "inspect";
  verb.summary = "Prints what is in one file of a partition: log, hint, index, sync log or manifest.";
  verb.details =
      "Reads only; no broker is needed, and one may be running. One object a line: for a log one a batch, or with "
      "--records one a record. As text an object is NAME=VALUE pairs, and the elements of its lists follow on lines of "
      "their own. docs/FORMAT.md explains the fields.";
  verb.positional("FILE",
                  "DATA/TOPIC-PARTITION.ID/BASE.GEN.log, .hint, .index, .timeindex, .sync, .producers, manifest.a",
                  &args->file);
  verb.flag("--records", "", "of a log: its records instead of its batches", &args->records);
  add_output_flag(verb, &args->format);
  verb.exits = {kExitDamaged};
  verb.examples = {{"logcask inspect data/prices-0.*/manifest.a", "the closed segments of a partition"}};
  verb.run = [args] { return inspect(*args); };
  return verb;
}

}  // namespace logcask::cli
