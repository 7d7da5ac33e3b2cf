#pragma once
// Table: rows of texts that can be sorted and searched. Sorted when the rows, the order or the search changes, never for a frame.
//   Absent    a cell without a number comes after all that have one, in either direction.
//   Ties      rows that are equal keep the order in which they were given.
//   Search    words in any order, each anywhere in any cell of a row; capital letters do not matter.
//   Threads   values; no sharing.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace poolscope::viewer {

enum class Tone { kPlain, kDim, kGood, kWarning, kBad };

struct Cell {
  std::string text;
  std::string tooltip;           // the exact value with its interval, or why there is none
  std::optional<double> number;  // what it is sorted by; absent: by its text, or it is not known
  Tone tone = Tone::kPlain;
};

struct Column {
  std::string name, tooltip;
  bool is_number = false;  // sorted by Cell::number, from the greatest on at first
  bool is_right = false;   // where its text stands
};

struct Row {
  std::string id;  // stays the same from one table to the next
  std::vector<Cell> cells;
};

struct Order {
  std::size_t column = 0;
  bool descending = false;
  bool operator==(const Order&) const = default;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // In the order in which they are shown while nobody has chosen another one.
  void set_rows(std::vector<Row> rows);
  // nullopt: as they were given. A column that is not there is the same.
  void set_order(std::optional<Order> order);
  void set_search(std::string_view words);
  // What a click on the head of a column asks for: its natural direction, the other one, none.
  void click_column(std::size_t column);

  [[nodiscard]] const std::vector<Column>& columns() const { return columns_; }
  [[nodiscard]] const std::optional<Order>& order() const { return order_; }
  [[nodiscard]] const std::string& search() const { return search_; }
  // Indices into rows(), sorted, only what was searched for.
  [[nodiscard]] const std::vector<std::size_t>& shown() const { return shown_; }
  [[nodiscard]] const std::vector<Row>& rows() const { return rows_; }
  [[nodiscard]] const Row& row(std::size_t shown_index) const { return rows_[shown_[shown_index]]; }

 private:
  void arrange();
  [[nodiscard]] bool is_before(const Row& one, const Row& other) const;

  std::vector<Column> columns_;
  std::vector<Row> rows_;
  std::vector<std::size_t> shown_;
  std::optional<Order> order_;
  std::string search_;
};

}  // namespace poolscope::viewer
