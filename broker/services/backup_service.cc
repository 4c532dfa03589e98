#include "broker/services/backup_service.h"

#include <algorithm>
#include <optional>

#include "base/mutant.h"
#include "broker/services/authorized_topic.h"
#include "broker/services/credit_stream.h"

namespace logcask {
namespace {

constexpr std::size_t kBackupStepBytes = 1u << 20;
constexpr std::int64_t kLeaseLooks = 4;  // in one lease

}  // namespace

class BackupService::Backup final : public CreditStream {
 public:
  Backup(const ServiceParts& parts, EventLoop& loop, TopicPtr topic, BackupOptions options, std::int64_t lease_ms,
         std::unique_ptr<BackupSink> sink)
      : CreditStream(parts, loop, options.credit_bytes, 0),
        topic_(std::move(topic)),
        options_(std::move(options)),
        lease_ms_(lease_ms),
        sink_(std::move(sink)) {
    parts_.metrics.backup_pins.add();
  }
  ~Backup() override {
    parts_.metrics.backup_pinned_bytes.sub(pinned_bytes_);
    parts_.metrics.backup_pins.sub();
  }

  void start() {
    stepping_ = true;
    parts_.background.post([self = shared()]() mutable {
      std::sort(self->options_.have.begin(), self->options_.have.end());
      auto pinned = std::make_shared<Result<LogPin>>(self->runner().pin_log());
      EventLoop& loop = self->loop_;
      loop.post([self = std::move(self), pinned] { self->pinned(std::move(*pinned)); });
    });
  }
  void cancel(const Error& reason) override { end(reason); }

 private:
  struct Step {
    std::size_t segment = 0;
    std::uint64_t position = 0;
    std::shared_ptr<ByteBuffer> bytes;
    Offset next_offset;
  };

  std::shared_ptr<Backup> shared() { return std::static_pointer_cast<Backup>(shared_from_this()); }
  bool ended() const override { return !sink_; }
  void wait_failed(std::size_t, Error error) override { end(std::move(error)); }
  PartitionRunner& runner() const { return *topic_->partition(options_.partition); }
  std::string label() const { return topic_->record.name + "-" + std::to_string(options_.partition.value()); }

  void pinned(Result<LogPin> pin) {
    stepping_ = false;
    if (!sink_) return;
    if (!pin.ok()) return end(std::move(pin).error().in("backup of " + label()));
    pin_ = std::move(pin).value();
    pinned_bytes_ = pin_->bytes();
    parts_.metrics.backup_pinned_bytes.add(pinned_bytes_);
    moved_ns_ = parts_.clock.monotonic_ns();
    auto manifest = std::make_shared<const std::string>(encode_manifest(pin_->manifest));
    sent(manifest->size());
    sink_->started(*topic_, std::move(manifest));
    look_after_lease();
    schedule();
  }

  void pump() override {
    if (stepping_ || !pin_ || !has_credit()) return;
    moved_ns_ = parts_.clock.monotonic_ns();
    skip_what_is_there();
    if (segment_ == pin_->segments.size()) return end({});
    start_step();
  }

  void skip_what_is_there() {
    for (; segment_ < pin_->segments.size() && position_ == 0; ++segment_) {
      const SegmentFacts& facts = pin_->manifest.segments[segment_].facts;
      const BackupFile file{facts.name, facts.size_bytes, facts.digest};
      if (!std::binary_search(options_.have.begin(), options_.have.end(), file)) break;
    }
    if (position_ == 0 && segment_ < pin_->segments.size()) next_ = pin_->segments[segment_]->base();
  }

  void start_step() {
    stepping_ = true;
    Step step{segment_, position_, std::make_shared<ByteBuffer>(), next_};
    parts_.background.post([self = shared(), segment = pin_->segments[segment_], step = std::move(step),
                            max_bytes = credit(kBackupStepBytes)]() mutable {
      const auto read = segment->read_batches(step.next_offset, segment->next_offset(), max_bytes, *step.bytes);
      Status status = read.ok() ? Status() : Status(read.error());
      if (read.ok()) step.next_offset = read->next_offset;
      EventLoop& loop = self->loop_;
      // Moved, so that the stream ends on its loop.
      loop.post([self = std::move(self), status, step = std::move(step)]() mutable {
        self->stepped(status, std::move(step));
      });
    });
  }

