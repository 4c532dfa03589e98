#pragma once
// Many hostile sockets driven by one thread: they send what they are told, at the pace they are told, and note what
// becomes of them, and when.

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "base/errc.h"

namespace logcask::testing {

struct PeerAnswer {
  std::uint64_t id = 0;
  // The answer's error, else that of its first produced entry.
  int code = 0;
  std::int64_t at_ms = 0;
};

struct Peer {
  int socket = -1;
  std::uint64_t address = 0;  // its own, and port
  std::string unsent;
  std::size_t bytes_per_turn = 1u << 20;  // of unsent, each turn
  bool reads = true;
  bool shut_after_sending = false;  // says that nothing will follow
  std::int64_t connected_ms = 0;
  std::int64_t began_ms = -1;  // when the first of `unsent` went; a test sets it to -1 for what it sends later
  std::string received;        // what is no whole frame yet
  std::vector<PeerAnswer> answers;
  bool closed = false;
  std::int64_t closed_ms = 0;

  // Null when there is none.
  const PeerAnswer* answer_to(std::uint64_t id) const;
};

// What is wrong with a peer's fate; empty when nothing is.
using Judge = std::function<std::string(const Peer&)>;
// The answer to `id` has one of `codes` and came at most `within_ms` after `from_ms`.
std::string expect_answer(const Peer& peer, std::uint64_t id, std::initializer_list<Errc> codes, std::int64_t from_ms,
                          std::int64_t within_ms);
// The broker closed it at most `within_ms` after `from_ms`.
std::string expect_closed(const Peer& peer, std::int64_t from_ms, std::int64_t within_ms);
// Both: an answer to no request, then the end.
std::string expect_refused(const Peer& peer, std::initializer_list<Errc> codes, std::int64_t from_ms,
                           std::int64_t within_ms);

class Peers {
 public:
  explicit Peers(std::uint16_t port) : port_(port) {}
  ~Peers();
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;

  // Connects one more, from 127.0.0.(2 + group); its kernel buffers are small. A refused one counts as closed.
  Peer& connect(int group = 0, int receive_buffer = 0);
  // Turns until `ms` have passed or every peer is closed or `done`. A turn takes `turn_ms` at most.
  void drive(std::int64_t ms, const std::function<bool(const Peer&)>& done = {}, int turn_ms = 10);
  void close_all();  // with a reset, so that no port stays taken

  std::vector<Peer>& list() { return peers_; }
  std::size_t answered() const;
  std::size_t closed() const;

 private:
  void note_those_closed_by_the_broker();

  const std::uint16_t port_;
  std::vector<Peer> peers_;
};

std::int64_t steady_ms();

// Frames as they are, or as they should not be.
inline constexpr std::uint64_t kHelloId = 1'000'000'007;
std::string frame_prefix(std::uint32_t frame_bytes, std::uint32_t header_bytes);
std::string hello_frame();

}  // namespace logcask::testing
