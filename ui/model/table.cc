#include "ui/model/table.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <numeric>
#include <utility>

namespace poolscope::viewer {
namespace {

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : lower_case(text) + " ") {
    if (c != ' ') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, ""));
    }
  }
  return words;
}

bool has_all(const Row& row, const std::vector<std::string>& words) {
  std::string all;
  for (const Cell& cell : row.cells) all += lower_case(cell.text) + "\n";
  return std::ranges::all_of(words, [&](const std::string& word) { return all.find(word) != std::string::npos; });
}

std::optional<double> number_of(const Cell& cell) {
  return cell.number && std::isfinite(*cell.number) ? cell.number : std::nullopt;
}

}  // namespace

void Table::set_rows(std::vector<Row> rows) {
  rows_ = std::move(rows);
  for (Row& row : rows_) row.cells.resize(columns_.size());
  arrange();
}

void Table::set_order(std::optional<Order> order) {
  if (order && order->column >= columns_.size()) order.reset();
  if (order == order_) return;
  order_ = order;
  arrange();
}

void Table::set_search(std::string_view words) {
  if (words == search_) return;
  search_ = words;
  arrange();
}

void Table::click_column(std::size_t column) {
  if (column >= columns_.size()) return;
  const bool first = columns_[column].is_number;
  if (!order_ || order_->column != column) return set_order(Order{column, first});
  set_order(order_->descending == first ? std::optional(Order{column, !first}) : std::nullopt);
}

bool Table::is_before(const Row& one, const Row& other) const {
  const Cell &a = one.cells[order_->column], &b = other.cells[order_->column];
  if (!columns_[order_->column].is_number) return order_->descending ? b.text < a.text : a.text < b.text;
  const auto x = number_of(a), y = number_of(b);
  if (!x || !y) return x.has_value() && !y.has_value();
  return order_->descending ? *y < *x : *x < *y;
}

void Table::arrange() {
  shown_.resize(rows_.size());
  std::iota(shown_.begin(), shown_.end(), std::size_t{0});
  if (const auto words = words_of(search_); !words.empty()) {
    std::erase_if(shown_, [&](std::size_t index) { return !has_all(rows_[index], words); });
  }
  if (!order_) return;
  std::ranges::stable_sort(shown_, [&](std::size_t a, std::size_t b) { return is_before(rows_[a], rows_[b]); });
}

}  // namespace poolscope::viewer
