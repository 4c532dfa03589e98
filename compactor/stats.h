#pragma once
// What compaction did: facts for the broker's log and metrics, for `logcask compact`, and for tests.

#include <cstdint>

namespace logcask {

struct CompactionStats {
  std::uint32_t rewrites = 0;
  std::uint32_t merges = 0;       // rewrites for the sake of small neighbours
  std::uint32_t noted_clean = 0;  // segments that count as compacted without a rewrite
  std::uint64_t segments_in = 0;
  std::uint64_t segments_out = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
  std::uint64_t bytes_before = 0;  // file sizes of rewrites that were installed
  std::uint64_t bytes_after = 0;
  std::uint64_t records_kept = 0;
  std::uint64_t records_dropped = 0;     // tombstones and expired ones included
  std::uint64_t tombstones_dropped = 0;  // due ones
  double seconds = 0;

  void add(const CompactionStats& other) {
    rewrites += other.rewrites;
    merges += other.merges;
    noted_clean += other.noted_clean;
    segments_in += other.segments_in;
    segments_out += other.segments_out;
    bytes_read += other.bytes_read;
    bytes_written += other.bytes_written;
    bytes_before += other.bytes_before;
    bytes_after += other.bytes_after;
    records_kept += other.records_kept;
    records_dropped += other.records_dropped;
    tombstones_dropped += other.tombstones_dropped;
    seconds += other.seconds;
  }
};

}  // namespace logcask