  void stepped(const Status& status, Step step) {
    stepping_ = false;
    if (!sink_) return;
    if (!status.ok()) return end(Error(status.error()).in("backup of " + label()));
    const SegmentFacts& facts = pin_->manifest.segments[step.segment].facts;
    position_ += step.bytes->size();
    next_ = step.next_offset;
    // Whole batches, one after the other, are the file; anything else is not what the manifest speaks of.
    if (position_ > facts.size_bytes || (step.bytes->empty() && position_ < facts.size_bytes))
      return end(Error{Errc::corrupt_range, "backup of " + label() + ": " + pin_->segments[step.segment]->describe() +
                                                " ends at " + std::to_string(position_) + ", not at " +
                                                std::to_string(facts.size_bytes) + "; 'logcask verify' tells why"});
    const std::uint64_t at = step.position;
    if (position_ == facts.size_bytes) {
      ++segment_;
      position_ = 0;
    }
    sent(step.bytes->size());
    if (!step.bytes->empty()) sink_->chunk(step.segment, at, std::move(step.bytes));
    schedule();
  }

  void look_after_lease() {
    loop_.call_after(std::max<std::int64_t>(lease_ms_ / kLeaseLooks, 1), [weak = weak_from_this()] {
      const auto self = std::static_pointer_cast<Backup>(weak.lock());
      if (self && !self->ended()) self->check_lease();
    });
  }

  void check_lease() {
    const std::int64_t quiet_ms = (parts_.clock.monotonic_ns() - moved_ns_) / 1'000'000;
    if (stepping_ || quiet_ms < lease_ms_ || mutant(Mutant::backup_never_expires)) return look_after_lease();
    parts_.metrics.backup_expired.add();
    end(Error{Errc::timed_out, "backup of " + label() + " has taken nothing for " + std::to_string(quiet_ms) +
                                   " ms (backup.lease.ms); what it held is given back. Run it again: what has been "
                                   "copied is not copied again"});
  }

  void end(Status status) {
    if (!sink_) return;
    const auto sink = std::exchange(sink_, nullptr);
    parts_.metrics.backup_pinned_bytes.sub(std::exchange(pinned_bytes_, 0));
    // A step that is under way has its own hold of the segment it reads.
    pin_.reset();
    sink->ended(std::move(status));
  }

  const TopicPtr topic_;
  BackupOptions options_;
  const std::int64_t lease_ms_;
  std::unique_ptr<BackupSink> sink_;  // null once ended
  std::optional<LogPin> pin_;
  std::uint64_t pinned_bytes_ = 0;
  std::int64_t moved_ns_ = 0;
  bool stepping_ = false;
  std::size_t segment_ = 0;     // that is sent
  std::uint64_t position_ = 0;  // in it
  Offset next_;                 // of it
};

Result<std::shared_ptr<BackupService::Backup>> BackupService::begin(const CallContext& context,
                                                                    std::string_view topic_name, BackupOptions options,
                                                                    std::unique_ptr<BackupSink> sink) {
  LOGCASK_ASSIGN(const TopicPtr topic, authorized_topic(parts_, context, Operation::read, topic_name));
  // The active segment is closed.
  LOGCASK_TRY(parts_.authorizer.authorize(context.principal, Operation::alter, {ResourceKind::topic, topic_name}));
  if (!topic->partition(options.partition)) return unknown_partition(*topic, options.partition);
  if (parts_.metrics.backup_pins.value() >= kBackupsMax)
    return Error{Errc::limit_exceeded, std::to_string(kBackupsMax) +
                                           " backups are under way, as many as may be; try again when one has ended"};
  return std::make_shared<Backup>(parts_, context.loop, topic, std::move(options), lease_ms_, std::move(sink));
}

Result<std::shared_ptr<OpenCall>> BackupService::backup(const CallContext& context, std::string_view topic,
                                                        BackupOptions options, std::unique_ptr<BackupSink> sink) {
  auto begun = begin(context, topic, std::move(options), std::move(sink));
  parts_.metrics.service(ServiceName::backup).requests.add();
  if (!begun.ok()) {
    parts_.metrics.service(ServiceName::backup).errors.add();
    return std::move(begun).error();
  }
  (*begun)->start();
  return std::shared_ptr<OpenCall>(std::move(begun).value());
}

}  // namespace logcask
