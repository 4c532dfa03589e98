// Every byte of every file of a partition flipped, every file cut at every length, deleted, replaced by an older copy
// or by another segment's: harmless, mended, or an error that names the file. Never a wrong value, a silent loss, a
// crash.
//
// LOGCASK_DAMAGE_REPLAY=set/file/kind/number runs one image and says what came of it; LOGCASK_DAMAGE_EVERY=n every nth.

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <iomanip>
#include <iostream>

#include "compactor/compactor.h"
#include "segment/filename.h"
#include "segment/sync_log.h"
#include "tests/damage/check.h"
#include "tests/damage/damage.h"
#include "tests/support/catch.h"

using namespace logcask;
using namespace logcask::testing;

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kEvery = 29;
#else
constexpr std::size_t kEvery = 1;
#endif

std::size_t sample_every() {
  const char* text = std::getenv("LOGCASK_DAMAGE_EVERY");
  return text ? std::strtoul(text, nullptr, 10) : kEvery;
}

// What the table calls a file.
std::string kind_of_file(const DataSet& set, const std::string& path) {
  if (path.starts_with("manifest")) return path;
  if (path.ends_with(".producers")) return "producer snapshot";
  const auto parsed = parse_segment_filename(path);
  REQUIRE(parsed.has_value());
  std::string active;
  for (const auto& [other, content] : set.files)
    if (other.ends_with(".sync")) active = std::max(active, other.substr(0, 20));
  const std::string which = parsed->name.rewritten() ? "compacted" : path.starts_with(active) ? "active" : "closed";
  const char* names[] = {".log", ".index", ".timeindex", ".hint", ".sync"};
  for (const char* name : names)
    if (path.ends_with(name)) return which + " " + name;
  return path;
}

bool at_the_end(const DataSet& set, const std::string& path) {
  const std::string kind = kind_of_file(set, path);
  return kind.starts_with("active") || kind.starts_with("manifest");
}

// Only these may ever answer with an error; all others are derived or there twice.
bool may_fail(const std::string& path) { return path.ends_with(".log"); }

// Which images of a file are run: 1 all, n every nth, 0 none.
using Every = std::function<std::size_t(const std::string& path)>;
Every every(std::size_t n) {
  return [n](const std::string&) { return n; };
}

const std::string kSweeps[] = {"synced", "reset", "written", "compacted", "open"};

class Sweep {
 public:
  // `least`: a tenth below the images there are; fewer, and something is no longer damaged.
  explicit Sweep(const DataSet& set, std::string name, std::size_t least)
      : set_(set), name_(std::move(name)), checker_(set), every_(sample_every()), least_(least) {
    REQUIRE(std::count(std::begin(kSweeps), std::end(kSweeps), name_) == 1);
    if (const char* text = std::getenv("LOGCASK_DAMAGE_REPLAY")) replay_ = text;
  }

  void run(bool machine_reset, const Every& every) {
    each(every, [&](const std::string& path, const Damage& damage) {
      return checker_.check(path, damage.content, machine_reset, opened_again(path));
    });
  }

  // Compaction meets the damage before any reader does.
  void run_compacted(const Every& every) {
    each(every, [&](const std::string& path, const Damage& damage) {
      return checker_.check_compaction(path, damage.content);
    });
  }

  // Bytes of logs go bad under an open partition.
  void run_while_open() {
    const auto logs = [](const std::string& path) -> std::size_t { return path.ends_with(".log"); };
    each(logs, [&](const std::string& path, const Damage& damage) -> std::optional<Checker::Verdict> {
      if (!damage.content || damage.kind == "older" || damage.kind == "another's") return std::nullopt;
      return checker_.check_while_open(path, *damage.content);
    });
  }

