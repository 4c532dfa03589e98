// verify: does a data directory hold what it promises; --repair mends manifests.
#include <algorithm>
#include <filesystem>
#include <memory>

#include "base/json_writer.h"
#include "base/types.h"
#include "broker/data_directory.h"
#include "cli/common.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/manifest_heal.h"
#include "cli/manifest_rebuild.h"
#include "cli/output.h"
#include "cli/partition_check.h"
#include "cli/progress.h"
#include "cli/read_lock.h"
#include "cli/units.h"
#include "cli/verbs.h"
#include "segment/filename.h"
#include "segment/posix_file.h"

namespace logcask::cli {
namespace {

struct VerifyArgs {
  std::string format;
  std::string directory;
  bool repair = false;
};

// TOPIC-PARTITION.ID with 32 hexadecimal digits.
bool is_partition_name(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  TopicId id;
  return dot != std::string::npos && TopicId::from_hex(std::string_view(name).substr(dot + 1), id) &&
         name.rfind('-', dot) != std::string::npos;
}

bool is_partition(Directory& directory) {
  auto entries = directory.list();
  return entries.ok() && std::any_of(entries->begin(), entries->end(), [](const Directory::Entry& entry) {
           const auto parsed = parse_segment_filename(entry.name);
           return (parsed && parsed->file == SegmentFile::log) || entry.name == kManifestNames[0] ||
                  entry.name == kManifestNames[1];
         });
}

const char* kind_text(Finding::Kind kind) {
  switch (kind) {
    case Finding::Kind::note:
      return "note";
    case Finding::Kind::manifest:
      return "manifest";
    case Finding::Kind::damage:
      return "damage";
    case Finding::Kind::unread:
      return "unread";
  }
  return "damage";
}

class Verification {
 public:
  explicit Verification(const VerifyArgs& args) : args_(args), progress_("verified") {}

  Result<int> run() {
    LOGCASK_ASSIGN(std::shared_ptr<Directory> root, open_posix_directory(args_.directory));
    if (is_partition(*root)) {
      // The broker's lock stands one level higher.
      const auto path = std::filesystem::absolute(args_.directory).lexically_normal();
      const auto parent = (path.has_filename() ? path : path.parent_path()).parent_path();
      LOGCASK_ASSIGN(std::shared_ptr<Directory> data, open_posix_directory(parent.string()));
      LOGCASK_ASSIGN(const auto lock, lock_data(*data));
      LOGCASK_TRY(one(root, std::filesystem::path(root->path()).filename().string()));
      return finish();
    }
    LOGCASK_ASSIGN(const auto lock, lock_data(*root));
    // Partitions that were copied elsewhere have no broker's files beside them.
    if (lock) broker_files(*root);
    LOGCASK_ASSIGN(const auto entries, root->list());
    for (const auto& entry : entries) {
      if (!entry.is_directory || !is_partition_name(entry.name)) continue;
      if (interrupted()) return Error{Errc::cancelled, "interrupted before everything was read"};
      LOGCASK_ASSIGN(std::shared_ptr<Directory> partition, root->open_directory(entry.name));
      LOGCASK_ASSIGN(const auto files, partition->list());
      const bool deleted =
          std::any_of(files.begin(), files.end(), [](const auto& f) { return f.name == kDataDeletedName; });
      if (deleted) continue;  // of a deleted topic; the next start removes it
      LOGCASK_TRY(one(std::move(partition), entry.name));
      if (!out_.flush_if_large()) break;
    }
    if (partitions_ == 0)
      return Error{Errc::not_found,
                   args_.directory + ": no partition in it; give a broker's data directory or a partition's"};
    return finish();
  }

 private:
  // A running broker changes files while they are read. A directory without a lock file has never had one.
  Result<std::unique_ptr<DirectoryLock>> lock_data(Directory& data) {
    LOGCASK_ASSIGN(const auto entries, data.list());
    const bool has_lock =
        std::any_of(entries.begin(), entries.end(), [](const auto& e) { return e.name == kDataLockName; });
    if (!has_lock) return std::unique_ptr<DirectoryLock>();
    if (!args_.repair) return lock_for_reading(data.path(), kDataLockName);
    auto lock = data.lock(kDataLockName);
    if (!lock.ok() && lock.code() == Errc::in_use)
      return Error{Errc::in_use,
                   lock.error().message + "; verify reads a data directory that no broker uses: stop it first"};
    return lock;
  }

  void broker_files(Directory& root) {
    for (const Error& error : DataDirectory::check(root)) {
      damaged_ = true;
      if (args_.format == "json") {
        JsonWriter(out_.buffer()).begin().field("data_directory", root.path()).field("damage", error.message).end();
        out_.buffer() += '\n';
      } else {
        out_.buffer() += "DAMAGED: " + error.message + "\n";
      }
    }
  }

