#pragma once
// A scripted peer for tests: a real TCP server on 127.0.0.1 that speaks frames and answers as the test says.
//
// Hello is answered by itself. Every other request goes to the handler, on the connection's own thread.
// Threads: a Peer's functions may be called from any thread, also after the handler returned.

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/errc.h"
#include "logcask/v1/native.pb.h"

namespace logcask::client {

class FakeBroker {
 public:
  class Peer {
   public:
    explicit Peer(int fd) : fd_(fd) {}
    ~Peer();
    void reply(std::uint64_t id, v1::ResponseHeader header, const std::string& attachment = {});
    void refuse(std::uint64_t id, Errc code, const std::string& message = "scripted");
    void send_raw(const std::string& bytes);
    void hang_up();
    int fd() const { return fd_; }

   private:
    const int fd_;
    std::mutex mutex_;
  };
  using PeerPtr = std::shared_ptr<Peer>;
  using Handler = std::function<void(const PeerPtr&, const v1::RequestHeader&, const std::string& attachment)>;

  // Port 0 = any; a given one takes up an earlier broker's place.
  explicit FakeBroker(Handler handler, int port = 0);
  ~FakeBroker();

  int port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int connections_made() const { return connections_; }
  void hang_up_all();
  // What Hello answers; a code other than ok refuses.
  void set_hello_error(Errc code) { hello_error_ = code; }
  void set_max_frame_bytes(std::uint32_t bytes) { max_frame_bytes_ = bytes; }

 private:
  void accept_loop();
  void serve(const PeerPtr& peer);
  void answer_hello(const PeerPtr& peer, std::uint64_t id);

  const Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_{0};
  std::atomic<Errc> hello_error_{Errc::ok};
  std::atomic<std::uint32_t> max_frame_bytes_{64u << 20};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<std::weak_ptr<Peer>> peers_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace logcask::client
