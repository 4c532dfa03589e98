#include "sizing/checks.h"

#include "sizing/plan.h"
#include "sizing/quantity.h"
#include "sizing/rules.h"
#include "tests/support/catch.h"

using namespace logcask::sizing;

namespace {

const Finding& finding_of(const Plan& plan, std::string_view rule) {
  for (const Finding& finding : plan.findings)
    if (finding.rule == rule) return finding;
  FAIL("no such finding");
  std::abort();
}

Finding found(const Workload& w, std::string_view rule, const KeydirCost& model = kLogcask) {
  return finding_of(make_plan(w, model), rule);
}

bool says(const std::string& text, std::string_view words) { return text.find(words) != std::string::npos; }

}  // namespace

TEST_CASE("all six checks answer, in their order, and each that is not well names its mend") {
  Workload w;
  w.keys = 300'000'000;
  w.needs_range = true;
  w.max_loss_ms = 50;
  w.deletes_and_recreates = true;
  w.dead_percent = 80;
  w.max_restart_ms = 1000;
  const Plan plan = make_plan(w, kLogcask);
  REQUIRE(plan.findings.size() == 6);
  const std::string_view order[] = {kKeydirRam, kRangeQuery, kSyncStrategy, kTombstone, kMergeCadence, kHintFiles};
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(plan.findings[i].rule == order[i]);
    CHECK(rules()[i].name == order[i]);
    CHECK(plan.findings[i].severity != Severity::ok);
    CHECK_FALSE(plan.findings[i].mend.empty());
    CHECK(find_rule(order[i]) != nullptr);
  }
  for (const Finding& finding : make_plan(Workload{}, kLogcask).findings) {
    CHECK(finding.severity == Severity::ok);
    CHECK(finding.mend.empty());
  }
}

TEST_CASE("the numbers that a rule explains are those that it reckons with") {
  const auto explains = [](std::string_view rule, const std::string& words) {
    INFO(rule << ": " << words);
    CHECK(find_rule(rule)->explanation.find(words) != std::string_view::npos);
  };
  explains(kHintFiles, rounded(kRestartSecondsPerKey * 1e9, 0) + " ns a key after a clean stop");
  explains(kHintFiles, rounded(kRestartKilledSecondsPerKey * 1e9, 0) + " ns after SIGKILL");
  explains(kHintFiles, rounded(kRestartSecondsPerLogByte * 1e9, 1) + " ns a byte of log");
  explains(kHintFiles, rounded(kHintEntryBytes, 0) + " bytes a key");
  explains(kKeydirRam, "logcask counts " + rounded(kLogcask.entry_bytes, 0) + " bytes");
  explains(kKeydirRam, "bitcask " + rounded(kBitcask.entry_bytes, 1) + " bytes");
  explains(kMergeCadence, rounded(kDiskBound, 1) + " times the live bytes");
  explains(kMergeCadence, "above " + rounded(100 * kBitcaskDeadShare, 0) + " %");
  explains(kVerdictRule, "Exactly " + rounded(100 * kTightShare, 0) + " % fits");
}

TEST_CASE("a bad fit, a session store of 500M keys, is rejected for wall A") {
  Workload w;
  w.keys = 500'000'000;
  w.value_bytes = 1024;
  w.ram_budget = 4'000'000'000;
  w.partitions = 64;
  for (const KeydirCost* model : {&kLogcask, &kBitcask}) {
    const Plan plan = make_plan(w, *model);
    CHECK(plan.rejected());
    CHECK(plan.judged.verdict == Verdict::oom);
    CHECK(finding_of(plan, kKeydirRam).severity == Severity::reject);
    CHECK(says(finding_of(plan, kKeydirRam).message, "Wall A"));
    CHECK(says(finding_of(plan, kKeydirRam).mend, "LSM"));
    CHECK(plan.recommendation.engine == Engine::lsm_tree);
  }
}

