#include "client/core.h"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <mutex>
#include <set>
#include <thread>

#include "base/clock.h"
#include "client/connection.h"

namespace logcask::client {
namespace asio = boost::asio;

// Owned by the Core and by the thread that runs it, whichever ends last.
struct Core::Io : std::enable_shared_from_this<Core::Io> {
  explicit Io(Options given) : options(std::move(given)), work(asio::make_work_guard(context)) {}

  const Options options;
  std::vector<Address> addresses;
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work;
  std::shared_ptr<Connection> requests;
  mutable std::mutex bulk_mutex;
  std::shared_ptr<Connection> bulk;                      // made on first use
  std::atomic<bool> closed{false};                       // set under bulk_mutex
  std::set<std::shared_ptr<asio::steady_timer>> timers;  // I/O thread
  bool timers_stopped = false;                           // I/O thread
  std::thread thread;
  std::atomic<std::thread::id> thread_id;
  std::atomic<std::uint64_t> next_id{2};  // 1 is Hello's

  std::shared_ptr<Connection> connection(Lane lane);
  std::shared_ptr<Connection> bulk_if_made() const;
  void close(const Error& error);
  void run();
  [[noreturn]] void callback_threw(const char* what) const noexcept;
  Contact contact() const;
  Statistics statistics() const;
  void tell_statistics_later();

