#include "broker/services/credit_stream.h"

namespace logcask {
namespace {

// A read-only partition gets no news until it is reopened, and a wait for some ends at once: look again after a while.
constexpr std::int64_t kReadOnlyRestMs = 500;

}  // namespace

CreditStream::CreditStream(const ServiceParts& parts, EventLoop& loop, std::uint64_t credit, std::size_t sources)
    : parts_(parts), loop_(loop), credit_(static_cast<std::int64_t>(credit)), waits_(sources), resting_(sources) {
  parts_.metrics.streams_open.add();
}

CreditStream::~CreditStream() { parts_.metrics.streams_open.sub(); }

void CreditStream::add_credit(std::uint64_t bytes) {
  credit_ += static_cast<std::int64_t>(bytes);
  schedule();
}

void CreditStream::schedule() {
  if (ended() || std::exchange(scheduled_, true)) return;
  loop_.post_large([self = shared_from_this()] {
    self->scheduled_ = false;
    if (!self->ended()) self->pump();
  });
}

void CreditStream::wait(std::size_t source, std::shared_ptr<PartitionRunner> runner, Offset above) {
  waits_[source].start(loop_, std::move(runner), above, [this, source](Status status) {
    if (status.ok()) return schedule();
    if (status.code() == Errc::read_only) return rest(source);
    wait_failed(source, std::move(status).error());
  });
}

void CreditStream::rest(std::size_t source) {
  resting_[source] = true;
  loop_.call_after(kReadOnlyRestMs, [weak = weak_from_this(), source] {
    const auto self = weak.lock();
    if (!self) return;
    self->resting_[source] = false;
    self->schedule();
  });
}

void CreditStream::stop_waits() {
  for (VisibleWait& wait : waits_) wait.stop();
}

void CreditStream::sent(std::size_t bytes) {
  credit_ -= static_cast<std::int64_t>(bytes);
  parts_.metrics.bytes_fetched.add(bytes);
}

}  // namespace logcask
