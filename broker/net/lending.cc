#include "broker/net/lending.h"

#include <algorithm>

namespace logcask {
namespace {

// Credit lent to a stream at a time, and the output below which more is lent.
constexpr std::uint64_t kLoanMin = 64u << 10;
constexpr std::uint64_t kLoanMax = 4u << 20;
constexpr std::size_t kLendBelowBytes = 1u << 20;
// No client means more credit than this.
constexpr std::uint64_t kCreditMax = std::uint64_t{1} << 60;

}  // namespace

// The more streams share the output, the less each is lent.
std::uint64_t Lending::loan() const {
  return std::clamp<std::uint64_t>(output_limit_bytes_ / (streams_.size() + 1), kLoanMin, kLoanMax);
}

std::uint64_t Lending::first_loan(std::uint64_t client_credit) const { return std::min(client_credit, loan()); }

void Lending::open(std::uint64_t stream, std::uint64_t client_credit, std::uint64_t lent) {
  streams_[stream] = {client_credit - lent, static_cast<std::int64_t>(lent)};
}

void Lending::add_credit(std::uint64_t stream, std::uint64_t bytes) {
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return;
  found->second.credit = std::min(found->second.credit + bytes, kCreditMax);
  if (output_.bytes() < kLendBelowBytes) lend(stream, found->second);
}

void Lending::sent(std::uint64_t stream, std::size_t bytes) {
  const auto found = streams_.find(stream);
  if (found != streams_.end()) found->second.lent -= static_cast<std::int64_t>(bytes);
}

void Lending::lend(std::uint64_t number, Stream& stream) {
  const auto most = static_cast<std::int64_t>(loan());
  if (stream.credit == 0 || stream.lent > most / 2 || memory_.answers_short()) return;
  const std::uint64_t bytes = std::min(stream.credit, static_cast<std::uint64_t>(most - stream.lent));
  stream.credit -= bytes;
  stream.lent += static_cast<std::int64_t>(bytes);
  grant_(number, bytes);
}

void Lending::output_taken() {
  if (streams_.empty() || output_.bytes() >= kLendBelowBytes) return;
  for (auto& [number, stream] : streams_) lend(number, stream);
}

}  // namespace logcask