  std::unique_ptr<asio::steady_timer> statistics_timer;  // I/O thread
};

std::shared_ptr<Connection> Core::Io::connection(Lane lane) {
  if (lane == Lane::requests) return requests;
  const std::lock_guard lock(bulk_mutex);
  if (!bulk) {
    bulk = std::make_shared<Connection>(context, options, addresses, false, std::function<void(Status)>());
    asio::post(context, [connection = bulk, refused = closed.load()] {
      if (refused)
        connection->close({Errc::cancelled, "the client is closed"});
      else
        connection->start();
    });
  }
  return bulk;
}

std::shared_ptr<Connection> Core::Io::bulk_if_made() const {
  const std::lock_guard lock(bulk_mutex);
  return bulk;
}

// Only the program's callbacks throw here: our own failures are values. Nobody above could handle it, and what the
// callback left half done is unknown.
void Core::Io::run() {
  try {
    context.run();
  } catch (const std::exception& error) {
    callback_threw(error.what());
  } catch (...) {
    callback_threw("something that is no std::exception");
  }
}

void Core::Io::callback_threw(const char* what) const noexcept {
  const std::string line = std::string("a callback of the program threw, which callbacks must not: ") + what;
  std::fprintf(stderr, "logcask: %s\n", line.c_str());
  if (options.on_log) options.on_log(LogLevel::error, line);
  std::abort();
}

Contact Core::Io::contact() const {
  Contact first = requests->contact();
  const auto second = bulk_if_made();
  if (!second || !first.connected) return first;
  Contact other = second->contact();
  return other.connected ? first : other;
}

Statistics Core::Io::statistics() const {
  Statistics sum;
  requests->add_to(sum);
  if (const auto second = bulk_if_made()) second->add_to(sum);
  sum.contact = contact();
  return sum;
}

void Core::Io::tell_statistics_later() {
  statistics_timer->expires_after(std::chrono::milliseconds(options.statistics_interval_ms));
  statistics_timer->async_wait([this](const boost::system::error_code& error) {
    if (error || timers_stopped) return;
    options.on_statistics(statistics());
    tell_statistics_later();
  });
}

void Core::Io::close(const Error& error) {
  std::shared_ptr<Connection> second;
  {
    const std::lock_guard lock(bulk_mutex);
    closed = true;
    second = bulk;
  }
  if (requests) requests->close(error);
  if (second) second->close(error);
  timers_stopped = true;
  for (const auto& timer : timers) timer->cancel();
  if (statistics_timer) statistics_timer->cancel();
}

Result<std::shared_ptr<Core>> Core::connect(const Options& options) {
  LOGCASK_ASSIGN(auto addresses, parse_addresses(options.brokers));
  auto io = std::make_shared<Io>(options);
  io->addresses = std::move(addresses);
  auto first_attempt = std::make_shared<std::promise<Status>>();
  auto connected = first_attempt->get_future();
  io->requests =
      std::make_shared<Connection>(io->context, options, io->addresses, true,
                                   [first_attempt](Status status) { first_attempt->set_value(std::move(status)); });
  asio::post(io->context, [connection = io->requests] { connection->start(); });
  io->thread = std::thread([io] {
    io->thread_id = std::this_thread::get_id();
    io->run();
  });
  std::shared_ptr<Core> core(new Core(std::move(io)));
  LOGCASK_TRY(connected.get());
  if (options.on_statistics && options.statistics_interval_ms > 0)
    asio::post(core->io_->context, [io = core->io_.get()] {
      if (io->timers_stopped) return;
      io->statistics_timer = std::make_unique<asio::steady_timer>(io->context);
      io->tell_statistics_later();
    });
  return core;
}

Core::~Core() {
  asio::post(io_->context, [io = io_] {
    io->close({Errc::cancelled, "the client was closed"});
    io->work.reset();
  });
  // Dropped by a callback: the thread cannot wait for itself.
  if (on_io_thread())
    io_->thread.detach();
  else
    io_->thread.join();
}

std::uint64_t Core::call(v1::RequestHeader& header, Attachment attachment, const CallSpec& spec,
                         ResponseHandler handler) {
  const std::uint64_t id = io_->next_id.fetch_add(1, std::memory_order_relaxed);
  header.set_correlation_id(id);
  auto message = std::make_shared<Outgoing>();
  message->id = id;
  append_frame_head(message->head, header, attachment.copied.size() + attachment.view.size());
  message->head += attachment.copied;
  message->attachment = attachment.view;
  message->attachment_owner = std::move(attachment.owner);
  OpenRequest request;
  request.message = std::move(message);
  request.handler = std::make_shared<ResponseHandler>(std::move(handler));
  request.submitted_ns = system_clock().monotonic_ns();
  const std::int64_t timeout_ms = spec.timeout_ms == 0 ? options().request_timeout_ms : spec.timeout_ms;
  if (timeout_ms != kNoTimeout) request.deadline_ns = request.submitted_ns + timeout_ms * 1000000;
  request.on_lost = spec.on_lost;
  request.stream = spec.stream;
  io_->connection(spec.lane)->submit(id, std::move(request));
  return id;
}

void Core::send_only(Lane lane, v1::RequestHeader& header, Attachment attachment, bool when_ready,
                     std::function<void(Status)> written) {
  header.set_correlation_id(io_->next_id.fetch_add(1, std::memory_order_relaxed));
  auto message = std::make_shared<Outgoing>();
  append_frame_head(message->head, header, attachment.copied.size() + attachment.view.size());
  message->head += attachment.copied;
  message->attachment = attachment.view;
  message->attachment_owner = std::move(attachment.owner);
  message->written = std::move(written);
  io_->connection(lane)->send_only(std::move(message), when_ready);
}

void Core::cancel(Lane lane, std::uint64_t id) {
  if (!io_->connection(lane)->forget(id)) return;
  v1::RequestHeader header;
  header.mutable_cancel()->set_target_correlation_id(id);
  send_only(lane, header, {}, false);
}

void Core::grant_credit(Lane lane, std::uint64_t id, std::size_t bytes) {
  if (bytes == 0) return;
  v1::RequestHeader header;
  header.mutable_credit()->set_target_correlation_id(id);
  header.mutable_credit()->set_credit_bytes(static_cast<std::uint32_t>(std::min<std::size_t>(bytes, UINT32_MAX)));
  send_only(lane, header, {}, false);
}

void Core::post(std::function<void()> task) { asio::post(io_->context, std::move(task)); }

void Core::after_ms(std::int64_t delay_ms, std::function<void()> task) {
  asio::post(io_->context, [io = io_.get(), delay_ms, task = std::move(task)]() mutable {
    if (io->timers_stopped) return task();
    auto timer = std::make_shared<asio::steady_timer>(io->context, std::chrono::milliseconds(delay_ms));
    timer->async_wait([io, timer, task = std::move(task)](const boost::system::error_code& error) {
      io->timers.erase(timer);
      if (!error || io->timers_stopped) task();
    });
    io->timers.insert(std::move(timer));
  });
}

bool Core::on_io_thread() const { return io_->thread_id.load() == std::this_thread::get_id(); }

void Core::close() {
  asio::post(io_->context, [io = io_] { io->close({Errc::cancelled, "the client was closed"}); });
}

bool Core::closed() const { return io_->closed; }
bool Core::connected() const { return io_->requests->ready(); }
BrokerInfo Core::broker() const { return io_->requests->broker(); }
Contact Core::contact() const { return io_->contact(); }
Contact Core::contact(Lane lane) const {
  const auto bulk = lane == Lane::bulk ? io_->bulk_if_made() : nullptr;
  return (bulk ? bulk : io_->requests)->contact();
}
Statistics Core::statistics() const { return io_->statistics(); }
void Core::log(LogLevel level, std::string_view line) const {
  if (io_->options.on_log) io_->options.on_log(level, line);
}
const Options& Core::options() const { return io_->options; }

std::uint32_t Core::broker_timeout_ms(std::int64_t timeout_ms) const {
  const std::int64_t whole_ms = timeout_ms > 0 ? timeout_ms : options().request_timeout_ms;
  return static_cast<std::uint32_t>(std::max<std::int64_t>(whole_ms - std::min<std::int64_t>(whole_ms / 10, 500), 1));
}

}  // namespace logcask::client
