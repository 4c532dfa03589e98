#pragma once
// The native wire with nothing in between: one socket, frames made once and sent many times. For loads in which the
// client library would be the limit. One thread.

#include <cstdint>
#include <string>

#include "base/types.h"

namespace logcask::v1 {
class RequestHeader;
}

namespace logcask::bench {

// "host:port" with a numeric IPv4 host; -1 when nobody listens.
int try_connect_tcp(const std::string& address);
// Ends the program when nobody listens.
int connect_tcp(const std::string& address);
void set_nonblocking(int fd);
void write_all(int fd, ByteView bytes);

// A whole frame as it goes out.
std::string make_frame(const v1::RequestHeader& header, ByteView attachment);
// Of a Get of `keys` keys of kKeyBytes each; the keys are the last bytes of it, each with four bytes of length before.
std::string make_get_frame(const std::string& topic, std::uint64_t correlation_id, std::uint32_t keys);

// Asks for version 1 on a blocking socket; false when the connection ended.
bool say_hello(int fd);
// Reads one frame from a blocking socket into `frame` (8 bytes of lengths included); false when the connection ended.
bool read_frame(int fd, std::string& frame);

}  // namespace logcask::bench
