#include "broker/settings/setting.h"

#include "sizing/quantity.h"
#include "tests/support/catch.h"

using namespace logcask;

namespace {

SettingInfo number(SettingType type, std::int64_t min = 0, std::int64_t max = INT64_MAX) {
  SettingInfo info;
  info.name = "some.setting";
  info.type = type;
  info.min = min;
  info.max = max;
  return info;
}

SettingInfo choice(SettingType type) {
  SettingInfo info;
  info.name = "some.setting";
  info.type = type;
  info.choices = "none|gzip|zstd";
  return info;
}

// -999 stands for a refusal, which must name the setting and what was given.
std::int64_t parsed(const SettingInfo& info, const std::string& text) {
  const auto value = parse_number(info, text);
  if (value.ok()) return *value;
  CHECK(value.code() == Errc::invalid_config);
  CHECK_THAT(value.error().message, Catch::Contains("some.setting") && Catch::Contains("'" + text + "'"));
  return -999;
}

}  // namespace

TEST_CASE("numbers are taken up to both ends of their range and no further", "[setting]") {
  const SettingInfo info = number(SettingType::integer, 2, 10);
  CHECK(parsed(info, "2") == 2);
  CHECK(parsed(info, "10") == 10);
  CHECK(parsed(info, " 7\t") == 7);
  for (const char* wrong : {"1", "11", "-2", "", " ", "7x", "x", "7 7", "+7", "0x7", "7.0", "9223372036854775808"})
    CHECK(parsed(info, wrong) == -999);
}

