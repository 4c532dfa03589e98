#include "cli/backup_directory.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <string_view>

#include "base/crc32c.h"
#include "base/mutant.h"
#include "broker/data_directory.h"
#include "broker/topics/topic_name.h"
#include "segment/digest.h"
#include "segment/filename.h"

namespace logcask::cli {
namespace {

constexpr std::string_view kFirstLine = "logcask backup 1";
constexpr std::string_view kFirstWords = "logcask backup ";
constexpr std::string_view kLogEnding = ".log";
constexpr std::string_view kManifestEnding = ".manifest";
constexpr std::uint64_t kBackupFileBytes = 256u << 20;
constexpr std::uint64_t kBackupManifestBytes = 1u << 30;
constexpr std::size_t kReadBytes = 1u << 20;

std::string hex_of(std::uint64_t number, int digits) {
  std::string text(static_cast<std::size_t>(digits), '0');
  for (auto at = text.rbegin(); at != text.rend(); ++at, number >>= 4) *at = "0123456789abcdef"[number & 15];
  return text;
}

template <class Number>
bool parse_whole(std::string_view text, Number& out, int base = 10) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return !text.empty() && parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

// Lower-case digits, exactly 16 of them.
std::optional<std::uint64_t> parse_digest(std::string_view text) {
  std::uint64_t digest = 0;
  if (text.size() != 16 || !parse_whole(text, digest, 16) || text != hex_of(digest, 16)) return std::nullopt;
  return digest;
}

// Takes what stands before the next space, or all.
std::string_view word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view taken = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return taken;
}

class BackupParser {
 public:
  Result<BackupContents> parse(std::string_view text) {
    if (!text.starts_with(kFirstWords))
      return Error{Errc::corrupt_file, "it does not begin with '" + std::string(kFirstLine) + "'"};
    const std::string_view first = text.substr(0, text.find('\n'));
    if (first != kFirstLine)
      return Error{Errc::unsupported_version,
                   "it is of a newer version ('" + std::string(first.substr(0, 40)) + "'); use a newer logcask"};
    LOGCASK_TRY(check_crc(text));
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      if (!take(line))
        return Error{Errc::corrupt_file, "it cannot be read at '" + std::string(line.substr(0, 80)) + "'"};
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    for (const BackupTopic& topic : contents_.topics)
      if (topic.partitions.empty()) return Error{Errc::corrupt_file, "topic '" + topic.name + "' has no partition"};
    return std::move(contents_);
  }

 private:
  // "crc HEX" is the last line; the lines before it are what it counts.
  static Status check_crc(std::string_view& text) {
    const std::size_t last = text.rfind("crc ");
    std::uint32_t crc = 0;
    if (last == std::string_view::npos || last == 0 || text[last - 1] != '\n' || text.back() != '\n' ||
        !parse_whole(text.substr(last + 4, text.size() - last - 5), crc, 16) || crc != crc32c(text.substr(0, last)))
      return Error{Errc::corrupt_file, "its checksum does not hold"};
    text = text.substr(0, last);
    return {};
  }

  bool take(std::string_view line) {
    const std::string_view kind = word(line);
    if (kind == "logcask") return true;
    if (kind == "cluster") return contents_.cluster_id = line, true;
    if (kind == "broker") return contents_.broker_version = line, true;
    if (kind == "taken") return number(line, contents_.taken);
    if (kind == "holds") return contents_.whole = line == "all", line == "all" || line == "topics";
    if (kind == "topic") return take_topic(line);
    if (contents_.topics.empty()) return false;
    if (kind == "set") return take_setting(line);
    return kind == "partition" && take_partition(line);
  }

  static bool number(std::string_view text, TimestampMs& out) {
    std::int64_t value = 0;
    if (!parse_whole(text, value)) return false;
    out = TimestampMs(value);
    return true;
  }

  bool take_topic(std::string_view line) {
    BackupTopic topic;
    topic.name = word(line);
    const auto same = [&](const BackupTopic& other) { return other.name == topic.name; };
    if (!check_topic_name(topic.name).ok() || std::any_of(contents_.topics.begin(), contents_.topics.end(), same) ||
        !TopicId::from_hex(word(line), topic.id) || !number(line, topic.created))
      return false;
    contents_.topics.push_back(std::move(topic));
    return true;
  }

