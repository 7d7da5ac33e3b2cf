#include "tests/case_studies/serializer/tables.h"

#include <array>
#include <charconv>

namespace poolscope::case_study {
namespace {

void set(Document::Member& member, std::string_view name, std::string_view value, bool is_text) {
  member.name = name;
  member.value = value;
  member.is_text = is_text;
}

void set_number(Document::Member& member, std::string_view name, std::uint64_t value) {
  std::array<char, 20> digits{};
  const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  set(member, name, {digits.data(), static_cast<std::size_t>(end - digits.data())}, false);
}

}  // namespace

Table table_of(std::size_t columns) {
  constexpr std::array<std::string_view, 4> kTypes = {"string", "long", "timestamptz", "decimal(18,2)"};
  Table table{"warehouse.orders", "s3://lake/warehouse/orders", {}};
  for (std::size_t i = 0; i < columns; ++i)
    table.columns.push_back(
        {i + 1, "customer_address_" + std::to_string(i), std::string(kTypes[i % kTypes.size()]),
         "Part " + std::to_string(i) +
             " of where an order goes, as the customer wrote it; see the address book for the rest."});
  return table;
}

Document::Object& Document::next_object(std::size_t members) {
  if (used_ == objects_.size()) objects_.emplace_back();
  Object& object = objects_[used_++];
  object.resize(members);
  return object;
}

void Document::describe(const Table& table) {
  reset();
  objects_.reserve(table.columns.size() + 1);
  Object& head = next_object(2);
  set(head[0], "name", table.name, true);
  set(head[1], "location", table.location, true);
  for (const Column& column : table.columns) {
    Object& object = next_object(4);
    set_number(object[0], "id", column.id);
    set(object[1], "name", column.name, true);
    set(object[2], "type", column.type, true);
    set(object[3], "doc", column.doc, true);
  }
}

}  // namespace poolscope::case_study
