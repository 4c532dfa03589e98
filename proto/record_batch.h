#pragma once
// Kafka's RecordBatch v2 (magic 2): the one format on disk and on every wire (docs/FORMAT.md, "Record
// batch"; Kafka's DefaultRecordBatch.java, KIP-98). This header brings all four parts of it.
//
// Views returned here point into the bytes they were read from and live as long as those do.
// Nothing here allocates on the read path except decompression into a scratch string of the caller.

#include "proto/batch_builder.h"  // IWYU pragma: export
#include "proto/batch_check.h"    // IWYU pragma: export
#include "proto/batch_header.h"   // IWYU pragma: export
#include "proto/record_cursor.h"  // IWYU pragma: export
