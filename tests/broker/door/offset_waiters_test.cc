#include "broker/door/offset_waiters.h"

#include "tests/support/catch.h"

using namespace logcask;

namespace {

// What the waiters were told, in order: their name, and the code.
struct OffsetTold {
  std::vector<std::string> all;
  std::function<void(Status)> by(const std::string& name) {
    return [this, name](const Status& status) {
      all.push_back(status.ok() ? name : name + "!" + std::string(errc_name(status.code())));
    };
  }
};

}  // namespace

TEST_CASE("a waiter is released by the end it wants, not one below it, and once", "[waiters]") {
  OffsetWaiters waiters;
  OffsetTold told;
  Outbox out;
  waiters.add(Offset(10), told.by("ten"));
  waiters.release(Offset(9), out);
  CHECK(out.empty());
  waiters.release(Offset(10), out);
  CHECK(told.all.empty());  // collected, not called
  run_outbox(out);
  CHECK(told.all == std::vector<std::string>{"ten"});
  CHECK(out.empty());
  CHECK(waiters.empty());
  waiters.release(Offset(11), out);
  CHECK(out.empty());
}

TEST_CASE("waiters are released in the order of their ends, equal ones in the order they came", "[waiters]") {
  OffsetWaiters waiters;
  OffsetTold told;
  Outbox out;
  for (const auto& [end, name] : std::vector<std::pair<int, std::string>>{
           {30, "30a"}, {10, "10a"}, {20, "20a"}, {30, "30b"}, {10, "10b"}, {40, "40a"}})
    waiters.add(Offset(end), told.by(name));
  waiters.release(Offset(35), out);
  run_outbox(out);
  CHECK(told.all == std::vector<std::string>{"10a", "10b", "20a", "30a", "30b"});
  CHECK_FALSE(waiters.empty());
}

TEST_CASE("who cancels hears nothing more, and a number that is gone harms nobody", "[waiters]") {
  OffsetWaiters waiters;
  OffsetTold told;
  Outbox out;
  const auto first = waiters.add(Offset(10), told.by("first"));
  const auto second = waiters.add(Offset(10), told.by("second"));
  CHECK(first != second);
  waiters.cancel(first);
  waiters.cancel(first);
  waiters.cancel(12345);
  waiters.release(Offset(10), out);
  waiters.cancel(second);  // its call is under way already
  run_outbox(out);
  CHECK(told.all == std::vector<std::string>{"second"});
  CHECK(waiters.add(Offset(1), told.by("third")) != first);  // numbers are not given twice
}

TEST_CASE("an error reaches those above an end only, or everybody", "[waiters]") {
  OffsetWaiters waiters;
  OffsetTold told;
  Outbox out;
  for (const int end : {10, 11, 12}) waiters.add(Offset(end), told.by(std::to_string(end)));
  waiters.fail_above(Offset(11), {Errc::storage_full, ""}, out);
  run_outbox(out);
  CHECK(told.all == std::vector<std::string>{"12!storage_full"});
  waiters.release(Offset(10), out);
  waiters.fail_all({Errc::read_only, ""}, out);
  run_outbox(out);
  CHECK(told.all == std::vector<std::string>{"12!storage_full", "10", "11!read_only"});
  CHECK(waiters.empty());
}
