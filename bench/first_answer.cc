// Knocks until the broker answers: with --key until a lookup of that key is found and right, else until Hello is
// answered. Prints the seconds since --since (nanoseconds of CLOCK_MONOTONIC; 0 = now) of the first Hello and of the
// first right answer. A broker that is still loading is asked again every millisecond.
//   first_answer --broker H:P --topic T --key N --since NS --deadline-s N
#include <unistd.h>

#include "bench/figures.h"
#include "bench/flags.h"
#include "bench/wire.h"
#include "bench/workload.h"
#include "logcask/v1/native.pb.h"
#include "proto/frame.h"
#include "proto/lookup_codec.h"

namespace logcask::bench {
namespace {

constexpr std::uint64_t kPause = 1'000'000;

// True when the answer is the key's value, false when it should be asked again.
bool ask(int fd, const std::string& topic, const std::string& key) {
  v1::RequestHeader request;
  request.set_correlation_id(2);
  request.mutable_get()->set_topic(topic);
  request.mutable_get()->set_partition(-1);
  request.mutable_get()->set_key_count(1);
  std::string attachment;
  append_key(attachment, key);
  write_all(fd, make_frame(request, attachment));
  std::string frame;
  if (!read_frame(fd, frame)) die("the broker closed the connection");
  const auto view = take(next_frame(frame, {frame.size()}));
  v1::ResponseHeader answer;
  if (!view || !answer.ParseFromArray(view->header.data(), static_cast<int>(view->header.size())))
    die("an answer does not parse");
  if (answer.error_code() != 0) {
    if (!errc_retriable(static_cast<Errc>(answer.error_code()))) die("get failed: " + answer.error_message());
    return false;
  }
  const auto results = take(decode_lookup_results(view->attachment, 1));
  const LookupResult& result = results.front();
  if (result.status == LookupStatus::failed && errc_retriable(result.error)) return false;
  if (result.status != LookupStatus::found || result.value.substr(0, key.size()) != key)
    die("the key was not answered with its value");
  return true;
}

void run(int argc, char** argv) {
  Flags flags(argc, argv);
  const std::string broker = flags.text("broker", "127.0.0.1:7440");
  const std::string topic = flags.text("topic", "bench");
  const std::string key = flags.text("key", "");
  std::uint64_t since = flags.number("since", 0);
  const std::uint64_t deadline = now_ns() + flags.number("deadline-s", 300) * 1'000'000'000;
  flags.done();
  if (since == 0) since = now_ns();
  const auto print_since = [since](std::string_view name) {
    print_figure(name, static_cast<double>(now_ns() - since) * 1e-9);
  };
  const auto pause = [deadline] {
    if (now_ns() > deadline) die("no answer before the deadline");
    sleep_until(now_ns() + kPause);
  };
  int fd = -1;
  while ((fd = try_connect_tcp(broker)) < 0 || !say_hello(fd)) {
    if (fd >= 0) close(fd);
    pause();
  }
  print_since("hello_s");
  if (key.empty()) return;
  while (!ask(fd, topic, key_of(std::stoull(key)))) pause();
  print_since("first_answer_s");
}

}  // namespace
}  // namespace logcask::bench

int main(int argc, char** argv) { logcask::bench::run(argc, argv); }
