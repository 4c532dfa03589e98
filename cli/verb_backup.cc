// backup: a copy of topics of a broker that runs, in a directory of this machine.
#include <algorithm>
#include <memory>

#include "base/clock.h"
#include "base/json_writer.h"
#include "broker/data_directory.h"
#include "broker/topics/topic_name.h"
#include "cli/backup_directory.h"
#include "cli/common.h"
#include "cli/connect.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/linked_segments.h"
#include "cli/output.h"
#include "cli/partition_copy.h"
#include "cli/progress.h"
#include "cli/units.h"
#include "cli/verbs.h"
#include "logcask/admin.h"
#include "segment/posix_file.h"

namespace logcask::cli {
namespace {

struct BackupArgs {
  std::string broker;
  std::string format;
  std::string directory;
  std::vector<std::string> topics;
  bool all = false;
  std::string link;
};

class BackupRun {
 public:
  explicit BackupRun(const BackupArgs& args) : args_(args), progress_("copied") {}

  Result<int> run() {
    if (args_.all != args_.topics.empty())
      return Error{Errc::invalid_argument, "say what to copy: --all, or --topic NAME as often as needed"};
    LOGCASK_ASSIGN(const auto client, connect(args_.broker));
    LOGCASK_ASSIGN(directory_, create_posix_directory(args_.directory));
    auto lock = directory_->lock(kBackupLockName);
    if (!lock.ok()) return std::move(lock).error().in("one backup or restore at a time");
    LOGCASK_TRY(check_directory());
    LOGCASK_ASSIGN(const auto before, read_before());
    contents_.cluster_id = client.broker().cluster_id;
    contents_.broker_version = client.broker().broker_version;
    contents_.taken = system_clock().wall_ms();
    contents_.whole = args_.all;
    if (!args_.link.empty()) LOGCASK_TRY(check_data_directory(args_.link, contents_.cluster_id));
    LOGCASK_ASSIGN(const auto topics, choose(client));
    if (before) LOGCASK_TRY(check_same_kind(*before));
    for (const client::TopicInfo& topic : topics) LOGCASK_TRY(copy_topic(client, topic));
    // From here on this is the backup; until here the one before is.
    LOGCASK_TRY(write_backup(*directory_, contents_));
    LOGCASK_TRY(remove_unnamed(*directory_, contents_));
    return tell();
  }

 private:
  // A directory of somebody else's files is not one to keep a backup in.
  Status check_directory() {
    LOGCASK_ASSIGN(const auto entries, directory_->list());
    for (const auto& entry : entries) {
      const bool ours = entry.is_directory
                            ? DataDirectory::parse_partition_directory_name(entry.name) || entry.name == "lost+found"
                            : entry.name == kBackupName || entry.name == kBackupLockName ||
                                  entry.name == kBackupName + std::string(kTemporarySuffix);
      if (!ours)
        return Error{Errc::invalid_argument, directory_->path() + " holds '" + entry.name +
                                                 "', which is no backup's; give an empty or a new directory"};
    }
    return {};
  }

  Result<std::optional<BackupContents>> read_before() {
    auto before = read_backup(*directory_);
    if (before.ok() || before.code() != Errc::corrupt_file) return before;
    return std::move(before).error().in(
        "the backup that is there is damaged, and is kept as it is: give another "
        "directory, or remove the file to begin anew with what it named");
  }

  // What the directory held before would go.
  Status check_same_kind(const BackupContents& before) const {
    const std::string where = directory_->path() + " is a backup of ";
    if (before.cluster_id != contents_.cluster_id)
      return Error{Errc::invalid_argument, where + "another data directory (cluster " + before.cluster_id +
                                               ", this one is " + contents_.cluster_id + "); give another directory"};
    if (before.whole != contents_.whole)
      return Error{Errc::invalid_argument, where + (before.whole ? "all topics" : "chosen topics") +
                                               "; give another directory, or ask for the same"};
    if (before.whole) return {};
    for (const BackupTopic& topic : before.topics)
      if (std::find(args_.topics.begin(), args_.topics.end(), topic.name) == args_.topics.end())
        return Error{Errc::invalid_argument,
                     where + "topic '" + topic.name + "', too, which would go; name it, or give another directory"};
    return {};
  }

  // Groups' offsets before the records they speak of, so that none lies beyond the copy.
  Result<std::vector<client::TopicInfo>> choose(const client::Client& client) const {
    client::Admin admin(client);
    LOGCASK_ASSIGN(const auto there, admin.list_topics(true));
    std::vector<client::TopicInfo> chosen;
    for (const client::TopicInfo& topic : there) {
      const bool named = std::find(args_.topics.begin(), args_.topics.end(), topic.name) != args_.topics.end();
      if (named && topic.internal)
        return Error{Errc::invalid_argument,
                     "topic '" + topic.name + "' is the broker's own; --all holds what it says"};
      if (named || (args_.all && topic.name != kMetadataTopic)) chosen.push_back(topic);
    }
    for (const std::string& name : args_.topics)
      if (std::none_of(chosen.begin(), chosen.end(), [&](const auto& topic) { return topic.name == name; }))
        return Error{Errc::unknown_topic, "there is no topic '" + name + "'"};
    std::stable_partition(chosen.begin(), chosen.end(), [](const auto& topic) { return topic.internal; });
    return chosen;
  }

