#include "ui/model/table.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <memory>
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

std::optional<double> finite(std::optional<double> number) {
  return number && std::isfinite(*number) ? number : std::nullopt;
}

}  // namespace

void Table::set_rows(std::vector<Row> rows) {
  for (Row& row : rows) row.cells.resize(columns_.size());
  const auto all = std::make_shared<const std::vector<Row>>(std::move(rows));
  const auto cell = [all](std::size_t row, std::size_t column) -> const Cell& { return (*all)[row].cells[column]; };
  set_rows(RowMaker{all->size(), [all](std::size_t row) { return (*all)[row]; },
                    [cell](std::size_t row, std::size_t column) { return cell(row, column).number; },
                    [cell, columns = columns_](std::size_t row, std::size_t column) {
                      return columns[column].is_number ? std::string() : cell(row, column).text;
                    }});
}

void Table::set_rows(RowMaker rows) {
  maker_ = std::move(rows);
  made_.clear();
  arrange();
}

const Row& Table::row(std::size_t index) {
  const auto found = made_.find(index);
  if (found != made_.end()) return found->second;
  if (made_.size() >= kMostMade) made_.clear();
  Row& row = made_[index];
  row = maker_.make(index);
  row.cells.resize(columns_.size());
  return row;
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

void Table::order_by_next_column() {
  const std::size_t next = order_ ? order_->column + 1 : 0;
  set_order(next < columns_.size() ? std::optional(Order{next, columns_[next].is_number}) : std::nullopt);
}

void Table::reverse_order() {
  if (order_) set_order(Order{order_->column, !order_->descending});
}

bool Table::has_all(std::size_t index, const std::vector<std::string>& words) const {
  std::string all;
  for (std::size_t column = 0; column < columns_.size(); ++column) all += lower_case(maker_.text(index, column)) + "\n";
  return std::ranges::all_of(words, [&](const std::string& word) { return all.find(word) != std::string::npos; });
}

void Table::sort_by_numbers() {
  std::vector<std::optional<double>> numbers(maker_.count);
  for (const std::size_t index : shown_) numbers[index] = finite(maker_.number(index, order_->column));
  std::ranges::stable_sort(shown_, [&](std::size_t a, std::size_t b) {
    const auto &x = numbers[a], &y = numbers[b];
    if (!x || !y) return x.has_value() && !y.has_value();
    return order_->descending ? *y < *x : *x < *y;
  });
}

void Table::sort_by_texts() {
  std::vector<std::string> texts(maker_.count);
  for (const std::size_t index : shown_) texts[index] = maker_.text(index, order_->column);
  std::ranges::stable_sort(shown_, [&](std::size_t a, std::size_t b) {
    return order_->descending ? texts[b] < texts[a] : texts[a] < texts[b];
  });
}

void Table::arrange() {
  shown_.resize(maker_.count);
  std::iota(shown_.begin(), shown_.end(), std::size_t{0});
  if (const auto words = words_of(search_); !words.empty())
    std::erase_if(shown_, [&](std::size_t index) { return !has_all(index, words); });
  if (order_) columns_[order_->column].is_number ? sort_by_numbers() : sort_by_texts();
}

}  // namespace poolscope::viewer
