#pragma once
// How far the damage of one log may reach: what may be refused because of it. Everything else must be served.
//
// A closed log, and any log while it is open: a batch whose records, times or CRC are wrong is refused, and nothing
// else. One whose place is in doubt (base offset, length, epoch, last offset; in a rewritten log any byte of the
// header) takes along what follows it up to the next index entry. A file that is too short is refused as a whole. A key
// is refused when its newest record lies in what is refused; when a start has found a file missing or too short, also
// when it lies below that file's end, because a newer one may be in it. The active log at a start: above the recovery
// point nothing is refused, the tail is cut. Below it the rest of the file counts as damaged, and so does every key
// that has no newer record. Fetches lose what they would in a closed log, but for two things: no index is left to take
// up the walk again behind a batch whose place is in doubt, and a leader epoch that is wrong leaves none in the file
// certain. No damage reaches beyond its file.

#include <optional>
#include <string>
#include <vector>

#include "segment/segment_facts.h"
#include "tests/damage/data_set.h"

namespace logcask::testing {

class Spread {
 public:
  // Fetches from here may be refused.
  bool unreadable(Offset from) const;
  // Lookups of a key whose newest record lies here may be; kNoOffset: it has none.
  bool hides(Offset newest) const { return newest < hides_below_ || (newest != kNoOffset && unreadable(newest)); }
  bool nothing() const { return ranges_.empty(); }
  // Nothing at or above is refused to fetches.
  Offset end() const { return ranges_.empty() ? Offset(0) : ranges_.back().to; }
  // The damaged file's offsets.
  Offset file_from() const { return file_.from; }
  Offset file_to() const { return file_.to; }
  // A start knows of it: live replays are refused from their beginning.
  bool noted() const { return hides_below_ != kNoOffset; }

 private:
  friend class LogLayout;
  struct Range {
    Offset from;
    Offset to;
  };
  std::vector<Range> ranges_;  // rising
  Range file_{Offset(0), Offset(0)};
  Offset hides_below_ = kNoOffset;
};

// Where the batches of one undamaged log lie.
class LogLayout {
 public:
  LogLayout(const DataSet& set, const std::string& path);
  // `open`: the partition is open when the damage happens. No content = deleted.
  Spread spread(const std::optional<std::string>& content, bool open) const;
  bool is_active() const { return active_; }

 private:
  struct Batch {
    std::size_t position;
    std::size_t size;
    Offset from;  // where the batch before it ends
    Offset to;
    bool indexed;
  };
  struct Touched {
    bool any = false;
    bool place = false;  // bytes that say where this batch and the next one are
    bool epoch = false;
  };
  Touched touched(const Batch& batch, const std::string& content) const;

  const std::string content_;
  SegmentName name_;
  bool active_ = false;
  Offset next_;  // base of the next log
  Offset promised_end_;
  std::size_t promised_bytes_ = 0;  // of the active one
  std::size_t data_bytes_ = 0;
  std::vector<Batch> batches_;
};

}  // namespace logcask::testing