 private:
  void each(const Every& every,
            const std::function<std::optional<Checker::Verdict>(const std::string&, const Damage&)>& check) {
    const auto start = std::clock();
    for (const auto& file : set_.files) {
      const std::string& path = file.first;
      if (const std::size_t nth = every(path); nth > 0) {
        for_each_damage(source(path), [&](const Damage& damage) {
          if (skip(path, damage, nth)) return;
          if (const auto verdict = check(path, damage)) note(path, damage, *verdict);
        });
      }
    }
    seconds_ = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    print();
    CHECK(broken_ == 0);
    check_count();
  }
  // An image that is asked for must be there.
  void check_count() const {
    if (replay_.empty()) {
      CHECK(images_ >= least_ / every_);
      return;
    }
    const std::string sweep = replay_.substr(0, replay_.find('/'));
    INFO("LOGCASK_DAMAGE_REPLAY=" << replay_);
    // Of the broker's own files: broker_damage_tests.
    if (sweep != "broker") CHECK(std::count(std::begin(kSweeps), std::end(kSweeps), sweep) == 1);
    if (sweep == name_) CHECK(images_ == 1);
  }
  DamageSource source(const std::string& path) const {
    DamageSource source;
    source.content = &set_.files.at(path);
    if (const auto older = set_.older.find(path); older != set_.older.end()) source.older = older->second;
    const std::string ending = path.substr(path.rfind('.'));
    for (const auto& [other, content] : set_.files)
      if (other != path && other.ends_with(ending) && !path.starts_with("manifest")) source.other.push_back(content);
    // Behind the entries there are zeros.
    if (path.ends_with(".sync")) source.dense_bytes = source.content->find_last_not_of('\0') + 1 + 4 * kSyncSlotBytes;
    return source;
  }
  // Closed segments' derived files change nothing that a second start would see: a sample does.
  bool opened_again(const std::string& path) const {
    const std::string kind = kind_of_file(set_, path);
    const bool derived = !kind.ends_with(".log") && (kind.starts_with("closed") || kind.starts_with("compacted"));
    return !derived || !replay_.empty() || number_ % 5 == 0;
  }
  std::string id(const std::string& path, const Damage& damage) const {
    return name_ + "/" + path + "/" + damage.kind + "/" + std::to_string(damage.index);
  }
  bool skip(const std::string& path, const Damage& damage, std::size_t every) {
    if (!replay_.empty()) return id(path, damage) != replay_;
    return number_++ % (every_ * every) != 0;
  }

  void note(const std::string& path, const Damage& damage, const Checker::Verdict& verdict) {
    ++counts_[{kind_of_file(set_, path), damage.kind}][static_cast<int>(verdict.outcome)];
    ++images_;
    std::string broken = verdict.broken;
    // Nothing but the .sync says whose the log is.
    const bool owner_gone = damage.kind == "delete" && kind_of_file(set_, path) == "active .sync";
    if (broken.empty() && verdict.outcome == Outcome::named_error && !may_fail(path) && !owner_gone)
      broken = "damage to a file that is derived or there twice must not be an error";
    if (!replay_.empty())
      std::cerr << id(path, damage) << ": " << outcome_name(verdict.outcome) << "; " << verdict.detail << "\n";
    if (broken.empty()) return;
    // The first of each kind is enough to read.
    if (++broken_by_[kind_of_file(set_, path) + damage.kind + broken.substr(0, 24)] <= 3)
      std::cerr << "LOGCASK_DAMAGE_REPLAY=" << id(path, damage) << "\n  " << broken << "\n  " << verdict.detail << "\n";
    ++broken_;
  }

  void print() const {
    std::cout << "\n"
              << name_ << ": " << images_ << " images in " << std::fixed << std::setprecision(1) << seconds_
              << " s of CPU\n"
              << std::left << std::setw(22) << "file" << std::setw(12) << "damage" << std::right;
    for (const Outcome outcome : {Outcome::harmless, Outcome::rebuilt, Outcome::cut, Outcome::named_error})
      std::cout << std::setw(13) << outcome_name(outcome);
    std::cout << "\n";
    for (const auto& [row, counts] : counts_) {
      std::cout << std::left << std::setw(22) << row.first << std::setw(12) << row.second << std::right;
      for (int i = 0; i < 4; ++i) {
        const auto found = counts.find(i);
        std::cout << std::setw(13) << (found == counts.end() ? 0 : found->second);
      }
      std::cout << "\n";
    }
    std::cout << std::flush;
  }

  const DataSet& set_;
  const std::string name_;
  Checker checker_;
  const std::size_t every_;
  const std::size_t least_;
  std::string replay_;
  std::size_t number_ = 0;
  std::size_t images_ = 0;
  std::size_t broken_ = 0;
  double seconds_ = 0;
  std::map<std::pair<std::string, std::string>, std::map<int, std::size_t>> counts_;
  std::map<std::string, int> broken_by_;
};

}  // namespace

