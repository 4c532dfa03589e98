#include "logcask/replay.h"

#include <condition_variable>
#include <deque>
#include <thread>
#include <utility>

#include "proto/record_batch.h"
#include "tests/client/fake_broker.h"
#include "tests/support/catch.h"

namespace logcask::client {
namespace {

// A broker that lets the test write the answers of a replay.
class ReplayScript {
 public:
  struct Stream {
    FakeBroker::PeerPtr peer;
    std::uint64_t id = 0;
    std::string token;
    std::uint32_t credit = 0;

    std::size_t records(std::uint32_t partition, std::int64_t base, int count, std::int64_t position,
                        const std::string& token_after) const {
      BatchBuilder builder{Offset(base)};
      for (int i = 0; i < count; ++i)
        builder.add(Offset(base + i), TimestampMs(1), "k" + std::to_string(base + i), "v");
      std::string bytes;
      REQUIRE_OK(builder.finish(bytes));
      v1::ResponseHeader header;
      header.mutable_replay()->set_partition(partition);
      header.mutable_replay()->set_position(position);
      header.mutable_replay()->set_resume_token(token_after);
      peer->reply(id, std::move(header), bytes);
      return bytes.size();
    }
    void marker(std::uint32_t partition, std::int64_t offset, const std::string& token_after, bool last = false) const {
      v1::ResponseHeader header;
      header.mutable_replay()->set_partition(partition);
      header.mutable_replay()->set_caught_up(true);
      header.mutable_replay()->set_caught_up_offset(offset);
      header.mutable_replay()->set_position(offset);
      header.mutable_replay()->set_resume_token(token_after);
      header.set_end(last);
      peer->reply(id, std::move(header));
    }
  };

  explicit ReplayScript(std::uint32_t partitions = 1)
      : partitions_(partitions),
        broker_([this](const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request, const auto&) {
          handle(peer, request);
        }) {
    Options options;
    options.brokers = broker_.address();
    options.reconnect_backoff_ms = 5;
    auto connected = Client::connect(options);
    REQUIRE_OK(connected);
    client_.emplace(std::move(connected).value());
  }
  const Client& client() const { return *client_; }
  Stream next_stream() {
    std::unique_lock lock(mutex_);
    REQUIRE(news_.wait_for(lock, std::chrono::seconds(10), [&] { return !streams_.empty(); }));
    Stream stream = streams_.front();
    streams_.pop_front();
    return stream;
  }
  // Every stream from now on is refused; ok: no more.
  void refuse_streams(Errc code) {
    const std::lock_guard lock(mutex_);
    refused_ = code;
  }
  std::size_t wait_credit(std::size_t at_least) {
    std::unique_lock lock(mutex_);
    news_.wait_for(lock, std::chrono::seconds(10), [&] { return credit_ >= at_least; });
    return credit_;
  }

 private:
  void handle(const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request) {
    if (request.has_metadata()) {
      v1::ResponseHeader header;
      header.mutable_metadata()->add_topics()->set_partitions(partitions_);
      return peer->reply(request.correlation_id(), std::move(header));
    }
    const std::lock_guard lock(mutex_);
    if (request.has_replay() && refused_ != Errc::ok)
      peer->refuse(request.correlation_id(), refused_);
    else if (request.has_replay())
      streams_.push_back(
          {peer, request.correlation_id(), request.replay().resume_token(), request.replay().credit_bytes()});
    if (request.has_credit()) credit_ += request.credit().credit_bytes();
    news_.notify_all();
  }

