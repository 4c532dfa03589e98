// Damage to the files that are a broker's own: its data directory's and its metadata topic's. A start finds every
// topic, setting, id and record, or refuses and names the file. It never takes a topic for gone, and removes nothing.
//
// LOGCASK_DAMAGE_REPLAY=broker/file/kind/number runs one image; LOGCASK_DAMAGE_EVERY=n every nth.

#include <algorithm>
#include <ctime>
#include <iomanip>
#include <iostream>
#include <map>

#include "broker/data_directory.h"
#include "broker/threads/thread_executor.h"
#include "broker/topics/disk_partition_factory.h"
#include "broker/topics/internal_batch.h"
#include "broker/topics/local_metadata_store.h"
#include "broker/topics/topic_name.h"
#include "broker/topics/topics.h"
#include "tests/damage/damage.h"
#include "tests/support/catch.h"
#include "tests/support/memory_file_system.h"

using namespace logcask;
using namespace logcask::testing;

namespace {

const std::string kMetadataDirectory =
    DataDirectory::partition_directory_name(kMetadataTopic, PartitionId(0), LocalMetadataStore::kTopicId);

BrokerConfig small_config() {
  BrokerConfig config;
  config.keydir_total_max_bytes = 1 << 20;
  config.tail_buffer_bytes = 1 << 20;
  config.pending_records_max = 1000;
  config.lookup_cache_bytes = 1 << 20;
  return config;
}

// A broker without sockets: what Broker::start does up to there, on a directory in memory.
class QuietBroker {
 public:
  explicit QuietBroker(MemoryFileSystem& disk)
      : disk_(disk), flush_("flush", 1, clock_), background_("background", 1, clock_) {}
  ~QuietBroker() { stop(false); }

  Status start(const std::string& boot_id) {
    LOGCASK_ASSIGN(data_, DataDirectory::open(disk_.root(), boot_id));
    hasher_.emplace(data_->secret());
    const auto keep = [this](const std::string& text) {
      const std::lock_guard lock(mutex_);
      log_ += text + "\n";
    };
    factory_ = std::make_unique<DiskPartitionFactory>(
        DiskPartitionParts{*data_, config_, *hasher_, clock_, flush_, background_, 64, keep, keep, [] {}});
    PartitionSpec spec;
    spec.topic = std::string(kMetadataTopic);
    spec.topic_id = LocalMetadataStore::kTopicId;
    spec.partition = PartitionId(0);
    spec.internal = true;
    LOGCASK_ASSIGN(const auto entries, data_->list_partitions());
    spec.create = std::none_of(entries.begin(), entries.end(),
                               [](const auto& entry) { return entry.directory_name == kMetadataDirectory; });
    if (spec.create && !entries.empty()) return Error{Errc::not_found, kMetadataDirectory + " is missing"};
    LOGCASK_ASSIGN(spec.config, make_topic_config({{"cleanup.policy", "compact"}, {"segment.bytes", "16777216"}}));
    LOGCASK_ASSIGN(metadata_partition_, factory_->open(spec));
    const PartitionSnapshot state = metadata_partition_->snapshot();
    if (state.state == PartitionSnapshot::State::offline) return Error{Errc::partition_offline, state.reason};
    metadata_ = std::make_unique<LocalMetadataStore>(metadata_partition_, *hasher_, clock_);
    topics_ = std::make_unique<Topics>(*metadata_, *factory_, clock_, Topics::Limits());
    LOGCASK_ASSIGN(const auto report, topics_->load(metadata_partition_, 1, {}));
    for (const std::string& line : report.offline) keep(line);
    for (const auto& problem : metadata_->problems()) keep(problem.key + ": " + problem.reason);
    return {};
  }

  void stop(bool clean) {
    if (topics_)
      topics_->close(Error{Errc::shutting_down, "the test ends"}, 1);
    else if (metadata_partition_)
      metadata_partition_->close(Error{Errc::shutting_down, "the test ends"});
    flush_.stop();
    background_.stop();
    if (clean) REQUIRE_OK(data_->set_clean());
    topics_.reset();
    metadata_.reset();
    metadata_partition_.reset();
    factory_.reset();
    data_.reset();
  }