  Status copy_topic(const client::Client& client, const client::TopicInfo& info) {
    BackupTopic topic;
    std::uint32_t partitions = info.partitions;
    for (std::uint32_t p = 0; p < partitions; ++p) {
      auto copy = copy_partition(client, *directory_, info.name, info.id, PartitionId(static_cast<std::int32_t>(p)),
                                 args_.link, [this](std::uint64_t bytes) {
                                   told_bytes_ += bytes;
                                   progress_.update(told_bytes_, 0, "bytes");
                                 });
      // One that was deleted meanwhile is not in a backup of all there are.
      if (args_.all && copy.code() == Errc::unknown_topic) return {};
      if (!copy.ok()) return std::move(copy).error().in(info.name + "-" + std::to_string(p));
      if (p == 0) topic = std::move(copy->topic);
      topic.partitions.push_back(copy->partition);
      partitions = std::max(partitions, copy->partitions);  // it may have been given more
      copied_bytes_ += copy->copied_bytes;
      copied_files_ += copy->copied_files;
      mended_files_ += copy->mended_files;
    }
    contents_.topics.push_back(std::move(topic));
    return {};
  }

  Result<int> tell() const {
    std::uint64_t partitions = 0;
    std::uint64_t bytes = 0;
    for (const BackupTopic& topic : contents_.topics)
      for (const BackupPartition& partition : topic.partitions) {
        ++partitions;
        bytes += partition.bytes;
      }
    Output out;
    if (args_.format == "json") {
      JsonWriter(out.buffer())
          .begin()
          .field("directory", directory_->path())
          .field("topics", contents_.topics.size())
          .field("partitions", partitions)
          .field("bytes", bytes)
          .field("copied_bytes", copied_bytes_)
          .field("copied_files", copied_files_)
          .field("mended_files", mended_files_)
          .end();
      out.buffer() += '\n';
    } else {
      out.buffer() += "backed up " + std::to_string(contents_.topics.size()) + " topics with " +
                      std::to_string(partitions) + " partitions, " + bytes_text(bytes) + ", of which " +
                      bytes_text(copied_bytes_) + " were new\n";
      if (mended_files_ > 0)
        out.buffer() +=
            std::to_string(mended_files_) + " files of the backup did not hold any more and were copied anew\n";
    }
    return out.finish();
  }

  const BackupArgs& args_;
  Progress progress_;
  std::unique_ptr<Directory> directory_;
  BackupContents contents_;
  std::uint64_t told_bytes_ = 0;
  std::uint64_t copied_bytes_ = 0;
  std::uint64_t copied_files_ = 0;
  std::uint64_t mended_files_ = 0;
};

int backup(const BackupArgs& args) {
  const auto code = BackupRun(args).run();
  if (code.ok()) return *code;
  const int failed = fail(code.error());
  return interrupted() ? static_cast<int>(kExitInterrupted) : failed;
}

}  // namespace

Verb backup_verb() {
  auto args = std::make_shared<BackupArgs>();
  Verb verb;
  verb.path = "backup";
  verb.summary = "Copies topics of a running broker into a directory.";
  verb.details =
      "Each partition is copied as it is at one instant, while it is written to and compacted: its active segment is "
      "closed "
      "first, and what is copied are whole files, each checked against its digest. Run again on the same directory, "
      "it copies only what is new and mends what has rotted. The backup that was there stays the backup until the new "
      "one "
      "is whole and on disk, so an interrupted run costs nothing but itself. --all holds the offsets of consumer "
      "groups, "
      "too. It goes over the wire, so the broker may run elsewhere; it writes nowhere but into its own partitions. See "
      "docs/BACKUP.md and 'logcask restore'.";
  verb.positional("DIR", "where the backup is or will be", &args->directory);
  verb.flag("--all", "", "every topic, and the offsets of consumer groups", &args->all);
  verb.flag("--topic", "NAME", "this topic (several times for several)", &args->topics);
  verb.flag("--link", "DATA_DIR",
            "hard links to the files of the broker's data directory, on this file system, instead of copies: quick and "
            "without room of their own, but no protection against the disk",
            &args->link);
  add_broker_flag(verb, &args->broker);
  add_output_flag(verb, &args->format);
  verb.exits = {kExitUnreachable, kExitTryAgain, kExitDamaged, kExitInterrupted};
  verb.looks_for_interrupts = true;
  verb.examples = {{"logcask backup /backup/logcask --all", "every day: what has come since is copied"},
                   {"logcask backup prices.backup --topic prices", "one topic"}};
  verb.run = [args] { return backup(*args); };
  return verb;
}

}  // namespace logcask::cli
