#pragma once
// The credit that clients grant to a connection's streams, lent to the services a part at a time, for as much as the
// output can hold: a client that grants a lot and reads nothing fills no memory.
//
// Belongs to one protocol and its event loop. Streams have numbers of the protocol's choice.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>

#include "broker/net/out_queue.h"
#include "broker/net/wire_memory.h"

namespace logcask {

class Lending {
 public:
  // A stream may send so many bytes more. Must not end or open one before it returns.
  using Grant = std::function<void(std::uint64_t stream, std::uint64_t bytes)>;

  // `output` and `memory` outlive it.
  Lending(const OutQueue& output, std::size_t output_limit_bytes, const WireMemory& memory, Grant grant)
      : output_(output), output_limit_bytes_(output_limit_bytes), memory_(memory), grant_(std::move(grant)) {}

  // What a stream that is about to open gets at once of the client's credit.
  std::uint64_t first_loan(std::uint64_t client_credit) const;
  // `lent` is first_loan() of the client's credit.
  void open(std::uint64_t stream, std::uint64_t client_credit, std::uint64_t lent);
  bool is_open(std::uint64_t stream) const { return streams_.contains(stream); }
  void closed(std::uint64_t stream) { streams_.erase(stream); }
  void all_closed() { streams_.clear(); }

  // The client grants more. Nothing when no such stream is open.
  void add_credit(std::uint64_t stream, std::uint64_t bytes);
  // Goes into the output. Nothing when no such stream is open.
  void sent(std::uint64_t stream, std::size_t bytes);
  // The output has become shorter: lends what fits.
  void output_taken();

 private:
  struct Stream {
    std::uint64_t credit = 0;  // the client's, not lent yet
    std::int64_t lent = 0;     // not used yet; below zero by a batch at most
  };
  std::uint64_t loan() const;
  void lend(std::uint64_t number, Stream& stream);

  const OutQueue& output_;
  const std::size_t output_limit_bytes_;
  const WireMemory& memory_;
  const Grant grant_;
  std::unordered_map<std::uint64_t, Stream> streams_;
};

}  // namespace logcask
