#pragma once
// Descriptions of tables, as a catalog answers with them: a document is made of the table, and JSON of the document.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace poolscope::case_study {

struct Column {
  std::uint64_t id = 0;
  std::string name, type, doc;
};

struct Table {
  std::string name, location;
  std::vector<Column> columns;
};

Table table_of(std::size_t columns);

// Members of objects, values as they stand in the JSON. One that is used again keeps its memory.
class Document {
 public:
  struct Member {
    std::string_view name;
    std::string value;
    bool is_text = false;
  };
  using Object = std::vector<Member>;

  void describe(const Table& table);
  void reset() { used_ = 0; }
  [[nodiscard]] std::size_t objects() const { return used_; }
  [[nodiscard]] const Object& object(std::size_t at) const { return objects_[at]; }

 private:
  Object& next_object(std::size_t members);
  std::vector<Object> objects_;
  std::size_t used_ = 0;
};

// Out has append(text).
template <typename Out>
void write_object(Out& out, const Document::Object& object) {
  std::string_view before = "{\"";
  for (const auto& member : object) {
    out.append(before);
    out.append(member.name);
    out.append(member.is_text ? std::string_view("\":\"") : std::string_view("\":"));
    out.append(std::string_view(member.value));
    if (member.is_text) out.append(std::string_view("\""));
    before = ",\"";
  }
  out.append(std::string_view("}"));
}

template <typename Out>
void write_json(Out& out, const Document& document) {
  std::string_view before = "[";
  for (std::size_t i = 0; i < document.objects(); ++i) {
    out.append(before);
    write_object(out, document.object(i));
    before = ",";
  }
  out.append(std::string_view("]"));
}

}  // namespace poolscope::case_study
