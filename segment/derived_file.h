#pragma once
// The frame of small derived files (.index, .timeindex): magic, version, whose file it is, payload, CRC32C.
//
// Such a file is believed only when name, size and digest of its log are those the reader expects.

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/types.h"
#include "segment/segment_facts.h"

namespace logcask {

// `kind` is the file's first four bytes: "LCIX", "LCTX".
std::string encode_derived_file(std::string_view kind, const SegmentFacts& facts, ByteView payload);

// The payload, a view of `file`. corrupt_file says what does not fit; `what` names the file in it.
Result<ByteView> decode_derived_file(std::string_view kind, const SegmentFacts& facts, ByteView file,
                                     const std::string& what);

}  // namespace logcask