  bool take_setting(std::string_view line) {
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return false;
    contents_.topics.back().settings.emplace(line.substr(0, equals), line.substr(equals + 1));
    return true;
  }

  bool take_partition(std::string_view line) {
    std::vector<BackupPartition>& partitions = contents_.topics.back().partitions;
    BackupPartition partition;
    std::size_t at = 0;
    std::int64_t end = 0;
    if (!parse_whole(word(line), at) || at != partitions.size()) return false;
    const auto digest = parse_digest(word(line));
    if (!digest || !parse_whole(word(line), end) || !parse_whole(line, partition.bytes)) return false;
    partition.manifest_digest = *digest;
    partition.end = Offset(end);
    partitions.push_back(partition);
    return true;
  }

  BackupContents contents_;
};

// The names that a backup gives, so that nothing else is ever removed.
bool is_ours(const std::string& name) {
  std::string_view plain(name);
  if (plain.ends_with(kTemporarySuffix)) plain.remove_suffix(kTemporarySuffix.size());
  const std::string stem(plain);
  return parse_backup_segment_name(stem) || is_backup_manifest_name(stem);
}

Status remove_unnamed_files(Directory& partition, const std::set<std::string>& named) {
  LOGCASK_ASSIGN(const auto files, partition.list());
  bool removed = false;
  for (const auto& file : files) {
    if (file.is_directory || named.contains(file.name) || !is_ours(file.name)) continue;
    LOGCASK_TRY(partition.unlink(file.name));
    removed = true;
  }
  return removed ? partition.sync() : Status();
}

Result<std::set<std::string>> files_of_partition(Directory& directory, const BackupPartition& partition) {
  std::set<std::string> names = {backup_manifest_name(partition.manifest_digest)};
  LOGCASK_ASSIGN(const Manifest manifest, read_backup_manifest(directory, partition.manifest_digest));
  for (const ManifestSegment& segment : manifest.segments) names.insert(backup_segment_name(segment.facts));
  return names;
}

}  // namespace

std::string encode_backup(const BackupContents& contents) {
  std::string text = std::string(kFirstLine) + "\n";
  text += "cluster " + contents.cluster_id + "\n";
  text += "broker " + contents.broker_version + "\n";
  text += "taken " + std::to_string(contents.taken.value()) + "\n";
  text += std::string("holds ") + (contents.whole ? "all" : "topics") + "\n";
  for (const BackupTopic& topic : contents.topics) {
    text += "topic " + topic.name + " " + topic.id.to_hex() + " " + std::to_string(topic.created.value()) + "\n";
    for (const auto& [name, value] : topic.settings) text += "set " + name + "=" + value + "\n";
    for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
      const BackupPartition& partition = topic.partitions[i];
      text += "partition " + std::to_string(i) + " " + hex_of(partition.manifest_digest, 16) + " " +
              std::to_string(partition.end.value()) + " " + std::to_string(partition.bytes) + "\n";
    }
  }
  return text + "crc " + hex_of(crc32c(text), 8) + "\n";
}

Result<BackupContents> decode_backup(ByteView bytes) { return BackupParser().parse(bytes); }

Result<std::optional<BackupContents>> read_backup(Directory& directory) {
  const auto text = read_file(directory, kBackupName, kBackupFileBytes);
  if (text.code() == Errc::not_found) return std::optional<BackupContents>();
  if (!text.ok()) return text.error();
  auto contents = decode_backup(*text);
  if (!contents.ok()) return std::move(contents).error().in(directory.path() + "/" + kBackupName);
  return std::optional<BackupContents>(std::move(contents).value());
}

Status write_backup(Directory& directory, const BackupContents& contents) {
  return replace_file(directory, kBackupName, encode_backup(contents));
}

std::string backup_partition_name(const BackupTopic& topic, PartitionId partition) {
  return DataDirectory::partition_directory_name(topic.name, partition, topic.id);
}

std::string backup_segment_name(const SegmentFacts& facts) {
  std::string name = segment_filename(facts.name, SegmentFile::log);
  name.resize(name.size() - kLogEnding.size());
  return name + "." + hex_of(facts.digest, 16) + std::string(kLogEnding);
}