TEST_CASE("a bad fit, an audit log of 400M rows read by time, is rejected for wall B, whatever RAM there is") {
  Workload w;
  w.keys = 400'000'000;
  w.value_bytes = 200;
  w.updates_per_key = 0;
  w.needs_range = true;
  w.ram_budget = 1'000'000'000'000;
  w.ram_budget_per_partition = 1'000'000'000'000;
  const Plan plan = make_plan(w, kLogcask);
  CHECK(plan.rejected());
  CHECK(plan.judged.verdict == Verdict::fits);
  CHECK(says(finding_of(plan, kRangeQuery).message, "Wall B"));
  CHECK(says(finding_of(plan, kRangeQuery).mend, "No knob mends it"));
  CHECK(plan.recommendation.engine == Engine::lsm_tree);
}

TEST_CASE("a partition above its budget asks for partitions while the most of them would hold the keys") {
  Workload w;
  w.keys = 10'000'000;
  w.ram_budget = 10'000'000'000;
  w.ram_budget_per_partition = 200'000'000;
  CHECK(found(w, kKeydirRam).severity == Severity::ok);  // exactly its budget
  w.keys = 10'000'001;
  CHECK(found(w, kKeydirRam).severity == Severity::warn);
  CHECK(says(found(w, kKeydirRam).mend, "Add partitions: 2 "));
  w.partitions = 2;
  CHECK(found(w, kKeydirRam).severity == Severity::ok);
  w.partitions = 1;
  w.max_partitions = 2;
  w.keys = 20'000'000;  // both partitions exactly full
  CHECK(found(w, kKeydirRam).severity == Severity::warn);
  w.keys = 20'000'001;
  CHECK(found(w, kKeydirRam).severity == Severity::reject);
  CHECK(says(found(w, kKeydirRam).mend, "LSM"));
}

TEST_CASE("the warning comes strictly above a quarter of the budget") {
  Workload w;
  w.keys = 1'000'000;
  w.ram_budget = 80'000'000;
  CHECK(found(w, kKeydirRam).severity == Severity::ok);
  w.ram_budget = 79'999'999;
  CHECK(found(w, kKeydirRam).severity == Severity::warn);
  CHECK(make_plan(w, kLogcask).judged.verdict == Verdict::fits);
}

TEST_CASE("what other topics hold counts towards the node's budget") {
  Workload w;
  w.ram_budget = 80'000'000;
  w.other_entries = 3'000'001;
  CHECK(make_plan(w, kLogcask).judged.verdict == Verdict::oom);
  w.other_entries = 3'000'000;
  CHECK(make_plan(w, kLogcask).judged.verdict == Verdict::tight);
  // Each model counts them at its own cost.
  CHECK(make_plan(w, kLogcask).bitcask.ram_needed == 4'000'000 * 76.5);
}

