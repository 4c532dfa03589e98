#include "cli/group_position.h"

#include "cli/output.h"

namespace logcask::cli {

namespace {

bool of_a_rebalance(Errc code) {
  return code == Errc::unknown_member_id || code == Errc::illegal_generation || code == Errc::rebalance_in_progress;
}

}  // namespace

GroupPosition::GroupPosition(client::Client client, client::Consumer& consumer, std::string group, bool member)
    : client_(std::move(client)), consumer_(consumer), group_(std::move(group)), member_(member) {}

// Somebody who commits other offsets than ours reads under the same name: with --partition nothing coordinates the two,
// and it would be a surprise that each gets everything.
void GroupPosition::look_for_others(const Offsets& now, const Offsets& kept) {
  if (others_told_ || member_) return;
  for (const auto& [partition, offset] : kept) {
    if (const auto at = now.find(partition); at == now.end() || at->second == offset) continue;
    client::CallOptions soon;
    soon.timeout_ms = 1000;
    const auto found = consumer_.committed(partition, soon);
    if (found.ok() && *found && **found != offset) {
      others_told_ = true;
      print_error("another consumer commits for group '" + group_ +
                  "': consumers with --partition are no members and are not coordinated, each of them gets every "
                  "record");
    }
    return;
  }
}

Status GroupPosition::keep(const Offsets& printed) {
  const auto time = std::chrono::steady_clock::now();
  if (time < next_) return {};
  next_ = time + std::chrono::seconds(1);
  if (printed.empty()) return {};
  Offsets kept;
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->refused) return *shared_->refused;
    if (shared_->under_way || printed == shared_->kept) return {};
    shared_->under_way = true;
    kept = shared_->kept;
  }
  if (consumer_.contact().connected) look_for_others(printed, kept);
  consumer_.commit_async(printed, [shared = shared_, printed, member = member_](const Status& status) {
    {
      const std::lock_guard lock(shared->mutex);
      shared->under_way = false;
      if (status.ok()) shared->kept = printed;
      const bool passes = status.ok() || errc_retriable(status.code()) || (member && of_a_rebalance(status.code()));
      if (!passes) shared->refused = status.error();
    }
    shared->answered.notify_all();
  });
  return {};
}

Status GroupPosition::finish(const Offsets& printed) {
  if (printed.empty()) return {};
  if (!client_.connected())
    return Error{Errc::connection_lost, "group '" + group_ +
                                            "' does not know of what was printed last, since there is no contact with "
                                            "the broker; it will be read again"};
  {
    // Not past the one under way, which says less. It ends by its deadline.
    std::unique_lock lock(shared_->mutex);
    shared_->answered.wait(lock, [&] { return !shared_->under_way; });
  }
  return consumer_.commit(printed);
}

}  // namespace logcask::cli
