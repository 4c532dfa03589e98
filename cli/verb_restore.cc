// restore: topics of a backup, made anew in a data directory whose broker is stopped.
#include <algorithm>
#include <memory>

#include "base/json_writer.h"
#include "broker/topics/topic_name.h"
#include "cli/backup_directory.h"
#include "cli/common.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/read_lock.h"
#include "cli/restore_target.h"
#include "cli/restored_groups.h"
#include "cli/topic_restore.h"
#include "cli/units.h"
#include "cli/verbs.h"
#include "segment/posix_file.h"

namespace logcask::cli {
namespace {

struct RestoreArgs {
  std::string format;
  std::string directory;
  std::string data;
  std::vector<std::string> topics;
  std::optional<std::string> as;
  std::optional<bool> groups;
};

class RestoreRun {
 public:
  explicit RestoreRun(const RestoreArgs& args) : args_(args), progress_("restored") {}

  Result<int> run() {
    if (args_.as && args_.topics.size() != 1)
      return Error{Errc::invalid_argument, "--as names one topic: say which with one --topic"};
    LOGCASK_ASSIGN(backup_, open_posix_directory(args_.directory));
    // It may be mounted read-only.
    auto lock = lock_for_reading(backup_->path(), kBackupLockName);
    if (lock.code() == Errc::in_use)
      return Error{Errc::in_use,
                   backup_->path() + " is being written to by 'logcask backup'; wait until that has ended"};
    if (!lock.ok()) return std::move(lock).error();
    LOGCASK_TRY(read());
    LOGCASK_TRY(choose());
    for (TopicRestore& topic : topics_) LOGCASK_TRY(topic.check());
    LOGCASK_TRY(check_groups());
    LOGCASK_ASSIGN(const auto target, RestoreTarget::open(args_.data));
    for (const TopicRestore& topic : topics_) LOGCASK_TRY(target->check_new(topic.record().name));
    for (TopicRestore& topic : topics_) LOGCASK_TRY(topic.write(*target));
    for (TopicRestore& topic : topics_) LOGCASK_TRY(topic.publish(*target));
    if (groups_) {
      auto restored = restore_group_offsets(*backup_, *groups_, topics_, *target);
      if (!restored.ok())
        return std::move(restored).error().in("the topics are there, but not every offset of consumer groups");
      commits_ = *restored;
    }
    LOGCASK_TRY(target->close());
    return tell();
  }

 private:
  Status read() {
    LOGCASK_ASSIGN(auto contents, read_backup(*backup_));
    if (!contents)
      return Error{Errc::not_found, backup_->path() + " has no file " + kBackupName +
                                        ": no backup has been completed in it; run 'logcask backup' on it again"};
    contents_ = std::move(*contents);
    return {};
  }

  Status choose() {
    for (const std::string& name : args_.topics) {
      const auto named = [&](const BackupTopic& topic) { return topic.name == name; };
      if (is_internal_topic(name) || std::none_of(contents_.topics.begin(), contents_.topics.end(), named))
        return Error{Errc::unknown_topic, "the backup holds no topic '" + name + "'"};
    }
    for (const BackupTopic& topic : contents_.topics) {
      const bool named = std::find(args_.topics.begin(), args_.topics.end(), topic.name) != args_.topics.end();
      if (is_internal_topic(topic.name) || (!args_.topics.empty() && !named)) continue;
      topics_.emplace_back(*backup_, topic, args_.as.value_or(topic.name),
                           [this](std::uint64_t bytes) { progress_.update(told_bytes_ += bytes, 0, "bytes"); });
    }
    return {};
  }

  Status check_groups() {
    if (!args_.groups.value_or(args_.topics.empty())) return {};
    for (const BackupTopic& topic : contents_.topics)
      if (topic.name == kOffsetsTopic) groups_ = &topic;
    if (!groups_) {
      if (args_.groups && !contents_.whole)
        return Error{Errc::not_found,
                     "the backup holds no offsets of consumer groups; 'logcask backup --all' keeps them"};
      return {};
    }
    return TopicRestore(*backup_, *groups_, groups_->name, [](std::uint64_t) {}).check();
  }

  Result<int> tell() const {
    std::uint64_t partitions = 0;
    std::uint64_t bytes = 0;
    for (const TopicRestore& topic : topics_) {
      partitions += topic.record().partitions;
      bytes += topic.bytes();
    }
    Output out;
    if (args_.format == "json") {
      JsonWriter(out.buffer())
          .begin()
          .field("data_directory", args_.data)
          .field("topics", topics_.size())
          .field("partitions", partitions)
          .field("bytes", bytes)
          .field("group_offsets", commits_)
          .end();
      out.buffer() += '\n';
    } else {
      out.buffer() += "restored " + std::to_string(topics_.size()) + " topics with " + std::to_string(partitions) +
                      " partitions, " + bytes_text(bytes) + ", and " + std::to_string(commits_) +
                      " offsets of consumer groups; as of " + timestamp_text(contents_.taken) + "\n";
    }
    return out.finish();
  }

  const RestoreArgs& args_;
  Progress progress_;
  std::unique_ptr<Directory> backup_;
  BackupContents contents_;
  std::vector<TopicRestore> topics_;
  const BackupTopic* groups_ = nullptr;  // of contents_; null: not asked for, or there are none
  std::uint64_t told_bytes_ = 0;
  std::size_t commits_ = 0;
};

int restore(const RestoreArgs& args) {
  const auto code = RestoreRun(args).run();
  if (code.ok()) return *code;
  const int failed = fail(code.error());
  return interrupted() ? static_cast<int>(kExitInterrupted) : failed;
}

}  // namespace

Verb restore_verb() {
  auto args = std::make_shared<RestoreArgs>();
  Verb verb;
  verb.path = "restore";
  verb.summary = "Makes the topics of a backup in a data directory.";
  verb.details =
      "The data directory is a new one, or one whose broker is stopped. Every file of the backup is read and checked "
      "before "
      "anything is written, no topic that is there is touched, and a topic is there as a whole or not at all. It is a "
      "new topic: "
      "whoever comes with positions, resume tokens or offsets to compare with that the copy does not hold is told so, "
      "and "
      "producers begin anew. Without --topic everything is restored, and with it the offsets of consumer groups. See "
      "docs/BACKUP.md.";
  verb.positional("DIR", "where the backup is", &args->directory);
  verb.flag("--data-dir", "DIR", "the data directory; made when missing", &args->data).required = true;
  verb.flag("--topic", "NAME", "only this topic (several times for several)", &args->topics);
  verb.flag("--as", "NAME", "the name of the one topic from now on", &args->as);
  verb.flag("--groups", "", "the offsets that consumer groups have committed for these topics, too", &args->groups);
  add_output_flag(verb, &args->format);
  verb.exits = {kExitTryAgain, kExitDamaged, kExitInterrupted};
  verb.looks_for_interrupts = true;
  verb.examples = {{"logcask restore /backup/logcask --data-dir data", "everything, into a new data directory"},
                   {"logcask restore prices.backup --data-dir data --topic prices --as prices-of-monday",
                    "beside the topic that is there"}};
  verb.run = [args] { return restore(*args); };
  return verb;
}

}  // namespace logcask::cli
