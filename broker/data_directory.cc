#include "broker/data_directory.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/crc32c.h"
#include "base/mutant.h"
#include "base/random.h"
#include "partition/reserved_directory.h"

namespace logcask {
namespace {

constexpr const char* kFormatName = "FORMAT";
constexpr const char* kClusterIdName = "cluster.id";
constexpr const char* kSecretName = "hash.secret";
constexpr const char* kStateName = "state";
constexpr std::uint64_t kSmallFileBytes = 4096;
constexpr std::size_t kStateBytes = 128;
constexpr int kRemovalAttempts = 3;
// Manifests, log and .sync.
constexpr std::uint64_t kNewPartitionBytes = 128u << 10;
constexpr std::uint64_t kNewPartitionFiles = 8;

bool expected_before_format(const std::string& name) {
  for (const char* own : {kDataLockName, kClusterIdName, kSecretName, kStateName, "lost+found"})
    if (name == own) return true;
  return name.ends_with(kTemporarySuffix);
}

std::string random_hex_id() {
  TopicId id;
  secure_random_bytes(id.bytes.data(), id.bytes.size());
  return id.to_hex();
}

// The id and, because nothing else would tell a damaged digit, its CRC-32C.
std::string cluster_id_line(const std::string& id) {
  char digits[8];
  const auto [end, failure] = std::to_chars(std::begin(digits), std::end(digits), crc32c(id), 16);
  const std::string crc(digits, end);
  return id + " " + std::string(8 - crc.size(), '0') + crc + "\n";
}

// Without a checksum: written by hand.
bool parse_cluster_id(const std::string& text, std::string& id) {
  TopicId parsed;
  id = text.substr(0, 32);
  const bool complete = text == cluster_id_line(id) || text + "\n" == cluster_id_line(id);
  return TopicId::from_hex(id, parsed) && (complete || text == id || text == id + "\n");
}

Status check_format(const std::string& path, const std::string& text) {
  int version = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (failure != std::errc() || version < 1)
    return Error{Errc::corrupt_file, path + "/FORMAT does not hold a version; restore it from a backup"};
  if (version > kDataFormatVersion)
    return Error{Errc::unsupported_version, path + " was written by a newer logcask (format " +
                                                std::to_string(version) + "; this build knows " +
                                                std::to_string(kDataFormatVersion) + "); use that version"};
  return {};
}

Status check_secret(const std::string& path, const std::string& bytes) {
  constexpr std::size_t kSize = sizeof(KeyHasher::Secret);
  if (bytes.size() == kSize) return {};
  return Error{Errc::corrupt_file, path + "/hash.secret is not " + std::to_string(kSize) +
                                       " bytes; restore it, or remove it to have every hint rebuilt"};
}

Status check_cluster_id(const std::string& path, const std::string& text) {
  std::string id;
  if (parse_cluster_id(text, id)) return {};
  return Error{Errc::corrupt_file, path +
                                       "/cluster.id is damaged; restore it from a backup, or write the 32 hex "
                                       "digits of the id into it"};
}

// "orders-3.00112233445566778899aabbccddeeff"
bool parse_partition_name(const std::string& name, DataDirectory::PartitionEntry& entry) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string::npos || !TopicId::from_hex(std::string_view(name).substr(dot + 1), entry.topic_id))
    return false;
  const std::size_t dash = name.rfind('-', dot);
  if (dash == std::string::npos || dash == 0) return false;
  std::int32_t number = 0;
  const auto [end, failure] = std::from_chars(name.data() + dash + 1, name.data() + dot, number);
  if (failure != std::errc() || end != name.data() + dot || number < 0) return false;
  entry.directory_name = name;
  entry.topic = name.substr(0, dash);
  entry.partition = PartitionId(number);
  return true;
}

// The marker goes last: a crash in between leaves garbage that still says so.
Status remove_files(Directory& directory) {
  const auto unlink = [&](const std::string& name) -> Status {
    Status gone = directory.unlink(name);
    return gone.code() == Errc::not_found ? Status() : gone;
  };
  LOGCASK_ASSIGN(const auto files, directory.list());
  for (const auto& file : files)
    if (file.name != kDataDeletedName || mutant(Mutant::deletion_marker_not_last)) LOGCASK_TRY(unlink(file.name));
  LOGCASK_TRY(directory.sync());
  return unlink(kDataDeletedName);
}

bool holds(const std::vector<Directory::Entry>& entries, std::string_view name) {
  return std::any_of(entries.begin(), entries.end(), [name](const auto& entry) { return entry.name == name; });
}

}  // namespace

