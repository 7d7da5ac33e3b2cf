#pragma once
// Table: rows of texts that can be sorted and searched. Sorted when the rows, the order or the search changes, never for a frame.
//   Long      of thousands of rows only those that are drawn get their texts: such a list is given as a RowMaker.
//   Absent    a cell without a number comes after all that have one, in either direction.
//   Ties      rows that are equal keep the order in which they were given.
//   Search    words in any order, each anywhere in any cell of a row that is no number; capital letters do not matter.
//   Threads   values; no sharing.

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
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

// The rows of a long list, each asked for by its index when it is needed.
struct RowMaker {
  std::size_t count = 0;
  std::function<Row(std::size_t row)> make;
  // What Cell::number of that row would be.
  std::function<std::optional<double>(std::size_t row, std::size_t column)> number;
  // What that cell is found by, and sorted by where the column has no numbers; empty: not at all.
  std::function<std::string(std::size_t row, std::size_t column)> text;
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
  // What `rows` refers to has to live until others are set.
  void set_rows(RowMaker rows);
  // nullopt: as they were given. A column that is not there is the same.
  void set_order(std::optional<Order> order);
  void set_search(std::string_view words);
  // What a click on the head of a column asks for: its natural direction, the other one, none.
  void click_column(std::size_t column);
  // By the column after the one it is sorted by, in its natural direction; after the last one by none.
  void order_by_next_column();
  void reverse_order();

  [[nodiscard]] const std::vector<Column>& columns() const { return columns_; }
  [[nodiscard]] const std::optional<Order>& order() const { return order_; }
  [[nodiscard]] const std::string& search() const { return search_; }
  // Indices of rows, sorted, only what was searched for.
  [[nodiscard]] const std::vector<std::size_t>& shown() const { return shown_; }
  // Until the next one is asked for.
  [[nodiscard]] const Row& row(std::size_t index);

 private:
  static constexpr std::size_t kMostMade = 1000;

  void arrange();
  void sort_by_numbers();
  void sort_by_texts();
  [[nodiscard]] bool has_all(std::size_t index, const std::vector<std::string>& words) const;

  std::vector<Column> columns_;
  RowMaker maker_;
  std::unordered_map<std::size_t, Row> made_;  // of those that were drawn of late
  std::vector<std::size_t> shown_;
  std::optional<Order> order_;
  std::string search_;
};

}  // namespace poolscope::viewer