  void put(const std::string& topic, int partition, const std::string& key, const std::string& value) {
    REQUIRE_OK(append_internal(*topics_->find(topic)->partition(PartitionId(partition)), {{key, value}},
                               TimestampMs(1'700'000'000'000), *hasher_));
  }
  LookupAnswer::Status get(const std::string& topic, int partition, const std::string& key, std::string& value) {
    PartitionRunner* runner = topics_->find(topic)->partition(PartitionId(partition));
    while (runner->snapshot().state == PartitionSnapshot::State::loading) std::this_thread::yield();
    LookupAnswer::Status status = LookupAnswer::Status::failed;
    const ByteView keys[] = {key};
    runner->get(keys, false, [&](std::size_t, const LookupAnswer& answer) {
      status = answer.status;
      value = answer.status == LookupAnswer::Status::failed ? answer.error.to_string() : std::string(answer.value);
    });
    return status;
  }

  DataDirectory& data() { return *data_; }
  Topics& topics() { return *topics_; }
  LocalMetadataStore& metadata() { return *metadata_; }
  std::string log() const {
    const std::lock_guard lock(mutex_);
    return log_;
  }

 private:
  MemoryFileSystem& disk_;
  const Clock& clock_ = system_clock();
  const BrokerConfig config_ = small_config();
  ThreadExecutor flush_;
  ThreadExecutor background_;
  std::unique_ptr<DataDirectory> data_;
  std::optional<KeyHasher> hasher_;
  std::unique_ptr<DiskPartitionFactory> factory_;
  std::shared_ptr<PartitionRunner> metadata_partition_;
  std::unique_ptr<LocalMetadataStore> metadata_;
  std::unique_ptr<Topics> topics_;
  mutable std::mutex mutex_;
  std::string log_;  // guarded
};

struct BrokerSet {
  std::unique_ptr<MemoryFileSystem> disk;
  std::map<std::string, std::vector<std::string>> older;
  std::string cluster_id;
  std::map<std::string, TopicRecord> topics;
  std::int64_t producer_ids_end = 0;
  std::vector<std::string> directories;
};

void remember(const MemoryFileSystem& disk, BrokerSet& set) {
  for (const std::string& path : disk.paths()) {
    auto& older = set.older[path];
    const std::string content = *disk.content(path);
    if (std::find(older.begin(), older.end(), content) == older.end()) older.push_back(content);
  }
}

BrokerSet make_set() {
  BrokerSet set;
  set.disk = std::make_unique<MemoryFileSystem>();
  {
    QuietBroker broker(*set.disk);
    REQUIRE_OK(broker.start("boot-1"));
    remember(*set.disk, set);
    REQUIRE_OK(broker.topics().create("kept", 2, {{"segment.ms", "1000000"}}, false));
    REQUIRE_OK(broker.topics().create("gone", 1, {}, false));
    REQUIRE_OK(broker.topics().create("events", 1, {{"cleanup.policy", "delete"}}, false));
    remember(*set.disk, set);
    REQUIRE_OK(broker.topics().remove("gone", [](const std::function<void()>& task) { task(); }));
    REQUIRE_OK(broker.metadata().reserve_producer_ids(1000));
    broker.put("kept", 0, "a", "old");
    broker.put("kept", 0, "a", "new");
    broker.put("kept", 1, "b", "1");
    broker.stop(true);
  }
  remember(*set.disk, set);
  {
    QuietBroker broker(*set.disk);
    REQUIRE_OK(broker.start("boot-1"));
    REQUIRE_OK(broker.topics().alter("kept", {{"segment.ms", "2000000"}}, {}));
    REQUIRE_OK(broker.metadata().reserve_producer_ids(1000));
    set.producer_ids_end = 2000;
    set.cluster_id = broker.data().cluster_id();
    for (const auto all = broker.topics().snapshot(); const auto& [name, topic] : *all)
      set.topics[name] = topic->record;
    broker.stop(true);
  }
  set.disk->settle();
  for (const std::string& path : set.disk->paths())
    if (const std::size_t slash = path.find('/'); slash != std::string::npos)
      set.directories.push_back(path.substr(0, slash));
  return set;
}

bool same(const TopicRecord& a, const TopicRecord& b) {
  return a.name == b.name && a.id == b.id && a.partitions == b.partitions && a.settings == b.settings;
}

const char* const kOutcomes[] = {"harmless", "mended, told", "named error"};

struct Verdict {
  int outcome = 0;
  std::string broken;
  std::string detail;
};

class BrokerSweep {
 public:
  BrokerSweep() : set_(make_set()) {
    if (const char* text = std::getenv("LOGCASK_DAMAGE_REPLAY")) replay_ = text;
    if (const char* text = std::getenv("LOGCASK_DAMAGE_EVERY")) every_ = std::strtoul(text, nullptr, 10);
    QuietBroker broker(*(image_ = set_.disk->clone()));
    REQUIRE_OK(broker.start("boot-1"));
    sound_log_ = without_times(broker.log());
  }