DataDirectory::DataDirectory(std::shared_ptr<Directory> root, std::unique_ptr<DirectoryLock> lock,
                             std::int64_t reserve_bytes)
    : root_(std::move(root)), lock_(std::move(lock)), reserve_(std::make_shared<DiskReserve>(root_, reserve_bytes)) {}

Result<std::unique_ptr<DataDirectory>> DataDirectory::open(std::shared_ptr<Directory> root, const std::string& boot_id,
                                                           std::int64_t reserve_bytes) {
  LOGCASK_ASSIGN(auto lock, root->lock(kDataLockName));
  std::unique_ptr<DataDirectory> directory(new DataDirectory(std::move(root), std::move(lock), reserve_bytes));
  directory->boot_id_ = boot_id;
  LOGCASK_TRY(directory->check_or_create_format());
  LOGCASK_TRY(directory->raise_format());
  LOGCASK_TRY(directory->load_state());
  return directory;
}

Status DataDirectory::check_or_create_format() {
  auto text = read_file(*root_, kFormatName, kSmallFileBytes);
  if (text.ok()) {
    LOGCASK_TRY(check_format(root_->path(), *text));
    return load_identity();
  }
  if (text.code() != Errc::not_found) return std::move(text).error();
  LOGCASK_ASSIGN(const auto entries, root_->list());
  for (const auto& entry : entries)
    if (!expected_before_format(entry.name))
      return Error{Errc::invalid_argument,
                   root_->path() + " holds '" + entry.name +
                       "' but no file FORMAT: it is not a data directory, or has lost that file; give an empty or a "
                       "new one, or restore FORMAT from a backup"};
  facts_.first_start = true;
  LOGCASK_TRY(load_identity());
  // Last, so that a directory with FORMAT has everything else.
  return replace_file(*root_, kFormatName, std::to_string(kDataFormatVersion) + "\n");
}

// In place, one byte that cannot tear: a full disk has no room for a second file. Everything of the older format is
// read, and what is made from now on is of the newer one.
Status DataDirectory::raise_format() {
  const std::string line = std::to_string(kDataFormatVersion) + "\n";
  LOGCASK_ASSIGN(const auto text, read_file(*root_, kFormatName, kSmallFileBytes));
  if (text == line) return {};
  LOGCASK_ASSIGN(const auto file, root_->open(kFormatName, OpenMode::read_write));
  LOGCASK_TRY(file->write_at(0, line));
  LOGCASK_TRY(file->sync_data());
  notes_.push_back("the data directory is brought from format " + text.substr(0, text.find('\n')) + " to " +
                   std::to_string(kDataFormatVersion) + "; older versions refuse it from now on");
  return {};
}

Status DataDirectory::load_identity() {
  std::vector<NamedContent> made;
  auto secret = read_file(*root_, kSecretName, kSmallFileBytes);
  if (secret.ok()) {
    LOGCASK_TRY(check_secret(root_->path(), *secret));
    std::memcpy(secret_.data(), secret->data(), secret_.size());
  } else if (secret.code() == Errc::not_found) {
    if (!facts_.first_start)
      notes_.push_back("hash.secret was missing; a new one was made and every hint will be rebuilt");
    secure_random_bytes(secret_.data(), secret_.size());
    made.push_back({kSecretName, std::string(reinterpret_cast<const char*>(secret_.data()), secret_.size())});
  } else {
    return std::move(secret).error();
  }
  auto cluster = read_file(*root_, kClusterIdName, kSmallFileBytes);
  if (cluster.ok()) {
    LOGCASK_TRY(check_cluster_id(root_->path(), *cluster));
    parse_cluster_id(*cluster, cluster_id_);
  } else if (cluster.code() == Errc::not_found) {
    if (!facts_.first_start) notes_.push_back("cluster.id was missing; a new id was made");
    cluster_id_ = random_hex_id();
    made.push_back({kClusterIdName, cluster_id_line(cluster_id_)});
  } else {
    return std::move(cluster).error();
  }
  // With them, because each sync of the directory counts before the first answer.
  if (facts_.first_start) made.push_back({kStateName, state_line(false)});
  return made.empty() ? Status() : replace_files(*root_, made);
}

std::optional<DataDirectory::PartitionEntry> DataDirectory::parse_partition_directory_name(const std::string& name) {
  PartitionEntry entry;
  return parse_partition_name(name, entry) ? std::optional(std::move(entry)) : std::nullopt;
}

