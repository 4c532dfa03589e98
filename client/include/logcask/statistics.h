#pragma once
// What a client has done since it was made, all its connections together. Counters only ever grow.

#include <cstddef>
#include <cstdint>

#include <logcask/contact.h>

namespace logcask::client {

struct Statistics {
  std::uint64_t requests = 0;         // taken to be sent, streams too; repeats after a lost connection are not counted
  std::uint64_t responses = 0;        // frames that came, those of streams too
  std::uint64_t failed_requests = 0;  // refused by the broker, out of time, lost with their connection, or refused here
  std::uint64_t sent_bytes = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t connections_made = 0;
  std::uint64_t connections_lost = 0;
  std::size_t open_requests = 0;  // wait for an answer now; a stream is one
  Contact contact;                // as Client::contact()
};

}  // namespace logcask::client
