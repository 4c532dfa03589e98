#include "segment/sync_log.h"

#include <optional>

#include "base/coding.h"
#include "base/crc32c.h"

namespace logcask {
namespace {

// Slot: magic u32 "LCSY", sequence u64, durable_end i64, position u64, digest u64, ceiling i64, first i64, last i64,
// CRC32C u32 over all of it and the segment's base (a file copied beside another log never passes): 64 bytes.
constexpr std::uint32_t kSyncMagic = 0x4c435359;
constexpr std::size_t kCrcAt = kSyncSlotBytes - 4;

std::string sync_name(Offset base) { return segment_filename({base, Generation(0)}, SegmentFile::sync); }

std::uint32_t slot_crc(ByteView slot, Offset base) {
  char raw[8];
  store_be(raw, base.value());
  return crc32c(slot.substr(0, kCrcAt), crc32c(ByteView(raw, sizeof raw)));
}

std::string encode_slot(const SyncEntry& entry, std::uint64_t sequence, Offset base) {
  std::string slot;
  ByteWriter writer(slot);
  writer.fixed(kSyncMagic);
  writer.fixed(sequence);
  writer.fixed(entry.durable_end.value());
  writer.fixed(entry.position);
  writer.fixed(entry.digest);
  writer.fixed(entry.offset_ceiling.value());
  writer.fixed(entry.first_append.value());
  writer.fixed(entry.last_append.value());
  writer.fixed(slot_crc(slot, base));
  return slot;
}

struct Numbered {
  std::uint64_t sequence = 0;
  SyncEntry entry;
};

std::optional<Numbered> decode_slot(ByteView slot, Offset base) {
  ByteReader reader(slot);
  if (reader.fixed<std::uint32_t>() != kSyncMagic) return std::nullopt;
  if (load_be<std::uint32_t>(slot.data() + kCrcAt) != slot_crc(slot, base)) return std::nullopt;
  Numbered found;
  found.sequence = reader.fixed<std::uint64_t>();
  found.entry.durable_end = Offset(reader.fixed<std::int64_t>());
  found.entry.position = reader.fixed<std::uint64_t>();
  found.entry.digest = reader.fixed<std::uint64_t>();
  found.entry.offset_ceiling = Offset(reader.fixed<std::int64_t>());
  found.entry.first_append = TimestampMs(reader.fixed<std::int64_t>());
  found.entry.last_append = TimestampMs(reader.fixed<std::int64_t>());
  return found;
}

Result<Numbered> newest_entry(const File& file, Directory& directory, Offset base) {
  std::string content(kSyncSlots * kSyncSlotBytes, '\0');
  LOGCASK_ASSIGN(const std::size_t got, file.read_at(0, std::span(content.data(), content.size())));
  std::optional<Numbered> newest;
  for (std::size_t at = 0; at + kSyncSlotBytes <= got; at += kSyncSlotBytes) {
    const auto found = decode_slot(ByteView(content).substr(at, kSyncSlotBytes), base);
    // A slot's place follows from its sequence; a slot copied elsewhere is not one of ours.
    if (!found || found->sequence % kSyncSlots != at / kSyncSlotBytes) continue;
    if (!newest || found->sequence > newest->sequence) newest = found;
  }
  if (!newest) {
    return Error{Errc::corrupt_file, directory.path() + "/" + sync_name(base) +
                                         ": no entry holds; what was durable must be told by a scan of the log"};
  }
  return *newest;
}

}  // namespace

Result<std::unique_ptr<SyncLog>> SyncLog::create(Directory& directory, Offset base, const SyncEntry& first) {
  const std::string name = sync_name(base);
  auto file = directory.open(name, OpenMode::create_new);
  if (file.code() == Errc::already_exists) {
    LOGCASK_TRY(directory.unlink(name));
    file = directory.open(name, OpenMode::create_new);
  }
  if (!file.ok()) return std::move(file).error();
  // Written once in full, so that later slots overwrite blocks that exist and their sync commits no metadata.
  LOGCASK_TRY((*file)->write_at(0, std::string(kSyncSlots * kSyncSlotBytes, '\0')));
  std::unique_ptr<SyncLog> log(new SyncLog(std::move(file).value(), base));
  LOGCASK_TRY(log->append(first));
  LOGCASK_TRY(log->sync());
  return log;
}

Result<std::unique_ptr<SyncLog>> SyncLog::resume(Directory& directory, Offset base) {
  LOGCASK_ASSIGN(auto file, directory.open(sync_name(base), OpenMode::read_write));
  LOGCASK_ASSIGN(const Numbered newest, newest_entry(*file, directory, base));
  std::unique_ptr<SyncLog> log(new SyncLog(std::move(file), base));
  log->sequence_ = newest.sequence + 1;
  log->newest_ = newest.entry;
  return log;
}

Status SyncLog::append(const SyncEntry& entry) {
  LOGCASK_TRY(file_->write_at(sequence_ % kSyncSlots * kSyncSlotBytes, encode_slot(entry, sequence_, base_)));
  ++sequence_;
  newest_ = entry;
  return {};
}

Result<SyncEntry> read_sync_log(Directory& directory, Offset base) {
  LOGCASK_ASSIGN(auto file, directory.open(sync_name(base), OpenMode::read));
  LOGCASK_ASSIGN(const Numbered newest, newest_entry(*file, directory, base));
  return newest.entry;
}

Result<std::optional<SyncEntry>> find_sync_entry(Directory& directory, Offset base) {
  const Result<SyncEntry> sync = read_sync_log(directory, base);
  if (sync.ok()) return std::optional(*sync);
  if (sync.code() == Errc::not_found || sync.code() == Errc::corrupt_file) return std::optional<SyncEntry>();
  return sync.error();
}

}  // namespace logcask