std::vector<Error> DataDirectory::check(Directory& root) {
  using Check = Status (*)(const std::string& path, const std::string& content);
  constexpr std::pair<const char*, Check> kChecks[] = {
      {kFormatName, check_format}, {kSecretName, check_secret}, {kClusterIdName, check_cluster_id}};
  std::vector<Error> refused;
  for (const auto& [name, check] : kChecks) {
    const auto content = read_file(root, name, kSmallFileBytes);
    // The secret and the id are made anew when they are missing.
    if (content.code() == Errc::not_found && std::string_view(name) != kFormatName) continue;
    auto checked = content.ok() ? check(root.path(), *content) : Status(content.error());
    if (!checked.ok()) refused.push_back(std::move(checked).error());
  }
  return refused;
}

Status DataDirectory::load_state() {
  if (facts_.first_start) return {};
  auto text = read_file(*root_, kStateName, kSmallFileBytes);
  if (text.ok()) {
    facts_.clean_stop = text->starts_with("clean ");
    facts_.same_boot = !boot_id_.empty() && text->find("boot " + boot_id_ + "\n") != std::string::npos;
  } else if (text.code() != Errc::not_found) {
    return std::move(text).error();
  }
  // A start that is killed before every partition has been recovered must not hide the reset from the next one.
  return machine_reset() || mutant(Mutant::clean_mark_survives) ? Status() : set_recovered();
}

std::string DataDirectory::state_line(bool clean) const {
  std::string content = (clean ? "clean boot " : "running boot ") + boot_id_ + "\n";
  content.resize(std::max(content.size(), kStateBytes), '\n');
  return content;
}

Status DataDirectory::set_recovered() { return write_state(false); }

// In place, because a full disk has no room for a second file. Torn bytes do no harm: nothing has been done yet when
// the mark of a clean stop goes, all has been done when it comes, and a boot id counts only if it is whole.
Status DataDirectory::write_state(bool clean) {
  const std::string content = state_line(clean);
  const auto file = root_->open(kStateName, OpenMode::read_write);
  if (const auto size = file.ok() ? (*file)->size() : 0; size.ok() && *size == content.size()) {
    LOGCASK_TRY((*file)->write_at(0, content));
    return (*file)->sync_data();
  }
  const Status replaced = replace_file(*root_, kStateName, content);
  if (clean || replaced.code() != Errc::storage_full) return replaced;
  // Without the file, what this run leaves behind is taken for what a reset machine left: the cautious reading.
  notes_.push_back("the disk is full: the next start recovers as after a reset of the machine");
  for (const std::string& name : {std::string(kStateName), kStateName + std::string(kTemporarySuffix)})
    if (const Status gone = root_->unlink(name); !gone.ok() && gone.code() != Errc::not_found) return gone;
  return root_->sync();
}

Status DataDirectory::set_clean() { return write_state(true); }

std::string DataDirectory::partition_directory_name(std::string_view topic, PartitionId partition, const TopicId& id) {
  return std::string(topic) + "-" + std::to_string(partition.value()) + "." + id.to_hex();
}

Result<std::vector<DataDirectory::PartitionEntry>> DataDirectory::list_partitions() {
  LOGCASK_ASSIGN(const auto entries, root_->list());
  std::vector<PartitionEntry> partitions;
  for (const auto& entry : entries) {
    if (!entry.is_directory || entry.name == "lost+found") continue;
    PartitionEntry partition;
    if (!parse_partition_name(entry.name, partition)) {
      notes_.push_back("directory '" + entry.name + "' is not a partition; it is left alone");
      continue;
    }
    // One that cannot be looked into keeps no other from being opened; open_partition() looks for the marker again.
    const auto marked = carries_marker(entry.name);
    if (!marked.ok())
      notes_.push_back("directory '" + entry.name + "' cannot be looked into: " + marked.error().message);
    partition.deletion_marked = marked.ok() && *marked;
    partitions.push_back(std::move(partition));
  }
  return partitions;
}

Result<std::unique_ptr<Directory>> DataDirectory::create_partition(const std::string& directory_name) {
  LOGCASK_TRY(check_room_for_partition());
  LOGCASK_ASSIGN(auto directory, root_->create_directory(directory_name));
  LOGCASK_TRY(root_->sync());
  return reserved(directory_name, std::move(directory));
}

