// ListPartitionReassignments: no replica ever moves, there is one.
#include "proto/kafka/list_partition_reassignments.h"

#include "broker/kafka/apis/apis.h"

namespace logcask {

void handle(KafkaCall call, const kafka::ListPartitionReassignmentsRequest&) {
  call.answer(kafka::ListPartitionReassignmentsResponse());
}

}  // namespace logcask
