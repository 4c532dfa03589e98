#pragma once
// One message on its way to the broker: frame head and attachment, with whatever keeps their bytes alive.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/types.h"

namespace google::protobuf {
class MessageLite;
}

namespace logcask::client {

struct Outgoing {
  std::uint64_t id = 0;  // of the request that waits for an answer; 0 = nobody waits
  std::string head;      // frame prefix, header, and small attachments
  ByteView attachment;   // sent after `head`, from where it lies
  std::shared_ptr<const void> attachment_owner;
  // Called once on the I/O thread: ok when all bytes were handed to the kernel. For messages nobody answers.
  std::function<void(Status)> written;

  std::size_t total_bytes() const { return head.size() + attachment.size(); }
};

}  // namespace logcask::client