TEST_CASE("the damage sweep's directory has every kind of file", "[damage]") {
  const DataSet set = make_synced_set();
  std::map<std::string, int> kinds;
  for (const auto& [path, content] : set.files) ++kinds[kind_of_file(set, path)];
  for (const char* kind :
       {"active .log", "active .sync", "active .hint", "compacted .log", "compacted .hint", "compacted .index",
        "compacted .timeindex", "manifest.a", "manifest.b", "producer snapshot"}) {
    INFO(kind);
    CHECK(kinds[kind] == 1);
  }
  for (const char* kind : {"closed .log", "closed .index", "closed .timeindex", "closed .hint"}) {
    INFO(kind);
    CHECK(kinds[kind] >= 6);
  }
  // What changes while it is used has been something else before; the others are written once.
  std::map<std::string, int> older;
  for (const auto& [path, contents] : set.older)
    if (set.files.contains(path)) older[kind_of_file(set, path)] += static_cast<int>(contents.size());
  for (const char* kind : {"active .log", "active .sync", "active .hint", "closed .log", "manifest.a", "manifest.b"}) {
    INFO("older copies of " << kind);
    CHECK(older[kind] >= 1);
  }
}

// The sweep opens a partition for every 61st of these bytes; here all are read as opening reads them.
TEST_CASE("damage to a sync log behind its entries changes nothing that is read of it", "[damage]") {
  const DataSet set = make_synced_set();
  std::string path;
  for (const auto& [name, content] : set.files)
    if (name.ends_with(".sync")) path = std::max(path, name);
  const std::string& sound = set.files.at(path);
  const Offset base = parse_segment_filename(path)->name.base;
  const auto disk = set.disk();
  const auto expected = read_sync_log(*disk->root(), base);
  REQUIRE_OK(expected);
  const auto same = [&](const std::string& content) {
    disk->set_content(path, content);
    const auto read = read_sync_log(*disk->root(), base);
    return read.ok() && read->durable_end == expected->durable_end && read->position == expected->position &&
           read->digest == expected->digest && read->offset_ceiling == expected->offset_ceiling &&
           read->first_append == expected->first_append && read->last_append == expected->last_append;
  };
  const std::size_t end = sound.find_last_not_of('\0') + 1;
  REQUIRE(sound.size() - end > 60'000);
  std::size_t wrong = 0;
  for (std::size_t at = end; at < sound.size(); at += sample_every()) {
    std::string damaged = sound;
    for (const char byte : {static_cast<char>(1 << (at % 8)), '\xff'}) {
      damaged[at] = byte;
      wrong += !same(damaged);
    }
    wrong += !same(sound.substr(0, at));
  }
  CHECK(wrong == 0);
  // Of an entry every byte counts.
  std::string damaged = sound;
  damaged[end - 1] = static_cast<char>(~damaged[end - 1]);
  CHECK_FALSE(same(damaged));
}

TEST_CASE("damage at rest to any file of a synced partition", "[damage]") {
  const DataSet set = make_synced_set();
  Sweep(set, "synced", 47000).run(false, every(1));
}

TEST_CASE("damage at rest, found after the machine was reset", "[damage]") {
  const DataSet set = make_synced_set();
  // What a reset changes is the end of the log and its offsets.
  Sweep(set, "reset", 19000).run(true, [&](const std::string& path) -> std::size_t {
    return at_the_end(set, path) ? 1 : 5;
  });
}

TEST_CASE("damage at rest to a partition that was killed with a written tail", "[damage]") {
  const DataSet set = make_written_set();
  Sweep(set, "written", 13300).run(false, [&](const std::string& path) -> std::size_t {
    return at_the_end(set, path);
  });
}

TEST_CASE("damage at rest that compaction meets first", "[damage]") {
  const DataSet set = make_synced_set();
  {
    // Undamaged, there is something to drop.
    PartitionFixture sound(set.disk(), set.config);
    sound.clock().advance_ms(1'000'000);
    Compactor compactor(sound.partition(), {64u << 20, 1u << 30, 32 * 1024, 0});
    REQUIRE_OK(compactor.run_due(CompactionMode::forced, [](std::uint64_t, std::uint64_t) { return Status(); }));
    CHECK(sound.fetch_all().size() < set.records.size() / 2);
  }
  Sweep(set, "compacted", 11700).run_compacted(every(4));
}

TEST_CASE("damage to the logs of a partition that is open", "[damage]") {
  const DataSet set = make_synced_set();
  Sweep(set, "open", 22800).run_while_open();
}
