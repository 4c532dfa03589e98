#include "broker/net/session.h"

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <utility>

namespace logcask {
namespace {

constexpr std::size_t kPiecesPerWrite = 64;
// One turn of a session writes at most this much before others get their turn.
constexpr std::size_t kBytesPerTurn = 4u << 20;
// While memory for answers is short, a peer may take nothing for this share of write_timeout_ms.
constexpr std::int64_t kStalledShare = 10;
// A buffer that nothing has come through for so long is given back.
constexpr std::int64_t kBusyMs = 1000;

std::int64_t tick_ms(const ConnectionLimits& limits) {
  const std::int64_t shortest =
      std::min({limits.hello_timeout_ms, limits.frame_timeout_ms, limits.idle_timeout_ms, limits.write_timeout_ms});
  return std::clamp<std::int64_t>(shortest / 4, 5, 1000);
}

}  // namespace

Session::Session(std::unique_ptr<Transport> transport, Home home, const ProtocolFactory& factory, const NetParts& parts,
                 const std::string& peer_address, std::function<void(Session*)> on_close)
    : transport_(std::move(transport)),
      thread_(home.thread),
      number_(home.number),
      limits_(parts.limits),
      metrics_(parts.metrics),
      memory_(parts.memory),
      turns_(parts.turns),
      on_close_(std::move(on_close)),
      protocol_(factory.make(home.number, thread_, peer_address, *this)) {}

Session::~Session() = default;

void Session::start() {
  transport_->start();
  started_ms_ = last_input_ms_ = last_output_ms_ = now_ms();
  tick();
  read();
}

void Session::read() {
  if (reading_ || closed_ || line_ || execute_posted_) return;
  parked_ = !protocol_->wants_input();
  if (parked_ || !have_room()) return;
  reading_ = true;
  const std::span<char> room = in_.prepare(protocol_->needed_bytes(), usual_buffer());
  if (in_.capacity() <= usual_buffer() && protocol_->needed_bytes() <= usual_buffer()) frame_ = {};
  transport_->read_some(room, shared_from_this());
}

// True when the next frame's bytes may be read; else the session stands in line for them.
bool Session::have_room() {
  const std::size_t needed = protocol_->needed_bytes();
  if (!busy_ && in_.was_full() && in_.empty()) busy_ = memory_.read_buffers.try_take(InBuffer::kBusyBytes);
  if (needed <= usual_buffer() || needed <= frame_.bytes()) return true;
  MemoryShare& share = needed <= WireMemory::kSmallFrameBytes ? memory_.small_frames : memory_.large_frames;
  auto granted = [weak = weak_from_this(), &loop = static_cast<EventLoop&>(thread_)](MemoryShare::Lease lease) {
    // Shared, because tasks are copyable.
    loop.post([weak, lease = std::make_shared<MemoryShare::Lease>(std::move(lease))] {
      const auto self = weak.lock();
      if (!self || self->closed_) return;
      self->frame_ = std::move(*lease);
      self->line_ = nullptr;
      self->frame_started_ms_ = self->now_ms();
      self->read();
    });
  };
  auto lease = share.take_or_wait(needed, std::move(granted), place_);
  if (lease) {
    frame_ = std::move(lease);
    return true;
  }
  line_ = &share;
  waiting_since_ms_ = now_ms();
  return false;
}

void Session::received(const Result<std::size_t>& bytes) {
  reading_ = false;
  if (closed_) return;
  if (bytes.code() == Errc::cancelled) {
    // calm_down() took the buffer back.
    in_.release();
    busy_ = {};
    return read();
  }
  if (!bytes.ok()) return close(bytes.error());
  metrics_.bytes_received.add(*bytes);
  last_input_ms_ = now_ms();
  in_.commit(*bytes);
  execute();
}

// An idle connection keeps no big buffer.
void Session::calm_down(std::int64_t now) {
  if (!reading_ || !in_.empty() || !busy_ || now - last_input_ms_ < kBusyMs) return;
  transport_->cancel_read();
}

// Executes what has arrived; every answer that is ready by then leaves with one write.
void Session::execute() {
  if (closed_) return;
  executing_ = true;
  in_.consume(protocol_->consume(in_.view()));
  executing_ = false;
  parked_ = !protocol_->wants_input();
  const bool waits_for_more = !in_.empty() && protocol_->wants_input();
  if (!waits_for_more)
    frame_started_ms_ = -1;
  else if (frame_started_ms_ < 0)
    frame_started_ms_ = last_input_ms_;
  flush();
  read();
}

void Session::output_ready() {
  if (executing_ || closed_ || std::exchange(flush_posted_, true)) return;
  // Later in this turn, so that answers that become ready together leave together.
  boost::asio::post(thread_.context(), [self = shared_from_this()] {
    self->flush_posted_ = false;
    self->flush();
  });
}

void Session::input_wanted() {
  if (executing_ || closed_ || std::exchange(execute_posted_, true)) return;
  boost::asio::post(thread_.context(), [self = shared_from_this()] {
    self->execute_posted_ = false;
    // Frames may be waiting in the buffer already.
    self->execute();
  });
}

void Session::flush() {
  if (closed_) return;
  if (protocol_->evicted()) {
    metrics_.connections_evicted.add();
    return close(Error{Errc::limit_exceeded, "too many answers wait for peers that do not take them"});
  }
  if (writing_) return;
  OutQueue& out = protocol_->output();
  std::size_t written_now = 0;
  while (!out.empty()) {
    if (written_now >= kBytesPerTurn) {
      output_ready();
      break;
    }
    const auto sent = write_some(out);
    if (!sent.ok()) return close(sent.error());
    if (*sent == 0) {
      writing_ = true;
      transport_->wait_writable(shared_from_this());
      break;
    }
    out.consume(*sent);
    written_now += *sent;
  }
  if (written_now > 0) {
    metrics_.bytes_sent.add(written_now);
    last_output_ms_ = now_ms();
    protocol_->output_taken();
  }
  if (!writing_)
    stalled_since_ms_ = -1;
  else if (written_now > 0 || stalled_since_ms_ < 0)
    stalled_since_ms_ = now_ms();
  if (parked_ && protocol_->wants_input()) input_wanted();
  close_if_done();
}

Result<std::size_t> Session::write_some(OutQueue& out) {
  std::array<ByteView, kPiecesPerWrite> pieces;
  std::array<iovec, kPiecesPerWrite> vectors;
  const std::size_t count = out.gather(pieces);
  for (std::size_t i = 0; i < count; ++i) vectors[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
  return transport_->write(std::span(vectors.data(), count));
}

void Session::writable(const Status& status) {
  writing_ = false;
  if (closed_) return;
  if (!status.ok()) return close(status.error());
  flush();
}

void Session::close_if_done() {
  if (closed_ || !protocol_->output().empty()) return;
  if (protocol_->finished() && (!shut_ || protocol_->quiet()))
    close(Error{Errc::connection_lost, "the connection is closed"});
}

void Session::shut(const Error& reason) {
  if (closed_ || std::exchange(shut_, true)) return;
  protocol_->shut(reason);
  flush();
}

void Session::close(const Error& reason) {
  if (std::exchange(closed_, true)) return;
  const auto self = shared_from_this();
  if (timer_) thread_.cancel(std::exchange(timer_, 0));
  if (line_) std::exchange(line_, nullptr)->leave(place_);
  frame_ = {};
  protocol_->detach(reason);
  transport_->close();
  if (const auto told = std::exchange(on_close_, nullptr)) told(this);
}

Status Session::overdue(std::int64_t now) const {
  if (now - started_ms_ > limits_.hello_timeout_ms && !protocol_->awaited().empty())
    return Error{Errc::timed_out, "no " + std::string(protocol_->awaited()) + " within " +
                                      std::to_string(limits_.hello_timeout_ms) + " ms"};
  if (line_ && now - waiting_since_ms_ > limits_.frame_timeout_ms)
    return Error{Errc::limit_exceeded, "other requests took all the memory there is for requests of this size for " +
                                           std::to_string(limits_.frame_timeout_ms) +
                                           " ms (requests.inflight.max.bytes); try again later"};
  if (!line_ && frame_started_ms_ >= 0 && now - frame_started_ms_ > limits_.frame_timeout_ms)
    return Error{Errc::timed_out,
                 "a frame was not complete within " + std::to_string(limits_.frame_timeout_ms) + " ms"};
  if (protocol_->quiet() && now - std::max(last_input_ms_, last_output_ms_) > limits_.idle_timeout_ms)
    return Error{Errc::timed_out, "the connection was idle for " + std::to_string(limits_.idle_timeout_ms) + " ms"};
  return {};
}

void Session::tick() {
  timer_ = thread_.call_after(tick_ms(limits_), [self = shared_from_this()] {
    self->timer_ = 0;
    if (self->closed_) return;
    const std::int64_t now = self->now_ms();
    // Whoever reads nothing would not read an error frame either.
    if (self->stalled_since_ms_ >= 0 && now - self->stalled_since_ms_ > self->limits_.write_timeout_ms)
      return self->close(Error{Errc::timed_out, "the peer takes no answers"});
    // Others wait for the memory.
    if (self->stalled_since_ms_ >= 0 && self->memory_.answers_short() &&
        now - self->stalled_since_ms_ > self->limits_.write_timeout_ms / kStalledShare) {
      self->metrics_.connections_evicted.add();
      return self->close(Error{Errc::limit_exceeded, "the peer takes no answers and memory for answers is short"});
    }
    self->calm_down(now);
    if (auto late = self->overdue(now); !late.ok() && !self->protocol_->finished()) {
      self->metrics_.connections_closed_for_errors.add();
      self->protocol_->fail(late.error());
      self->flush();
      if (self->closed_) return;
    }
    self->close_if_done();
    if (!self->closed_) self->tick();
  });
}

}  // namespace logcask
