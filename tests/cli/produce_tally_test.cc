#include "cli/produce_tally.h"

#include "tests/support/catch.h"

using namespace logcask;
using namespace logcask::cli;

namespace {

client::Delivery delivered(int partition, std::int64_t offset) {
  client::Delivery delivery;
  delivery.partition = PartitionId(partition);
  delivery.offset = Offset(offset);
  return delivery;
}

client::Delivery refused(Errc code) {
  client::Delivery delivery;
  delivery.status = Error{code, "no"};
  return delivery;
}

}  // namespace

TEST_CASE("what a failed produce says of the records around the failure is so") {
  ProduceTally tally;
  tally.count(delivered(0, 10), 1);
  CHECK(!tally.any_failed());
  tally.count(refused(Errc::storage_full), 3);
  CHECK(!tally.written_behind_failure());
  tally.count(refused(Errc::cancelled), 2);
  CHECK(tally.failed_number() == 2);
  CHECK(tally.failure().code == Errc::cancelled);
  tally.count(delivered(1, 4), 4);
  CHECK(tally.written() == 2);
  CHECK(tally.written_behind_failure());
  CHECK(tally.last_offsets().at(0) == Offset(10));
}

TEST_CASE("a condition that does not hold says where the key's latest record is") {
  client::Delivery delivery = refused(Errc::condition_failed);
  CHECK(delivery_error(delivery).message == "the condition does not hold: the key has no record");
  delivery.current_offset = Offset(7);
  CHECK(delivery_error(delivery).message ==
        "the condition does not hold: the key's latest record is a value at offset 7");
  delivery.current_is_tombstone = true;
  CHECK(delivery_error(delivery).message ==
        "the condition does not hold: the key's latest record is a delete at offset 7");
}
