#include "partition/manifest.h"

#include <algorithm>

#include "base/coding.h"
#include "base/crc32c.h"
#include "base/mutant.h"

namespace logcask {
namespace {

constexpr std::uint32_t kMagic = 0x4c434d46;  // "LCMF"
constexpr std::uint16_t kManifestVersion = 2;
constexpr std::uint64_t kMaxBytes = 256u << 20;
constexpr std::size_t kSegmentBytes = 100;

void put(ByteWriter& out, Offset offset) { out.fixed(offset.value()); }
void put(ByteWriter& out, TimestampMs time) { out.fixed(time.value()); }
Offset get_offset(ByteReader& in) { return Offset(in.fixed<std::int64_t>()); }
TimestampMs get_time(ByteReader& in) { return TimestampMs(in.fixed<std::int64_t>()); }

void put(ByteWriter& out, const PartitionIdentity& owner) {
  out.bytes(ByteView(reinterpret_cast<const char*>(owner.topic.bytes.data()), owner.topic.bytes.size()));
  out.fixed(owner.partition.value());
}
PartitionIdentity get_identity(ByteReader& in) {
  PartitionIdentity owner;
  const ByteView id = in.bytes(owner.topic.bytes.size());
  std::copy(id.begin(), id.end(), reinterpret_cast<char*>(owner.topic.bytes.data()));
  owner.partition = PartitionId(in.fixed<std::int32_t>());
  return owner;
}

// What format 2 has added, at the end.
void put_format_2(ByteWriter& out, const Manifest& m) {
  put(out, *m.owner);
  put(out, m.format_1_through);
  out.fixed(m.append_clock.allowance_ms);
  out.fixed(m.append_clock.ahead_ms);
  out.fixed(static_cast<std::uint32_t>(m.runs.runs().size()));
  for (const RunStart& run : m.runs.runs()) {
    out.fixed(run.id.value());
    put(out, run.first);
  }
  put(out, m.judged_end);
}

void put_segment(ByteWriter& out, const ManifestSegment& s) {
  put(out, s.facts.name.base);
  out.fixed(s.facts.name.generation.value());
  put(out, s.facts.next_offset);
  put(out, s.end_offset);
  out.fixed(s.facts.size_bytes);
  out.fixed(s.facts.digest);
  out.fixed(s.facts.batches);
  out.fixed(s.facts.records);
  out.fixed(s.tombstones);
  put(out, s.facts.max_timestamp);
  put(out, s.facts.first_append);
  put(out, s.facts.last_append);
  put(out, s.compacted_through);
}

ManifestSegment get_segment(ByteReader& in) {
  ManifestSegment s;
  s.facts.name.base = get_offset(in);
  s.facts.name.generation = Generation(in.fixed<std::uint32_t>());
  s.facts.next_offset = get_offset(in);
  s.end_offset = get_offset(in);
  s.facts.size_bytes = in.fixed<std::uint64_t>();
  s.facts.digest = in.fixed<std::uint64_t>();
  s.facts.batches = in.fixed<std::uint64_t>();
  s.facts.records = in.fixed<std::uint64_t>();
  s.tombstones = in.fixed<std::uint64_t>();
  s.facts.max_timestamp = get_time(in);
  s.facts.first_append = get_time(in);
  s.facts.last_append = get_time(in);
  s.compacted_through = get_offset(in);
  return s;
}

// A count that the remaining bytes can hold; 0 and a failed reader otherwise.
std::uint32_t get_count(ByteReader& in, std::size_t least_bytes_each) {
  const auto count = in.fixed<std::uint32_t>();
  if (count > in.remaining() / least_bytes_each) {
    in.bytes(in.remaining() + 1);
    return 0;
  }
  return count;
}

void get_format_2(ByteReader& in, Manifest& m) {
  m.owner = get_identity(in);
  m.format_1_through = get_offset(in);
  m.append_clock.allowance_ms = in.fixed<std::int64_t>();
  m.append_clock.ahead_ms = in.fixed<std::int64_t>();
  std::vector<RunStart> runs(get_count(in, 16));
  for (RunStart& run : runs) {
    run.id = RunId(in.fixed<std::uint64_t>());
    run.first = get_offset(in);
  }
  m.runs = RunHistory(std::move(runs));
  m.judged_end = get_offset(in);
}

Status check_order(const Manifest& m) {
  if (m.epochs.empty()) return Error{Errc::corrupt_file, "manifest names no leader epoch"};
  Offset end = m.dropped_end;
  for (const ManifestSegment& s : m.segments) {
    const Offset base = s.facts.name.base;
    if (base < end || s.facts.next_offset < base || s.end_offset < s.facts.next_offset)
      return Error{Errc::corrupt_file, "segments overlap at offset " + std::to_string(base.value())};
    end = s.end_offset;
  }
  return {};
}

}  // namespace

std::string encode_manifest(const Manifest& m) {
  std::string bytes;
  ByteWriter out(bytes);
  out.fixed(kMagic);
  out.fixed(m.owner ? kManifestVersion : std::uint16_t{1});
  out.fixed(m.generation);
  put(out, m.log_start_offset);
  put(out, m.tombstone_horizon);
  put(out, m.dropped_end);
  put(out, m.append_clock.time);
  put(out, m.producer_snapshot_end);
  out.fixed(m.producer_snapshot_digest);
  out.short_string(m.producer_snapshot_name);
  out.fixed(static_cast<std::uint32_t>(m.segments.size()));
  for (const ManifestSegment& s : m.segments) put_segment(out, s);
  out.fixed(static_cast<std::uint32_t>(m.clean_through.size()));
  for (const CleanThrough& c : m.clean_through) {
    put(out, c.through);
    put(out, c.since);
  }
  out.fixed(static_cast<std::uint32_t>(m.epochs.size()));
  for (const EpochStart& e : m.epochs) {
    out.fixed(e.epoch.value());
    put(out, e.start_offset);
  }
  out.fixed(static_cast<std::uint32_t>(m.damaged.size()));
  for (const DamagedRange& d : m.damaged) {
    put(out, d.from);
    put(out, d.to);
    out.short_string(ByteView(d.reason).substr(0, 1000));
  }
  out.fixed(static_cast<std::uint32_t>(m.obsolete.size()));
  for (const SegmentName& name : m.obsolete) {
    put(out, name.base);
    out.fixed(name.generation.value());
  }
  if (m.owner) put_format_2(out, m);
  out.fixed(crc32c(bytes));
  return bytes;
}

Result<Manifest> decode_manifest(ByteView bytes) {
  if (bytes.size() < 10) return Error{Errc::corrupt_file, "manifest is cut short"};
  if (crc32c(bytes.substr(0, bytes.size() - 4)) != load_be<std::uint32_t>(bytes.data() + bytes.size() - 4))
    return Error{Errc::corrupt_file, "manifest does not match its checksum"};
  ByteReader in(bytes.substr(0, bytes.size() - 4));
  if (in.fixed<std::uint32_t>() != kMagic) return Error{Errc::corrupt_file, "not a manifest"};
  const auto version = in.fixed<std::uint16_t>();
  if (version < 1 || version > kManifestVersion)
    return Error{Errc::unsupported_version, "manifest format " + std::to_string(version) + "; this build reads 1 to " +
                                                std::to_string(kManifestVersion)};
  Manifest m;
  m.generation = in.fixed<std::uint64_t>();
  m.log_start_offset = get_offset(in);
  m.tombstone_horizon = get_offset(in);
  m.dropped_end = get_offset(in);
  m.append_clock.time = get_time(in);
  m.producer_snapshot_end = get_offset(in);
  m.producer_snapshot_digest = in.fixed<std::uint64_t>();
  m.producer_snapshot_name = in.short_string();
  m.segments.resize(get_count(in, kSegmentBytes));
  for (ManifestSegment& s : m.segments) s = get_segment(in);
  m.clean_through.resize(get_count(in, 16));
  for (CleanThrough& c : m.clean_through) {
    c.through = get_offset(in);
    c.since = get_time(in);
  }
  m.epochs.resize(get_count(in, 12));
  for (EpochStart& e : m.epochs) {
    e.epoch = LeaderEpoch(in.fixed<std::int32_t>());
    e.start_offset = get_offset(in);
  }
  m.damaged.resize(get_count(in, 18));
  for (DamagedRange& d : m.damaged) {
    d.from = get_offset(in);
    d.to = get_offset(in);
    d.reason = in.short_string();
  }
  m.obsolete.resize(get_count(in, 12));
  for (SegmentName& name : m.obsolete) {
    name.base = get_offset(in);
    name.generation = Generation(in.fixed<std::uint32_t>());
  }
  if (version >= 2) get_format_2(in, m);
  if (!in.at_end()) return Error{Errc::corrupt_file, "manifest fields do not fill it exactly"};
  LOGCASK_TRY(check_order(m));
  // Version 1 knew evidence in closed segments only.
  const auto rewritten = [](const ManifestSegment& s) { return s.facts.name.rewritten(); };
  if (version == 1 && std::any_of(m.segments.begin(), m.segments.end(), rewritten)) m.judged_end = m.closed_end();
  return m;
}

namespace {

Error no_sound_copy(Directory& directory, const std::string& why, const std::optional<Error>& unread) {
  // The disk may give them another time; a manifest made anew would not know what these do.
  if (unread) return Error{*unread}.in(directory.path() + ": no manifest can be read");
  return Error{Errc::corrupt_file, directory.path() + ": no readable manifest (" + why +
                                       "nothing was deleted; 'logcask verify --repair' rebuilds one from the logs)"};
}

Error foreign_manifest(Directory& directory, const char* name, const PartitionIdentity& whose,
                       const PartitionIdentity& owner) {
  return Error{Errc::foreign_file, directory.path() + "/" + name + " belongs to " + whose.to_string() + ", not to " +
                                       owner.to_string() +
                                       ": files of two partitions were exchanged; put them back where they belong"};
}

}  // namespace

Result<std::optional<Manifest>> load_manifest(Directory& directory, const PartitionIdentity& owner, bool& repaired) {
  repaired = false;
  std::optional<Manifest> best;
  int found = 0;
  int current = 0;
  std::string why;
  std::optional<Error> unread;
  for (const char* name : kManifestNames) {
    Result<std::string> bytes = read_file(directory, name, kMaxBytes);
    if (bytes.code() == Errc::not_found) continue;
    // Says nothing of the copy; and the other one may be older.
    if (bytes.code() == Errc::limit_exceeded) return std::move(bytes).error();
    if (bytes.code() == Errc::permission_denied && !mutant(Mutant::unreadable_is_damaged))
      return std::move(bytes).error();
    ++found;
    if (!bytes.ok() && bytes.code() != Errc::corrupt_file) unread = bytes.error();
    Result<Manifest> manifest = bytes.ok() ? decode_manifest(*bytes) : Result<Manifest>(bytes.error());
    if (!manifest.ok()) {
      if (manifest.code() == Errc::unsupported_version) return std::move(manifest).error().in(directory.path());
      why += std::string(name) + ": " + manifest.error().message + "; ";
      continue;
    }
    if (manifest->owner && *manifest->owner != owner) return foreign_manifest(directory, name, *manifest->owner, owner);
    current = best && best->generation == manifest->generation ? 2 : 1;
    if (!best || manifest->generation > best->generation) best = *std::move(manifest);
  }
  if (found == 0) return std::optional<Manifest>();
  if (!best) return no_sound_copy(directory, why, unread);
  if (current != 2) {
    LOGCASK_TRY(store_manifest(directory, *best));
    repaired = true;
  }
  return best;
}

Status store_first_manifest(Directory& directory, const Manifest& manifest) {
  const std::string bytes = encode_manifest(manifest);
  const NamedContent copies[] = {{kManifestNames[0], bytes}, {kManifestNames[1], bytes}};
  return replace_files(directory, copies);
}

Status store_manifest(Directory& directory, const Manifest& manifest) {
  const std::string bytes = encode_manifest(manifest);
  for (const char* name : kManifestNames) LOGCASK_TRY(replace_file(directory, name, bytes));
  return {};
}

}  // namespace logcask