std::string backup_manifest_name(std::uint64_t digest) { return hex_of(digest, 16) + std::string(kManifestEnding); }

std::optional<BackupSegmentName> parse_backup_segment_name(const std::string& name) {
  constexpr std::size_t kEnding = 1 + 16 + 4;  // ".DIGEST.log"
  if (name.size() <= kEnding || name[name.size() - kEnding] != '.') return std::nullopt;
  const auto digest = parse_digest(std::string_view(name).substr(name.size() - kEnding + 1, 16));
  const auto parsed = parse_segment_filename(name.substr(0, name.size() - kEnding) + std::string(kLogEnding));
  if (!digest || !parsed || !name.ends_with(kLogEnding)) return std::nullopt;
  return BackupSegmentName{parsed->name, *digest};
}

bool is_backup_manifest_name(const std::string& name) {
  return name.size() == 16 + kManifestEnding.size() && name.ends_with(kManifestEnding) &&
         parse_digest(std::string_view(name).substr(0, 16));
}

Result<Manifest> read_backup_manifest(Directory& partition, std::uint64_t digest) {
  const std::string name = backup_manifest_name(digest);
  const std::string path = partition.path() + "/" + name;
  const auto bytes = read_file(partition, name, kBackupManifestBytes);
  if (bytes.code() == Errc::not_found) return Error{Errc::corrupt_file, path + " is missing"};
  if (!bytes.ok()) return bytes.error();
  if (xxh3_64(*bytes) != digest) return Error{Errc::corrupt_file, path + " is not what it was: its digest differs"};
  auto manifest = decode_manifest(*bytes);
  if (!manifest.ok()) return std::move(manifest).error().in(path);
  return manifest;
}

Status check_backup_segment(Directory& partition, const SegmentFacts& facts) {
  const std::string name = backup_segment_name(facts);
  const std::string path = partition.path() + "/" + name;
  auto file = partition.open(name, OpenMode::read);
  if (file.code() == Errc::not_found) return Error{Errc::corrupt_file, path + " is missing"};
  if (!file.ok()) return std::move(file).error();
  LOGCASK_ASSIGN(const std::uint64_t size, (*file)->size());
  if (size != facts.size_bytes)
    return Error{Errc::corrupt_file,
                 path + " has " + std::to_string(size) + " bytes, not " + std::to_string(facts.size_bytes)};
  Digest digest;
  std::string buffer(kReadBytes, '\0');
  for (std::uint64_t at = 0; at < size;) {
    LOGCASK_ASSIGN(const std::size_t got, (*file)->read_at(at, std::span(buffer.data(), buffer.size())));
    if (got == 0) break;
    digest.update(ByteView(buffer.data(), got));
    at += got;
  }
  if (digest.value() == facts.digest || mutant(Mutant::damaged_backup_restored)) return {};
  return Error{Errc::corrupt_file, path + " is not what it was: its digest differs"};
}

Status remove_unnamed(Directory& directory, const BackupContents& contents) {
  std::set<std::string> partitions;
  for (const BackupTopic& topic : contents.topics) {
    for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
      const std::string name = backup_partition_name(topic, PartitionId(static_cast<std::int32_t>(i)));
      LOGCASK_ASSIGN(const auto partition, directory.open_directory(name));
      LOGCASK_ASSIGN(const auto named, files_of_partition(*partition, topic.partitions[i]));
      LOGCASK_TRY(remove_unnamed_files(*partition, named));
      partitions.insert(name);
    }
  }
  LOGCASK_ASSIGN(const auto entries, directory.list());
  for (const auto& entry : entries) {
    if (!entry.is_directory || partitions.contains(entry.name) ||
        !DataDirectory::parse_partition_directory_name(entry.name))
      continue;
    LOGCASK_ASSIGN(const auto gone, directory.open_directory(entry.name));
    LOGCASK_TRY(remove_unnamed_files(*gone, {}));
    // One that holds something of somebody else's stays.
    (void)directory.remove_directory(entry.name);
  }
  return directory.sync();
}

}  // namespace logcask::cli
