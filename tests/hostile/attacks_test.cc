// What a peer may do to harm others, one attack a test. Each ends with the offenders' fates, the honest client's p99
// beside its own without the attack, and the broker's memory (arena.h).
#include <dirent.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "base/coding.h"
#include "base/crc32c.h"
#include "base/random.h"
#include "logcask/v1/native.pb.h"
#include "proto/compression.h"
#include "proto/frame.h"
#include "proto/lookup_codec.h"
#include "proto/record_batch.h"
#include "tests/hostile/arena.h"
#include "tests/hostile/peers.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace logcask::testing {
namespace {

constexpr std::uint32_t kFrameMax = 8u << 20;

// The broker's deadlines (limited_broker.cc). It looks at them four times in the shortest.
constexpr std::int64_t kHelloMs = 1500, kFrameMs = 1000, kWriteMs = 2000, kTickMs = 250;

// What a fate may come late by: others have the machine too, and a sanitizer takes its share.
std::int64_t margin_ms() { return memory_check_skipped().empty() ? 2000 : 15'000; }

// Drives the peers until all have the fate that is due, or too long.
Fates await_fates(Peers& peers, const Judge& judge, std::int64_t ms, int turn_ms = 10) {
  peers.drive(
      ms + 2 * margin_ms(), [&judge](const Peer& peer) { return judge(peer).empty(); }, turn_ms);
  return fates_of(peers, judge);
}

std::string frame_of(v1::RequestHeader& request, std::uint64_t id, const std::string& attachment = {}) {
  request.set_correlation_id(id);
  std::string frame;
  append_frame_head(frame, request, attachment.size());
  return frame + attachment;
}

std::string produce_frame(const std::string& topic, const std::string& batch, std::uint64_t id = 1) {
  v1::RequestHeader request;
  auto& entry = *request.mutable_produce()->add_entries();
  entry.set_topic(topic);
  entry.set_batch_bytes(static_cast<std::uint32_t>(batch.size()));
  return frame_of(request, id, batch);
}

std::string random_bytes(Random& random, std::size_t most) {
  std::string bytes(1 + random.below(most), '\0');
  for (char& c : bytes) c = static_cast<char>(random.next());
  return bytes;
}

TEST_CASE("lengths that lie", "[hostile]") {
  Arena arena("length-prefix lies");
  arena.run([&] {
    Peers peers(arena.port());
    struct Lie {
      std::string prefix;
      Errc code;
    };
    const Lie lies[] = {{frame_prefix(UINT32_MAX, 10), Errc::frame_too_large},
                        {frame_prefix(0x80000000u, 10), Errc::frame_too_large},
                        {frame_prefix(kFrameMax + 1, 10), Errc::frame_too_large},
                        {frame_prefix(20, UINT32_MAX), Errc::malformed_frame},
                        {frame_prefix(20, 17), Errc::malformed_frame},
                        {frame_prefix(0, 0), Errc::malformed_frame},
                        {frame_prefix(3, 0), Errc::malformed_frame},
                        {frame_prefix(kFrameMax - 4, 2u << 20), Errc::frame_too_large},
                        {frame_prefix(70'000, 10), Errc::frame_too_large}};
    for (int i = 0; i < 450; ++i) {
      // Before Hello all of them are lies; after it the last one is an honest beginning.
      const bool hello = i >= 225 && i % 9 != 8;
      peers.connect().unsent = (hello ? hello_frame() : "") + lies[i % 9].prefix + std::string(100, 'x');
    }
    const auto judge = [&](const Peer& peer) {
      const auto i = static_cast<std::size_t>(&peer - peers.list().data());
      return expect_refused(peer, {lies[i % 9].code}, peer.began_ms, margin_ms());
    };
    return await_fates(peers, judge, 0);
  });
}

TEST_CASE("frames that end too early", "[hostile]") {
  Arena arena("truncated frames");
  arena.run([&] {
    Peers peers(arena.port());
    const std::string whole = hello_frame() + produce_frame("honest", one_record_batch("key", "value"));
    for (std::size_t i = 0; i < 400; ++i) {
      Peer& peer = peers.connect();
      peer.unsent = whole.substr(0, 1 + i % (whole.size() - 1));
      peer.shut_after_sending = true;
    }
    const auto judge = [&](const Peer& peer) -> std::string {
      const auto i = static_cast<std::size_t>(&peer - peers.list().data());
      const bool hello = 1 + i % (whole.size() - 1) >= hello_frame().size();
      if (peer.answers.size() != (hello ? 1u : 0u)) return std::to_string(peer.answers.size()) + " answers";
      const std::string wrong =
          hello ? expect_answer(peer, kHelloId, {Errc::ok}, peer.began_ms, margin_ms()) : std::string();
      return wrong.empty() ? expect_closed(peer, peer.began_ms, margin_ms()) : wrong;
    };
    return await_fates(peers, judge, 0);
  });
}

// Each sends all of a large frame that the broker is willing to take, but never the last byte.
Fates hoard(Arena& arena, std::size_t count, std::uint32_t frame_bytes) {
  Peers peers(arena.port());
  const std::string start = hello_frame() + frame_prefix(frame_bytes - 4, 10);
  const std::string chunk(std::min<std::uint32_t>(frame_bytes - 9, 256u << 10), 'x');
  for (std::size_t i = 0; i < count; ++i) peers.connect(static_cast<int>(i / 1500)).unsent = start + chunk;
  // A frame may wait for its turn as long as it may take then.
  static constexpr std::int64_t kMostMs = 2 * (kFrameMs + kTickMs);
  const std::int64_t end = steady_ms() + kMostMs + 2 * margin_ms();
  std::vector<std::size_t> sent(count, chunk.size());
  while (steady_ms() < end && peers.closed() < count) {
    peers.drive(20);
    for (std::size_t i = 0; i < count; ++i) {
      Peer& peer = peers.list()[i];
      if (peer.closed || !peer.unsent.empty() || sent[i] + chunk.size() > frame_bytes - 9) continue;
      peer.unsent = chunk;
      sent[i] += chunk.size();
    }
  }
  return fates_of(peers, [](const Peer& peer) {
    return expect_refused(peer, {Errc::timed_out, Errc::limit_exceeded}, peer.began_ms, kMostMs + margin_ms());
  });
}

TEST_CASE("frames without an end", "[hostile]") {
  Arena arena("400 endless frames of 8 MiB");
  arena.run([&] { return hoard(arena, 400, kFrameMax); });
}

TEST_CASE("frames without an end, small ones", "[hostile]") {
  Arena arena("600 endless frames of 60 KiB");
  arena.run([&] { return hoard(arena, 600, 60u << 10); });
}

TEST_CASE("frames without an end from two thousand", "[hostile][slow]") {
  Arena arena("2000 endless frames of 8 MiB", {"connections.max.per.address=10000"});
  arena.run([&] { return hoard(arena, 2000, kFrameMax); });
}

TEST_CASE("requests of the future", "[hostile]") {
  Arena arena("unknown and future requests");
  // Far above the requests there are, so that one more of ours does not turn this attack into good requests.
  constexpr std::uint64_t kUnknownFrom = 1000;
  arena.run([&] {
    Peers peers(arena.port());
    for (int i = 0; i < 300; ++i) {
      std::string header;
      const auto put_varint = [&header](std::uint64_t value) {
        for (; value >= 0x80; value >>= 7) header += static_cast<char>(value | 0x80);
        header += static_cast<char>(value);
      };
      put_varint(1 << 3);  // correlation id
      put_varint(static_cast<std::uint64_t>(i) + 2);
      put_varint(((kUnknownFrom + static_cast<std::uint64_t>(i)) << 3) | 2);  // a body nobody knows
      put_varint(4);
      header += "body";
      std::string frame =
          frame_prefix(static_cast<std::uint32_t>(4 + header.size()), static_cast<std::uint32_t>(header.size())) +
          header;
      v1::RequestHeader hello;
      hello.mutable_hello()->set_min_protocol_version(i % 3 == 0 ? 7 : 1);
      hello.mutable_hello()->set_max_protocol_version(i % 3 == 0 ? UINT32_MAX : 9);
      hello.mutable_hello()->set_features(~std::uint64_t{0});
      peers.connect().unsent = frame_of(hello, 1) + frame;
    }
    const auto judge = [&](const Peer& peer) -> std::string {
      const auto i = static_cast<std::uint64_t>(&peer - peers.list().data());
      if (i % 3 == 0) return expect_answer(peer, 1, {Errc::unsupported_version}, peer.began_ms, margin_ms());
      const std::string wrong = expect_answer(peer, 1, {Errc::ok}, peer.began_ms, margin_ms());
      return wrong.empty() ? expect_answer(peer, i + 2, {Errc::unknown_request}, peer.began_ms, margin_ms()) : wrong;
    };
    const Fates fates = await_fates(peers, judge, 0);
    // The connection lives on: it was asked nicely.
    NativeClient client(arena.port());
    v1::RequestHeader nothing;
    CHECK(client.call(nothing).header.error_code() == static_cast<int>(Errc::unknown_request));
    CHECK(client.get("honest", "nothing") == "<absent>");
    return fates;
  });
}

TEST_CASE("ten thousand streams of random bytes", "[hostile]") {
  const std::uint64_t seed = test_seed();
  INFO("seed " << seed);
  Random random(seed);
  Arena arena("10,000 random byte streams");
  const std::string batch = one_record_batch("key", "value");
  arena.run([&] {
    Fates all;
    for (int round = 0; round < 100; ++round) {
      Peers peers(arena.port());
      for (int i = 0; i < 100; ++i) {
        Peer& peer = peers.connect();
        peer.shut_after_sending = true;
        if (i % 3 == 0) {
          peer.unsent = random_bytes(random, 600);
          continue;
        }
        std::string stream = i % 3 == 1 ? random_bytes(random, 600) : "";
        if (stream.empty()) {
          // Good frames with some bytes changed.
          stream = produce_frame("honest", batch, 7);
          v1::RequestHeader replay;
          replay.mutable_replay()->set_topic("honest");
          replay.mutable_replay()->set_credit_bytes(1000);
          stream += frame_of(replay, 8);
          for (int n = 0; n < 3; ++n) stream[random.below(stream.size())] ^= static_cast<char>(1 + random.below(255));
        }
        peer.unsent = hello_frame() + stream;
      }
      const auto judge = [&](const Peer& peer) -> std::string {
        const bool hello = (&peer - peers.list().data()) % 3 != 0;
        const bool answered = !peer.answers.empty();
        // Nothing but Hello is understood first, and nobody said that; less than a frame is no offence.
        const std::initializer_list<Errc> codes = {Errc::malformed_frame, Errc::frame_too_large};
        std::string wrong;
        if (hello) wrong = expect_answer(peer, kHelloId, {Errc::ok}, peer.began_ms, margin_ms());
        if (!hello && answered) wrong = expect_answer(peer, 0, codes, peer.began_ms, margin_ms());
        return wrong.empty() ? expect_closed(peer, peer.began_ms, margin_ms()) : wrong;
      };
      all.add(await_fates(peers, judge, 0));
    }
    return all;
  });
}

TEST_CASE("senders of one byte at a time", "[hostile]") {
  Arena arena("500 slow senders");
  arena.run([&] {
    Peers peers(arena.port());
    for (int i = 0; i < 500; ++i) {
      Peer& peer = peers.connect();
      peer.bytes_per_turn = 1;
      // Hello so slowly that it is never whole, or a frame after it.
      peer.unsent = i % 2 == 0 ? frame_prefix(5000, 4990) + std::string(4000, 'x') : hello_frame();
      if (i % 2 == 1) peer.bytes_per_turn = peer.unsent.size();
    }
    peers.drive(200, {}, 100);
    for (std::size_t i = 1; i < 500; i += 2) {
      peers.list()[i].began_ms = -1;
      peers.list()[i].unsent = frame_prefix(50'000, 10) + std::string(40'000, 'x');
      peers.list()[i].bytes_per_turn = 1;
    }
    const auto judge = [&](const Peer& peer) {
      const bool hello = (&peer - peers.list().data()) % 2 != 0;
      // More of them than there is memory for at a time: those wait for their turn before their time begins.
      return hello ? expect_refused(peer, {Errc::timed_out, Errc::limit_exceeded}, peer.began_ms,
                                    2 * (kFrameMs + kTickMs) + margin_ms())
                   : expect_refused(peer, {Errc::timed_out}, peer.connected_ms, kHelloMs + kTickMs + margin_ms());
    };
    return await_fates(peers, judge, kHelloMs, 100);
  });
}

TEST_CASE("readers that never read", "[hostile]") {
  // Whose answers all fit the kernel's buffers is merely idle.
  static constexpr std::int64_t kIdleMs = 5000;
  Arena arena("120 readers that never read", {"idle.timeout.ms=5000"});
  {
    NativeClient writer(arena.port());
    writer.create_topic("big", 1, {{"cleanup.policy", "compact,delete"}});
    for (int i = 0; i < 40; ++i) REQUIRE(writer.put("big", "k" + std::to_string(i), std::string(900'000, 'v')) >= 0);
  }
  arena.run([&] {
    Peers peers(arena.port());
    std::string keys;
    append_key(keys, "k1");
    for (int i = 0; i < 120; ++i) {
      Peer& peer = peers.connect(0, 4096);
      peer.reads = false;
      peer.unsent = hello_frame();
      for (std::uint64_t n = 0; n < 20; ++n) {
        v1::RequestHeader request;
        std::string attachment;
        switch (i % 5) {
          case 0:
            request.mutable_fetch()->add_partitions()->set_topic("big");
            break;
          case 1:
            request.mutable_fetch()->set_follow(true);
            request.mutable_fetch()->set_credit_bytes(UINT32_MAX);
            request.mutable_fetch()->add_partitions()->set_topic("big");
            break;
          case 2:
            request.mutable_replay()->set_topic("big");
            request.mutable_replay()->set_credit_bytes(UINT32_MAX);
            request.mutable_replay()->set_live_only(n % 2 == 0);
            break;
          case 3:
            request.mutable_watch()->set_topic("big");
            request.mutable_watch()->set_partition(-1);
            request.mutable_watch()->set_key_count(1);
            request.mutable_watch()->set_credit_bytes(UINT32_MAX);
            attachment = keys;
            break;
          default:
            request.mutable_get()->set_topic("big");
            request.mutable_get()->set_partition(-1);
            request.mutable_get()->set_key_count(1);
            attachment = keys;
        }
        peer.unsent += frame_of(request, 10 + n, attachment);
      }
    }
    // write.timeout.ms runs from when one is served: those that ask for much wait for their turn first.
    return await_fates(
        peers,
        [](const Peer& peer) { return expect_closed(peer, peer.began_ms, kIdleMs + kWriteMs + kTickMs + margin_ms()); },
        kIdleMs + kWriteMs, 50);
  });
}

TEST_CASE("calls that wait and hold much", "[hostile]") {
  static constexpr std::int64_t kWaitMs = 1500;
  Arena arena("hoards of waiting requests", {"fetch.wait.max.ms=1500"});
  {
    // Without records: whose answers are large is closed when too many wait (readers that never read).
    NativeClient client(arena.port());
    client.create_topic("quiet");
  }
  arena.run([&] {
    Peers peers(arena.port());
    // The last offset given out is visible at once, so waiting for it takes a fetch that is never filled, and watches.
    std::string keys;
    for (int k = 0; k < 60; ++k) append_key(keys, "key-" + std::to_string(k) + std::string(10'000, 'k'));
    for (int i = 0; i < 100; ++i) {
      Peer& peer = peers.connect();
      peer.unsent = hello_frame();
      for (std::uint64_t n = 0; n < 4; ++n) {
        v1::RequestHeader watch;
        watch.mutable_watch()->set_topic("quiet");
        watch.mutable_watch()->set_key_count(60);
        watch.mutable_watch()->set_credit_bytes(1);
        peer.unsent += frame_of(watch, 10 + n, keys);
      }
      for (std::uint64_t n = 0; n < 100; ++n) {
        v1::RequestHeader wait;
        wait.mutable_fetch()->set_max_wait_ms(60'000);
        wait.mutable_fetch()->set_min_bytes(kFrameMax);
        wait.mutable_fetch()->add_partitions()->set_topic("quiet");
        peer.unsent += frame_of(wait, 1000 + n);
      }
    }
    // Either its large frames waited for their turn too long, or every fetch is answered in its time: at once where
    // too many wait already. The requests are read only after the large frames before them.
    std::size_t waited = 0, refused = 0;
    const auto judge = [&](const Peer& peer) {
      static constexpr std::int64_t kReadMs = 4 * 2 * (kFrameMs + kTickMs);
      if (peer.closed)
        return expect_refused(peer, {Errc::limit_exceeded, Errc::timed_out}, peer.began_ms, kReadMs + margin_ms());
      std::string wrong;
      for (std::uint64_t n = 0; n < 100 && wrong.empty(); ++n)
        wrong = expect_answer(peer, 1000 + n, {Errc::ok, Errc::limit_exceeded}, peer.began_ms,
                              kReadMs + kWaitMs + margin_ms());
      return wrong;
    };
    const Fates fates = await_fates(peers, judge, 4 * 2 * (kFrameMs + kTickMs) + kWaitMs);
    for (const Peer& peer : peers.list())
      for (const PeerAnswer& answer : peer.answers) {
        waited += answer.id >= 1000 && answer.id != kHelloId && answer.code == 0;
        refused += answer.id < 14 && answer.code == static_cast<int>(Errc::limit_exceeded);
      }
    CHECK(waited > 0);
    CHECK(refused > 0);
    return fates;
  });
}

TEST_CASE("long polls that ask for weeks", "[hostile]") {
  static constexpr std::int64_t kWaitMs = 1000, kIdleMs = 1000;
  Arena arena("long polls for weeks", {"fetch.wait.max.ms=1000", "idle.timeout.ms=1000"});
  arena.run([&] {
    Peers peers(arena.port());
    for (int i = 0; i < 300; ++i) {
      v1::RequestHeader wait;
      wait.mutable_fetch()->set_max_wait_ms(UINT32_MAX);
      wait.mutable_fetch()->set_min_bytes(kFrameMax);
      wait.mutable_fetch()->add_partitions()->set_topic("honest");
      peers.connect().unsent = hello_frame() + frame_of(wait, 1);
    }
    // Answered, and silent from then on: idle, and gone.
    const auto judge = [](const Peer& peer) {
      const std::string wrong = expect_answer(peer, 1, {Errc::ok}, peer.began_ms, kWaitMs + margin_ms());
      return wrong.empty()
                 ? expect_refused(peer, {Errc::timed_out}, peer.answer_to(1)->at_ms, kIdleMs + kTickMs + margin_ms())
                 : wrong;
    };
    return await_fates(peers, judge, kWaitMs + kIdleMs);
  });
}

TEST_CASE("two thousand idle connections", "[hostile]") {
  // Long enough that all are there before the first is to go.
  static constexpr std::int64_t kSilentMs = 6000;
  Arena arena("2,000 idle connections",
              {"hello.timeout.ms=6000", "idle.timeout.ms=6000", "connections.max.per.address=4000"});
  arena.run([&] {
    Peers peers(arena.port());
    for (int i = 0; i < 2000; ++i) {
      Peer& peer = peers.connect(i / 1000);
      if (i % 2 == 0) peer.unsent = hello_frame();  // the others say nothing
    }
    std::int64_t open = 0;
    while (open < 2000 && steady_ms() < peers.list().front().connected_ms + kSilentMs) {
      peers.drive(20);
      open = arena.foreign_connections();
    }
    CHECK(open >= 2000);
    const auto judge = [](const Peer& peer) {
      return expect_refused(peer, {Errc::timed_out}, std::max(peer.connected_ms, peer.began_ms),
                            kSilentMs + kTickMs + margin_ms());
    };
    return await_fates(peers, judge, kSilentMs, 20);
  });
}

TEST_CASE("a storm of connections with few descriptors", "[hostile]") {
  static constexpr std::int64_t kBriefHelloMs = 400;
  Arena arena("storm, 256 descriptors", {"open.files.max=64", "hello.timeout.ms=400"}, 256);
  arena.run([&] {
    Fates all;
    for (int round = 0; round < 8; ++round) {
      Peers peers(arena.port());
      for (int i = 0; i < 250; ++i) peers.connect();
      // Beyond what the descriptors allow they are closed at once, most of them told why, the others when they do not
      // say Hello.
      const auto judge = [](const Peer& peer) {
        if (peer.answers.empty()) return expect_closed(peer, peer.connected_ms, margin_ms());
        if (peer.answers.front().code == static_cast<int>(Errc::limit_exceeded))
          return expect_refused(peer, {Errc::limit_exceeded}, peer.connected_ms, margin_ms());
        return expect_refused(peer, {Errc::timed_out}, peer.connected_ms, kBriefHelloMs + kTickMs + margin_ms());
      };
      all.add(await_fates(peers, judge, kBriefHelloMs));
    }
    return all;
  });
  CHECK(arena.broker().open_files() < 256);
}

TEST_CASE("descriptors that run out altogether", "[hostile]") {
  Arena arena("no descriptor left");
  arena.run([&] {
    Fates all;
    arena.broker().limit_open_files(arena.broker().open_files() + 8);
    const std::int64_t cpu_before = arena.broker().cpu_ms();
    const auto start = std::chrono::steady_clock::now();
    {
      Peers peers(arena.port());
      for (int i = 0; i < 300; ++i) peers.connect();
      // The few that found a descriptor have until Hello is overdue; the others are closed at once.
      all = await_fates(
          peers,
          [](const Peer& peer) {
            return peer.answers.empty()
                       ? expect_closed(peer, peer.connected_ms, margin_ms())
                       : expect_refused(peer, {Errc::timed_out}, peer.connected_ms, kHelloMs + kTickMs + margin_ms());
          },
          kHelloMs);
      CHECK(all.answered < all.closed);
    }
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    // It does not spin on the accept that fails.
    CHECK(static_cast<double>(arena.broker().cpu_ms() - cpu_before) < 0.5 * took.count() + 300);
    arena.broker().limit_open_files(1000);
    // It accepts again by itself.
    NativeClient client(arena.port());
    CHECK(client.get("honest", "nothing") == "<absent>");
    return all;
  });
  // Said once a minute.
  const std::string log = arena.broker().log();
  const std::size_t first = log.find("no connection can be accepted");
  CHECK(first != std::string::npos);
  CHECK(log.find("no connection can be accepted", first + 1) == std::string::npos);
}

// A batch of one record whose value is `bytes` zeroes.
std::string bomb(Compression codec, std::size_t bytes) {
  BatchBuilder::Options options;
  options.compression = codec;
  BatchBuilder builder(Offset(0), options);
  const std::string zeroes(bytes, '\0');
  builder.add(Offset(0), TimestampMs(1), ByteView("bomb"), ByteView(zeroes));
  std::string batch;
  REQUIRE_OK(builder.finish(batch));
  return batch;
}

// As many tiny records as fit.
std::string crowd(Compression codec, std::int64_t records) {
  BatchBuilder::Options options;
  options.compression = codec;
  BatchBuilder builder(Offset(0), options);
  for (std::int64_t i = 0; i < records; ++i) builder.add(Offset(i), TimestampMs(1), ByteView("k"), ByteView());
  std::string batch;
  REQUIRE_OK(builder.finish(batch));
  return batch;
}

TEST_CASE("bombs of every codec", "[hostile]") {
  std::vector<std::string> bombs;
  for (const Compression codec : {Compression::gzip, Compression::lz4, Compression::zstd}) {
    bombs.push_back(bomb(codec, 100u << 20));
    bombs.push_back(bomb(codec, 30u << 20));
  }
  bombs.push_back(bomb(Compression::snappy, 20u << 20));
  bombs.push_back(crowd(Compression::zstd, 1'000'000));
  bombs.push_back(crowd(Compression::none, 300'000));
  // Large frames have the time to wait for their turn.
  Arena arena("decompression bombs", {"hello.timeout.ms=20000", "frame.timeout.ms=20000"});
  {
    NativeClient client(arena.port());
    // Their size as they are sent is no offence.
    client.create_topic("bombs", 1, {{"max.message.bytes", "4194304"}});
  }
  arena.run([&] {
    Peers peers(arena.port());
    for (std::size_t i = 0; i < 4 * bombs.size(); ++i)
      peers.connect().unsent = produce_frame("bombs", bombs[i % bombs.size()], 7);
    for (Peer& peer : peers.list()) peer.unsent = hello_frame() + peer.unsent;
    // Unpacked one after the other, each in a fraction of a second.
    static constexpr std::int64_t kUnpackMs = 10'000;
    const auto judge = [](const Peer& peer) {
      return expect_answer(peer, 7, {Errc::message_too_large}, peer.began_ms, kUnpackMs + margin_ms());
    };
    return await_fates(peers, judge, kUnpackMs);
  });
}

// One record's bytes, whatever they are, in a batch whose checksum holds.
std::string batch_of(const std::string& records, std::int32_t count) {
  std::string batch = one_record_batch("key", "value").substr(0, kBatchHeaderBytes) + records;
  store_be(batch.data() + 8, static_cast<std::uint32_t>(batch.size() - 12));
  store_be(batch.data() + 23, static_cast<std::uint32_t>(count - 1));
  store_be(batch.data() + 57, static_cast<std::uint32_t>(count));
  store_be(batch.data() + 17, crc32c(ByteView(batch).substr(21)));
  return batch;
}

TEST_CASE("counts and varints that overflow", "[hostile]") {
  const std::string ff5(5, '\xff'), ff10(10, '\xff');
  const std::string good = one_record_batch("key", "value").substr(kBatchHeaderBytes);
  const std::vector<std::string> batches = {
      batch_of(good, INT32_MAX),
      batch_of(good, 2),
      batch_of(good, 0),
      batch_of(good, -1),
      batch_of("", 1),
      batch_of(ff5 + good, 1),
      batch_of(ff10 + good, 1),
      batch_of(std::string("\xfe\xff\xff\xff\x0f", 5) + good, 1),             // a length of 2^31 - 1
      batch_of(std::string("\x01", 1) + good, 1),                             // a negative one
      batch_of(std::string("\x12\x00", 2) + ff10 + good, 1),                  // a timestamp without end
      batch_of(std::string("\x12\x00\x00\x00\xfe\xff\xff\xff\x0f", 9), 1),    // a key of 2^31 - 1
      batch_of(std::string("\x12\x00\x00\x00\x03", 5) + good, 1),             // a key of -2
      batch_of(good.substr(0, good.size() - 1) + "\xfe\xff\xff\xff\x0f", 1),  // headers without end
      batch_of(std::string(100'000, '\x80'), 50'000),
  };
  Arena arena("counts and varints overflow");
  {
    NativeClient client(arena.port());
    client.create_topic("t");
    REQUIRE(client.put("t", "key", "value") == 0);
  }
  arena.run([&] {
    Fates fates;
    NativeClient client(arena.port());
    for (int round = 0; round < 20; ++round) {
      for (const std::string& batch : batches) {
        v1::RequestHeader request;
        auto& entry = *request.mutable_produce()->add_entries();
        entry.set_topic("t");
        entry.set_batch_bytes(static_cast<std::uint32_t>(batch.size()));
        const NativeAnswer answer = client.call(request, batch);
        ++fates.offenders;
        REQUIRE(answer.header.error_code() == 0);
        const auto code = static_cast<Errc>(answer.header.produce().results(0).error().code());
        const bool refused =
            code == Errc::invalid_record || code == Errc::corrupt_message || code == Errc::message_too_large;
        INFO("code " << static_cast<int>(code));
        CHECK(refused);
        fates.answered += refused;
      }
      // Sizes of an envelope that do not add up to the attachment, past 32 bits together.
      v1::RequestHeader request;
      for (int i = 0; i < 3; ++i) {
        auto& entry = *request.mutable_produce()->add_entries();
        entry.set_topic("t");
        entry.set_batch_bytes(0x80000000u);
      }
      ++fates.offenders;
      fates.answered += client.call(request, "xyz").header.error_code() != 0;
      v1::RequestHeader get;
      get.mutable_get()->set_topic("t");
      get.mutable_get()->set_key_count(UINT32_MAX);
      ++fates.offenders;
      fates.answered += client.call(get, "xyz").header.error_code() != 0;
    }
    fates.without = fates.offenders - fates.answered;
    CHECK(client.get("t", "key") == "value");
    return fates;
  });
}

std::set<std::string> names_in(const std::string& path) {
  std::set<std::string> names;
  DIR* directory = ::opendir(path.c_str());
  REQUIRE(directory != nullptr);
  while (const dirent* entry = ::readdir(directory)) names.insert(entry->d_name);
  ::closedir(directory);
  return names;
}

TEST_CASE("topic names that are paths", "[hostile]") {
  Arena arena("topic names as paths");
  const std::set<std::string> before = names_in(arena.broker().directory());
  const std::set<std::string> data_before = names_in(arena.broker().directory() + "/data");
  arena.run([&] {
    Fates fates;
    NativeClient client(arena.port());
    const std::vector<std::string> names = {"../evil",
                                            "..",
                                            ".",
                                            "/etc/evil",
                                            "a/../../evil",
                                            "evil/",
                                            "",
                                            "a\\b",
                                            "..\\evil",
                                            "evil\n",
                                            "__logcask_x",
                                            "%2e%2e%2f",
                                            "~",
                                            "evil:stream",
                                            std::string("evil\0x", 6),
                                            std::string(201, 'a'),
                                            std::string(100'000, '/'),
                                            "\xc3\xa9vil",
                                            "${HOME}",
                                            "evil*"};
    for (int round = 0; round < 10; ++round) {
      for (const std::string& name : names) {
        ++fates.offenders;
        v1::RequestHeader create, produce;
        create.mutable_create_topic()->set_name(name);
        // Bytes that are no UTF-8 end the connection before the name is looked at; each has one of its own.
        fates.answered += client.call(create).header.error_code() != 0;
        const std::string batch = one_record_batch("k", "v");
        auto& entry = *produce.mutable_produce()->add_entries();
        entry.set_topic(name);
        entry.set_batch_bytes(static_cast<std::uint32_t>(batch.size()));
        const NativeAnswer answer = client.call(produce, batch);
        CHECK((answer.header.error_code() != 0 || answer.header.produce().results(0).error().code() != 0));
        v1::RequestHeader erase;
        erase.mutable_delete_topic()->set_name(name);
        CHECK(client.call(erase).header.error_code() != 0);
      }
      v1::RequestHeader commit;
      commit.mutable_commit_offsets()->set_group("../../group");
      auto& entry = *commit.mutable_commit_offsets()->add_entries();
      entry.set_topic("../honest");
      entry.set_offset(1);
      client.call(commit);
    }
    fates.without = fates.offenders - fates.answered;
    return fates;
  });
  CHECK(names_in(arena.broker().directory()) == before);
  for (const std::string& name : names_in(arena.broker().directory() + "/data")) {
    INFO(name);
    // The disk's reserve is made behind the first answers.
    CHECK((data_before.contains(name) || name.starts_with("reserve.") || name.find("offsets") != std::string::npos));
  }
}

}  // namespace
}  // namespace logcask::testing
