#pragma once
// Producer ids for idempotence: unique for ever, also across restarts. Ids are reserved durably in blocks; a
// restart skips what is left of the block. Blocks on the disk once per block: not on an I/O thread.

#include <mutex>

#include "broker/services/call_context.h"
#include "broker/topics/metadata_store.h"

namespace logcask {

struct ProducerIdentity {
  ProducerId id = kNoProducer;
  std::int16_t epoch = 0;
};

class ProducerIdService {
 public:
  ProducerIdService(const ServiceParts& parts, MetadataStore& metadata) : parts_(parts), metadata_(metadata) {}
  // kNoProducer: a new id. Otherwise the same id with the next epoch, which fences off whoever used the old one; when
  // the epochs are used up, a new id.
  Result<ProducerIdentity> init(const Principal& principal, ProducerId id, std::int16_t epoch);

 private:
  const ServiceParts& parts_;
  MetadataStore& metadata_;
  std::mutex mutex_;
  std::int64_t next_ = 0;       // guarded
  std::int64_t block_end_ = 0;  // guarded
};

}  // namespace logcask