  const std::uint32_t partitions_;
  std::mutex mutex_;
  std::condition_variable news_;
  std::deque<Stream> streams_;
  std::size_t credit_ = 0;
  Errc refused_ = Errc::ok;
  FakeBroker broker_;
  std::optional<Client> client_;
};

// The next `count` events that say something, as text.
std::vector<std::string> poll(Replay& replay, std::size_t count) {
  std::vector<std::string> texts;
  for (int i = 0; i < 200 && texts.size() < count; ++i) {
    const auto event = replay.poll(100);
    REQUIRE_OK(event);
    const std::string partition = std::to_string(event->partition.value());
    if (event->kind == ReplayEvent::Kind::records) {
      std::string text = partition + ":";
      for (const ReadRecord& record : event->records) text += " " + std::string(*record.key);
      texts.push_back(text);
    }
    if (event->kind == ReplayEvent::Kind::caught_up) texts.push_back(partition + ": caught up");
    if (event->kind == ReplayEvent::Kind::finished) texts.push_back("finished");
    if (event->kind == ReplayEvent::Kind::horizon_passed) texts.push_back("horizon passed");
  }
  return texts;
}

using Texts = std::vector<std::string>;

TEST_CASE("A replay shows the snapshot, a marker per partition, then the tail, and knows when it has caught up") {
  ReplayScript script(2);
  auto replay = Replay::open(script.client(), "t");
  REQUIRE_OK(replay);
  const auto stream = script.next_stream();
  stream.records(0, 0, 2, 2, "t1");
  stream.marker(0, 2, "t2");
  CHECK(poll(*replay, 2) == Texts{"0: k0 k1", "0: caught up"});
  CHECK_FALSE(replay->caught_up());
  stream.marker(1, 0, "t3");
  stream.records(0, 2, 1, 3, "t4");
  CHECK(poll(*replay, 2) == Texts{"1: caught up", "0: k2"});
  CHECK(replay->caught_up());
  CHECK(replay->resume_token() == "t4");
}

TEST_CASE("After a lost connection a replay resumes with its last token, without gap or repeat") {
  ReplayScript script;
  auto replay = Replay::open(script.client(), "t");
  REQUIRE_OK(replay);
  const auto first = script.next_stream();
  CHECK(first.token.empty());
  first.records(0, 0, 3, 3, "t1");
  first.marker(0, 3, "t2");
  first.peer->send_raw(std::string());
  CHECK(poll(*replay, 2) == Texts{"0: k0 k1 k2", "0: caught up"});
  first.peer->hang_up();
  const auto second = script.next_stream();
  CHECK(second.token == "t2");
  second.records(0, 1, 4, 5, "t3");  // begins too early: the client skips what it has shown
  second.marker(0, 5, "t4");         // shown before
  second.records(0, 5, 1, 6, "t5");
  CHECK(poll(*replay, 2) == Texts{"0: k3 k4", "0: k5"});
}

TEST_CASE("What is queued when the connection is lost is still shown, and the token follows what was shown") {
  ReplayScript script;
  auto replay = Replay::open(script.client(), "t");
  REQUIRE_OK(replay);
  const auto first = script.next_stream();
  first.records(0, 0, 1, 1, "t1");
  first.records(0, 1, 1, 2, "t2");
  CHECK(poll(*replay, 1) == Texts{"0: k0"});
  CHECK(replay->resume_token() == "t1");
  first.peer->hang_up();
  const auto second = script.next_stream();
  CHECK(second.token == "t2");
  second.records(0, 2, 1, 3, "t3");
  CHECK(poll(*replay, 2) == Texts{"0: k1", "0: k2"});
  CHECK(replay->resume_token() == "t3");
}

TEST_CASE("Credit is granted as events are polled, not as they arrive") {
  ReplayScript script;
  ReplayOptions options;
  options.credit_bytes = 12345;
  auto replay = Replay::open(script.client(), "t", options);
  REQUIRE_OK(replay);
  const auto stream = script.next_stream();
  CHECK(stream.credit == 12345);
  const std::size_t bytes = stream.records(0, 0, 5, 5, "t1");
  CHECK(poll(*replay, 1).size() == 1);
  CHECK(script.wait_credit(0) == 0);
  CHECK(replay->poll(1).ok());  // the views of the last event are given up here
  CHECK(script.wait_credit(bytes) == bytes);
}

TEST_CASE("A replay that is to stop at the marker finishes, and stays finished") {
  ReplayScript script;
  ReplayOptions options;
  options.stop_at_caught_up = true;
  auto replay = Replay::open(script.client(), "t", options);
  REQUIRE_OK(replay);
  const auto stream = script.next_stream();
  stream.marker(0, 0, "t1", true);
  CHECK(poll(*replay, 2) == Texts{"0: caught up", "finished"});
  CHECK(poll(*replay, 1) == Texts{"finished"});
}

TEST_CASE("A passed tombstone horizon is an event, and a restart begins a new snapshot") {
  ReplayScript script;
  ReplayOptions options;
  options.resume_token = "old";
  auto replay = Replay::open(script.client(), "t", options);
  REQUIRE_OK(replay);
  const auto first = script.next_stream();
  CHECK(first.token == "old");
  first.peer->refuse(first.id, Errc::tombstone_horizon_passed, "start a new snapshot");
  CHECK(poll(*replay, 1) == Texts{"horizon passed"});
  CHECK(poll(*replay, 1) == Texts{"horizon passed"});
  replay->restart();
  const auto second = script.next_stream();
  CHECK(second.token.empty());
  second.records(0, 0, 1, 1, "new");
  second.marker(0, 1, "newer");
  CHECK(poll(*replay, 2) == Texts{"0: k0", "0: caught up"});
}

TEST_CASE("An error of the stream ends the replay and is told by every poll") {
  ReplayScript script;
  auto replay = Replay::open(script.client(), "t");
  REQUIRE_OK(replay);
  const auto stream = script.next_stream();
  v1::ResponseHeader header;
  header.mutable_replay()->mutable_error()->set_code(static_cast<std::int32_t>(Errc::corrupt_range));
  header.mutable_replay()->mutable_error()->set_message("file 000.log at 17");
  stream.peer->reply(stream.id, std::move(header));
  const auto polled = replay->poll(5000);
  REQUIRE_FALSE(polled.ok());
  CHECK(polled.code() == Errc::corrupt_range);
  CHECK(polled.error().message == "t-0: file 000.log at 17");
  CHECK(replay->poll(1).code() == Errc::corrupt_range);
}

TEST_CASE("A blocked poll of a replay is woken by another thread, once") {
  ReplayScript script;
  auto replay = Replay::open(script.client(), "t");
  REQUIRE_OK(replay);
  std::thread waker([&] { replay->wake_up(); });
  const auto polled = replay->poll(600000);
  waker.join();
  REQUIRE_OK(polled);
  CHECK(polled->woken);
  CHECK(polled->kind == ReplayEvent::Kind::none);
  const auto next = replay->poll(1);
  REQUIRE_OK(next);
  CHECK_FALSE(next->woken);
}

TEST_CASE("A wake-up of a replay is told by the next poll, also when that brings records") {
  ReplayScript script;
  auto replay = Replay::open(script.client(), "t");
  REQUIRE_OK(replay);
  const auto stream = script.next_stream();
  for (int i = 0; i < 3; ++i) stream.records(0, i, 1, i + 1, "t" + std::to_string(i));
  CHECK(poll(*replay, 1) == Texts{"0: k0"});
  replay->wake_up();
  // Queued or not yet: the wake-up itself brings none.
  bool told = false;
  std::size_t records = 1;
  while (records < 3) {
    const auto event = replay->poll(600000);
    REQUIRE_OK(event);
    CHECK(event->woken == !std::exchange(told, true));
    records += event->records.size();
  }
}

TEST_CASE("A replay says whether the broker feeds it, and why not") {
  std::optional<ReplayScript> script(std::in_place);
  auto replay = Replay::open(script->client(), "t");
  REQUIRE_OK(replay);
  const auto stream = script->next_stream();
  stream.records(0, 0, 1, 1, "t1");
  CHECK(poll(*replay, 1) == Texts{"0: k0"});
  CHECK(replay->contact().ok());
  CHECK(replay->contact().silent_ms >= 0);
  const auto quiet = replay->poll(1);
  REQUIRE_OK(quiet);
  CHECK_FALSE(quiet->no_contact);
  // What may pass is asked again, and told meanwhile.
  script->refuse_streams(Errc::loading);
  stream.peer->refuse(stream.id, Errc::loading, "the keydir is not there yet");
  bool told = false;
  for (int i = 0; i < 10000 && !told; ++i) {
    const auto polled = replay->poll(1);
    REQUIRE_OK(polled);
    told = polled->no_contact;
  }
  CHECK(told);
  script->refuse_streams(Errc::ok);
  const auto again = script->next_stream();
  CHECK(again.token == "t1");
  again.records(0, 1, 1, 2, "t2");
  CHECK(poll(*replay, 1) == Texts{"0: k1"});
  CHECK(replay->contact().ok());
  // What does not pass stays.
  again.peer->refuse(again.id, Errc::unknown_topic);
  CHECK(replay->poll(600000).code() == Errc::unknown_topic);
  CHECK(replay->contact().connected);
  CHECK(replay->contact().trouble.code == Errc::unknown_topic);
}

TEST_CASE("A replay without a broker has no contact, and says since when and why") {
  std::optional<ReplayScript> script(std::in_place);
  const Client client = script->client();
  auto replay = Replay::open(client, "t");
  REQUIRE_OK(replay);
  (void)script->next_stream();
  script.reset();
  bool told = false;
  for (int i = 0; i < 10000 && !told; ++i) {
    const auto polled = replay->poll(1);
    REQUIRE_OK(polled);
    told = polled->no_contact && !replay->contact().connected;
  }
  CHECK(told);
  const Contact contact = replay->contact();
  CHECK_FALSE(contact.ok());
  CHECK(contact.silent_ms >= 0);
  CHECK((contact.trouble.code == Errc::connection_lost || contact.trouble.code == Errc::connect_failed));
}

}  // namespace
}  // namespace logcask::client
