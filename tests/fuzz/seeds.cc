// fuzz_seeds DIRECTORY: writes the first inputs of every corpus, made by the real encoders. What the fuzzer finds grows
// from these.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "broker/services/offset_commit_codec.h"
#include "broker/services/replay_token.h"
#include "logcask/v1/native.pb.h"
#include "partition/manifest.h"
#include "partition/producer_state.h"
#include "proto/frame.h"
#include "proto/kafka/frame.h"
#include "proto/lookup_codec.h"
#include "segment/derived_file.h"
#include "segment/hint_file.h"
#include "segment/offset_index.h"
#include "segment/sync_log.h"
#include "segment/time_index.h"
#include "tests/fuzz/batch_properties.h"
#include "tests/fuzz/fuzz.h"
#include "tests/proto/kafka/filler.h"
#include "tests/proto/kafka/messages.h"
#include "tests/support/memory_file_system.h"

namespace logcask::fuzz {
namespace {

std::filesystem::path root;

void put_file(const std::string& folder, const std::string& name, const std::string& bytes) {
  std::filesystem::create_directories(root / folder);
  std::ofstream(root / folder / name, std::ios::binary) << bytes;
}
void put(const std::string& folder, const std::string& name, const std::string& bytes) {
  put_file(folder, "seed-" + name, bytes);
}

std::string byte(unsigned value) { return std::string(1, static_cast<char>(value)); }
std::string word(std::size_t value) {
  std::string out;
  ByteWriter(out).fixed(static_cast<std::uint16_t>(value));
  return out;
}

// ---- batches

std::string make_batch(Offset base, int records, Compression codec = Compression::none, std::size_t value_bytes = 12,
                       int hole = 0) {
  BatchBuilder::Options options;
  options.compression = codec;
  options.leader_epoch = LeaderEpoch(1);
  BatchBuilder builder(base, options);
  for (int i = 0; i < records; ++i) {
    const std::string key = "key" + std::to_string(i);
    const std::string value(value_bytes, static_cast<char>('a' + i));
    std::optional<ByteView> content;
    if (i % 3 != 2) content = ByteView(value);
    std::vector<RecordHeader> headers;
    if (i % 2 == 1) headers = {{"h", "v"}, {"n", std::nullopt}};
    builder.add(base + (hole > 0 && i >= hole ? i + 1 : i), TimestampMs(1'700'000'000'000 + i), key, content, headers);
  }
  std::string batch;
  LOGCASK_CHECK(builder.finish(batch).ok());
  return batch;
}

void seed_batches() {
  const std::pair<const char*, Compression> codecs[] = {{"batch_none", Compression::none},
                                                        {"batch_gzip", Compression::gzip},
                                                        {"batch_snappy", Compression::snappy},
                                                        {"batch_lz4", Compression::lz4},
                                                        {"batch_zstd", Compression::zstd}};
  for (const auto& [folder, codec] : codecs) {
    const std::string many = make_batch(Offset(40), 5, codec);
    put(folder, "five-records", byte(0) + byte(5) + byte(0) + many.substr(kBatchHeaderBytes));
    put(folder, "counted", byte(0x18) + byte(5) + byte(0) + many.substr(kBatchHeaderBytes));
    put(folder, "one-record", byte(3) + byte(1) + byte(0) + make_batch(Offset(40), 1, codec).substr(kBatchHeaderBytes));
    put(folder, "plain", byte(0x20) + byte(0) + byte(0) + make_batch(Offset(40), 3).substr(kBatchHeaderBytes));
    put(folder, "plain-bounded", byte(0x60) + byte(9) + byte(0) + std::string(300, 'x'));
    std::string two;
    LOGCASK_CHECK(compress(codec, "first", two).ok() && compress(codec, "second", two).ok());
    put(folder, "two-streams", byte(0) + byte(0) + byte(0) + two);
    put("batch_raw", std::string(folder).substr(6), byte(1) + byte(0) + many);
  }
  put("batch_raw", "as-it-is", byte(0) + byte(0) + make_batch(Offset(0), 2));
  put("batch_raw", "keys-required", byte(3) + byte(0) + make_batch(Offset(7), 3));
  BatchBuilder::Options options;
  options.producer_id = ProducerId(9);
  options.producer_epoch = 2;
  options.base_sequence = 77;
  BatchBuilder builder(Offset(0), options);
  builder.add(Offset(0), TimestampMs(5), std::nullopt, "value without a key");
  std::string batch;
  LOGCASK_CHECK(builder.finish(batch).ok());
  put("batch_raw", "producer", byte(1) + byte(0) + batch);
  // The snappy of Java's clients: blocks with a header of its own.
  std::string block;
  LOGCASK_CHECK(compress(Compression::snappy, make_batch(Offset(40), 2).substr(kBatchHeaderBytes), block).ok());
  std::string xerial("\x82SNAPPY\0\0\0\0\1\0\0\0\1", 16);
  ByteWriter(xerial).fixed(static_cast<std::uint32_t>(block.size()));
  put("batch_snappy", "xerial", byte(0) + byte(2) + byte(0) + xerial + block);
}

// ---- files of a partition

// For both targets: log_scan's inputs lack the second byte.
void put_log(const std::string& name, unsigned choice, unsigned max_bytes, const std::string& log) {
  put("log_scan", name, byte(choice) + log);
  put("segment", name, byte(choice) + byte(max_bytes) + log);
}

void seed_segments() {
  const std::string small = make_batch(Offset(100), 3) + make_batch(Offset(103), 1);
  put_log("two-batches", 0x40, 0, small);
  put_log("repaired", 7, 8, small + make_batch(Offset(104), 2, Compression::lz4));
  put_log("zeros-behind", 0, 4, small + std::string(70, '\0'));
  put_log("large-batch", 0x44, 255, make_batch(Offset(100), 26, Compression::none, 240) + small);
  put_log("compacted", 0x48, 16,
          make_batch(Offset(103), 4, Compression::none, 8, 2) + make_batch(Offset(120), 2, Compression::zstd, 8, 1));
  put_log("unchecked", 0x13, 1, small);
  put_log("bounded", 0x20, 1, small + small);
}

std::string content(const testing::MemoryFileSystem& files, SegmentName name, SegmentFile kind) {
  return *files.content(segment_filename(name, kind));
}

void seed_hints() {
  const SegmentName name{Offset(100), Generation(0)};
  for (const int entries : {0, 1, 5}) {
    testing::MemoryFileSystem files;
    auto writer = HintWriter::create(files.root(), name);
    LOGCASK_CHECK(writer.ok());
    for (int i = 0; i < entries; ++i)
      LOGCASK_CHECK(
          (*writer)->add(HintEntry::make({std::uint64_t(i) * 77, 5}, name.base, name.base + i, 40, i == 2)).ok());
    HintHeader header;
    header.name = name;
    header.covered_position = 1000;
    header.covered_next = name.base + entries;
    header.records = static_cast<std::uint64_t>(entries);
    LOGCASK_CHECK((*writer)->finish(header).ok());
    const std::string file = content(files, name, SegmentFile::hint);
    put("hint", std::to_string(entries), byte(0) + file);
    put("hint", std::to_string(entries) + "-repaired", byte(7) + file);
    put("hint", std::to_string(entries) + "-checksums", byte(5) + file);
  }
}

// As tests/fuzz/index_target.cc knows the segment.
void seed_indexes() {
  for (const std::uint32_t generation : {0u, 1u}) {
    SegmentFacts facts;
    facts.name = {Offset(100), Generation(generation)};
    facts.next_offset = Offset(1000);
    facts.size_bytes = 200'000;
    facts.digest = 0x0123456789abcdef;
    OffsetIndex offsets(facts.name);
    TimeIndex times(facts.name);
    std::uint64_t position = 0;
    Offset base(100);
    for (const int records : {3, 40, 2, 30}) {
      const std::string batch = make_batch(base, records, Compression::none, 240);
      auto header = decode_batch_header(batch);
      LOGCASK_CHECK(header.ok());
      offsets.add_batch(*header, position, batch);
      times.add_batch(*header, position * 10);
      position += batch.size();
      base = header->next_offset();
    }
    const std::string which = std::to_string(generation);
    const unsigned choice = generation * 2;
    const std::string index_file = offsets.encode(facts);
    const auto payload = decode_derived_file("LCIX", facts, index_file, "seed");
    put("offset_index", "file-" + which, byte(choice) + index_file);
    put("offset_index", "payload-" + which, byte(choice | 1) + std::string(*payload));
    const std::string time_file = times.encode(facts);
    const auto time_payload = decode_derived_file("LCTX", facts, time_file, "seed");
    put("time_index", "file-" + which, byte(choice) + time_file);
    put("time_index", "payload-" + which, byte(choice | 1) + std::string(*time_payload));
  }
}

void seed_sync_logs() {
  testing::MemoryFileSystem files;
  SyncEntry entry;
  entry.durable_end = Offset(100);
  auto log = SyncLog::create(*files.root(), {}, Offset(100), entry);
  LOGCASK_CHECK(log.ok());
  for (int i = 1; i < 5; ++i) {
    entry.durable_end = Offset(100 + i);
    entry.position = static_cast<std::uint64_t>(i) * 90;
    entry.offset_ceiling = Offset(5000);
    LOGCASK_CHECK((*log)->append(entry).ok());
  }
  const std::string file = content(files, {Offset(100), Generation(0)}, SegmentFile::sync);
  put("sync_log", "five-slots", byte(0) + file.substr(0, 6 * kSyncSlotBytes));
  put("sync_log", "repaired", byte(3) + file.substr(0, 4 * kSyncSlotBytes + 20));
  put("sync_log", "checksums", byte(1) + file.substr(0, 3 * kSyncSlotBytes));
}

void seed_manifests() {
  Manifest manifest;
  manifest.generation = 3;
  manifest.epochs = {{LeaderEpoch(1), Offset(0)}};
  put("manifest", "new-partition", byte(0) + encode_manifest(manifest));
  ManifestSegment segment;
  segment.facts.name = {Offset(0), Generation(2)};
  segment.facts.next_offset = Offset(90);
  segment.facts.size_bytes = 4096;
  segment.end_offset = Offset(100);
  manifest.segments = {segment};
  segment.facts.name = {Offset(100), Generation(0)};
  segment.facts.next_offset = segment.end_offset = Offset(120);
  manifest.segments.push_back(segment);
  manifest.clean_through = {{Offset(50), TimestampMs(1)}};
  manifest.damaged = {{Offset(90), Offset(95), "its CRC does not hold"}};
  manifest.obsolete = {{Offset(0), Generation(1)}};
  manifest.producer_snapshot_name = "00000000000000000120.producers";
  put("manifest", "full", byte(0) + encode_manifest(manifest));
  put("manifest", "full-repaired", byte(1) + encode_manifest(manifest));
}

void seed_producers() {
  ProducerState state;
  for (int i = 0; i < 7; ++i)
    state.record(ProducerId(i % 3), 1, i / 3 * 10, 10, Offset(i * 10), Offset(i * 10 + 9), TimestampMs(1000 + i));
  const std::string snapshot = state.encode_snapshot(Offset(70));
  put("producers", "snapshot", byte(0) + snapshot);
  std::string batches;
  ByteWriter writer(batches);
  for (int i = 0; i < 2; ++i) {
    writer.fixed(std::int64_t{1});
    writer.fixed(std::uint16_t{1});
    writer.fixed(static_cast<std::uint32_t>(20 + i * 5));
    writer.fixed(std::uint16_t{4});
    writer.fixed(std::int64_t{2000});
  }
  put("producers", "repaired", byte(1 | 2 << 1) + snapshot + batches);
}

// ---- small codecs

void seed_codecs() {
  std::string keys;
  append_key(keys, "one");
  append_key(keys, "");
  put("lookup", "keys", byte(0) + byte(2) + keys);
  std::string results;
  LookupResult result;
  result.status = LookupStatus::found;
  result.value = "value";
  result.header_count = 1;
  result.raw_headers = std::string_view("\x02h\x01", 3);
  append_lookup_result(results, result);
  result = {};
  result.status = LookupStatus::deleted;
  append_lookup_result(results, result);
  put("lookup", "results", byte(1) + byte(2) + results);

  ReplayToken token;
  token.partitions.resize(2);
  token.partitions[1] = {PartitionId(1), ReplayPhase::tail, Offset(9), LeaderEpoch(1), Offset(5), Offset(8), Offset(0)};
  put("token", "two-partitions", byte(0) + encode_replay_token(token));
  put("token", "repaired", byte(1) + encode_replay_token(token));

  put("commit", "key", encode_offset_commit_key({"group", "topic", PartitionId(3)}));
  put("commit", "value", encode_offset_commit_value({Offset(7), LeaderEpoch(2), "note", TimestampMs(5)}));
  std::string old;
  ByteWriter writer(old);
  writer.fixed(std::int16_t{1});
  writer.fixed(std::int64_t{7});
  writer.short_string("m");
  writer.fixed(std::int64_t{5});
  writer.fixed(std::int64_t{6});
  put("commit", "value-1", old);

  put("config", "small", "[frame.max]\nbytes = 1048576\nlisten = \"127.0.0.1:0\" # here\nflag = true\nhalf = 5e-1\n");
  put("config", "array", "a = [1, {b = 2}]\n'q'.\"x\\u0041\" = 0x1F\nt = 2020-01-01T00:00:00Z\n[[x]]\ny = '''z'''\n");
}

void seed_frames() {
  std::string stream;
  v1::ResponseHeader header;
  header.set_correlation_id(7);
  header.set_error_message("what, where and the mend");
  append_frame_head(stream, header, 5);
  stream += "12345";
  header.mutable_fetch()->add_partitions()->set_topic("t");
  append_frame_head(stream, header, 0);
  put("frame", "two-frames", word(4096) + byte(255) + byte(3) + stream);
  put("frame", "too-large", word(20) + byte(255) + byte(0) + stream);
  put("frame", "cut-short", word(4096) + byte(255) + byte(9) + stream.substr(0, stream.size() - 3));
  put("frame", "header-alone", word(9) + byte(1) + byte(3) + header.SerializeAsString());
}

// ---- requests

struct Asked {
  int kind;
  std::string body;
  std::string attachment;
  unsigned options = 8;  // in order
};

std::string ask(const std::vector<Asked>& requests) {
  std::string out;
  unsigned id = 0;
  for (const Asked& request : requests) {
    out += byte(static_cast<unsigned>(request.kind)) + byte(request.options | (id++ & 3)) + word(request.body.size()) +
           word(request.attachment.size()) + request.body + request.attachment;
  }
  return out;
}

Asked produce(const std::string& topic, const std::string& batch, unsigned options = 8) {
  v1::ProduceRequest body;
  auto& entry = *body.add_entries();
  entry.set_topic(topic);
  entry.set_batch_bytes(static_cast<std::uint32_t>(batch.size()));
  return {6, body.SerializeAsString(), batch, options};
}

template <class Message, class Fill>
Asked request(int kind, Fill fill, const std::string& attachment = {}, unsigned options = 8) {
  Message message;
  fill(message);
  return {kind, message.SerializeAsString(), attachment, options};
}

void seed_topics_requests() {
  put("request/hello", "again", ask({request<v1::HelloRequest>(0, [](auto& m) { m.set_client_name("x"); })}));
  put("request/metadata", "all", ask({request<v1::MetadataRequest>(1, [](auto& m) { m.set_include_internal(true); })}));
  put("request/metadata", "some", ask({request<v1::MetadataRequest>(1, [](auto& m) {
        m.add_topics("t");
        m.add_topics("none");
      })}));
  const auto create = request<v1::CreateTopicRequest>(2, [](auto& m) {
    m.set_name("n");
    m.set_partitions(2);
    (*m.mutable_config())["cleanup.policy"] = "compact,delete";
    (*m.mutable_config())["segment.bytes"] = "2097152";
  });
  put("request/create_topic", "compacted", ask({create, create}));
  put("request/alter_topic", "set",
      ask({request<v1::AlterTopicRequest>(3,
                                          [](auto& m) {
                                            m.set_name("t");
                                            (*m.mutable_set())["compression.type"] = "zstd";
                                            (*m.mutable_set())["message.timestamp.type"] = "LogAppendTime";
                                            m.add_unset("cleanup.policy");
                                          }),
           produce("t", make_batch(Offset(0), 2))}));
  const auto grow = request<v1::CreatePartitionsRequest>(27, [](auto& m) {
    m.set_name("d");
    m.set_partitions(3);
  });
  const auto backup = request<v1::BackupRequest>(28, [](auto& m) {
    m.set_topic("t");
    m.set_credit_bytes(1u << 20);
    m.add_have()->set_digest(1);
  });
  put("request/backup", "twice", ask({backup, produce("t", make_batch(Offset(0), 1)), backup}));
  put("request/create_partitions", "twice", ask({grow, produce("d", make_batch(Offset(0), 1)), grow}));
  const auto remove = request<v1::DeleteTopicRequest>(4, [](auto& m) { m.set_name("t"); });
  put("request/delete_topic", "known", ask({remove, produce("t", make_batch(Offset(0), 1)), remove}));
  const auto describe = request<v1::DescribeTopicRequest>(5, [](auto& m) { m.set_name("t"); });
  put("request/describe_topic", "known", ask({describe}));
}

void seed_record_requests() {
  put("request/produce", "plain", ask({produce("t", make_batch(Offset(0), 3))}));
  put("request/produce", "repaired", ask({produce("t", make_batch(Offset(0), 2, Compression::gzip), 12)}));
  put("request/produce", "retention",
      ask({produce("d", make_batch(Offset(0), 2)), produce("d", make_batch(Offset(0), 1), 12)}));
  put("request/produce", "conditions",
      ask({request<v1::ProduceRequest>(
          6,
          [](auto& m) {
            auto& entry = *m.add_entries();
            entry.set_topic("t");
            for (int kind = 0; kind < 3; ++kind) {
              auto& condition = *entry.add_conditions();
              condition.set_record_index(static_cast<std::uint32_t>(kind));
              condition.set_kind(static_cast<v1::ProduceRequest::Condition::Kind>(kind));
              condition.set_offset(3);
            }
            m.set_acks(v1::ProduceRequest::ACKS_ONE);
          },
          make_batch(Offset(0), 3), 12)}));
  const auto fetch = [](bool follow) {
    return request<v1::FetchRequest>(7, [follow](auto& m) {
      for (const char* topic : {"t", "d", "none"}) {
        auto& part = *m.add_partitions();
        part.set_topic(topic);
        part.set_offset(topic[0] == 't' ? 2 : 0);
      }
      m.set_max_bytes(4096);
      m.set_min_bytes(follow ? 0 : 1);
      m.set_follow(follow);
      m.set_credit_bytes(100'000);
      m.set_max_wait_ms(500);
    });
  };
  put("request/fetch", "once", ask({fetch(false)}));
  put("request/fetch", "follow", ask({fetch(true), produce("t", make_batch(Offset(0), 1))}));
  put("request/list_offsets", "three", ask({request<v1::ListOffsetsRequest>(8, [](auto& m) {
        for (const std::int64_t time : {std::int64_t{-1}, std::int64_t{-2}, std::int64_t{1'600'000'000'000}}) {
          auto& part = *m.add_partitions();
          part.set_topic("t");
          part.set_timestamp_ms(time);
        }
      })}));
  std::string keys;
  for (const char* key : {"a", "b", "nobody"}) append_key(keys, key);
  put("request/get", "three",
      ask({request<v1::GetRequest>(
          9,
          [](auto& m) {
            m.set_topic("t");
            m.set_key_count(3);
            auto& least = *m.add_min_offsets();
            least.set_offset(2);
          },
          keys)}));
  const auto watch = request<v1::WatchRequest>(
      10,
      [](auto& m) {
        m.set_topic("t");
        m.set_key_count(3);
        for (const std::int64_t seen : {-1, 2, 0}) m.add_last_seen_offsets(seen);
        m.set_credit_bytes(10'000);
      },
      keys);
  put("request/watch", "three", ask({watch, produce("t", make_batch(Offset(0), 1))}));
  put("request/cancel", "watch",
      ask({watch, request<v1::CancelRequest>(21, [](auto& m) { m.set_target_correlation_id(1); })}));
  put("request/credit", "watch", ask({watch, request<v1::CreditRequest>(22, [](auto& m) {
                                        m.set_target_correlation_id(1);
                                        m.set_credit_bytes(50);
                                      })}));
}

void seed_replay_requests() {
  const auto replay = [](auto fill, unsigned options = 8) {
    return ask({request<v1::ReplayRequest>(
        11,
        [&](auto& m) {
          m.set_topic("t");
          m.set_credit_bytes(100'000);
          fill(m);
        },
        {}, options)});
  };
  put("request/replay", "live", replay([](auto& m) { m.set_live_only(true); }));
  put("request/replay", "prefix", replay([](auto& m) {
        m.set_key_prefix("a");
        m.set_keys_only(true);
        m.set_stop_at_caught_up(true);
      }));
  ReplayToken token;
  token.partitions = {{PartitionId(0), ReplayPhase::walk, Offset(1), LeaderEpoch(0), Offset(4), Offset(0), Offset(0)},
                      {PartitionId(1), ReplayPhase::tail, Offset(1), LeaderEpoch(0), Offset(1), Offset(1), Offset(0)}};
  put("request/replay", "resumed",
      replay(
          [&](auto& m) {
            m.set_live_only(true);
            m.set_resume_token(encode_replay_token(token));
            m.set_stop_at_caught_up(true);
          },
          12));
}

void seed_group_requests() {
  const auto init = [](std::int64_t id) {
    return request<v1::InitProducerIdRequest>(12, [id](auto& m) { m.set_producer_id(id); });
  };
  put("request/init_producer_id", "new-and-next", ask({init(-1), init(1000)}));
  const auto commit = request<v1::CommitOffsetsRequest>(13, [](auto& m) {
    m.set_group("g");
    for (const std::int64_t offset : {2, -1}) {
      auto& entry = *m.add_entries();
      entry.set_topic("t");
      entry.set_partition(offset < 0 ? 1 : 0);
      entry.set_offset(offset);
      entry.set_metadata("note");
    }
  });
  const auto fetch = request<v1::FetchOffsetsRequest>(14, [](auto& m) { m.set_group("g"); });
  const auto list = request<v1::ListGroupsRequest>(15, [](auto&) {});
  put("request/commit_offsets", "two", ask({commit, fetch, list}));
  put("request/fetch_offsets", "all", ask({fetch}));
  put("request/fetch_offsets", "one", ask({request<v1::FetchOffsetsRequest>(14, [](auto& m) {
        m.set_group("g");
        m.add_entries()->set_topic("t");
      })}));
  put("request/list_groups", "none", ask({list}));
}

// A member named "fuzz-fuzz": the fixture's broker makes no other ids.
void seed_member_requests() {
  const auto claim = [](auto& member) {
    member.set_member_id("fuzz-fuzz");
    member.set_generation(1);
  };
  const auto join = [](const std::string& member_id, const std::string& instance_id) {
    return request<v1::JoinGroupRequest>(23, [&](auto& m) {
      m.set_group("g");
      m.mutable_member()->set_member_id(member_id);
      m.mutable_member()->set_instance_id(instance_id);
      m.set_session_timeout_ms(10'000);
      m.set_protocol_type("consumer");
      m.add_protocols()->set_name("range");
      m.mutable_protocols(0)->set_metadata(std::string("\0\0\0\0\0\1\0\1t\0\0\0\0", 13));
    });
  };
  const auto sync = request<v1::SyncGroupRequest>(24, [&](auto& m) {
    m.set_group("g");
    claim(*m.mutable_member());
    m.set_protocol("range");
    auto& assignment = *m.add_assignments();
    assignment.set_member_id("fuzz-fuzz");
    assignment.set_assignment("share");
  });
  const auto beat = request<v1::HeartbeatRequest>(25, [&](auto& m) {
    m.set_group("g");
    claim(*m.mutable_member());
  });
  const auto leave = request<v1::LeaveGroupRequest>(26, [&](auto& m) {
    m.set_group("g");
    claim(*m.add_members());
  });
  put("request/join_group", "first", ask({join("", ""), join("fuzz-fuzz", ""), beat, leave}));
  put("request/join_group", "static", ask({join("", "i"), join("", "i")}));
  put("request/sync_group", "leader", ask({join("", ""), join("fuzz-fuzz", ""), sync, beat}));
  put("request/heartbeat", "stranger", ask({beat}));
  put("request/leave_group", "stranger", ask({leave, join("", ""), leave}));
}

void seed_admin_requests() {
  put("request/delete_records", "some", ask({request<v1::DeleteRecordsRequest>(16, [](auto& m) {
        m.set_topic("t");
        m.set_partition(-1);
        m.set_before_offset(1);
      })}));
  put("request/compact", "wait", ask({request<v1::CompactRequest>(17, [](auto& m) {
        m.set_topic("t");
        m.set_partition(-1);
        m.set_wait(true);
      })}));
  put("request/segments", "all", ask({request<v1::SegmentsRequest>(18, [](auto& m) {
        m.set_topic("t");
        m.set_partition(-1);
      })}));
  put("request/reopen", "all", ask({request<v1::ReopenRequest>(19, [](auto& m) {
        m.set_topic("t");
        m.set_partition(-1);
      })}));
  put("request/describe_broker", "plain", ask({{20, {}, {}}}));
}

// ---- what fuzzing found: README.md names the tests

std::string bare_record(std::int32_t offset_delta) {
  std::string body(1, '\0');
  ByteWriter writer(body);
  writer.varlong(0);
  writer.varint(offset_delta);
  writer.varint(1);
  writer.bytes("k");
  writer.varint(-1);
  writer.varint(0);
  std::string record;
  ByteWriter(record).varint(static_cast<std::int32_t>(body.size()));
  return record + body;
}

// ---- the Kafka wire

// Every request in its oldest and its newest version, the same values each time; two of them with their frames.
void seed_kafka_requests() {
  std::mt19937_64 random(1);
  kafka::each_request([&](kafka::ApiKey key, auto message) {
    const kafka::Api& api = *kafka::row_of(key);
    for (const std::int16_t version : {api.served_since, api.max_version}) {
      kafka::Filler filler(random, api.layout(version), 2);
      filler.fill(message);
      const std::string name = std::string(api.name) + "-" + std::to_string(version);
      const auto frame = kafka::write_request(api, version, 7, "client", message);
      LOGCASK_CHECK(frame.ok());
      const std::string content = frame->joined().substr(kafka::kLengthBytes);
      const std::size_t head_bytes = 8 + 2 + 6 + (api.layout(version).flexible ? 1 : 0);
      put("kafka_request", name,
          byte(static_cast<unsigned>(key)) + byte(static_cast<unsigned>(version - api.served_since)) +
              content.substr(head_bytes));
      if (key == kafka::ApiKey::metadata) put("kafka_request", "frame-of-" + name, byte(255) + content);
    }
  });
}

void seed_http_requests() {
  const std::string host = " HTTP/1.1\r\nHost: localhost\r\n";
  put("http_request", "get",
      byte(255) + "GET /v1/topics/t/keys/a%2Fb?encoding=base64" + host +
          "If-None-Match: \"0123456789abcdef0123456789abcdef-0-1-j\"\r\n\r\n");
  put("http_request", "put",
      byte(10) + "PUT /v1/topics/t/keys/k" + host +
          "Content-Type: application/json\r\nContent-Length: 2\r\nIf-Match: *\r\n\r\n{}GET /healthz" + host + "\r\n");
  put("http_request", "chunked",
      byte(0) + "POST /v1/topics/t/keys:batchGet" + host +
          "Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: t\r\n\r\n");
  put("http_request", "watch",
      byte(50) + "GET /v1/topics/t/watch?key=a&key=b" + host + "Last-Event-ID: AYvhfl4C\r\n\r\n");
  put("http_request", "two-lengths",
      byte(255) + "PUT /x" + host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
}

void put_finds() {
  BatchHeader fields;
  fields.attributes = 0;
  fields.record_count = 2;
  fields.last_offset_delta = 1;
  put_file("batch_raw", "find-offsets-do-not-rise",
           byte(1) + byte(0) + wrap_records(fields, bare_record(1) + bare_record(0)));

  std::string index;
  ByteWriter entries(index);
  // One entry, of a record in a batch that is not there; no large batches, epochs, checksums.
  for (const std::uint32_t number : {1u, 0u, 5000u, 0u, 0u, 0u, 0u}) entries.fixed(number);
  put_file("offset_index", "find-record-without-batch", byte(1) + index);

  std::string times;
  ByteWriter writer(times);
  writer.fixed(std::int64_t{1000});
  writer.fixed(std::uint32_t{2});
  for (const std::uint32_t delta : {50u, 10u}) {
    writer.fixed(std::int64_t{900} + delta);
    writer.fixed(delta);
  }
  put_file("time_index", "find-entries-do-not-rise", byte(1) + times);

  ProducerState state;
  state.record(ProducerId(5), 0, 0, 1, Offset(0), Offset(0), TimestampMs(INT64_MIN));
  put_file("producers", "find-seen-at-an-impossible-time", byte(0) + state.encode_snapshot(Offset(1)));
}

}  // namespace
}  // namespace logcask::fuzz

int main(int argc, char** argv) {
  using namespace logcask::fuzz;
  if (argc != 2) {
    std::fprintf(stderr, "usage: fuzz_seeds DIRECTORY\n");
    return 2;
  }
  root = argv[1];
  seed_frames();
  seed_batches();
  seed_segments();
  seed_hints();
  seed_indexes();
  seed_sync_logs();
  seed_manifests();
  seed_producers();
  seed_codecs();
  seed_topics_requests();
  seed_record_requests();
  seed_replay_requests();
  seed_group_requests();
  seed_member_requests();
  seed_admin_requests();
  seed_kafka_requests();
  seed_http_requests();
  put_finds();
  return 0;
}