Result<std::unique_ptr<Directory>> DataDirectory::open_partition(const std::string& directory_name) {
  LOGCASK_ASSIGN(auto directory, root_->open_directory(directory_name));
  LOGCASK_ASSIGN(const auto files, directory->list());
  if (holds(files, kDataDeletedName))
    return Error{Errc::partition_offline,
                 root_->path() + "/" + directory_name + " belongs to a deleted topic; the next start removes it"};
  return reserved(directory_name, std::move(directory));
}

// A new partition would have its first files from the reserve.
Status DataDirectory::check_room_for_partition() {
  if (reserve_->whole_files() == 0) return {};
  if (reserve_->is_short() && !reserve_->fill().ok()) return reserve_->refusal(root_->path());
  LOGCASK_ASSIGN(const DiskSpace space, root_->space());
  if (space.free_bytes >= kNewPartitionBytes && space.free_files >= kNewPartitionFiles) return {};
  return Error{Errc::storage_full,
               root_->path() + ": the disk is full: a new partition needs about " + std::to_string(kNewPartitionBytes) +
                   " bytes and " + std::to_string(kNewPartitionFiles) + " inodes, " + std::to_string(space.free_bytes) +
                   " bytes and " + std::to_string(space.free_files) + " inodes are free"};
}

std::unique_ptr<Directory> DataDirectory::reserved(const std::string& directory_name,
                                                   std::unique_ptr<Directory> plain) const {
  if (reserve_->whole_files() == 0) return plain;
  PartitionEntry entry;
  const bool metadata = parse_partition_name(directory_name, entry) && entry.topic == kDataMetadataTopic;
  return std::make_unique<ReservedDirectory>(
      std::move(plain), reserve_, metadata ? ReservedDirectory::Holds::metadata : ReservedDirectory::Holds::records);
}

Result<bool> DataDirectory::carries_marker(const std::string& directory_name) {
  LOGCASK_ASSIGN(const auto directory, root_->open_directory(directory_name));
  LOGCASK_ASSIGN(const auto files, directory->list());
  return holds(files, kDataDeletedName);
}

Status DataDirectory::mark_deleted(const std::string& directory_name) {
  auto directory = root_->open_directory(directory_name);
  if (directory.code() == Errc::not_found) return {};
  if (!directory.ok()) return std::move(directory).error();
  const auto with_reserve = reserved(directory_name, std::move(directory).value());
  return replace_file(*with_reserve, kDataDeletedName, "this partition's topic was deleted\n");
}

Status DataDirectory::unmark_deleted(const std::string& directory_name) {
  auto directory = root_->open_directory(directory_name);
  if (directory.code() == Errc::not_found) return {};
  if (!directory.ok()) return std::move(directory).error();
  const Status gone = (*directory)->unlink(kDataDeletedName);
  if (!gone.ok() && gone.code() != Errc::not_found) return gone;
  return (*directory)->sync();
}

Status DataDirectory::remove_partition(const std::string& directory_name) {
  auto opened = root_->open_directory(directory_name);
  if (opened.code() == Errc::not_found) return {};
  if (!opened.ok()) return std::move(opened).error();
  Directory& directory = **opened;
  LOGCASK_ASSIGN(const auto files, directory.list());
  if (!holds(files, kDataDeletedName))
    return Error{Errc::invalid_argument, directory_name + " carries no deletion marker and is kept"};
  // Readers that let go of old segments have their files removed meanwhile, and a late lookup may write an index anew.
  Status removed;
  for (int attempt = 0; attempt < kRemovalAttempts; ++attempt) {
    LOGCASK_TRY(remove_files(directory));
    removed = root_->remove_directory(directory_name);
    if (removed.ok()) return root_->sync();
    LOGCASK_TRY(mark_deleted(directory_name));
  }
  return removed;
}

Status DataDirectory::discard_partition(const std::string& directory_name) {
  if (mark_deleted(directory_name).ok()) return remove_partition(directory_name);
  return remove_unmarked_partition(directory_name);
}

Status DataDirectory::remove_unmarked_partition(const std::string& directory_name) {
  LOGCASK_ASSIGN(const auto directory, root_->open_directory(directory_name));
  LOGCASK_ASSIGN(const auto files, directory->list());
  // The manifests last: without logs beside them they are a partition that holds nothing, logs without them a riddle.
  for (const auto& file : files) {
    if (file.name.starts_with("manifest.")) continue;
    if (Status gone = directory->unlink(file.name); !gone.ok() && gone.code() != Errc::not_found) return gone;
  }
  LOGCASK_TRY(directory->sync());
  LOGCASK_TRY(remove_files(*directory));
  LOGCASK_TRY(root_->remove_directory(directory_name));
  return root_->sync();
}

}  // namespace logcask