TEST_CASE("the fuller of the node's and the topic's own budget judges, and is named") {
  Workload w;
  w.keys = 41'000;
  w.ram_budget = 4'000'000;
  w.ram_budget_per_topic = 1'000'000;
  Plan plan = make_plan(w, kLogcask);
  CHECK(plan.judged.verdict == Verdict::tight);
  CHECK(plan.judged.limit == kTopicLimit);
  CHECK(plan.judged.limit_used == 820'000);
  CHECK(says(finding_of(plan, kKeydirRam).message, "82% of the topic's 1 MB (keydir.max.bytes)"));
  CHECK(says(finding_of(plan, kKeydirRam).mend, "Raise keydir.max.bytes to 1.1 MB or more"));
  w.keys = 37'500;
  CHECK(make_plan(w, kLogcask).judged.verdict == Verdict::fits);  // exactly three quarters
  w.other_entries = 120'000;
  plan = make_plan(w, kLogcask);
  CHECK(plan.judged.limit == kNodeLimit);
  CHECK(plan.judged.limit_used == 3'150'000);
  CHECK(plan.judged.verdict == Verdict::tight);
  w.other_entries = 112'500;  // both exactly at three quarters: the topic's own
  CHECK(make_plan(w, kLogcask).judged.limit == kTopicLimit);
}

TEST_CASE(
    "keys above the topic's own budget that the node has room for ask for keydir.max.bytes, not for another engine") {
  Workload w;
  w.exists = true;
  w.keys = 60'000;
  w.ram_budget = 4'000'000;
  w.ram_budget_per_topic = w.ram_budget_per_partition = 1'200'000;
  w.max_partitions = 1;
  CHECK(make_plan(w, kLogcask).judged.verdict == Verdict::tight);
  w.keys = 60'001;
  w.ram_budget_per_partition = 1'200'100;
  const Plan plan = make_plan(w, kLogcask);
  CHECK(plan.judged.verdict == Verdict::oom);
  CHECK_FALSE(plan.rejected());
  CHECK(says(finding_of(plan, kKeydirRam).mend, "Raise keydir.max.bytes to 1.61 MB or more"));
  CHECK(plan.recommendation.engine == Engine::logcask);
  w.ram_budget_per_topic = 1'610'000;
  CHECK(make_plan(w, kLogcask).judged.verdict == Verdict::fits);
}

TEST_CASE("partitions that are asked for are no fewer than the most there may be") {
  Workload w;
  w.keys = 1'000'000'000;
  w.ram_budget = 256'000'000'000;
  w.partitions = 100;
  w.max_partitions = 64;
  CHECK(found(w, kKeydirRam).severity == Severity::ok);
  CHECK(make_plan(w, kLogcask).workload.max_partitions == 100);
}

TEST_CASE("a node that is tight and a partition that is full are both told, and both mended") {
  Workload w;
  w.keys = 40'000'000;
  w.ram_budget = 1'000'000'000;
  w.partitions = 2;
  CHECK(says(found(w, kKeydirRam).message, "80% of the node's 1 GB: above three quarters; a partition holds 400 MB"));
  CHECK(says(found(w, kKeydirRam).mend, "Add partitions: 4 "));
  CHECK(says(found(w, kKeydirRam).mend, "Give the node 1.07 GB or more"));
}

TEST_CASE("an interval as long as what may be lost is too long") {
  Workload w;
  w.flush_ms = 1000;
  w.max_loss_ms = 1000;
  CHECK(found(w, kSyncStrategy).severity == Severity::warn);
  w.flush_ms = 999;
  CHECK(found(w, kSyncStrategy).severity == Severity::ok);
  w.sync = "none";
  CHECK(found(w, kSyncStrategy).severity == Severity::warn);
  w.max_loss_ms = 0;
  w.sync = "interval";
  w.flush_ms = 1;
  CHECK(found(w, kSyncStrategy).severity == Severity::warn);
  CHECK(says(found(w, kSyncStrategy).mend, "acks=all"));
  w.sync = "every";
  CHECK(found(w, kSyncStrategy).severity == Severity::ok);
}

TEST_CASE("keys that are deleted and written again ask for delete.mode=keep, and the plan sets it") {
  Workload w;
  w.deletes_and_recreates = true;
  CHECK(found(w, kTombstone).severity == Severity::warn);
  const Plan plan = make_plan(w, kLogcask);
  CHECK(plan.recommendation.engine == Engine::logcask);
  CHECK(plan.recommendation.delete_mode_keep);
  CHECK(says(create_command(w, plan.recommendation), "--config delete.mode=keep"));
  w.delete_mode = "keep";
  CHECK(found(w, kTombstone).severity == Severity::ok);
}

TEST_CASE("compaction that leaves more than the disk, waits too long or meets bursts is warned of") {
  Workload w;
  w.updates_per_key = 10;
  w.segment_bytes = 64u << 20;
  CHECK(found(w, kMergeCadence).severity == Severity::ok);
  w.disk_bytes = 10'000'000'000;
  CHECK(says(found(w, kMergeCadence).message, "The disk may reach"));
  w.disk_bytes.reset();
  w.dead_percent = 61;
  CHECK(says(found(w, kMergeCadence).mend, "0.6 or less"));
  w.dead_percent = 60;
  CHECK(found(w, kMergeCadence).severity == Severity::ok);
  w.bursty = true;
  CHECK(says(found(w, kMergeCadence).mend, "off-peak"));
  w.off_peak = true;
  CHECK(found(w, kMergeCadence).severity == Severity::ok);
  w.segment_bytes = 1u << 30;
  CHECK(says(found(w, kMergeCadence).mend, "segment.bytes"));
  w.updates_per_key = 0;
  CHECK(found(w, kMergeCadence).severity == Severity::ok);
}

TEST_CASE("each mend of the merge cadence ends its warning") {
  Workload w;
  w.updates_per_key = 10;
  REQUIRE(says(found(w, kMergeCadence).mend, "Take segment.bytes of 780 MB or less."));
  w.segment_bytes = 780'000'000;
  CHECK(found(w, kMergeCadence).severity == Severity::ok);
}

TEST_CASE("segments that would have to be smaller than there are ask for fewer partitions") {
  Workload w;
  w.keys = 1000;
  w.key_bytes = 8;
  w.value_bytes = 16;
  w.updates_per_key = 10;
  w.partitions = 100;
  CHECK(found(w, kMergeCadence).mend == "Take fewer partitions: 10 at most, with segment.bytes of 1 KiB.");
  w.segment_bytes = 1024;
  CHECK(found(w, kMergeCadence).severity == Severity::warn);
  w.partitions = 10;
  CHECK(found(w, kMergeCadence).severity == Severity::ok);
  // Fewer than one partition there is not.
  w.keys = 10;
  CHECK(found(w, kMergeCadence).mend == "Take fewer partitions: 1, with segment.bytes of 1 KiB.");
  w.partitions = 1;
  CHECK(found(w, kMergeCadence).severity == Severity::ok);
}

TEST_CASE("a disk that is too small is offered smaller segments only where they mend it") {
  Workload w;
  w.updates_per_key = 10;
  w.disk_bytes = 6'000'000'000;
  CHECK(found(w, kMergeCadence).mend ==
        "Give the topic 12.8 GB of disk or more, or 10.5 GB with segment.bytes of 780 MB or less.");
  const auto mended = [](Workload by, std::uint64_t disk, std::uint64_t segment) {
    by.disk_bytes = disk;
    by.segment_bytes = segment;
    return found(by, kMergeCadence).severity == Severity::ok;
  };
  CHECK(mended(w, 10'500'000'000, 780'000'000));
  CHECK_FALSE(mended(w, 6'000'000'000, 780'000'000));
  w.disk_bytes = 12'000'000'000;
  CHECK(says(found(w, kMergeCadence).mend, "12.8 GB of disk or more, or segment.bytes of 780 MB or less."));
  CHECK(mended(w, 12'000'000'000, 780'000'000));
  w.disk_bytes = 4'000'000'000;
  CHECK(says(found(w, kMergeCadence).mend, "the live records alone do not fit"));
}

TEST_CASE("what may not be lost at all asks for sync every, not for an interval of nothing") {
  Workload w;
  w.sync = "none";
  w.max_loss_ms = 0;
  CHECK(found(w, kSyncStrategy).mend == "Set sync every (acks=all).");
  CHECK(says(found(w, kSyncStrategy).message, "nothing may be lost"));
}

TEST_CASE("a record that fits no segment is warned of") {
  Workload w;
  w.value_bytes = 3u << 19;
  w.segment_bytes = 1u << 20;
  CHECK(says(found(w, kMergeCadence).message, "does not fit a segment of 1 MiB"));
  CHECK(found(w, kMergeCadence).mend == "Set segment.bytes to 1.58 MB or more.");
  w.segment_bytes = 1'580'000;
  w.updates_per_key = 0;
  CHECK(found(w, kMergeCadence).severity == Severity::ok);
}

TEST_CASE("the topic that a plan proposes can be made and takes its records, or the plan says what the broker needs") {
  const auto create = [](const Workload& w) { return create_command(w, recommend_engine(w, figures(w, kLogcask))); };
  Workload w;
  CHECK(broker_needs(w).empty());
  for (const char* name : {"my file; rm", "-x", "", ".", "..", "__mine", "a/b", "a b"}) {
    w.name = name;
    CHECK(create(w) == "logcask topic create NAME --partitions 1");
  }
  w.name = "photo-blobs_2.x";
  CHECK(create(w) == "logcask topic create photo-blobs_2.x --partitions 1");
  w.sync = "none";
  CHECK(says(create(w), "--config flush.ms=3600000"));
  w.value_bytes = 8'000'000;
  CHECK(broker_needs(w).empty());
  CHECK(says(create(w), "--config max.message.bytes=8001056"));
  w.value_bytes = 100u << 20;
  REQUIRE(broker_needs(w).size() == 1);
  CHECK(says(broker_needs(w)[0], "frame.max.bytes=104924192 or more"));
  CHECK(says(broker_needs(w)[0], "connection.inflight.max.bytes"));
  w.value_bytes = 2'000'000'000;
  CHECK(says(broker_needs(w)[0], "more than any request carries"));
  w = {};
  w.partitions = 20'000;
  REQUIRE(broker_needs(w).size() == 1);
  CHECK(says(broker_needs(w)[0], "partitions.max=20000"));
}

TEST_CASE("no bound of the disk is told where the broker gives none") {
  Workload w;
  w.updates_per_key = 100;
  w.segment_bytes = 64u << 20;
  CHECK(says(found(w, kMergeCadence).message, "at most "));
  w.off_peak = true;
  CHECK_FALSE(says(found(w, kMergeCadence).message, "at most "));
  CHECK(says(found(w, kMergeCadence).message, "and what is written while the window is closed"));
  w.dead_percent = 90;
  CHECK(says(found(w, kMergeCadence).message, "the disk may reach 41.4 GB for 4.2 GB live"));
}

TEST_CASE("one key is one key, and a limit is named as what it is") {
  Workload w;
  w.keys = 1;
  w.max_restart_ms = 1;
  CHECK(says(found(w, kKeydirRam).message, "1 key at 20 B"));
  w.keys = 1'000'000;
  CHECK(says(found(w, kHintFiles).message, "; max-restart is 1 ms."));
}

TEST_CASE("a lookup reads a record, whatever its size") {
  Workload w;
  CHECK(make_plan(w, kLogcask).axes[4].logcask == "1 read of 4 KiB");
  w.value_bytes = 2u << 20;
  CHECK(make_plan(w, kLogcask).axes[4].logcask == "1 read of 2 MiB");
}

TEST_CASE("the budget that a mend names ends its warning") {
  for (const std::uint64_t keys : {1'000'001u, 12'345'678u, 99'999'999u, 1'234'567u}) {
    Workload w;
    w.keys = keys;
    w.partitions = 64;
    const auto mended = [&](std::string_view before) {
      const std::string mend = found(w, kKeydirRam).mend;
      const std::size_t at = mend.find(before);
      INFO(mend);
      REQUIRE(at != std::string::npos);
      const std::size_t start = at + before.size();
      w.ram_budget =
          parse_quantity(Unit::bytes, mend.substr(start, mend.find(' ', mend.find(' ', start) + 1) - start)).value();
    };
    w.ram_budget = keys * 19;
    mended("Give the node ");
    CHECK(make_plan(w, kLogcask).judged.verdict == Verdict::fits);
    mended("With ");
    CHECK(found(w, kKeydirRam).severity == Severity::ok);
  }
}

TEST_CASE("scores stay within 1 to 5 and name the rule that moved them") {
  Workload w;
  w.keys = 1'000'000'000;
  w.needs_range = true;
  w.sync = "none";
  w.deletes_and_recreates = true;
  w.partitions = 8;
  w.replication = 3;
  w.off_peak = true;
  for (const Score& score : make_plan(w, kLogcask).scores) {
    CHECK(score.value >= 1);
    CHECK(score.value <= 5);
    for (const ScoreMove& move : score.moves) {
      CHECK(find_rule(move.rule) != nullptr);
      CHECK_FALSE(move.why.empty());
    }
  }
  w = {};
  w.sync = "every";
  const Plan plan = make_plan(w, kLogcask);
  CHECK(plan.scores[0].value == 4);
  CHECK(plan.scores[1].value == 4);
  CHECK(plan.scores[2].value == 1);
  REQUIRE(plan.scores[1].moves.size() == 1);
  CHECK(plan.scores[1].moves[0].rule == kSyncStrategy);
}

TEST_CASE("the model decides verdict, findings and engine") {
  Workload w;
  w.keys = 10'000'000;
  CHECK(make_plan(w, kLogcask).judged.verdict == Verdict::tight);
  CHECK(make_plan(w, kBitcask).judged.verdict == Verdict::oom);
  CHECK(make_plan(w, kBitcask).recommendation.engine == Engine::lsm_tree);
  CHECK(make_plan(w, kBitcask).logcask.verdict == Verdict::tight);
}
