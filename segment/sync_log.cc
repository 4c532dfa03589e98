#include "segment/sync_log.h"

#include <optional>

#include "base/coding.h"
#include "base/crc32c.h"
#include "base/mutant.h"

namespace logcask {
namespace {

constexpr std::uint32_t kSyncHeaderMagic = 0x4c435332;  // "LCS2"
constexpr std::uint32_t kSyncSlotMagic = 0x4c435345;    // "LCSE"
constexpr std::size_t kSyncCrcAt = kSyncSlotBytes - 4;

// Format 1: a slot is magic, sequence, the first six numbers of an entry, CRC over all of it and the base.
constexpr std::uint32_t kSyncMagic1 = 0x4c435359;  // "LCSY"
constexpr std::size_t kSyncSlotBytes1 = 64;
constexpr std::size_t kSyncSlots1 = kSyncFileBytes / kSyncSlotBytes1;

std::string sync_name(Offset base) { return segment_filename({base, Generation(0)}, SegmentFile::sync); }

void put_identity(ByteWriter& out, const PartitionIdentity& owner) {
  out.bytes(ByteView(reinterpret_cast<const char*>(owner.topic.bytes.data()), owner.topic.bytes.size()));
  out.fixed(owner.partition.value());
}

// What the checksum of every entry begins with: one that is copied beside another log never holds.
std::uint32_t sync_seed(const PartitionIdentity& owner, Offset base) {
  std::string whose;
  ByteWriter out(whose);
  put_identity(out, owner);
  out.fixed(base.value());
  return crc32c(whose);
}

std::string encode_sync_header(const PartitionIdentity& owner, Offset base) {
  std::string header;
  ByteWriter out(header);
  out.fixed(kSyncHeaderMagic);
  put_identity(out, owner);
  out.fixed(base.value());
  header.resize(kSyncCrcAt, '\0');
  ByteWriter(header).fixed(crc32c(header));
  return header;
}

// Whose file it is; of one that lies beside another log than it was made for, too.
std::optional<PartitionIdentity> decode_sync_header(ByteView content) {
  if (content.size() < kSyncSlotBytes) return std::nullopt;
  if (load_be<std::uint32_t>(content.data() + kSyncCrcAt) != crc32c(content.substr(0, kSyncCrcAt))) return std::nullopt;
  ByteReader in(content);
  if (in.fixed<std::uint32_t>() != kSyncHeaderMagic) return std::nullopt;
  PartitionIdentity owner;
  const ByteView id = in.bytes(owner.topic.bytes.size());
  std::copy(id.begin(), id.end(), reinterpret_cast<char*>(owner.topic.bytes.data()));
  owner.partition = PartitionId(in.fixed<std::int32_t>());
  return owner;
}

std::string encode_sync_slot(const SyncEntry& entry, std::uint64_t sequence, std::uint32_t seed) {
  std::string slot;
  slot.reserve(kSyncSlotBytes);
  ByteWriter out(slot);
  out.fixed(kSyncSlotMagic);
  out.fixed(sequence);
  out.fixed(entry.durable_end.value());
  out.fixed(entry.position);
  out.fixed(entry.digest);
  out.fixed(entry.offset_ceiling.value());
  out.fixed(entry.first_append.value());
  out.fixed(entry.last_append.value());
  out.fixed(entry.clock_allowance_ms);
  out.fixed(entry.clock_ahead_ms);
  out.fixed(entry.log_start.value());
  out.fixed(entry.run.id.value());
  out.fixed(entry.run.first.value());
  slot.resize(kSyncCrcAt, '\0');
  out.fixed(crc32c(slot, seed));
  return slot;
}

struct NumberedEntry {
  std::uint64_t sequence = 0;
  SyncEntry entry;
};

void read_common_fields(ByteReader& in, NumberedEntry& found) {
  found.sequence = in.fixed<std::uint64_t>();
  found.entry.durable_end = Offset(in.fixed<std::int64_t>());
  found.entry.position = in.fixed<std::uint64_t>();
  found.entry.digest = in.fixed<std::uint64_t>();
  found.entry.offset_ceiling = Offset(in.fixed<std::int64_t>());
  found.entry.first_append = TimestampMs(in.fixed<std::int64_t>());
  found.entry.last_append = TimestampMs(in.fixed<std::int64_t>());
}

std::optional<NumberedEntry> decode_sync_slot(ByteView slot, std::uint32_t seed) {
  ByteReader in(slot);
  if (in.fixed<std::uint32_t>() != kSyncSlotMagic) return std::nullopt;
  if (load_be<std::uint32_t>(slot.data() + kSyncCrcAt) != crc32c(slot.substr(0, kSyncCrcAt), seed)) return std::nullopt;
  NumberedEntry found;
  read_common_fields(in, found);
  found.entry.clock_allowance_ms = in.fixed<std::int64_t>();
  found.entry.clock_ahead_ms = in.fixed<std::int64_t>();
  found.entry.log_start = Offset(in.fixed<std::int64_t>());
  found.entry.run.id = RunId(in.fixed<std::uint64_t>());
  found.entry.run.first = Offset(in.fixed<std::int64_t>());
  return found;
}

std::optional<NumberedEntry> decode_sync_slot_1(ByteView slot, Offset base) {
  constexpr std::size_t kCrcAt = kSyncSlotBytes1 - 4;
  ByteReader in(slot);
  if (in.fixed<std::uint32_t>() != kSyncMagic1) return std::nullopt;
  char raw[8];
  store_be(raw, base.value());
  if (load_be<std::uint32_t>(slot.data() + kCrcAt) != crc32c(slot.substr(0, kCrcAt), crc32c(ByteView(raw, sizeof raw))))
    return std::nullopt;
  NumberedEntry found;
  read_common_fields(in, found);
  return found;
}

// A slot's place follows from its sequence; a slot copied elsewhere is not one of ours.
template <class Decode>
std::optional<NumberedEntry> newest_slot(ByteView content, std::size_t from, std::size_t slot_bytes, std::size_t slots,
                                         const Decode& decode) {
  std::optional<NumberedEntry> newest;
  for (std::size_t i = 0; i < slots && from + (i + 1) * slot_bytes <= content.size(); ++i) {
    const std::optional<NumberedEntry> found = decode(content.substr(from + i * slot_bytes, slot_bytes));
    if (!found || found->sequence % slots != i) continue;
    if (!newest || found->sequence > newest->sequence) newest = found;
  }
  return newest;
}

Result<SyncLogContent> read_sync_file(const File& file, const std::string& path, Offset base,
                                      const std::optional<PartitionIdentity>& owner) {
  std::string bytes(kSyncFileBytes, '\0');
  LOGCASK_ASSIGN(const std::size_t got, file.read_at(0, std::span(bytes.data(), bytes.size())));
  const ByteView content = ByteView(bytes).substr(0, got);
  SyncLogContent found;
  found.owner = decode_sync_header(content);
  if (owner && found.owner && *found.owner != *owner && !mutant(Mutant::foreign_log_adopted))
    return Error{Errc::foreign_file, path + " belongs to " + found.owner->to_string() + ", not to " +
                                         owner->to_string() +
                                         ": files of two partitions were exchanged; put them back where they belong"};
  std::optional<NumberedEntry> newest;
  std::optional<PartitionIdentity> whose = owner ? owner : found.owner;
  if (mutant(Mutant::foreign_log_adopted) && found.owner) whose = found.owner;
  if (whose)
    newest = newest_slot(content, kSyncSlotBytes, kSyncSlotBytes, kSyncSlots,
                         [seed = sync_seed(*whose, base)](ByteView slot) { return decode_sync_slot(slot, seed); });
  if (!newest && !found.owner) {
    newest = newest_slot(content, 0, kSyncSlotBytes1, kSyncSlots1,
                         [&](ByteView slot) { return decode_sync_slot_1(slot, base); });
    found.format_1 = newest.has_value();
  }
  if (!newest)
    return Error{Errc::corrupt_file, path + ": no entry holds; what was durable must be told by a scan of the log"};
  found.sequence = newest->sequence;
  found.newest = newest->entry;
  return found;
}

std::string sync_path(Directory& directory, Offset base) { return directory.path() + "/" + sync_name(base); }

std::size_t slot_position(std::uint64_t sequence) { return kSyncSlotBytes * (1 + sequence % kSyncSlots); }

}  // namespace

Result<std::unique_ptr<SyncLog>> SyncLog::create(Directory& directory, const PartitionIdentity& owner, Offset base,
                                                 const SyncEntry& first) {
  const std::string name = sync_name(base);
  auto file = directory.open(name, OpenMode::create_new);
  if (file.code() == Errc::already_exists) {
    LOGCASK_TRY(directory.unlink(name));
    file = directory.open(name, OpenMode::create_new);
  }
  if (!file.ok()) return std::move(file).error();
  // Written once in full, so that later slots overwrite blocks that exist and their sync commits no metadata.
  std::string content = encode_sync_header(owner, base);
  content.resize(kSyncFileBytes, '\0');
  LOGCASK_TRY((*file)->write_at(0, content));
  std::unique_ptr<SyncLog> log(new SyncLog(std::move(file).value(), sync_seed(owner, base)));
  LOGCASK_TRY(log->append(first));
  LOGCASK_TRY(log->sync());
  return log;
}

Result<std::unique_ptr<SyncLog>> SyncLog::resume(Directory& directory, const PartitionIdentity& owner, Offset base) {
  LOGCASK_ASSIGN(auto file, directory.open(sync_name(base), OpenMode::read_write));
  LOGCASK_ASSIGN(const SyncLogContent content, read_sync_file(*file, sync_path(directory, base), base, owner));
  if (!content.owner) {
    std::string anew = encode_sync_header(owner, base);
    anew.resize(kSyncFileBytes, '\0');
    anew.replace(slot_position(content.sequence), kSyncSlotBytes,
                 encode_sync_slot(content.newest, content.sequence, sync_seed(owner, base)));
    LOGCASK_TRY(replace_file(directory, sync_name(base), anew));
    LOGCASK_ASSIGN(file, directory.open(sync_name(base), OpenMode::read_write));
  }
  std::unique_ptr<SyncLog> log(new SyncLog(std::move(file), sync_seed(owner, base)));
  log->sequence_ = content.sequence + 1;
  log->newest_ = content.newest;
  return log;
}

Status SyncLog::append(const SyncEntry& entry) {
  LOGCASK_TRY(file_->write_at(slot_position(sequence_), encode_sync_slot(entry, sequence_, seed_)));
  ++sequence_;
  newest_ = entry;
  return {};
}

Result<SyncLogContent> read_sync_content(Directory& directory, Offset base,
                                         const std::optional<PartitionIdentity>& owner) {
  LOGCASK_ASSIGN(const auto file, directory.open(sync_name(base), OpenMode::read));
  return read_sync_file(*file, sync_path(directory, base), base, owner);
}

Result<SyncEntry> read_sync_log(Directory& directory, Offset base, const std::optional<PartitionIdentity>& owner) {
  LOGCASK_ASSIGN(const SyncLogContent content, read_sync_content(directory, base, owner));
  return content.newest;
}

Result<std::optional<SyncLogContent>> find_sync_content(Directory& directory, Offset base,
                                                        const PartitionIdentity& owner) {
  const Result<SyncLogContent> content = read_sync_content(directory, base, owner);
  if (content.ok()) return std::optional(*content);
  if (content.code() == Errc::not_found || content.code() == Errc::corrupt_file) return std::optional<SyncLogContent>();
  return content.error();
}

}  // namespace logcask
