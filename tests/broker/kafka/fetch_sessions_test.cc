// Fetch sessions, by hand-made requests, as Kafka's own would be answered.
#include "broker/kafka/fetch_sessions.h"

#include <map>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/manual_clock.h"

namespace logcask::testing {
namespace {

using kafka::ErrorCode;

struct Asked {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
};

enum class Naming : std::uint8_t { by_name, by_id };

// The id of topic "a" is all a's.
void put_topic(const std::string& name, Naming naming, auto& topic) {
  if (naming == Naming::by_name)
    topic.topic = name;
  else
    topic.topic_id.bytes.fill(static_cast<std::uint8_t>(name.at(0)));
}

std::string topic_of(const kafka::FetchResponse::Topic& topic) {
  return topic.topic_id == TopicId() ? topic.topic : std::string(1, static_cast<char>(topic.topic_id.bytes[0]));
}

// Holds the names that the request only views.
struct FetchAsked {
  FetchAsked(std::int32_t session, std::int32_t epoch, std::vector<Asked> all, std::vector<Asked> without = {},
             Naming how = Naming::by_name)
      : asked(std::move(all)), forgotten(std::move(without)), naming(how) {
    request.session_id = session;
    request.session_epoch = epoch;
    for (const Asked& one : asked) {
      auto& topic = request.topics.emplace_back();
      put_topic(one.topic, naming, topic);
      topic.partitions.emplace_back().partition = one.partition;
      topic.partitions.back().fetch_offset = one.offset;
    }
    for (const Asked& one : forgotten) {
      auto& topic = request.forgotten_topics.emplace_back();
      put_topic(one.topic, naming, topic);
      topic.partitions.push_back(one.partition);
    }
  }
  std::vector<Asked> asked, forgotten;
  Naming naming;
  kafka::FetchRequest request;
};

// A broker that has one record, "x", above each offset that stands in `ends`.
struct SessionsAtWork {
  explicit SessionsAtWork(std::size_t bytes = 64u << 10) : sessions(clock, FetchSessions::Limits{2, bytes, 120'000}) {}

  // Begun, and not answered yet.
  struct Waiting {
    FetchContext context;
    kafka::FetchResponse answer;
  };

  Waiting begin(const FetchAsked& fetch) {
    Waiting waiting;
    waiting.context = sessions.begin(fetch.request, fetch.naming == Naming::by_id, waiting.answer);
    return waiting;
  }
  kafka::FetchResponse finish(Waiting& waiting) {
    if (waiting.context.error != ErrorCode::none) {
      waiting.answer.error_code = static_cast<std::int16_t>(waiting.context.error);
      return waiting.answer;
    }
    auto params = waiting.context.params.begin();
    for (auto& topic : waiting.answer.topics)
      for (auto& place : topic.partitions) {
        const std::string name = topic_of(topic) + std::to_string(place.partition_index);
        place.error_code = errors[name];
        place.high_watermark = ends[name];
        place.log_start_offset = starts[name];
        if (place.error_code == 0 && params->offset < ends[name])
          place.records.pieces.push_back({std::string_view("x"), nullptr});
        ++params;
      }
    sessions.finish(waiting.context, waiting.answer);
    return waiting.answer;
  }
  kafka::FetchResponse fetch(std::int32_t session, std::int32_t epoch, std::vector<Asked> asked,
                             std::vector<Asked> forgotten = {}, Naming naming = Naming::by_name) {
    const FetchAsked fetch(session, epoch, std::move(asked), std::move(forgotten), naming);
    Waiting waiting = begin(fetch);
    return finish(waiting);
  }

  ManualClock clock;
  FetchSessions sessions;
  std::map<std::string, std::int64_t> ends, starts;
  std::map<std::string, std::int16_t> errors;
};

// "a0 a1": the partitions that an answer names.
std::string named(const kafka::FetchResponse& answer) {
  std::string all;
  for (const auto& topic : answer.topics)
    for (const auto& place : topic.partitions)
      all += (all.empty() ? "" : " ") + topic_of(topic) + std::to_string(place.partition_index);
  return all;
}

std::int16_t number(ErrorCode code) { return static_cast<std::int16_t>(code); }

TEST_CASE("a fetch session names a partition again only when there is news of it", "[fetch-session]") {
  SessionsAtWork broker;
  broker.ends["a0"] = 3;
  const auto full = broker.fetch(0, 0, {{"a", 0, 0}, {"a", 1, 0}});
  CHECK(full.error_code == 0);
  CHECK(named(full) == "a0 a1");
  const std::int32_t id = full.session_id;
  REQUIRE(id > 0);

  // The client has read a0, and says so.
  auto next = broker.fetch(id, 1, {{"a", 0, 3}});
  CHECK(next.session_id == id);
  CHECK(named(next) == "");
  broker.ends["a1"] = 1;
  next = broker.fetch(id, 2, {});
  CHECK(named(next) == "a1");
  CHECK(next.topics[0].partitions[0].records.pieces.size() == 1);
  CHECK(named(broker.fetch(id, 3, {{"a", 1, 1}})) == "");
  // News without records: where the log starts.
  broker.starts["a0"] = 2;
  CHECK(named(broker.fetch(id, 4, {})) == "a0");
  CHECK(named(broker.fetch(id, 5, {})) == "");
}

TEST_CASE("a fetch session tells an error as long as it lasts, and once that it has gone", "[fetch-session]") {
  SessionsAtWork broker;
  const std::int32_t id = broker.fetch(0, 0, {{"a", 0, 0}, {"a", 1, 0}}).session_id;
  broker.errors["a1"] = 6;
  CHECK(named(broker.fetch(id, 1, {})) == "a1");
  CHECK(named(broker.fetch(id, 2, {})) == "a1");
  broker.errors["a1"] = 0;
  CHECK(named(broker.fetch(id, 3, {})) == "a1");
  CHECK(named(broker.fetch(id, 4, {})) == "");
}

TEST_CASE("partitions join a fetch session and are forgotten by it, and one without any ends", "[fetch-session]") {
  SessionsAtWork broker;
  const std::int32_t id = broker.fetch(0, 0, {{"a", 0, 0}}).session_id;
  broker.ends["b7"] = 1;
  CHECK(named(broker.fetch(id, 1, {{"b", 7, 0}})) == "b7");
  CHECK(named(broker.fetch(id, 2, {{"c", 0, 0}}, {{"b", 7, 0}, {"never", 1, 0}})) == "c0");
  CHECK(broker.sessions.sessions() == 1);
  const auto last = broker.fetch(id, 3, {}, {{"a", 0, 0}, {"c", 0, 0}});
  CHECK(last.error_code == 0);
  CHECK(last.session_id == 0);
  CHECK(broker.sessions.sessions() == 0);
  CHECK(broker.sessions.bytes() == 0);
}

TEST_CASE("a fetch in a session that is not there, or out of order, is refused as Kafka does", "[fetch-session]") {
  SessionsAtWork broker;
  const std::int32_t id = broker.fetch(0, 0, {{"a", 0, 0}}).session_id;
  auto refused = broker.fetch(id, 2, {});
  CHECK(refused.error_code == number(ErrorCode::invalid_fetch_session_epoch));
  CHECK(refused.topics.empty());
  CHECK(broker.fetch(id, 1, {}).error_code == 0);
  CHECK(broker.fetch(id, 1, {}).error_code == number(ErrorCode::invalid_fetch_session_epoch));
  for (const std::int32_t unknown : {0, id == 1 ? 2 : 1}) {
    refused = broker.fetch(unknown, 1, {});
    CHECK(refused.error_code == number(ErrorCode::fetch_session_id_not_found));
    CHECK(refused.session_id == 0);
  }
}

TEST_CASE("a fetch that waits while the next one of its session comes is answered without its records",
          "[fetch-session]") {
  SessionsAtWork broker;
  const std::int32_t id = broker.fetch(0, 0, {{"a", 0, 0}}).session_id;
  const FetchAsked first(id, 1, {});
  auto waiting = broker.begin(first);
  broker.ends["a0"] = 1;
  CHECK(named(broker.fetch(id, 2, {})) == "a0");
  const auto late = broker.finish(waiting);
  CHECK(late.error_code == number(ErrorCode::invalid_fetch_session_epoch));
  CHECK(late.topics.empty());
}

// The last word of a client that closes: its fetch that waits is answered with what is new to it, nothing.
TEST_CASE("a close ends the fetch session, and what waits in it names no partition", "[fetch-session]") {
  SessionsAtWork broker;
  const std::int32_t id = broker.fetch(0, 0, {{"a", 0, 0}}).session_id;
  const FetchAsked first(id, 1, {});
  auto waiting = broker.begin(first);
  const auto closed = broker.fetch(id, -1, {});
  CHECK(closed.error_code == 0);
  CHECK(closed.session_id == 0);
  CHECK(closed.topics.empty());
  CHECK(broker.sessions.sessions() == 0);
  const auto late = broker.finish(waiting);
  CHECK(late.error_code == 0);
  CHECK(late.topics.empty());
  CHECK(broker.fetch(id, 2, {}).error_code == number(ErrorCode::fetch_session_id_not_found));
}

TEST_CASE("a fetch outside of sessions is answered in full, and a full one that names a session ends that",
          "[fetch-session]") {
  SessionsAtWork broker;
  const auto outside = broker.fetch(0, -1, {{"a", 0, 0}, {"a", 1, 0}});
  CHECK(outside.session_id == 0);
  CHECK(named(outside) == "a0 a1");
  CHECK(broker.sessions.sessions() == 0);
  const std::int32_t id = broker.fetch(0, 0, {{"a", 0, 0}}).session_id;
  const std::int32_t anew = broker.fetch(id, 0, {{"a", 0, 0}}).session_id;
  CHECK(anew != id);
  CHECK(broker.sessions.sessions() == 1);
}

TEST_CASE("fetch sessions are bounded: newcomers get none until one has been unused for two minutes",
          "[fetch-session]") {
  SessionsAtWork broker;
  const std::int32_t first = broker.fetch(0, 0, {{"a", 0, 0}}).session_id;
  const std::int32_t second = broker.fetch(0, 0, {{"a", 0, 0}}).session_id;
  auto third = broker.fetch(0, 0, {{"a", 0, 0}});
  CHECK(third.session_id == 0);
  CHECK(named(third) == "a0");
  broker.clock.advance_ms(100'000);
  CHECK(broker.fetch(first, 1, {}).error_code == 0);
  broker.clock.advance_ms(20'001);
  CHECK(broker.fetch(0, 0, {{"a", 0, 0}}).session_id > 0);
  CHECK(broker.sessions.sessions() == 2);
  CHECK(broker.fetch(first, 2, {}).error_code == 0);
  CHECK(broker.fetch(second, 1, {}).error_code == number(ErrorCode::fetch_session_id_not_found));
}

TEST_CASE("fetch sessions are bounded in memory: one that outgrows it is given up, and begins anew without",
          "[fetch-session]") {
  SessionsAtWork broker;
  std::vector<Asked> many;
  for (int p = 0; p < 300; ++p) many.push_back({"a", p, 0});
  const std::int32_t id = broker.fetch(0, 0, many).session_id;
  REQUIRE(id > 0);
  CHECK(broker.sessions.bytes() > 300 * FetchSessions::kPartitionBytes);
  std::vector<Asked> more;
  for (int p = 0; p < 300; ++p) more.push_back({"b", p, 0});
  CHECK(broker.fetch(id, 1, more).error_code == number(ErrorCode::fetch_session_id_not_found));
  CHECK(broker.sessions.sessions() == 0);
  CHECK(broker.sessions.bytes() == 0);
  many.insert(many.end(), more.begin(), more.end());
  const auto full = broker.fetch(0, 0, many);
  CHECK(full.session_id == 0);
  CHECK(full.topics.size() == 2);
}

TEST_CASE("one fetch session holds no more partitions than an I/O thread walks over quickly", "[fetch-session]") {
  SessionsAtWork broker(64u << 20);
  std::vector<Asked> many;
  for (int p = 0; p < 10'000; ++p) many.push_back({"a", p, 0});
  const std::int32_t id = broker.fetch(0, 0, many).session_id;
  REQUIRE(id > 0);
  std::vector<Asked> more;
  for (int p = 0; p < 2'000; ++p) more.push_back({"b", p, 0});
  CHECK(broker.fetch(id, 1, more).error_code == number(ErrorCode::fetch_session_id_not_found));
  many.insert(many.end(), more.begin(), more.end());
  CHECK(broker.fetch(0, 0, many).session_id == 0);
}

TEST_CASE("partitions with records go to the end of a fetch session's line", "[fetch-session]") {
  SessionsAtWork broker;
  const std::int32_t id = broker.fetch(0, 0, {{"a", 0, 0}, {"a", 1, 0}, {"b", 0, 0}}).session_id;
  broker.ends["a0"] = 1;
  CHECK(named(broker.fetch(id, 1, {})) == "a0");
  broker.ends["a1"] = broker.ends["b0"] = 1;
  CHECK(named(broker.fetch(id, 2, {})) == "a1 b0 a0");
}

TEST_CASE("a fetch session by topic ids is as one by names: news, turns and what is forgotten", "[fetch-session]") {
  SessionsAtWork broker;
  const auto by_id = Naming::by_id;
  const auto full = broker.fetch(0, 0, {{"a", 0, 0}, {"a", 1, 0}, {"b", 0, 0}}, {}, by_id);
  CHECK(named(full) == "a0 a1 b0");
  REQUIRE(full.topics.size() == 2);
  CHECK(full.topics[1].topic.empty());
  CHECK(full.topics[1].topic_id.bytes[15] == 'b');
  const std::int32_t id = full.session_id;
  REQUIRE(id > 0);
  broker.ends["a0"] = broker.ends["b0"] = 1;
  auto next = broker.fetch(id, 1, {}, {}, by_id);
  CHECK(named(next) == "a0 b0");
  CHECK(next.topics[0].topic_id.bytes[15] == 'a');
  broker.ends["a1"] = 1;
  CHECK(named(broker.fetch(id, 2, {{"a", 0, 1}}, {{"b", 0, 0}}, by_id)) == "a1");
  CHECK(named(broker.fetch(id, 3, {{"a", 1, 1}}, {{"a", 0, 0}, {"a", 7, 0}, {"c", 0, 0}}, by_id)) == "");
  CHECK(broker.fetch(id, 4, {}, {{"a", 1, 0}}, by_id).session_id == 0);
  CHECK(broker.sessions.sessions() == 0);
  CHECK(broker.sessions.bytes() == 0);
}

TEST_CASE("a topic that is made anew has another id, and both are in a fetch session until the old one is forgotten",
          "[fetch-session]") {
  SessionsAtWork broker;
  const std::int32_t id = broker.fetch(0, 0, {{"a", 0, 0}}, {}, Naming::by_id).session_id;
  broker.errors["a0"] = number(ErrorCode::unknown_topic_id);
  CHECK(named(broker.fetch(id, 1, {}, {}, Naming::by_id)) == "a0");
  broker.ends["b0"] = 1;
  CHECK(named(broker.fetch(id, 2, {{"b", 0, 0}}, {{"a", 0, 0}}, Naming::by_id)) == "b0");
  CHECK(broker.sessions.bytes() == FetchSessions::kPartitionBytes * 2);  // held for the most it has been
}

TEST_CASE("a fetch session goes on naming topics as it began: by names or by ids", "[fetch-session]") {
  for (const Naming naming : {Naming::by_name, Naming::by_id}) {
    SessionsAtWork broker;
    const Naming other = naming == Naming::by_name ? Naming::by_id : Naming::by_name;
    const std::int32_t id = broker.fetch(0, 0, {{"a", 0, 0}}, {}, naming).session_id;
    auto refused = broker.fetch(id, 1, {{"b", 0, 0}}, {}, other);
    CHECK(refused.error_code == number(ErrorCode::fetch_session_topic_id_error));
    CHECK(refused.session_id == 0);
    CHECK(refused.topics.empty());
    // Out of order counts first, as with Kafka.
    CHECK(broker.fetch(id, 7, {}, {}, other).error_code == number(ErrorCode::invalid_fetch_session_epoch));
    broker.ends["a0"] = broker.ends["b0"] = 1;
    CHECK(named(broker.fetch(id, 1, {}, {}, naming)) == "a0");
    // The other way round it begins anew.
    CHECK(broker.fetch(id, 0, {{"a", 0, 0}}, {}, other).session_id > 0);
    CHECK(broker.sessions.sessions() == 1);
  }
}

TEST_CASE("a fetch session by topic ids takes no more memory than it says", "[fetch-session]") {
  SessionsAtWork broker(64u << 20);
  std::vector<Asked> many;
  for (int p = 0; p < 10'000; ++p) many.push_back({"a", p, 0});
  const std::int32_t id = broker.fetch(0, 0, many, {}, Naming::by_id).session_id;
  REQUIRE(id > 0);
  CHECK(broker.sessions.bytes() == 10'000 * FetchSessions::kPartitionBytes);
  std::vector<Asked> more;
  for (int p = 0; p < 2'000; ++p) more.push_back({"b", p, 0});
  CHECK(broker.fetch(id, 1, more, {}, Naming::by_id).error_code == number(ErrorCode::fetch_session_id_not_found));
}

TEST_CASE("a fetch that names a partition twice gets no session", "[fetch-session]") {
  SessionsAtWork broker;
  const auto answer = broker.fetch(0, 0, {{"a", 0, 0}, {"a", 0, 5}});
  CHECK(answer.session_id == 0);
  CHECK(broker.sessions.bytes() == 0);
}

}  // namespace
}  // namespace logcask::testing