  void run() {
    const auto start = std::clock();
    for (const std::string& path : set_.disk->paths()) {
      if (path.find('/') != std::string::npos && !path.starts_with(kMetadataDirectory)) continue;
      const std::string content = *set_.disk->content(path);
      DamageSource source;
      source.content = &content;
      for (const std::string& old : set_.older[path])
        if (old != content) source.older.push_back(old);
      if (path.ends_with(".sync")) source.dense_bytes = content.find_last_not_of('\0') + 1;
      for_each_damage(source, [&](const Damage& damage) { one(path, damage); });
    }
    print(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
    CHECK(broken_ == 0);
    if (replay_.empty())
      CHECK(images_ >= 7700 / every_);
    else if (replay_.starts_with("broker/"))
      CHECK(images_ == 1);
  }

 private:
  static std::string without_times(std::string log) {
    for (std::size_t at = 0; (at = log.find(" in ", at)) != std::string::npos;)
      log.erase(at, log.find(" ms", at) == std::string::npos ? 1 : log.find(" ms", at) - at);
    return log;
  }

  void one(const std::string& path, const Damage& damage) {
    const std::string id = "broker/" + path + "/" + damage.kind + "/" + std::to_string(damage.index);
    if (!replay_.empty() ? id != replay_ : number_++ % every_ != 0) return;
    image_ = set_.disk->clone();
    if (damage.content)
      image_->set_content(path, *damage.content);
    else
      remove(path);
    const Verdict verdict = check(path);
    const std::string file = path.substr(path.find('/') == std::string::npos ? 0 : path.find('/') + 1);
    const bool own = path.find('/') == std::string::npos;
    ++counts_[{own ? file : "metadata " + file.substr(file.find('.')), damage.kind}][verdict.outcome];
    ++images_;
    if (!replay_.empty()) std::cerr << id << ": " << kOutcomes[verdict.outcome] << "; " << verdict.detail << "\n";
    if (verdict.broken.empty()) return;
    if (++broken_ <= 20)
      std::cerr << "LOGCASK_DAMAGE_REPLAY=" << id << "\n  " << verdict.broken << "\n  " << verdict.detail << "\n";
  }

  void remove(const std::string& path) {
    const std::size_t slash = path.find('/');
    if (slash == std::string::npos) return require_ok(image_->root()->unlink(path));
    const auto directory = image_->root()->open_directory(path.substr(0, slash));
    REQUIRE_OK(directory);
    require_ok((*directory)->unlink(path.substr(slash + 1)));
  }
  static void require_ok(const Status& status) { REQUIRE_OK(status); }

  Verdict check(const std::string& path) {
    Verdict verdict;
    const auto broke = [&](const std::string& rule) {
      if (verdict.broken.empty()) verdict.broken = rule;
    };
    const std::string file = path.substr(path.find('/') == std::string::npos ? 0 : path.find('/') + 1);
    QuietBroker broker(*image_);
    const Status started = broker.start("boot-1");
    verdict.detail = broker.log();
    const bool owner_gone = path.ends_with(".sync") && !image_->content(path);
    if (owner_gone && started.ok()) broke("a log that holds records and has no .sync was taken for the broker's own");
    if (!started.ok()) {
      verdict.outcome = 2;
      verdict.detail += started.error().to_string();
      // A version that is too new names what it read.
      if (started.error().message.find(file) == std::string::npos && started.code() != Errc::unsupported_version)
        broke("the start is refused and the file is not named");
      // Nothing but the active log's .sync says whose the log is.
      if (path.find('/') != std::string::npos && !file.ends_with(".log") && !owner_gone)
        broke("the metadata topic's derived and double files must not stop a start");
    } else {
      check_started(broker, broke);
      std::string notes;
      for (const std::string& note : broker.data().notes()) notes += note;
      verdict.detail += notes;
      if (!notes.empty() || without_times(broker.log()) != sound_log_) verdict.outcome = 1;
    }
    broker.stop(false);
    if (owner_gone && !started.ok()) check_mends(path, started.error().message, broke);
    for (const std::string& directory : set_.directories)
      if (!image_->root()->open_directory(directory).ok()) broke("the directory " + directory + " was removed");
    for (const std::string& before : set_.disk->paths())
      if (before.ends_with(".log") && before != path && !set_.disk->content(before)->empty() &&
          !image_->content(before))
        broke("the log " + before + " was removed");
    return verdict;
  }

  // Each of the two that the refusal names brings everything back.
  void check_mends(const std::string& path, const std::string& refusal,
                   const std::function<void(const std::string&)>& broke) {
    if (refusal.find("restore it from a backup") == std::string::npos ||
        refusal.find("an empty file in place") == std::string::npos)
      broke("the refusal does not name both mends");
    const std::unique_ptr<MemoryFileSystem> refused = image_->clone();
    for (const std::string& mend : {*set_.disk->content(path), std::string()}) {
      image_ = refused->clone();
      image_->set_content(path, mend);
      QuietBroker broker(*image_);
      if (const Status started = broker.start("boot-1"); started.ok())
        check_started(broker, broke);
      else
        broke("the mend that the refusal names does not help: " + started.error().to_string());
      broker.stop(false);
    }
  }

  void check_started(QuietBroker& broker, const std::function<void(const std::string&)>& broke) {
    if (broker.data().cluster_id() != set_.cluster_id && broker.data().notes().empty()) broke("another cluster id");
    const auto topics = broker.topics().snapshot();
    for (const auto& [name, record] : set_.topics) {
      const auto found = topics->find(name);
      if (found == topics->end()) return broke("the topic " + name + " is gone");
      if (!same(found->second->record, record)) broke("the topic " + name + " is another");
    }
    if (topics->size() != set_.topics.size()) broke("a topic has come back");
    const auto ids = broker.metadata().reserve_producer_ids(1000);
    if (ids.ok() && *ids < set_.producer_ids_end) broke("producer ids are given again");
    std::string value;
    if (broker.get("kept", 0, "a", value) != LookupAnswer::Status::found || value != "new") broke("key a: " + value);
    if (broker.get("kept", 1, "b", value) != LookupAnswer::Status::found || value != "1") broke("key b: " + value);
    if (broker.get("kept", 1, "c", value) != LookupAnswer::Status::absent) broke("key c: " + value);
  }

  void print(double seconds) const {
    std::cout << "\nbroker: " << images_ << " images in " << std::fixed << std::setprecision(1) << seconds
              << " s of CPU\n"
              << std::left << std::setw(22) << "file" << std::setw(12) << "damage" << std::right;
    for (const char* outcome : kOutcomes) std::cout << std::setw(14) << outcome;
    std::cout << "\n";
    for (const auto& [row, counts] : counts_) {
      std::cout << std::left << std::setw(22) << row.first << std::setw(12) << row.second << std::right;
      for (int i = 0; i < 3; ++i) {
        const auto found = counts.find(i);
        std::cout << std::setw(14) << (found == counts.end() ? 0 : found->second);
      }
      std::cout << "\n";
    }
    std::cout << std::flush;
  }

  BrokerSet set_;
  std::unique_ptr<MemoryFileSystem> image_;
  std::string sound_log_;
  std::string replay_;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  std::size_t every_ = 29;
#else
  std::size_t every_ = 1;
#endif
  std::size_t number_ = 0;
  std::size_t images_ = 0;
  std::size_t broken_ = 0;
  std::map<std::pair<std::string, std::string>, std::map<int, std::size_t>> counts_;
};

}  // namespace

TEST_CASE("damage to the broker's own files and to its metadata topic", "[damage]") { BrokerSweep().run(); }
