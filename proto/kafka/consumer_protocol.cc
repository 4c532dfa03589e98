#include "proto/kafka/consumer_protocol.h"

#include <algorithm>

#include "base/mutant.h"
#include "proto/kafka/reader.h"
#include "proto/kafka/writer.h"

namespace logcask::kafka {
namespace {

constexpr std::int16_t kSubscriptionVersion = 1;
constexpr std::int16_t kAssignmentVersion = 0;

template <class Message>
Result<std::string> encode_with_version(const Message& message, std::int16_t version) {
  Written written;
  ByteWriter(written.bytes).fixed(version);
  LOGCASK_TRY(Writer(written, Layout{version, false}).write(message));
  return std::move(written.bytes);
}

// What follows the fields we know is a newer version's.
template <class Message>
Result<Message> decode_with_version(ByteView bytes, std::int16_t newest_known, const char* what) {
  ByteReader in(bytes);
  const auto version = in.fixed<std::int16_t>();
  if (!in.ok() || version < 0)
    return Error{Errc::malformed_frame, std::string(what) + " of a group's member has no version"};
  if (version > newest_known && mutant(Mutant::newer_subscription_refused))
    return Error{Errc::malformed_frame, std::string(what) + " of a group's member has an unknown version"};
  Message message;
  const Layout layout{std::min(version, newest_known), false};
  if (Status read = Reader(bytes.substr(in.position()), layout).read(message); !read.ok())
    return Error(read.error()).in(std::string(what) + " of a group's member");
  return message;
}

}  // namespace

Result<std::string> encode_subscription(const ConsumerSubscription& subscription) {
  return encode_with_version(subscription, kSubscriptionVersion);
}
Result<std::string> encode_assignment(const ConsumerAssignment& assignment) {
  return encode_with_version(assignment, kAssignmentVersion);
}
Result<ConsumerSubscription> decode_subscription(ByteView bytes) {
  return decode_with_version<ConsumerSubscription>(bytes, kSubscriptionVersion, "the subscription");
}
Result<ConsumerAssignment> decode_assignment(ByteView bytes) {
  if (bytes.empty()) return ConsumerAssignment();
  return decode_with_version<ConsumerAssignment>(bytes, kAssignmentVersion, "the assignment");
}

}  // namespace logcask::kafka
