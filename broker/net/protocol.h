#pragma once
// What a connection speaks: bytes in, requests executed, bytes out. No socket in here; a Session drives it.
//
// A protocol belongs to its connection's event loop, where every function runs; its session calls them once per read or
// write, never per record. It lives on, detached, while a request is still being worked on. It keeps to the limits of
// one connection (limits.h) and of all together (wire_memory.h) by wanting no input for a while; deadlines are the
// session's business.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/types.h"
#include "broker/net/out_queue.h"
#include "broker/settings/socket_address.h"
#include "broker/threads/blocking_turn.h"
#include "broker/threads/event_loop.h"

namespace logcask {

// What the protocol asks of whoever owns the transport, never after detach().
class ProtocolHost {
 public:
  virtual ~ProtocolHost() = default;
  // Not within consume().
  virtual void output_ready() = 0;
  // wants_input() may have become true again. Not within consume().
  virtual void input_wanted() = 0;
  // Where the peer's connection has arrived.
  virtual SocketAddress local_address() const = 0;
  // The peer waits for nothing but the request that is executed while the offer lives.
  virtual BlockingTurns::Offer offer_turn() = 0;
};

class Protocol {
 public:
  virtual ~Protocol() = default;

  // Executes the whole frames at the front of `bytes`; returns how many bytes were used. Stops early when it wants no
  // more input for now.
  virtual std::size_t consume(ByteView bytes) = 0;
  // What the buffer must reach for the next frame; valid after consume().
  virtual std::size_t needed_bytes() const = 0;
  virtual bool wants_input() const = 0;
  // No further frame will be executed; close once the output is gone.
  virtual bool finished() const = 0;
  // Nothing is being worked on and no stream is open.
  virtual bool quiet() const = 0;
  // What the peer must say before anything else and has not said yet, by its name ("Hello"); empty afterwards.
  virtual std::string_view awaited() const = 0;

  virtual OutQueue& output() = 0;
  // The peer has taken something: streams that have credit may go on.
  virtual void output_taken() = 0;
  // Answers were waiting beyond what all connections may hold; nothing more is sent, close it.
  virtual bool evicted() const = 0;

  // Says why, in its own words, then finished.
  virtual void fail(const Error& error) = 0;
  // The broker stops: open calls end with `reason`, then finished.
  virtual void shut(const Error& reason) = 0;
  // The transport is gone: ends every open call; later answers are dropped.
  virtual void detach(const Error& reason) = 0;
};

// What a listener speaks: makes the protocol of each connection it accepts.
class ProtocolFactory {
 public:
  virtual ~ProtocolFactory() = default;
  // On the accepting thread, before anything runs on `loop` for this connection. `io_thread` is the number of the I/O
  // thread behind `loop`; `host` is there until detach().
  virtual std::shared_ptr<Protocol> make(std::size_t io_thread, EventLoop& loop, const std::string& peer_address,
                                         ProtocolHost& host) const = 0;
  // What a peer is told that gets no connection, in the protocol's own words.
  virtual std::string farewell(const Error& reason) const = 0;
};

}  // namespace logcask
