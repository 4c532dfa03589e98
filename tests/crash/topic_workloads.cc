// What happens to topics, workload by workload. Ids are the operating system's randomness; everything else is the
// seed's.

#include "base/random.h"
#include "tests/crash/topics_run.h"

namespace logcask::testing {
namespace {

class TopicDraw {
 public:
  explicit TopicDraw(std::uint64_t seed) : random_(seed) {}
  std::string key() { return std::string(1, static_cast<char>('j' + random_.below(3))); }
  std::optional<std::string> value() {
    if (random_.one_in(4)) return std::nullopt;
    return "v" + std::to_string(++count_) + std::string(random_.below(200), static_cast<char>('a' + random_.below(26)));
  }
  int between(int least, int most) {
    return least + static_cast<int>(random_.below(static_cast<std::uint64_t>(most - least + 1)));
  }

 private:
  Random random_;
  int count_ = 0;
};

void write(TopicsRun& run, TopicDraw& draw, const std::string& topic, int partitions, int records) {
  for (int i = 0; i < records; ++i) run.put(topic, draw.between(0, partitions - 1), draw.key(), draw.value());
}

void first_start(TopicsRun& run, TopicDraw& draw) {
  run.create("a", 1);
  write(run, draw, "a", 1, draw.between(1, 2));
}

void topic_create(TopicsRun& run, TopicDraw& draw) {
  run.create("b", 1);
  write(run, draw, "b", 1, 1);
  run.begin();
  run.create("a", 2);
  write(run, draw, "a", 2, draw.between(1, 3));
  run.alter("a", "retention.ms", std::to_string(draw.between(1000, 9999)));
  run.create("c", 1);
  write(run, draw, "c", 1, 1);
}

void topic_delete(TopicsRun& run, TopicDraw& draw) {
  run.create("a", 2);
  write(run, draw, "a", 2, draw.between(2, 4));
  run.create("b", 1);
  write(run, draw, "b", 1, 2);
  run.begin();
  run.remove("a");
  write(run, draw, "b", 1, 1);
  run.create("a", 1);
  write(run, draw, "a", 1, draw.between(1, 2));
  run.remove("b");
  run.restart();
  run.remove("a");
}

Workload topic_workload(const std::string& name, void (*play)(TopicsRun&, TopicDraw&)) {
  return {name, [=](std::uint64_t seed, std::unique_ptr<MemoryFileSystem> disk) -> std::unique_ptr<Recording> {
            auto run = std::make_unique<TopicsRun>(std::move(disk));
            TopicDraw draw(seed);
            play(*run, draw);
            return run;
          }};
}

}  // namespace

std::vector<Workload> topic_workloads() {
  return {topic_workload("first-start", first_start), topic_workload("topic-create", topic_create),
          topic_workload("topic-delete", topic_delete)};
}

}  // namespace logcask::testing
