#include "sizing/quantity.h"

#include "tests/support/catch.h"

using namespace logcask::sizing;

TEST_CASE("sizes are read with their unit: KB is 1000, KiB 1024") {
  const auto bytes = [](std::string_view text) { return parse_quantity(Unit::bytes, text).value(); };
  CHECK(bytes("512") == 512);
  CHECK(bytes("4 KB") == 4000);
  CHECK(bytes("4KiB") == 4096);
  CHECK(bytes("4kib") == 4096);
  CHECK(bytes("1.5 MB") == 1'500'000);
  CHECK(bytes("256 MB") == 256'000'000);
  CHECK(bytes("2 GiB") == 2147483648);
  CHECK(bytes("2,147,483,647 B") == 2147483647);
}

TEST_CASE("counts and times are read as people say them") {
  CHECK(parse_quantity(Unit::count, "10M").value() == 10'000'000);
  CHECK(parse_quantity(Unit::count, "1B").value() == 1'000'000'000);
  CHECK(parse_quantity(Unit::count, "1G").value() == 1'000'000'000);
  CHECK(parse_quantity(Unit::count, "10_000").value() == 10'000);
  CHECK(parse_quantity(Unit::count, "1.5k").value() == 1500);
  CHECK(parse_quantity(Unit::milliseconds, "100").value() == 100);
  CHECK(parse_quantity(Unit::milliseconds, "1 s").value() == 1000);
  CHECK(parse_quantity(Unit::milliseconds, "2h").value() == 7'200'000);
}

TEST_CASE("what is no quantity is refused with an example") {
  for (const char* text :
       {"", "K", "-5", "4 K", "4K", "1e3", "five", "5 MBs", "0x10", "1.5", "inf", "nan", "1..5", ",5"}) {
    INFO(text);
    const auto parsed = parse_quantity(Unit::bytes, text);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().message.find("such as") != std::string::npos);
  }
  CHECK_FALSE(parse_quantity(Unit::bytes, "99999999999999999999").ok());
  CHECK_FALSE(parse_quantity(Unit::count, "10 MB").ok());
}

TEST_CASE("a comma groups three digits and never parts a fraction") {
  for (const char* text : {"1,5GB", "1,50 GB", "1,5000", "1234,567", "1.234,5", "1.5,000", "1,,000", "1,000,00", "5,",
                           "1__0", "_1", "1_", "1_.5"}) {
    INFO(text);
    CHECK_FALSE(parse_quantity(Unit::bytes, text).ok());
  }
  CHECK(parse_quantity(Unit::bytes, "1,5GB").error().message.find("a point parts a fraction (1.5)") !=
        std::string::npos);
  CHECK(parse_quantity(Unit::bytes, "1,500 MB").value() == 1'500'000'000);
  CHECK(parse_quantity(Unit::bytes, "1,000.5 KB").value() == 1'000'500);
  CHECK(parse_quantity(Unit::count, "12,345,678").value() == 12'345'678);
  CHECK(parse_quantity(Unit::count, "1_0_0").value() == 100);
}

TEST_CASE("a share that is hardly above or below a limit says so") {
  CHECK(percent_of(12'800'001, 12'800'000) == "just above 100%");
  CHECK(percent_of(9'600'001, 12'800'000) == "just above 75%");
  CHECK(percent_of(3'199'999, 12'800'000) == "just below 25%");
  CHECK(percent_of(12'800'000, 12'800'000) == "100%");
  CHECK(percent_of(9'600'000, 12'800'000) == "75%");
  CHECK(percent_of(3, 10) == "30%");
}

TEST_CASE("what is printed is read back as the same number") {
  for (const Unit unit : {Unit::count, Unit::bytes, Unit::milliseconds})
    for (const std::uint64_t number :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{999}, std::uint64_t{1000}, std::uint64_t{1024},
          std::uint64_t{4096}, std::uint64_t{60'000}, std::uint64_t{1'500'000}, std::uint64_t{256'000'000},
          std::uint64_t{2147483647}, std::uint64_t{715'827'882}, std::uint64_t{1} << 30, std::uint64_t{1} << 50}) {
      INFO(quantity_text(unit, number));
      CHECK(parse_quantity(unit, quantity_text(unit, number)).value() == number);
    }
  CHECK(quantity_text(Unit::count, 10'000'000) == "10M");
  CHECK(quantity_text(Unit::bytes, 4096) == "4 KiB");
  CHECK(quantity_text(Unit::bytes, 256'000'000) == "256 MB");
  CHECK(quantity_text(Unit::bytes, 1u << 30) == "1 GiB");
  CHECK(quantity_text(Unit::bytes, 2147483647) == "2,147,483,647 B");
  CHECK(quantity_text(Unit::milliseconds, 60'000) == "1 min");
}

TEST_CASE("sizes in sentences are exact where that is short, else rounded") {
  CHECK(short_bytes(256'000'000) == "256 MB");
  CHECK(short_bytes(4096) == "4 KiB");
  CHECK(short_bytes(6'319'015'936) == "6.32 GB");
  CHECK(short_bytes(79'999'999) == "80 MB");
  // Budgets of whole entries of 20 bytes: 64 MiB, 4 GiB and 256 MB are recognised.
  CHECK(short_bytes(67'108'860) == "64 MiB");
  CHECK(short_bytes(4'294'967'280) == "4 GiB");
  CHECK(short_bytes(65'520) == "64 KiB");
  CHECK(short_bytes(65'500) == "65.5 KB");
  CHECK(short_bytes(1'010) == "1.01 KB");
  CHECK(short_bytes(255'999'980) == "256 MB");
}

TEST_CASE("a duration is told in the unit that suits it, from milliseconds to years") {
  constexpr double kDay = 86'400;
  CHECK(about_seconds(0.0012) == "1.2 ms");
  CHECK(about_seconds(0.0834) == "83 ms");
  CHECK(about_seconds(62) == "62 s");
  CHECK(about_seconds(150) == "2.5 min");
  CHECK(about_seconds(50'000) == "13.9 h");
  CHECK(about_seconds(3.5 * kDay) == "3.5 days");
  CHECK(about_seconds(3 * 365 * kDay) == "3 years");
  CHECK(about_seconds(1e12) == "more than 100 years");
}

TEST_CASE("a figure stands in the units of the limit beside it: what is less looks like less") {
  CHECK(bytes_beside(76'500'000, 256'000'000) == "76.5 MB");
  CHECK(bytes_beside(20'000'000, 67'108'860) == "19.1 MiB");
  CHECK(bytes_beside(2'084'569'080, 6'319'015'936) == "2.1 GB");
  // 4.2 GB are less than 4 GiB.
  CHECK(bytes_beside(4'200'000'000, std::uint64_t{4} << 30, 2) == "3.91 GiB");
  CHECK(bytes_beside(4'200'000'000, 4'300'000'000, 2) == "4.2 GB");
}