TEST_CASE("units belong to their type and multiply", "[setting]") {
  const SettingInfo bytes = number(SettingType::bytes);
  CHECK(parsed(bytes, "512") == 512);
  CHECK(parsed(bytes, "512B") == 512);
  CHECK(parsed(bytes, "3KiB") == 3 * 1024);
  CHECK(parsed(bytes, "3 MiB") == 3 * 1024 * 1024);
  CHECK(parsed(bytes, "2GiB") == std::int64_t{2} << 30);
  CHECK(parsed(bytes, "1TiB") == std::int64_t{1} << 40);
  CHECK(parsed(bytes, "3KB") == 3000);
  CHECK(parsed(bytes, "256 MB") == 256'000'000);
  CHECK(parsed(bytes, "4GB") == 4'000'000'000);
  CHECK(parsed(bytes, "1TB") == 1'000'000'000'000);
  for (const char* wrong : {"3k", "3K", "3kib", "KiB", "3KiBKiB", "3KBB", "3s"}) CHECK(parsed(bytes, wrong) == -999);

  const SettingInfo time = number(SettingType::milliseconds);
  CHECK(parsed(time, "5") == 5);
  CHECK(parsed(time, "5ms") == 5);
  CHECK(parsed(time, "5s") == 5000);
  CHECK(parsed(time, "5min") == 300'000);
  CHECK(parsed(time, "5h") == 18'000'000);
  CHECK(parsed(time, "7d") == 604'800'000);
  for (const char* wrong : {"5m", "5S", "ms", "5KiB", "5 m s"}) CHECK(parsed(time, wrong) == -999);

  CHECK(parsed(number(SettingType::integer), "5s") == -999);
}

TEST_CASE("a size that plan prints is a setting's value as it stands: fractions beside a unit, where the whole is none",
          "[setting]") {
  const SettingInfo bytes = number(SettingType::bytes);
  CHECK(parsed(bytes, "1.61 MB") == 1'610'000);
  CHECK(parsed(bytes, "1.07GB") == 1'070'000'000);
  CHECK(parsed(bytes, "1.5MiB") == 3 << 19);
  CHECK(parsed(bytes, "0.5KiB") == 512);
  CHECK(parsed(number(SettingType::milliseconds), "1.5s") == 1500);
  for (const std::uint64_t size : {1'100'000u, 780'000'000u, 256'000'000u, 4096u, 1u << 30, 1'500'000u})
    CHECK(parsed(bytes, sizing::quantity_text(sizing::Unit::bytes, size)) == static_cast<std::int64_t>(size));
  for (const char* wrong : {"1.5", "1.5B", "1.1KiB", "1.0005 KB", ".5MiB", "1.MiB", "1.5.5MiB", "-1.5MiB", "1.-5MiB",
                            "1.+5MiB", "1.0000000MB", "1e3KB", "9223372.1TB"})
    CHECK(parsed(bytes, wrong) == -999);
  CHECK(parsed(number(SettingType::integer), "1.0") == -999);
}

TEST_CASE("a unit that carries a number out of range is refused, not wrapped around", "[setting]") {
  const SettingInfo bytes = number(SettingType::bytes);
  CHECK(parsed(bytes, "8388607TiB") == std::int64_t{8388607} << 40);
  CHECK(parsed(bytes, "8388608TiB") == -999);
  CHECK(parsed(bytes, "9223372036854775807") == INT64_MAX);
  CHECK(parsed(bytes, "9223372036854775807KiB") == -999);
  CHECK(parsed(number(SettingType::bytes, 0, 1024), "1KiB") == 1024);
  CHECK(parsed(number(SettingType::bytes, 0, 1023), "1KiB") == -999);
}

TEST_CASE("a number with a meaning of its own is taken outside the range, without a unit", "[setting]") {
  SettingInfo info = number(SettingType::bytes, 1);
  CHECK(parsed(info, "-1") == -999);
  info.special = -1;
  info.special_meaning = "unlimited";
  CHECK(parsed(info, "-1") == -1);
  CHECK(parsed(info, "-2") == -999);
  CHECK(parsed(info, "0") == -999);
  CHECK(parsed(info, "-1KiB") == -999);
}

TEST_CASE("ratios are finite and within their range", "[setting]") {
  const SettingInfo info = number(SettingType::ratio, 0, 1);
  CHECK(parse_ratio(info, "0").value() == 0);
  CHECK(parse_ratio(info, "1").value() == 1);
  CHECK(parse_ratio(info, " 0.25 ").value() == 0.25);
  CHECK(parse_ratio(info, "1e-3").value() == 0.001);
  for (const char* wrong : {"1.01", "-0.1", "nan", "inf", "", "0.5x", "50%", "1e999"})
    CHECK(parse_ratio(info, wrong).code() == Errc::invalid_config);
}

TEST_CASE("choices are whole words of the list", "[setting]") {
  const SettingInfo one = choice(SettingType::choice);
  CHECK(parse_choice(one, " gzip ").value() == "gzip");
  for (const char* wrong : {"", "gz", "gzipp", "GZIP", "none|gzip", "|"}) {
    const auto refused = parse_choice(one, wrong);
    REQUIRE(refused.code() == Errc::invalid_config);
    CHECK_THAT(refused.error().message, Catch::Contains("some.setting") && Catch::Contains("one of none, gzip, zstd"));
  }
  const SettingInfo several = choice(SettingType::choices);
  CHECK(parse_choices(several, "zstd, none").value() == std::vector<std::string>{"zstd", "none"});
  CHECK(parse_choices(several, "gzip").value() == std::vector<std::string>{"gzip"});
  for (const char* wrong : {"", "gzip,", ",gzip", "gzip,lz4", "gzip zstd"}) {
    const auto refused = parse_choices(several, wrong);
    REQUIRE(refused.code() == Errc::invalid_config);
    // All that was given, not only the word that is wrong.
    CHECK_THAT(refused.error().message, Catch::Contains("'" + std::string(wrong) + "'"));
  }
}

TEST_CASE("a range is told with its unit and its special number", "[setting]") {
  CHECK(setting_range(number(SettingType::integer, 1, 5)) == "1 to 5");
  CHECK(setting_range(number(SettingType::integer, 1)) == "at least 1");
  CHECK(setting_range(number(SettingType::milliseconds, 0, 9)) == "0 to 9 milliseconds");
  SettingInfo info = number(SettingType::bytes, 1);
  info.special = -1;
  info.special_meaning = "unlimited";
  CHECK(setting_range(info) == "at least 1 bytes, or -1 (unlimited)");
  CHECK(setting_range(choice(SettingType::choices)) == "a comma-separated list of none, gzip, zstd");
  CHECK(setting_range(number(SettingType::text)) == "text");
  const auto refused = parse_number(number(SettingType::milliseconds, 0, 9), "x");
  CHECK_THAT(refused.error().message, Catch::Contains("0 to 9 milliseconds; units: ms min s h d"));
}

TEST_CASE("a misspelt name is answered with the one that was meant, a strange one with none", "[setting]") {
  const std::vector<std::string_view> names = {"segment.bytes", "segment.ms", "flush.ms", "delete.retention.ms"};
  CHECK(nearest_name("segment.bites", names) == "segment.bytes");
  CHECK(nearest_name("flsh.ms", names) == "flush.ms");
  CHECK(nearest_name("delete.retention", names) == "delete.retention.ms");
  CHECK(nearest_name("segment.ms", names) == "segment.ms");
  CHECK_FALSE(nearest_name("colour", names).has_value());
  CHECK_FALSE(nearest_name("", names).has_value());
  CHECK_FALSE(nearest_name("flush.ms", {}).has_value());

  SettingInfo info = number(SettingType::bytes);
  const SettingInfo* const table[] = {&info};
  CHECK_THAT(unknown_setting("some.seting", table).message,
             Catch::Contains("'some.seting'") && Catch::Contains("did you mean 'some.setting'?"));
  CHECK(unknown_setting("other", table).message == "there is no setting 'other'");
  CHECK(unknown_setting("other", table).code == Errc::invalid_config);
  // What a stranger sends as a name costs neither time nor a long message.
  CHECK(unknown_setting(std::string(100'000, 's'), table).message.size() < 200);
}
