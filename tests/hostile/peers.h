#pragma once
// Many hostile sockets driven by one thread: they send what they are told, at the pace they are told, and note what
// becomes of them.

#include <cstdint>
#include <string>
#include <vector>

namespace logcask::testing {

struct Peer {
  int socket = -1;
  std::string unsent;
  std::size_t bytes_per_turn = 1u << 20;  // of unsent, each turn
  bool reads = true;
  bool shut_after_sending = false;  // says that nothing will follow
  std::string received;             // its beginning
  std::size_t received_bytes = 0;
  bool closed = false;

  bool answered() const { return received_bytes > 0; }
  // Of the first frame received; -1 when there is none.
  int first_error() const;
};

class Peers {
 public:
  explicit Peers(std::uint16_t port) : port_(port) {}
  ~Peers();
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;

  // Connects one more, from 127.0.0.(2 + group); its kernel buffers are small. A refused one counts as closed.
  Peer& connect(int group = 0, int receive_buffer = 0);
  // Turns until `ms` have passed or, with `until_fates`, every peer that reads was answered or closed, whichever is
  // first. A turn takes `turn_ms` at most.
  void drive(std::int64_t ms, bool until_fates, int turn_ms = 10, bool until_closed = false);
  void close_all();  // with a reset, so that no port stays taken

  std::vector<Peer>& list() { return peers_; }
  std::size_t answered() const;
  std::size_t closed() const;
  std::size_t without_fate() const;

 private:
  const std::uint16_t port_;
  std::vector<Peer> peers_;
};

// Frames as they are, or as they should not be.
std::string frame_prefix(std::uint32_t frame_bytes, std::uint32_t header_bytes);
std::string hello_frame();

}  // namespace logcask::testing
