#include "segment/batch_scan.h"

#include <algorithm>

#include "base/mutant.h"

namespace logcask {
namespace {

constexpr std::size_t kReadBytes = 1 << 20;

bool all_zero(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char byte) { return byte == 0; });
}

// A window of the file that moves forward and grows to the largest batch; no larger than what is left of the file.
class Window {
 public:
  Window(const File& file, std::uint64_t end) : file_(file), end_(end) {}

  // At least `want` bytes from `position`, fewer only where the file (or the end position) is nearer.
  Result<ByteView> at(std::uint64_t position, std::size_t want) {
    if (position >= start_ && position + want <= start_ + filled_) return view(position);
    const std::uint64_t left = end_ > position ? end_ - position : 0;
    const std::size_t room = std::max<std::size_t>(want, std::min<std::uint64_t>(kReadBytes, left));
    if (buffer_.size() < room) buffer_.resize(room);
    keep_from(position);
    const std::uint64_t read_at = start_ + filled_;
    const std::uint64_t limit = end_ > read_at ? std::min<std::uint64_t>(end_ - read_at, room - filled_) : 0;
    LOGCASK_ASSIGN(const std::size_t got, file_.read_at(read_at, std::span(buffer_.data() + filled_, limit)));
    filled_ += got;
    return view(position);
  }

 private:
  void keep_from(std::uint64_t position) {
    if (position >= start_ && position < start_ + filled_) {
      const auto from = static_cast<std::size_t>(position - start_);
      std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(from),
                buffer_.begin() + static_cast<std::ptrdiff_t>(filled_), buffer_.begin());
      filled_ -= from;
    } else {
      filled_ = 0;
    }
    start_ = position;
  }
  ByteView view(std::uint64_t position) const { return ByteView(buffer_).substr(0, filled_).substr(position - start_); }

  const File& file_;
  const std::uint64_t end_;
  std::string buffer_;
  std::uint64_t start_ = 0;
  std::size_t filled_ = 0;
};

// Why this header cannot be the next one; empty when it can.
std::string header_fault(const BatchHeader& header, const ScanOptions& options, const ScanEnd& end) {
  if (options.name.rewritten() ? header.base_offset < end.next_offset : header.base_offset != end.next_offset) {
    return "its base offset is " + std::to_string(header.base_offset.value()) + " where " +
           std::to_string(end.next_offset.value()) + (options.name.rewritten() ? " is the least possible" : " follows");
  }
  if (header.last_offset() - options.name.base > kMaxSegmentSpan)
    return "its last offset is beyond what a segment spans";
  return {};
}

}  // namespace

Result<ScanEnd> scan_batches(const File& file, const ScanOptions& options, const BatchCallback& take) {
  LOGCASK_ASSIGN(const std::uint64_t file_size, file.size());
  Window window(file, std::min(options.end_position, file_size));
  ScanEnd end;
  end.position = options.position;
  end.next_offset = options.expected;
  const auto stop = [&end](ScanEnd::Why why, std::string reason = {}) {
    end.why = why;
    end.reason = std::move(reason);
    return end;
  };
  while (true) {
    if (end.position == options.end_position) return stop(ScanEnd::Why::end_position);
    if (end.position == file_size) return stop(ScanEnd::Why::end_of_file);
    LOGCASK_ASSIGN(ByteView bytes, window.at(end.position, kBatchHeaderBytes));
    if (all_zero(bytes.substr(0, kBatchHeaderBytes))) return stop(ScanEnd::Why::zeros);
    if (bytes.size() < kBatchHeaderBytes) return stop(ScanEnd::Why::bad_batch, "the data ends inside its header");
    auto header = decode_batch_header(bytes);
    if (!header.ok()) return stop(ScanEnd::Why::bad_batch, header.error().message);
    if (auto fault = header_fault(*header, options, end); !fault.empty()) return stop(ScanEnd::Why::bad_batch, fault);
    const std::size_t size = header->total_bytes();
    if (end.position + size > std::min(options.end_position, file_size))
      return stop(ScanEnd::Why::bad_batch, "it is longer than the data");
    LOGCASK_ASSIGN(bytes, window.at(end.position, size));
    if (bytes.size() < size) return stop(ScanEnd::Why::bad_batch, "it is longer than the data");
    bytes = bytes.substr(0, size);
    if (options.check_crc && !batch_crc_holds(bytes) && !mutant(Mutant::crc_not_checked))
      return stop(ScanEnd::Why::bad_batch, "its CRC does not hold");
    LOGCASK_TRY(take({*header, end.position, bytes}));
    end.position += size;
    end.next_offset = header->next_offset();
  }
}

}  // namespace logcask