  Status one(std::shared_ptr<Directory> directory, const std::string& name) {
    std::optional<PartitionIdentity> owner;
    if (const auto entry = DataDirectory::parse_partition_directory_name(name))
      owner = PartitionIdentity{entry->topic_id, entry->partition};
    LOGCASK_ASSIGN(auto check, check_partition(directory, name, owner));
    ++partitions_;
    bytes_ += check.bytes;
    progress_.update(bytes_, 0, "bytes");
    std::string mended;
    if (args_.repair && check.has(Finding::Kind::manifest) && !check.has(Finding::Kind::unread)) {
      LOGCASK_ASSIGN(mended, mend(directory, check, owner));
      LOGCASK_ASSIGN(auto again, check_partition(directory, name, owner));
      std::swap(check, again);
    }
    unread_ |= check.has(Finding::Kind::unread);
    damaged_ |= check.has(Finding::Kind::damage) || check.has(Finding::Kind::manifest);
    lost_ |= check.has(Finding::Kind::damage);
    mendable_ |= check.has(Finding::Kind::manifest);
    append(check, mended);
    return {};
  }

  Result<std::string> mend(const std::shared_ptr<Directory>& directory, const PartitionCheck& check,
                           const std::optional<PartitionIdentity>& owner) {
    if (check.manifest) {
      Manifest manifest = *check.manifest;
      LOGCASK_TRY(forget_healed(directory, check, manifest));
      ++manifest.generation;
      LOGCASK_TRY(store_manifest(*directory, manifest));
      return std::string("wrote both copies of the manifest again");
    }
    LOGCASK_ASSIGN(const auto report, rebuild_manifest(directory, owner));
    std::string text =
        "rebuilt the manifest from " + std::to_string(report.manifest.segments.size()) + " closed segments";
    for (const auto& name : report.set_aside) text += ", set aside " + name;
    text += ", log start " + std::to_string(report.manifest.log_start_offset.value()) + " " + report.log_start_proof;
    return text;
  }

  void append(const PartitionCheck& check, const std::string& mended) {
    std::string& out = out_.buffer();
    if (args_.format == "json") {
      JsonWriter json(out);
      json.begin().field("partition", check.name).field("segments", check.segments).field("records", check.records);
      json.field("bytes", check.bytes).field("repaired", mended).name("findings").begin_list();
      for (const auto& f : check.findings)
        json.begin().field("kind", kind_text(f.kind)).field("file", f.file).field("what", f.what).end();
      json.end_list().end();
      out += '\n';
      return;
    }
    const bool bad = check.has(Finding::Kind::damage) || check.has(Finding::Kind::manifest);
    const bool unread = check.has(Finding::Kind::unread);
    out += check.name + ": " +
           (bad      ? "DAMAGED"
            : unread ? "NOT READ"
                     : "ok") +
           ", " + std::to_string(check.segments) + " segments, " + std::to_string(check.records) + " records, " +
           bytes_text(check.bytes) + "\n";
    if (!mended.empty()) out += "  repaired: " + mended + "\n";
    for (const auto& f : check.findings)
      out += std::string("  ") + kind_text(f.kind) + ": " + f.file + ": " + f.what + "\n";
  }

  int finish() {
    if (mendable_) print_error("manifests are made again by 'logcask verify --repair'");
    if (lost_)
      print_error(
          "damaged logs: restore the files from a backup and see with --repair that they heal, or start without them: "
          "a log without its .sync keeps its partition offline, what is in the damaged ranges answers corrupt_range "
          "and "
          "is not compacted, everything else is served");
    if (unread_) {
      print_error(
          "what cannot be read is not damaged, and nothing is made in its place: see to its owner and mode, then "
          "verify "
          "again");
      return out_.finish(damaged_ ? kExitDamaged : kExitFailed);
    }
    return out_.finish(damaged_ ? kExitDamaged : kExitOk);
  }

  const VerifyArgs& args_;
  Progress progress_;
  Output out_;
  std::uint64_t partitions_ = 0;
  std::uint64_t bytes_ = 0;
  bool unread_ = false;
  bool damaged_ = false;
  bool lost_ = false;
  bool mendable_ = false;
};

int verify(const VerifyArgs& args) {
  LOGCASK_CLI_ASSIGN(const int code, Verification(args).run());
  return code;
}

}  // namespace

Verb verify_verb() {
  auto args = std::make_shared<VerifyArgs>();
  Verb verb;
  verb.path = "verify";
  verb.summary = "Reads a whole data directory with no broker running and says what is damaged, by file and position.";
  verb.details =
      "Checks every batch's checksum, every file's digest, offsets, manifests, hints and indexes. With --repair it "
      "writes a "
      "lost or damaged manifest again (from the logs, if need be) and forgets damage that a restored file has healed; "
      "it "
      "never deletes or cuts a log. Without it nothing is written: a backup may be mounted read-only.";
  verb.positional("DIR", "a broker's data directory, or one partition's", &args->directory);
  verb.flag("--repair", "", "mend manifests", &args->repair);
  add_output_flag(verb, &args->format);
  verb.exits = {kExitDamaged};
  verb.examples = {{"logcask verify /var/lib/logcask", "exit code 0: everything holds"},
                   {"logcask verify data/prices-0.* --repair", "one partition"}};
  verb.looks_for_interrupts = true;
  verb.run = [args] { return verify(*args); };
  return verb;
}

}  // namespace logcask::cli
